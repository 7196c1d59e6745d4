//! Guests in WebAssembly text, made into components as the author's tool does it.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The world that all guests are written against.
const WIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/wit/task.wit");

/// Imports of the host, for guests that name them.
pub const HOST: &str = r#"
    (import "fallow:task/host@1.0.0" "progress" (func $progress (param i64 i64)))
    (import "fallow:task/host@1.0.0" "log" (func $log (param i32 i32)))
    (import "fallow:task/host@1.0.0" "checkpoint" (func $checkpoint (param i32 i32)))
    (import "fallow:task/host@1.0.0" "restore" (func $restore (param i32)))
    (import "fallow:task/host@1.0.0" "shared-len" (func $shared_len (param i32 i32 i32)))
    (import "fallow:task/host@1.0.0" "shared-read" (func $shared_read (param i32 i32 i64 i32 i32)))
    (import "fallow:task/host@1.0.0" "random" (func $random (param i32 i32)))
"#;

/// Memory, an allocator that only moves on, and the two kinds of result.
const PRELUDE: &str = r#"
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 8192))
    (func $alloc (export "cabi_realloc") (param $old i32) (param $oldlen i32) (param $align i32) (param $len i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
        (global.set $next (i32.add (local.get $at) (local.get $len)))
        (block $enough (loop $more
            (br_if $enough (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
            (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
            (br $more)))
        (local.get $at))
    (func $result (param $kind i32) (param $at i32) (param $len i32) (result i32)
        (i32.store (i32.const 1024) (local.get $kind))
        (i32.store (i32.const 1028) (local.get $at))
        (i32.store (i32.const 1032) (local.get $len))
        (i32.const 1024))
    (func $ok (param i32 i32) (result i32) (call $result (i32.const 0) (local.get 0) (local.get 1)))
    (func $err (param i32 i32) (result i32) (call $result (i32.const 1) (local.get 0) (local.get 1)))
"#;

/// A core module in the given world's clothes.
fn embedded(core: &str, world: &str) -> Vec<u8> {
    let mut core = wat::parse_str(core).unwrap_or_else(|error| panic!("{error}"));
    let mut resolve = Resolve::default();
    let package = resolve.push_file(WIT).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).unwrap();
    core
}

/// A component that exports `run`, with `imports` and `body` (of a function from `$at $len` to a result).
pub fn task(imports: &str, body: &str) -> Vec<u8> {
    task_with(imports, "", body)
}

/// As [`task`], with more fields of the module.
pub fn task_with(imports: &str, fields: &str, body: &str) -> Vec<u8> {
    let run = run(body);
    let core = embedded(&format!("(module {imports} {PRELUDE} {fields} {run})"), "task");
    ComponentEncoder::default().validate(true).module(&core).unwrap().encode().unwrap()
}

/// As [`task_with`], with WASI preview 1 adapted.
pub fn task_wasi(imports: &str, fields: &str, body: &str) -> Vec<u8> {
    let run = run(body);
    let core = embedded(&format!("(module {imports} {PRELUDE} {fields} {run})"), "task");
    adapted(&core, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)
}

fn adapted(core: &[u8], adapter: &[u8]) -> Vec<u8> {
    let encoder = ComponentEncoder::default().validate(true).module(core).unwrap();
    encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter).unwrap().encode().unwrap()
}

fn run(body: &str) -> String {
    format!(r#"(func (export "fallow:task/run@1.0.0#run") (param $at i32) (param $len i32) (result i32) {body})"#)
}

/// A component that exports `run`, `split` and `merge`.
pub fn task_split_merge(split: &str, merge: &str) -> Vec<u8> {
    let run = run("(call $ok (local.get $at) (local.get $len))");
    let core = format!(
        r#"(module
            (import "fallow:task/emit@1.0.0" "unit" (func $unit (param i32 i32)))
            (import "fallow:task/parts@1.0.0" "part" (func $part (param i32 i32)))
            {PRELUDE} {run}
            (func (export "fallow:task/split@1.0.0#split") (param $at i32) (param $len i32) (result i32) {split})
            (func (export "fallow:task/merge@1.0.0#merge") (param $count i32) (param $last i32) (result i32) {merge}))"#
    );
    let core = embedded(&core, "task-split-merge");
    ComponentEncoder::default().validate(true).module(&core).unwrap().encode().unwrap()
}

/// A plain command of WASI preview 1, adapted: `body` is that of `_start`.
pub fn command(fields: &str, body: &str) -> Vec<u8> {
    let core = format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
            (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
            (memory (export "memory") 2)
            {fields}
            (func $write (param $fd i32) (param $at i32) (param $len i32)
                (i32.store (i32.const 64) (local.get $at))
                (i32.store (i32.const 68) (local.get $len))
                (drop (call $fd_write (local.get $fd) (i32.const 64) (i32.const 1) (i32.const 72))))
            (func (export "_start") {body}))"#
    );
    adapted(&wat::parse_str(core).unwrap(), WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER)
}

/// Gives back its input.
pub fn echo() -> Vec<u8> {
    task("", "(call $ok (local.get $at) (local.get $len))")
}

/// Never ends.
pub fn endless() -> Vec<u8> {
    task("", "(loop $more (br $more)) unreachable")
}

/// Code of a function that counts to a number, which costs a few ticks each time.
pub fn count_to(number: u64) -> String {
    format!(
        "(local $n i64) (loop $more (local.set $n (i64.add (local.get $n) (i64.const 1)))
            (br_if $more (i64.lt_u (local.get $n) (i64.const {number}))))"
    )
}

/// Counts to a number, without any call, and gives nothing.
pub fn counting(number: u64) -> Vec<u8> {
    task("", &format!("{} (call $ok (i32.const 0) (i32.const 0))", count_to(number)))
}

/// A component of a whole core module, for guests with an allocator of their own.
pub fn task_of(core: &str) -> Vec<u8> {
    ComponentEncoder::default().validate(true).module(&embedded(core, "task")).unwrap().encode().unwrap()
}

/// A task that may set alarms (`$alarm`, which gives a handle) and drop their handles (`$drop`).
pub fn task_alarms(body: &str) -> Vec<u8> {
    let run = run(body);
    let text = format!(
        r#"(component
            (import "wasi:io/poll@0.2.6" (instance $poll (export "pollable" (type (sub resource)))))
            (alias export $poll "pollable" (type $pollable))
            (import "wasi:clocks/monotonic-clock@0.2.6" (instance $clock
                (alias outer 1 $pollable (type $outer))
                (export "pollable" (type $own (eq $outer)))
                (export "subscribe-duration" (func (param "when" u64) (result (own $own))))))
            (core func $alarm (canon lower (func $clock "subscribe-duration")))
            (core func $drop (canon resource.drop $pollable))
            (core module $m
                (import "" "alarm" (func $alarm (param i64) (result i32)))
                (import "" "drop" (func $drop (param i32)))
                {PRELUDE} {run})
            (core instance $i (instantiate $m
                (with "" (instance (export "alarm" (func $alarm)) (export "drop" (func $drop))))))
            (func $run (param "input" (list u8)) (result (result (list u8) (error (list u8))))
                (canon lift (core func $i "fallow:task/run@1.0.0#run")
                    (memory (core memory $i "memory")) (realloc (core func $i "cabi_realloc"))))
            (instance $export (export "run" (func $run)))
            (export "fallow:task/run@1.0.0" (instance $export)))"#
    );
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}
