//! Checkpoints, and going on from them; progress.

use std::time::Duration;

use fallow_protocol::outcome::Outcome;
use fallow_sandbox::client::{Task, WorkerEvent};

use crate::guests;
use crate::rig::{Rig, ended, run};

/// Counts to 1,000 in steps that take some fuel; keeps its count at 500; gives the count and where it began.
fn counter() -> Vec<u8> {
    let fields = "(global $count (mut i32) (i32.const 0)) (global $spin (mut i32) (i32.const 0))";
    let body = r#"
        (call $restore (i32.const 64))
        (if (i32.load8_u (i32.const 64)) (then (global.set $count (i32.load (i32.load (i32.const 68))))))
        (i32.store (i32.const 132) (global.get $count))
        (loop $more
            (global.set $spin (i32.const 100))
            (loop $spinning
                (global.set $spin (i32.sub (global.get $spin) (i32.const 1)))
                (br_if $spinning (global.get $spin)))
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (call $progress (i64.extend_i32_u (global.get $count)) (i64.const 1000))
            (if (i32.eq (global.get $count) (i32.const 500)) (then
                (i32.store (i32.const 128) (global.get $count))
                (call $checkpoint (i32.const 128) (i32.const 4))))
            (br_if $more (i32.lt_u (global.get $count) (i32.const 1000))))
        (i32.store (i32.const 128) (global.get $count))
        (call $ok (i32.const 128) (i32.const 8))"#;
    guests::task_with(guests::HOST, fields, body)
}

fn words(output: &[u8]) -> (u32, u32) {
    let word = |range: std::ops::Range<usize>| u32::from_le_bytes(output[range].try_into().unwrap());
    (word(0..4), word(4..8))
}

#[tokio::test]
async fn a_unit_goes_on_from_its_checkpoint_in_another_worker() {
    let rig = Rig::new(&counter()).await;
    let (mut worker, mut events) = rig.start().await;
    worker.submit(vec![run(1, b"")]).await.unwrap();
    let (whole, before) = ended(&mut events).await;
    assert_eq!(words(&whole.output), (1000, 0));
    let checkpoint = before.iter().find_map(|event| match event {
        WorkerEvent::Checkpoint { tag: 1, state, fuel } => Some((state.clone(), *fuel)),
        _ => None,
    });
    let (state, fuel) = checkpoint.expect("a checkpoint");
    assert_eq!(state, 500u32.to_le_bytes());
    assert!(fuel > whole.fuel / 3 && fuel < whole.fuel * 2 / 3);

    let resumed = rig.end(Task { checkpoint: Some((state, fuel)), ..run(2, b"") }).await;
    assert_eq!((resumed.outcome, words(&resumed.output)), (Outcome::Done, (1000, 500)));
    // Counted from zero, though only half was executed here; restoring itself costs a little.
    assert!(resumed.fuel.abs_diff(whole.fuel) < whole.fuel / 20, "{} and {}", resumed.fuel, whole.fuel);
}

#[tokio::test]
async fn large_checkpoints_travel_whole() {
    let body = "(call $checkpoint (local.get $at) (local.get $len)) (call $ok (local.get $at) (i32.const 1))";
    let rig = Rig::new(&guests::task(guests::HOST, body)).await;
    let state: Vec<u8> = (0..2_500_000u32).map(|index| (index % 255) as u8).collect();
    let (mut worker, mut events) = rig.start().await;
    worker.submit(vec![run(9, &state)]).await.unwrap();
    let (_, before) = ended(&mut events).await;
    let told = before.iter().find_map(|event| match event {
        WorkerEvent::Checkpoint { tag: 9, state, .. } => Some(state),
        _ => None,
    });
    assert!(told.expect("a checkpoint") == &state);
}

#[tokio::test]
async fn progress_is_thinned_and_arrives_while_the_unit_runs() {
    let fields = "(global $count (mut i64) (i64.const 0))";
    let body = r#"
        (loop $more
            (global.set $count (i64.add (global.get $count) (i64.const 1)))
            (call $progress (global.get $count) (i64.const 0))
            (br $more))
        unreachable"#;
    let rig = Rig::new(&guests::task_with(guests::HOST, fields, body)).await;
    let (mut worker, mut events) = rig.start().await;
    let started = std::time::Instant::now();
    worker.submit(vec![run(1, b"")]).await.unwrap();
    let mut told = Vec::new();
    while told.len() < 3 {
        for event in crate::rig::next(&mut events).await {
            if let WorkerEvent::Progress { tag: 1, done, .. } = event {
                told.push(done);
            }
        }
    }
    assert!(started.elapsed() >= Duration::from_millis(200));
    assert!(told.is_sorted() && told[2] > told[0] + 100, "{told:?}");
}
