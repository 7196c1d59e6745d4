//! Small modules that cost a compiler much: refused before one sees them, or ended by the limits of its process.

use std::fmt::Write;
use std::time::{Duration, Instant};

use fallow_protocol::digest::Digest;
use fallow_protocol::manifest::Floats;
use fallow_sandbox::client::{Module, SandboxError, validate};
use tempfile::TempDir;

use crate::guests;
use crate::rig::{exe, validated};

/// A function that reads many locals within all of its loops.
fn loops(loops: usize, locals: usize) -> String {
    let mut text = format!("(func (local {})", "i64 ".repeat(locals));
    text += &"loop ".repeat(loops);
    for local in 0..locals {
        write!(text, "local.get {local} drop ").unwrap();
    }
    text + &"end ".repeat(loops) + ")"
}

/// A function that sets many locals before it leaves its blocks, at any of their ends.
fn blocks(blocks: usize, locals: usize) -> String {
    let mut text = format!("(func (param i32) (local {})", "i32 ".repeat(locals));
    text += &"block ".repeat(blocks);
    for block in 0..blocks {
        write!(text, "local.get 0 br_if {block} ").unwrap();
    }
    for local in 1..=locals {
        write!(text, "local.get 0 local.set {local} ").unwrap();
    }
    text += &"end ".repeat(blocks);
    for local in 1..=locals {
        write!(text, "i32.const 0 local.get {local} i32.store ").unwrap();
    }
    text + ")"
}

/// A function whose locals are all needed after many branches.
fn live(locals: usize, blocks: usize) -> String {
    let mut text = format!("(func (param i32) (local {})", "i32 ".repeat(locals));
    for local in 1..=locals {
        write!(text, "i32.const {} i32.load local.set {local} ", local * 4).unwrap();
    }
    for block in 0..blocks {
        write!(text, "local.get 0 if i32.const 0 local.get {} i32.store end ", 1 + block % locals).unwrap();
    }
    for local in 1..=locals {
        write!(text, "i32.const 0 local.get {local} i32.store ").unwrap();
    }
    text + ")"
}

/// Refused, at once.
async fn refused(name: &str, fields: &str) {
    let bytes = component(fields);
    let begin = Instant::now();
    let refused = validated(&bytes).await;
    let Err(SandboxError::Refused(message)) = refused else { panic!("{name} ({} bytes): {refused:?}", bytes.len()) };
    assert!(
        message.contains("function") && message.contains("too much time and memory; split it"),
        "{name}: {message}"
    );
    assert!(begin.elapsed() < Duration::from_secs(10), "{name} took {:?}", begin.elapsed());
}

fn component(fields: &str) -> Vec<u8> {
    guests::task_with("", fields, "(call $ok (i32.const 0) (i32.const 0))")
}

/// Small enough to be accepted, compiled.
async fn compiles(name: &str, fields: &str) {
    let bytes = component(fields);
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("component.wasm");
    std::fs::write(&path, &bytes).unwrap();
    let validated = validate(exe(), &path).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    let module = Module {
        exe: exe().to_owned(),
        component: path,
        digest: Digest::of(&bytes),
        builds: validated.builds,
        cache_dir: dir.path().to_owned(),
    };
    for floats in [Floats::Plain, Floats::Canonical] {
        let compiled = module.compile(floats).await;
        assert!(compiled.is_ok(), "{name}: {compiled:?}");
    }
}

#[tokio::test]
async fn values_joined_by_loops_within_loops() {
    // 25 kB, a minute and gigabytes for the compiler of 48.0.8.
    refused("loops", &loops(990, 4_990)).await;
    refused("loops of fewer locals", &loops(900, 200)).await;
    compiles("some loops", &loops(100, 100)).await;
}

#[tokio::test]
async fn values_joined_by_blocks_within_blocks() {
    // 16 kB, 70 s.
    refused("blocks", &blocks(300, 1_000)).await;
    refused("a whole function of such", &blocks(990, 4_990)).await;
    compiles("some blocks", &blocks(20, 100)).await;
}

#[tokio::test]
async fn values_kept_over_many_blocks() {
    // 400 kB, all memory that the compiler may have.
    refused("locals", &live(1_000, 30_000)).await;
    compiles("some locals", &live(100, 1_000)).await;
}

#[tokio::test]
async fn many_functions() {
    let bytes = component(&"(func)".repeat(300_000));
    let Err(SandboxError::Refused(message)) = validated(&bytes).await else { panic!("accepted") };
    assert!(message.contains("20000 functions"), "{message}");
}
