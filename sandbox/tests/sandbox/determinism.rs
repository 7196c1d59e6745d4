//! The same unit is the same on every run: bytes, fuel, chance and time.

use std::time::{Duration, Instant};

use fallow_protocol::outcome::Outcome;
use fallow_sandbox::client::Task;

use crate::guests;
use crate::rig::{Rig, run};

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

#[tokio::test]
async fn nan_bits_are_canonical() {
    // A signalling payload through an addition: hosts differ unless it is made canonical.
    let body = r#"
        (i64.store (i32.const 2048) (i64.reinterpret_f64
            (f64.add (f64.load (local.get $at)) (f64.load offset=8 (local.get $at)))))
        (call $ok (i32.const 2048) (i32.const 8))"#;
    let rig = Rig::new(&guests::task("", body)).await;
    let input = [0xfff0_0000_0000_1234_u64.to_le_bytes(), 0x7ff8_0000_0000_abcd_u64.to_le_bytes()].concat();
    assert_eq!(number(&rig.run(&input).await.output), 0x7ff8_0000_0000_0000);
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
