//! Splits, merges and shared inputs: bytes in other shapes than input and output.

use std::time::Duration;

use fallow_protocol::Digest;
use fallow_protocol::outcome::{LimitKind, Outcome};
use fallow_protocol::unit::{Call, EmittedUnits};
use fallow_sandbox::client::{Bytes, FileRange, Later, Task, TaskInput, WorkerEvent, Written};

use crate::guests;
use crate::rig::{Rig, call, ended, run};

/// Emits each byte as many times as it says; joins parts with their kinds before them.
fn guest() -> Vec<u8> {
    let split = r#"
        (local $index i32)
        (block $done (loop $more
            (br_if $done (i32.ge_u (local.get $index) (local.get $len)))
            (call $unit (i32.const 2048) (i32.mul (i32.const 100000)
                (i32.load8_u (i32.add (local.get $at) (local.get $index)))))
            (local.set $index (i32.add (local.get $index) (i32.const 1)))
            (br $more)))
        (call $ok (i32.const 0) (i32.const 0))"#;
    // Output: for each part its kind and the low byte of its length; at the end whether it is the last.
    let merge = r#"
        (local $index i32) (local $out i32)
        (local.set $out (i32.const 2048))
        (block $done (loop $more
            (br_if $done (i32.ge_u (local.get $index) (local.get $count)))
            (call $part (local.get $index) (i32.const 64))
            (i32.store8 (local.get $out) (i32.load8_u (i32.const 64)))
            (i32.store8 offset=1 (local.get $out)
                (select (i32.load (i32.const 72)) (i32.const 0) (i32.load8_u (i32.const 64))))
            (local.set $out (i32.add (local.get $out) (i32.const 2)))
            (local.set $index (i32.add (local.get $index) (i32.const 1)))
            (br $more)))
        (i32.store8 (local.get $out) (local.get $last))
        (call $ok (i32.const 2048) (i32.add (i32.sub (local.get $out) (i32.const 2048)) (i32.const 1)))"#;
    guests::task_split_merge(split, merge)
}

#[tokio::test]
async fn a_split_writes_its_units_to_a_file() {
    let rig = Rig::new(&guest()).await;
    assert!(rig.setup.exports.split && rig.setup.exports.merge && rig.setup.exports.run);
    let emitted = rig.path("emitted");
    let input = TaskInput::Bytes(Bytes::Memory(vec![1, 0, 20, 3]));
    let task = Task { emit_to: Some(emitted.clone()), ..call(1, Call::Split, input) };
    // Two million bytes are within a larger memory only.
    let end = rig.end(task).await;
    assert!(matches!(end.outcome, Outcome::Trap { .. }), "{:?}", end.outcome);
    let input = TaskInput::Bytes(Bytes::Memory(vec![1, 0, 1]));
    let task = Task { emit_to: Some(emitted.clone()), ..call(2, Call::Split, input) };
    assert_eq!(rig.end(task).await.outcome, Outcome::Done);
    let bytes = std::fs::read(&emitted).unwrap();
    let read = EmittedUnits::from_tail(bytes.len() as u64, &bytes[bytes.len() - 8..]).unwrap();
    assert_eq!(read, EmittedUnits { count: 3, index_offset: 200_000 });
    let lens = bytes[200_000..].chunks(8).map(|len| u64::from_le_bytes(len.try_into().unwrap()));
    assert_eq!(lens.collect::<Vec<_>>(), [100_000, 0, 100_000, 3]);
}

#[tokio::test]
async fn a_split_of_nothing_is_an_empty_list() {
    let rig = Rig::new(&guest()).await;
    let emitted = rig.path("emitted");
    let input = TaskInput::Bytes(Bytes::Memory(Vec::new()));
    let end = rig.end(Task { emit_to: Some(emitted.clone()), ..call(1, Call::Split, input) }).await;
    assert_eq!(end.outcome, Outcome::Done);
    assert_eq!(std::fs::read(&emitted).unwrap(), [0; 8]);
}

#[tokio::test]
async fn a_long_output_is_written_and_hashed_while_it_comes() {
    let rig = Rig::new(&guests::echo()).await.limits(|limits| limits.output_bytes = 32 << 20);
    let (path, input) = (rig.path("output"), (0..20_000_001u32).map(|i| (i % 251) as u8).collect::<Vec<_>>());
    let (mut worker, mut events) = rig.start().await;
    let to_file = |tag, input: &[u8]| Task { output_to: Some(path.clone()), ..run(tag, input) };
    worker.submit(vec![to_file(1, &input), to_file(2, b"short"), run(3, &input)]).await.unwrap();
    let (end, told) = ended(&mut events).await;
    let written = Written { digest: Digest::of(&input), len: input.len() as u64 };
    assert_eq!((end.outcome, end.written, end.output.len()), (Outcome::Done, Some(written), 0));
    assert!(std::fs::read(&path).unwrap() == input);
    let grown = |event: &WorkerEvent| match event {
        WorkerEvent::Grown { tag: 1, bytes } => Some(*bytes),
        _ => None,
    };
    let grown: Vec<u64> = told.iter().filter_map(grown).collect();
    assert!(grown.is_sorted() && grown.iter().all(|bytes| *bytes <= written.len), "{grown:?}");
    let (end, _) = ended(&mut events).await;
    assert_eq!((end.written, &end.output[..]), (None, &b"short"[..]));
    let (end, _) = ended(&mut events).await;
    assert!(end.written.is_none() && end.output == input);
}

#[tokio::test]
async fn emitted_bytes_are_limited() {
    let rig = Rig::new(&guest()).await.limits(|limits| limits.emit_bytes = 150_000);
    let input = TaskInput::Bytes(Bytes::Memory(vec![1, 1]));
    let end = rig.end(Task { emit_to: Some(rig.path("emitted")), ..call(1, Call::Split, input) }).await;
    assert!(matches!(end.outcome, Outcome::Limit { limit: LimitKind::Output, .. }), "{:?}", end.outcome);
}

#[tokio::test]
async fn a_merge_asks_for_its_parts() {
    let rig = Rig::new(&guest()).await;
    let path = rig.path("part");
    std::fs::write(&path, [0; 50]).unwrap();
    let parts = || {
        TaskInput::Parts(vec![
            Some(Bytes::Memory(vec![0; 5])),
            None,
            Some(Bytes::Files(vec![FileRange { path: path.clone(), offset: 10, len: 33 }])),
            Some(Bytes::Memory(vec![])),
        ])
    };
    let inner = rig.end(call(1, Call::Merge, parts())).await;
    assert_eq!((inner.outcome, inner.output), (Outcome::Done, vec![1, 5, 0, 0, 1, 33, 1, 0, 0]));
    let last = rig.end(call(2, Call::MergeLast, parts())).await;
    assert_eq!(last.output, [1, 5, 0, 0, 1, 33, 1, 0, 1]);
}

#[tokio::test]
async fn a_merge_waits_for_parts_that_are_on_their_way() {
    let rig = Rig::new(&guest()).await;
    let path = rig.path("part");
    std::fs::write(&path, [0; 50]).unwrap();
    let (bringer, later) = Later::new();
    let wait = Duration::from_millis(400);
    tokio::spawn(async move {
        tokio::time::sleep(wait).await;
        bringer.bring(Ok(vec![FileRange { path, offset: 0, len: 9 }]));
    });
    let parts = TaskInput::Parts(vec![Some(Bytes::Memory(vec![0; 5])), Some(Bytes::Later(later))]);
    let end = rig.end(call(1, Call::MergeLast, parts)).await;
    assert_eq!((end.outcome, end.output), (Outcome::Done, vec![1, 5, 1, 9, 1]));
    assert!(end.wall_us < wait.as_micros() as u64, "waiting is not the unit's time: {} us", end.wall_us);

    let (bringer, later) = Later::new();
    drop(bringer);
    let end = rig.end(call(2, Call::MergeLast, TaskInput::Parts(vec![Some(Bytes::Later(later))]))).await;
    assert!(matches!(end.outcome, Outcome::HostFault { .. }), "{:?}", end.outcome);
}

#[tokio::test]
async fn merges_and_runs_share_a_worker() {
    let rig = Rig::new(&guest()).await;
    let (mut worker, mut events) = rig.start().await;
    let parts = TaskInput::Parts(vec![Some(Bytes::Memory(vec![0; 7]))]);
    // While the merge waits for its part, what follows is in the pipe already.
    let tasks = vec![run(1, b"a"), call(2, Call::MergeLast, parts), run(3, &[9; 20_000]), run(4, b"b")];
    worker.submit(tasks).await.unwrap();
    let mut outputs = Vec::new();
    for _ in 0..4 {
        outputs.push(crate::rig::ended(&mut events).await.0.output);
    }
    assert_eq!(outputs, [b"a".to_vec(), vec![1, 7, 1], vec![9; 20_000], b"b".to_vec()]);
}

#[tokio::test]
async fn shared_inputs_are_read_by_name() {
    // Input: name. Output: what is at 3, up to 4 bytes, or an error.
    let body = r#"
        (call $shared_len (local.get $at) (local.get $len) (i32.const 64))
        (call $shared_read (local.get $at) (local.get $len) (i64.const 3) (i32.const 4) (i32.const 128))
        (if (result i32) (i32.load8_u (i32.const 128))
            (then (call $ok (i32.load (i32.const 132)) (i32.load (i32.const 136))))
            (else (call $err (i32.const 64) (i32.const 1))))"#;
    let mut rig = Rig::new(&guests::task(guests::HOST, body)).await;
    let path = rig.path("table");
    std::fs::write(&path, b"012345").unwrap();
    rig.setup.shared = vec![("table".into(), path)];
    assert_eq!(rig.run(b"table").await.output, b"345");
    assert_eq!(rig.run(b"other").await.outcome, Outcome::GuestError { message: "\0".into() });
}
