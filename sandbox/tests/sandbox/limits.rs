//! Each limit, reached.

use fallow_protocol::outcome::{LimitKind, Outcome};
use fallow_protocol::unit::Call;
use fallow_sandbox::client::{Bytes, TaskEnd, TaskInput, WorkerEvent};
use fallow_sandbox::instrument::costs::{self, Per};

use crate::guests;
use crate::rig::{Rig, call, ended, run, until_died};

fn limited(end: &TaskEnd, wanted: LimitKind) -> &str {
    match &end.outcome {
        Outcome::Limit { limit, message } if *limit == wanted => message,
        other => panic!("expected the limit {wanted:?}, not {other:?}"),
    }
}

#[tokio::test]
async fn memory_is_counted_and_its_end_is_told() {
    let body = "(loop $more (drop (memory.grow (i32.const 16))) (br $more)) unreachable";
    let rig = Rig::new(&guests::task("", body)).await.limits(|limits| limits.memory_bytes = 64 << 20);
    let end = rig.run(b"").await;
    let message = limited(&end, LimitKind::Memory);
    assert!(message.starts_with("while growing memory from 63.1 MiB to 64.1 MiB; the limit is 64.0 MiB"), "{message}");
    assert!(end.memory_bytes <= 64 << 20 && end.memory_bytes > 60 << 20 && end.fuel > 0);
}

#[tokio::test]
async fn a_memory_that_begins_over_the_limit_is_a_limit_too() {
    let rig = Rig::new(&guests::echo()).await.limits(|limits| limits.memory_bytes = 64 << 10);
    limited(&rig.run(b"").await, LimitKind::Memory);
}

#[tokio::test]
async fn growth_that_the_guests_own_memory_rules_out_is_its_own_to_see() {
    // 65,536 pages more than any memory may have: the guest sees -1, gives it back, and is done.
    let body = "(i32.store (i32.const 64) (memory.grow (i32.const 65535))) (call $ok (i32.const 64) (i32.const 4))";
    let rig = Rig::new(&guests::task("", body)).await;
    let end = rig.run(b"").await;
    assert_eq!((end.outcome, end.output), (Outcome::Done, vec![255; 4]));
}

#[tokio::test]
async fn a_loop_that_calls_the_host_ends_with_its_fuel() {
    let body = "(loop $more (call $log (i32.const 64) (i32.const 1)) (br $more)) unreachable";
    let rig = Rig::new(&guests::task(guests::HOST, body)).await.limits(|limits| limits.fuel = 10_000);
    let (mut worker, mut events) = rig.start().await;
    worker.submit(vec![run(1, b""), run(2, b"")]).await.unwrap();
    let (first, _) = ended(&mut events).await;
    let (second, _) = ended(&mut events).await;
    assert!(limited(&first, LimitKind::Fuel).contains("the limit is 10000"));
    assert_eq!(first.fuel, second.fuel);
    assert!(first.fuel > 10_000 && first.fuel < 10_010, "{}", first.fuel);
}

#[tokio::test]
async fn a_loop_without_calls_is_found_at_its_end() {
    let rig = Rig::new(&guests::counting(1_000_000)).await.limits(|limits| limits.fuel = 100_000);
    let end = rig.run(b"").await;
    assert!(limited(&end, LimitKind::Fuel).contains("the limit is 100000"));
    assert!(end.fuel > 400_000 && end.output.is_empty(), "{}", end.fuel);
    let whole = rig.limits(|limits| limits.fuel = end.fuel).run(b"").await;
    assert_eq!((whole.outcome, whole.fuel), (Outcome::Done, end.fuel));
}

#[tokio::test]
async fn bulk_operations_cost_by_their_length() {
    let body = |len: u32| {
        let fill = format!("(memory.fill (i32.const 0) (i32.const 1) (i32.const {len}))");
        guests::task("", &format!("{fill} (call $ok (i32.const 0) (i32.const 0))"))
    };
    let [none, some] = [0, 80_000].map(body);
    let (none, some) = (Rig::new(&none).await.run(b"").await, Rig::new(&some).await.run(b"").await);
    assert_eq!(some.fuel - none.fuel, costs::fuel(costs::dynamic(Per::Bytes, 80_000)));
    let rig = Rig::new(&body(80_000)).await.limits(|limits| limits.fuel = 2_000);
    limited(&rig.run(b"").await, LimitKind::Fuel);
}

#[tokio::test]
async fn start_functions_are_metered_too() {
    let fields = format!("(func $count {}) (start $count)", guests::count_to(1_000_000));
    let rig = Rig::new(&guests::task_with("", &fields, "(call $ok (i32.const 0) (i32.const 0))")).await;
    let rig = rig.limits(|limits| limits.fuel = 100_000);
    limited(&rig.run(b"").await, LimitKind::Fuel);
    let fields = "(func $forever (loop $more (br $more))) (start $forever)";
    let rig = Rig::new(&guests::task_with("", fields, "(call $ok (i32.const 0) (i32.const 0))")).await;
    let end = rig.limits(|limits| limits.wall_ms = 200).run(b"").await;
    assert_eq!(end.outcome, Outcome::TimeLimit);
}

#[tokio::test]
async fn a_trap_keeps_what_was_flushed_before() {
    // The inner function's count is flushed when it ends, the outer one's is lost with its trap.
    let fields = format!("(func $count {})", guests::count_to(100_000));
    let before = "(call $count) (memory.fill (i32.const 0) (i32.const 1) (i32.const 8000))";
    let trap = "(drop (i32.div_u (i32.const 1) (local.get $len)))";
    let rig = Rig::new(&guests::task_with("", &fields, &format!("{before} {trap} unreachable"))).await;
    let end = rig.run(b"").await;
    assert!(matches!(end.outcome, Outcome::Trap { .. }), "{:?}", end.outcome);
    let counted = Rig::new(&guests::task_with("", &fields, &format!("{before} unreachable"))).await.run(b"").await;
    assert!(end.fuel > 40_000 && end.fuel < counted.fuel, "{} {}", end.fuel, counted.fuel);
}

#[tokio::test]
async fn an_output_over_its_limit_is_refused() {
    let rig = Rig::new(&guests::echo()).await.limits(|limits| limits.output_bytes = 100);
    assert_eq!(rig.run(&[1; 100]).await.outcome, Outcome::Done);
    limited(&rig.run(&[1; 101]).await, LimitKind::Output);
    limited(&rig.run(&[1; 1 << 20]).await, LimitKind::Output);
}

#[tokio::test]
async fn endless_output_of_a_command_is_stopped() {
    let body = "(loop $more (call $write (i32.const 1) (i32.const 1024) (i32.const 4096)) (br $more))";
    let rig = Rig::new(&guests::command("", body)).await.limits(|limits| limits.output_bytes = 1 << 20);
    let end = rig.end(call(1, Call::Command, TaskInput::Bytes(Bytes::Memory(Vec::new())))).await;
    limited(&end, LimitKind::Output);
    assert!(end.output.is_empty() && end.fuel > 0);
}

#[tokio::test]
async fn a_flood_of_logs_keeps_its_end() {
    let fields = r#"(data (i32.const 64) "line ....") (global $count (mut i32) (i32.const 0))"#;
    let body = r#"
        (loop $more
            (i32.store (i32.const 69) (i32.add (i32.const 0x30303030) (global.get $count)))
            (call $log (i32.const 64) (i32.const 9))
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (br_if $more (i32.lt_u (global.get $count) (i32.const 100000))))
        (call $ok (i32.const 0) (i32.const 0))"#;
    let rig = Rig::new(&guests::task_with(guests::HOST, fields, body)).await.limits(|limits| limits.log_bytes = 1000);
    let end = rig.run(b"").await;
    assert_eq!((end.outcome, end.log.len()), (Outcome::Done, 1000));
    let last = (0x3030_3030_u32 + 99_999).to_le_bytes();
    assert_eq!(end.log[995..999], last);
}

#[tokio::test]
async fn a_checkpoint_over_its_limit_is_refused_and_none_is_made_without_a_limit() {
    let body = "(call $checkpoint (local.get $at) (local.get $len)) (call $ok (i32.const 0) (i32.const 0))";
    let rig = Rig::new(&guests::task(guests::HOST, body)).await.limits(|limits| limits.checkpoint_bytes = 10);
    limited(&rig.run(&[0; 11]).await, LimitKind::Output);
    let rig = rig.limits(|limits| limits.checkpoint_bytes = 0);
    let (mut worker, mut events) = rig.start().await;
    worker.submit(vec![run(1, &[0; 11])]).await.unwrap();
    let (end, before) = ended(&mut events).await;
    assert_eq!(end.outcome, Outcome::Done);
    assert!(!before.iter().any(|event| matches!(event, WorkerEvent::Checkpoint { .. })));
}

#[tokio::test]
async fn a_unit_over_its_wall_time_is_ended_and_the_rest_is_named() {
    let rig = Rig::new(&guests::endless()).await.limits(|limits| {
        limits.wall_ms = 300;
        limits.fuel = u64::MAX / 2;
    });
    let (mut worker, mut events) = rig.start().await;
    worker.submit(vec![run(1, b""), run(2, b""), run(3, b"")]).await.unwrap();
    let all = until_died(&mut events).await;
    let [.., WorkerEvent::Ended(end), WorkerEvent::Died { unfinished, .. }] = &all[..] else { panic!("{all:?}") };
    assert_eq!((end.tag, &end.outcome), (1, &Outcome::TimeLimit));
    assert!(end.wall_us >= 300_000);
    assert_eq!(unfinished, &[2, 3]);
    assert!(events.next().await.is_none());
}
