//! Bad components: refused with words that help, in time, and without a crash.

use fallow_protocol::digest::Digest;
use fallow_protocol::manifest::{Builds, Floats};
use fallow_sandbox::client::{Module, SandboxError};
use fallow_sandbox::instrument;
use tempfile::TempDir;

use crate::guests;
use crate::rig::{exe, validated};

/// Refused, in these words.
async fn refused(name: &str, bytes: &[u8], words: &[&str]) {
    match validated(bytes).await {
        Err(SandboxError::Refused(message)) => {
            for word in words {
                assert!(message.contains(word), "{name}: {word:?} is not in {message:?}");
            }
        }
        other => panic!("{name}: expected a refusal, not {other:?}"),
    }
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {text})")).unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn files_that_are_no_component() {
    refused("empty", b"", &["empty"]).await;
    refused("garbage", &[0x5a; 1 << 20], &["no WebAssembly"]).await;
    refused("header only", b"\0asm", &["not valid"]).await;
    refused("version", b"\0asm\x63\0\x01\0", &["not valid"]).await;
    let core = wat::parse_str("(module)").unwrap();
    refused("core module", &core, &["core module", "fallow build"]).await;
    let preview1 =
        wat::parse_str(r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))))"#).unwrap();
    refused("preview 1", &preview1, &["preview 1", "fallow build"]).await;
}

#[tokio::test]
async fn truncated_and_trailing_bytes() {
    let whole = guests::echo();
    for part in 1..16 {
        let cut = whole.len() * part / 16;
        refused(&format!("cut at {cut}"), &whole[..cut], &[]).await;
    }
    refused("trailing", &[&whole[..], b"more"].concat(), &["at byte"]).await;
}

#[tokio::test]
async fn imports_outside_the_world() {
    let import = |name: &str| component(&format!(r#"(import "{name}" (instance))"#));
    refused("sockets", &import("wasi:sockets/tcp@0.2.0"), &["wasi:sockets/tcp@0.2.0", "no network"]).await;
    refused("http", &import("wasi:http/outgoing-handler@0.2.0"), &["wasi:http", "requests"]).await;
    refused("version", &import("wasi:io/streams@0.3.0"), &["0.2"]).await;
    refused("host version", &import("fallow:task/host@2.0.0"), &["1.0.0"]).await;
    refused("unknown", &import("acme:db/query@1.0.0"), &["acme:db/query@1.0.0"]).await;
    refused("nothing to call", &component(""), &["exports neither"]).await;
}

#[tokio::test]
async fn exports_and_imports_of_another_type() {
    let text = r#"
        (core module $m (func (export "run")))
        (core instance $i (instantiate $m))
        (func $run (canon lift (core func $i "run")))
        (instance $e (export "run" (func $run)))
        (export "fallow:task/run@1.0.0" (instance $e))"#;
    refused("run's type", &component(text), &["not as the world says", "list<u8>"]).await;

    // Right name, wrong type of an import: seen where it is linked, when it is compiled.
    let echo = guests::echo();
    let wrong = r#"(import "fallow:task/host@1.0.0" (instance (export "log" (func (param "message" string)))))"#;
    let text = format!("{wrong} (component $echo) (instance $e) (export \"fallow:task/run@1.0.0\" (instance $e))");
    refused("an empty export", &component(&text), &["not as the world says"]).await;
    assert!(validated(&echo).await.is_ok());
}

#[tokio::test]
async fn features_that_are_left_out() {
    let module = |fields: &str| component(&format!("(core module {fields})"));
    let cases = [
        ("threads", "(memory 1 1 shared)", "threads"),
        ("atomics", "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))", "threads"),
        ("memory64", "(memory i64 1)", "32-bit"),
        ("tail call", "(func $f (return_call $f))", "tail calls"),
        ("exceptions", "(tag) (func (throw 0))", "exceptions"),
        (
            "relaxed SIMD",
            "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))",
            "relaxed SIMD",
        ),
        ("two memories", "(memory 1) (memory 1)", "one memory"),
        ("garbage collection", "(type (struct (field i32)))", "not valid"),
        ("reference types of another kind", "(func (param externref))", "not valid"),
        ("function references", "(type $t (func)) (func (param (ref $t)))", "not valid"),
        ("page size", "(memory 1 (pagesize 1))", "not valid"),
    ];
    for (name, fields, word) in cases {
        refused(name, &module(fields), &[word]).await;
    }
}

#[tokio::test]
async fn bombs() {
    let module = |fields: &str| component(&format!("(core module {fields})"));
    let adds = "(drop (i32.add (i32.const 123456) (i32.const 1234567)))".repeat(70_000);
    refused("a long function", &module(&format!("(func {adds})")), &["body", "KiB"]).await;
    refused("many functions", &module(&"(func)".repeat(20_001)), &["20000 functions"]).await;
    let locals = "v128 ".repeat(5_001);
    refused("many locals", &module(&format!("(func (local {locals}))")), &["5000 locals"]).await;
    let targets = "0 ".repeat(4_098);
    refused("a wide table", &module(&format!("(func (block (br_table {targets} (i32.const 0))))")), &["br_table"])
        .await;
    refused(
        "deep nesting",
        &module(&format!("(func {} {})", "block ".repeat(1_500), "end ".repeat(1_500))),
        &["nests"],
    )
    .await;
    refused("large memory", &module("(memory 65536)"), &["begins with 4096 MiB"]).await;
    refused("many memories", &module(&"(memory 1)".repeat(100)), &[]).await;
    refused("many modules", &component(&"(core module)".repeat(33)), &["32 core modules"]).await;
    let exports: String = (0..1_100).map(|index| format!(r#"(export "e{index}" (func $f))"#)).collect();
    refused("many exports", &module(&format!("(func $f) {exports}")), &["1000 exports"]).await;
    let data = r#"(data (i32.const 0) "a")"#.repeat(10_001);
    refused("many segments", &module(&format!("(memory 1) {data}")), &["10000 data segments"]).await;
}

#[tokio::test]
async fn the_compiler_validates_again_and_checks_the_digest() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("component.wasm");
    let cache = dir.path().join("cache");
    std::fs::create_dir(&cache).unwrap();
    let bad = component(r#"(import "wasi:sockets/tcp@0.2.0" (instance))"#);
    std::fs::write(&path, &bad).unwrap();
    let none = Builds { plain: Digest::of(b"none"), canonical: Digest::of(b"none") };
    let module = |digest: Digest, builds: Builds| Module {
        exe: exe().to_owned(),
        component: path.clone(),
        digest,
        builds,
        cache_dir: cache.clone(),
    };
    let compiled = module(Digest::of(&bad), none).compile(Floats::Plain).await;
    assert!(matches!(compiled, Err(SandboxError::Refused(_))), "{compiled:?}");

    let good = guests::echo();
    std::fs::write(&path, &good).unwrap();
    let builds = instrument::builds(&good).unwrap();
    let compiled = module(Digest::of(b"other"), builds).compile(Floats::Plain).await;
    assert!(matches!(compiled, Err(SandboxError::Host { .. })), "{compiled:?}");
    // An instrumented build that is not the signed one, as from a server or node that instruments otherwise.
    let Err(SandboxError::Refused(why)) = module(Digest::of(&good), none).compile(Floats::Plain).await else {
        panic!("compiled a build that nobody signed")
    };
    assert!(why.contains("not the one that author and grid signed"), "{why}");
    assert_eq!(cache.read_dir().unwrap().count(), 0, "failures leave nothing behind");

    let good = module(Digest::of(&good), builds);
    let first = good.compile(Floats::Plain).await.unwrap();
    let canonical = good.compile(Floats::Canonical).await.unwrap();
    assert_eq!(first, canonical, "a program without floats has one build");
    std::fs::remove_file(&path).unwrap();
    let second = good.compile(Floats::Plain).await.unwrap();
    assert_eq!(first, second, "what is there is not compiled again");
    assert_eq!(cache.read_dir().unwrap().count(), 1);
}

/// Valid as such, with all that component model and WebAssembly have.
fn valid(bytes: &[u8]) {
    wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all()).validate_all(bytes).unwrap();
}

#[tokio::test]
async fn core_code_in_a_nested_component() {
    // Two components that hand strings to each other: a compiler would put code of its own between them.
    let memory = r#"(memory (export "m") 1)
        (func (export "r") (param i32 i32 i32 i32) (result i32) (i32.const 0))"#;
    let strings = component(&format!(
        r#"(component $library
            (core module $m {memory} (func (export "f") (param i32 i32)))
            (core instance $i (instantiate $m))
            (func (export "say") (param "text" string)
                (canon lift (core func $i "f") (memory (core memory $i "m")) (realloc (core func $i "r")))))
        (component $program
            (import "say" (func $say (param "text" string)))
            (core module $libc {memory})
            (core instance $libc (instantiate $libc))
            (core func $lowered (canon lower (func $say) (memory (core memory $libc "m")) (realloc (core func $libc "r"))))
            (core module $m (import "" "say" (func (param i32 i32))) (func (export "f")))
            (core instance $i (instantiate $m (with "" (instance (export "say" (func $lowered))))))
            (func (export "go") (canon lift (core func $i "f"))))
        (instance $library (instantiate $library))
        (instance $program (instantiate $program (with "say" (func $library "say"))))
        (export "go" (func $program "go"))"#
    ));
    valid(&strings);
    refused("string adapters", &strings, &["contains a core module", "compose into one module"]).await;

    let cases = [
        ("an outer module", r#"(core module $m) (component (alias outer 1 $m (core module $x)))"#, "from around it"),
        (
            "an outer module instantiated",
            "(core module $m) (component (core instance (instantiate $m)))",
            "from around it",
        ),
        ("two levels down", "(component (component (core module)))", "contains a core module"),
        ("instances of nothing", "(component (core instance))", "core instances"),
        ("a module as an import", r#"(component (import "m" (core module)))"#, "imports a core module"),
        ("a module as an export", r#"(core module $m) (export "m" (core module $m))"#, "exports a core module"),
        (
            "a module in an instance",
            r#"(core module $m) (instance (export "m" (core module $m)))"#,
            "passes on a core module",
        ),
        (
            "a module as an argument",
            r#"(core module $m) (component $c (import "m" (core module)))
                (instance (instantiate $c (with "m" (core module $m))))"#,
            "core module",
        ),
        (
            "a module of an instance",
            r#"(component $c (import "i" (instance $i (export "m" (core module)))) (alias export $i "m" (core module $x)))"#,
            "takes from an instance a core module",
        ),
    ];
    for (name, text, words) in cases {
        refused(name, &component(text), &[words, "compose into one module"]).await;
    }
}

#[tokio::test]
async fn nested_components_without_core_code_are_as_good_as_others() {
    let echo = guests::echo();
    let nested = wasmparser::Parser::new(0)
        .parse_all(&echo)
        .filter(|payload| matches!(payload, Ok(wasmparser::Payload::ComponentSection { .. })))
        .count();
    assert!(nested > 0, "the encoder makes one for the exported interface");
    assert!(validated(&echo).await.is_ok());
}

#[tokio::test]
async fn names_that_metering_needs() {
    let import = r#"(core module (import "fallow:meter" "use" (func (param i64))))"#;
    refused("a module's import", &component(import), &["fallow:meter", "reserved"]).await;
    let export = r#"(core module $m (func (export "f"))) (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f"))) (export "fallow-meter" (func $f))"#;
    refused("an export", &component(export), &["fallow-meter", "reserved"]).await;
    refused("in capitals", &component(&export.replace("fallow-meter", "FALLOW-METER")), &["reserved"]).await;
    refused("an import", &component(r#"(import "fallow-meter" (func))"#), &["fallow-meter", "reserved"]).await;
}

#[tokio::test]
async fn resources_of_a_guest_that_nobody_could_count() {
    let text = r#"(type $r (resource (rep i32))) (core func $new (canon resource.new $r))"#;
    refused("a resource", &component(text), &["resource", "at byte"]).await;
    refused("a nested resource", &component(&format!("(component {text})")), &["resource", "at byte"]).await;
}

#[tokio::test]
async fn files_cut_at_64_places() {
    let core = wat::parse_str(format!("(module (memory 1) {})", "(func (drop (i32.const 1)))".repeat(1_000))).unwrap();
    for (name, whole) in [("module", core), ("component", guests::echo())] {
        valid(&whole);
        for part in 0..64 {
            let cut = whole.len() * part / 64;
            let begin = std::time::Instant::now();
            let Err(SandboxError::Refused(message)) = validated(&whole[..cut]).await else {
                panic!("a {name} cut at {cut} is accepted");
            };
            let place = message.contains("at byte") || message.contains("empty");
            let kind = message.contains("core module") || message.contains("exports neither");
            assert!(place || kind, "a {name} cut at {cut}: {message}");
            assert!(begin.elapsed().as_secs() < 10, "a {name} cut at {cut} took {:?}", begin.elapsed());
        }
    }
}
