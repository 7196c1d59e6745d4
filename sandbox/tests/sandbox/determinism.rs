//! The same unit is the same on every run: bytes, fuel, chance and time.

use std::time::{Duration, Instant};

use fallow_protocol::manifest::Floats;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Call, EmittedUnits};
use fallow_sandbox::client::{Bytes, Task, TaskInput, WorkerEvent};

use crate::guests;
use crate::rig::{Rig, call, run};

/// WASI preview 1 calls that look outside.
const WASI: &str = r#"
    (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
    (import "fallow:task/host@1.0.0" "random" (func $random (param i32 i32)))
"#;

/// 16 bytes of WASI's chance, 16 of the host's, wall time, monotonic time, monotonic time after a sleep of an hour,
/// number of environment variables.
fn looks_outside() -> Vec<u8> {
    let body = r#"
        (drop (call $random_get (i32.const 2048) (i32.const 16)))
        (call $random (i32.const 16) (i32.const 64))
        (memory.copy (i32.const 2064) (i32.load (i32.const 64)) (i32.const 16))
        (drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 2080)))
        (drop (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 2088)))
        (i32.store8 (i32.const 136) (i32.const 0))
        (i32.store (i32.const 144) (i32.const 1))
        (i64.store (i32.const 152) (i64.const 3600000000000))
        (i64.store (i32.const 160) (i64.const 1))
        (i32.store16 (i32.const 168) (i32.const 0))
        (drop (call $poll_oneoff (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 320)))
        (drop (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 2096)))
        (drop (call $environ_sizes_get (i32.const 2104) (i32.const 2108)))
        (call $ok (i32.const 2048) (i32.const 60))"#;
    guests::task_wasi(WASI, "", body)
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap())
}

#[tokio::test]
async fn chance_and_time_are_the_units_own() {
    let rig = Rig::new(&looks_outside()).await;
    let began = Instant::now();
    let first = rig.run(b"").await;
    let second = rig.run(b"").await;
    assert!(began.elapsed() < Duration::from_secs(600), "sleeping returns at once");
    assert_eq!(first.outcome, Outcome::Done, "{}", String::from_utf8_lossy(&first.log));
    assert_eq!((&first.output, first.fuel), (&second.output, second.fuel));
    let out = &first.output;
    assert_ne!(out[..16], out[16..32], "two streams");
    assert_ne!(out[..16], [0; 16]);
    assert_eq!(number(&out[32..40]), 1_700_000_000_501_000_000, "the submission's second and one step");
    assert_eq!(number(&out[40..48]), 2_000_000);
    let slept = number(&out[48..56]) - number(&out[40..48]);
    assert!((3_600_000_000_000..3_600_010_000_000).contains(&slept), "{slept}");
    assert_eq!(out[56..60], [0; 4], "no environment");

    let other = rig.end(Task { seed: [8; 32], ..run(1, b"") }).await;
    assert_ne!(other.output[..16], out[..16]);
    assert_ne!(other.output[16..32], out[16..32]);
    assert_eq!(other.output[32..], out[32..]);
}

/// Adds two numbers of its input and shows the sum's bits.
fn adds() -> Vec<u8> {
    let body = r#"
        (i64.store (i32.const 2048) (i64.reinterpret_f64
            (f64.add (f64.load (local.get $at)) (f64.load offset=8 (local.get $at)))))
        (call $ok (i32.const 2048) (i32.const 8))"#;
    guests::task("", body)
}

fn two(first: u64, second: u64) -> Vec<u8> {
    [first.to_le_bytes(), second.to_le_bytes()].concat()
}

#[tokio::test]
async fn a_nan_that_is_made_is_made_again_with_canonical_bits() {
    let rig = Rig::new(&adds()).await;
    let (inf, minus_inf) = (f64::INFINITY.to_bits(), f64::NEG_INFINITY.to_bits());
    let fine = rig.run(&two(1.5_f64.to_bits(), 2.0_f64.to_bits())).await;
    assert_eq!((number(&fine.output), fine.floats), (3.5_f64.to_bits(), Floats::Plain));
    // This processor makes 0xfff8…, another one 0x7ff8….
    let nan = rig.run(&two(inf, minus_inf)).await;
    assert_eq!(nan.outcome, Outcome::Done);
    assert_eq!((number(&nan.output), nan.floats), (0x7ff8_0000_0000_0000, Floats::Canonical));
    assert_eq!(nan.fuel, fine.fuel, "paid once, and the same in both builds");
    // A signalling NaN as an operand.
    let heard = rig.run(&two(0xfff0_0000_0000_1234, 0x7ff8_0000_0000_abcd)).await;
    assert_eq!((number(&heard.output), heard.floats), (0x7ff8_0000_0000_0000, Floats::Canonical));
}

#[tokio::test]
async fn a_worker_goes_on_after_a_nan_and_remembers_programs_that_make_many() {
    let rig = Rig::new(&adds()).await;
    let (mut worker, mut events) = rig.start().await;
    let nan = two(f64::INFINITY.to_bits(), f64::NEG_INFINITY.to_bits());
    let fine = two(1.0_f64.to_bits(), 2.0_f64.to_bits());
    let inputs = [&fine, &nan, &fine, &nan, &nan, &fine, &fine];
    worker.submit(inputs.iter().zip(0..).map(|(input, tag)| run(tag, input)).collect()).await.unwrap();
    let mut builds = Vec::new();
    for input in inputs {
        let (end, _) = crate::rig::ended(&mut events).await;
        let expected = if *input == nan { 0x7ff8_0000_0000_0000 } else { 3.0_f64.to_bits() };
        assert_eq!(number(&end.output), expected);
        builds.push(end.floats);
    }
    assert_eq!(builds[..2], [Floats::Plain, Floats::Canonical]);
    assert_eq!(builds[5..], [Floats::Canonical; 2], "no second runs for a program that makes NaNs all the time");
}

#[tokio::test]
async fn nothing_of_the_first_run_counts() {
    // Emits a unit before and after the NaN, tells progress between; the second run must not add to the first.
    let split = r#"
        (call $unit (i32.const 64) (i32.const 8))
        (f64.store (i32.const 64) (f64.div (f64.convert_i32_u (local.get $len)) (f64.convert_i32_u (local.get $len))))
        (call $unit (i32.const 64) (i32.const 8))
        (call $ok (i32.const 0) (i32.const 0))"#;
    let rig = Rig::new(&guests::task_split_merge(split, "unreachable")).await;
    let to = rig.path("emitted");
    let task = Task { emit_to: Some(to.clone()), ..call(1, Call::Split, TaskInput::Bytes(Bytes::Memory(Vec::new()))) };
    let (mut worker, mut events) = rig.start().await;
    worker.submit(vec![task]).await.unwrap();
    let (end, told) = crate::rig::ended(&mut events).await;
    assert_eq!((end.outcome, end.floats), (Outcome::Done, Floats::Canonical));
    let anew = |event: &WorkerEvent| matches!(event, WorkerEvent::Grown { tag: 1, bytes: 0 });
    assert_eq!(told.iter().filter(|event| anew(event)).count(), 1, "who reads the file is told: {told:?}");
    let file = std::fs::read(&to).unwrap();
    assert_eq!(file[..16], [[0; 8], 0x7ff8_0000_0000_0000_u64.to_le_bytes()].concat());
    assert_eq!(file.len(), 16 + EmittedUnits::index(&[8, 8]).len());
}

#[tokio::test]
async fn canonical_from_the_beginning_where_it_is_asked_for() {
    let mut rig = Rig::new(&adds()).await;
    rig.setup.compiled = rig.setup.module.compile(Floats::Canonical).await.unwrap();
    rig.setup.floats = Floats::Canonical;
    // A quiet NaN that came in as data keeps quiet, too: only this build makes it canonical.
    let end = rig.run(&two(0x7ff8_0000_0000_abcd, 1.0_f64.to_bits())).await;
    assert_eq!((number(&end.output), end.floats), (0x7ff8_0000_0000_0000, Floats::Canonical));
}

#[tokio::test]
async fn a_unit_finds_nothing_of_the_one_before() {
    // Gives the byte that lies in its memory, and puts another there.
    let body = r#"
        (i32.store8 (i32.const 2048) (i32.load8_u (i32.const 3000)))
        (i32.store8 (i32.const 3000) (i32.const 77))
        (memory.fill (i32.const 70000) (i32.const 77) (i32.const 1000))
        (i32.store8 (i32.const 2049) (i32.load8_u (i32.add (i32.const 69000) (local.get $len))))
        (call $ok (i32.const 2048) (i32.const 2))"#;
    let rig = Rig::new(&guests::task("", body)).await;
    let (mut worker, mut events) = rig.start().await;
    worker.submit((0..50).map(|tag| run(tag, b"")).collect()).await.unwrap();
    let mut fuel = Vec::new();
    for _ in 0..50 {
        let (end, _) = crate::rig::ended(&mut events).await;
        assert_eq!(end.output, [0, 0]);
        fuel.push(end.fuel);
    }
    fuel.dedup();
    assert_eq!(fuel.len(), 1);
}

#[tokio::test]
async fn wide_arithmetic_is_accepted_compiled_and_right() {
    let body = r#"
        (local $low i64) (local $high i64)
        (i64.mul_wide_u (i64.load (local.get $at)) (i64.load offset=8 (local.get $at)))
        (i64.const 1) (i64.const 0) (i64.add128)
        (local.set $high) (local.set $low)
        (i64.store (i32.const 2048) (local.get $low))
        (i64.store offset=8 (i32.const 2048) (local.get $high))
        (call $ok (i32.const 2048) (i32.const 16))"#;
    let (a, b) = (u64::MAX - 1, 0x9e37_79b9_7f4a_7c15_u64);
    let rig = Rig::new(&guests::task("", body)).await;
    let end = rig.run(&[a.to_le_bytes(), b.to_le_bytes()].concat()).await;
    assert_eq!(end.outcome, Outcome::Done);
    assert_eq!(end.output, (u128::from(a) * u128::from(b) + 1).to_le_bytes());
}
