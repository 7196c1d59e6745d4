//! The scratch directory: usable, limited, empty for each unit, and the only one.

use fallow_protocol::outcome::{LimitKind, Outcome};

use crate::guests;
use crate::rig::{Rig, ended, run};

const WASI: &str = r#"
    (import "wasi_snapshot_preview1" "path_open"
        (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_pread" (func $fd_pread (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
"#;

/// Opens the file `f`, created only where the input is not empty; writes the input 20 times; reads the first 4 bytes.
/// Gives error numbers of opening and reading, and what it read.
fn guest() -> Vec<u8> {
    let fields = r#"(data (i32.const 64) "f")"#;
    let body = r#"
        (local $count i32)
        (i32.store (i32.const 2048) (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1)
            (i32.ne (local.get $len) (i32.const 0)) (i64.const 0x1fffffff) (i64.const 0x1fffffff) (i32.const 0)
            (i32.const 80)))
        (if (i32.eqz (i32.load (i32.const 2048))) (then
            (loop $more
                (i32.store (i32.const 96) (local.get $at))
                (i32.store (i32.const 100) (local.get $len))
                (drop (call $fd_write (i32.load (i32.const 80)) (i32.const 96) (i32.const 1) (i32.const 104)))
                (local.set $count (i32.add (local.get $count) (i32.const 1)))
                (br_if $more (i32.lt_u (local.get $count) (i32.const 20))))
            (i32.store (i32.const 96) (i32.const 2056))
            (i32.store (i32.const 100) (i32.const 4))
            (i32.store (i32.const 2052) (call $fd_pread (i32.load (i32.const 80)) (i32.const 96) (i32.const 1)
                (i64.const 0) (i32.const 104)))))
        (call $ok (i32.const 2048) (i32.const 12))"#;
    guests::task_wasi(WASI, fields, body)
}

async fn rig() -> Rig {
    let mut rig = Rig::new(&guest()).await.limits(|limits| limits.scratch_bytes = 100_000);
    let scratch = rig.path("scratch");
    std::fs::create_dir(&scratch).unwrap();
    rig.setup.scratch_dir = Some(scratch);
    rig
}

#[tokio::test]
async fn a_unit_writes_and_reads_and_leaves_nothing_to_the_next() {
    let rig = rig().await;
    let (mut worker, mut events) = rig.start().await;
    worker.submit(vec![run(1, b"abcd"), run(2, b""), run(3, b"efgh")]).await.unwrap();
    let (first, _) = ended(&mut events).await;
    assert_eq!(first.outcome, Outcome::Done, "{}", String::from_utf8_lossy(&first.log));
    assert_eq!(first.output, *b"\0\0\0\0\0\0\0\0abcd");
    let (second, _) = ended(&mut events).await;
    assert_eq!(second.output[..4], 44u32.to_le_bytes(), "the file of the first is not there");
    let (third, _) = ended(&mut events).await;
    assert_eq!(third.output, *b"\0\0\0\0\0\0\0\0efgh");
    assert_eq!(first.fuel, third.fuel);
}

#[tokio::test]
async fn scratch_is_limited() {
    let rig = rig().await;
    let end = rig.run(&[1; 10_000]).await;
    let Outcome::Limit { limit: LimitKind::Scratch, message } = &end.outcome else { panic!("{end:?}") };
    assert!(message.contains("scratch"), "{message}");
    let written: u64 =
        rig.path("scratch").read_dir().unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(written <= 100_000, "{written}");
}

#[tokio::test]
async fn without_a_limit_there_is_no_directory() {
    let rig = rig().await.limits(|limits| limits.scratch_bytes = 0);
    let end = rig.run(b"abcd").await;
    assert_eq!(end.outcome, Outcome::Done);
    assert_eq!(end.output[..4], 8u32.to_le_bytes(), "bad file descriptor");
}
