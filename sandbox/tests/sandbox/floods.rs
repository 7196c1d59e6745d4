//! Guests that ask the host for more and more: each comes to its end, and the next unit runs in the same worker.

use fallow_protocol::outcome::{LimitKind, Outcome};
use fallow_sandbox::client::TaskEnd;

use crate::guests;
use crate::rig::{Events, Rig, ended, run};

/// Run two units in one worker: whatever the first one does, the second one must come as far.
async fn twice(rig: &Rig) -> (TaskEnd, TaskEnd, u64) {
    let (mut worker, mut events) = rig.start().await;
    worker.submit(vec![run(1, b"x"), run(2, b"x")]).await.unwrap();
    let first = end(&mut events).await;
    let second = end(&mut events).await;
    let peak = peak_bytes(worker.pid());
    (first, second, peak)
}

async fn end(events: &mut Events) -> TaskEnd {
    ended(events).await.0
}

/// Most memory that a process has had at once.
fn peak_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a line of peak memory");
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

#[tokio::test]
async fn handles_opened_for_ever() {
    let body = "(loop $more (drop (call $alarm (i64.const 1))) (br $more)) unreachable";
    let rig = Rig::new(&guests::task_alarms(body)).await;
    let (first, second, peak) = twice(&rig).await;
    let Outcome::Trap { message } = &first.outcome else { panic!("{:?}", first.outcome) };
    assert!(message.contains("resource table has no free keys"), "{message}");
    assert_eq!((&first.outcome, first.fuel), (&second.outcome, second.fuel), "it ends at the same place everywhere");
    assert!(peak < 256 << 20, "{peak}");
}

#[tokio::test]
async fn handles_opened_and_closed_are_no_flood() {
    let body = r#"
        (local $count i32)
        (loop $more
            (call $drop (call $alarm (i64.const 1)))
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $count) (i32.const 100000))))
        (call $ok (local.get $at) (local.get $len))"#;
    let rig = Rig::new(&guests::task_alarms(body)).await;
    let (first, second, peak) = twice(&rig).await;
    assert_eq!((first.outcome, second.outcome), (Outcome::Done, Outcome::Done));
    assert!(peak < 256 << 20, "{peak}");
}

/// A task whose allocator is `realloc`, with `fields` before it.
fn with_allocator(imports: &str, fields: &str, realloc: &str) -> Vec<u8> {
    guests::task_of(&format!(
        r#"(module {imports}
            (memory (export "memory") 2)
            {fields}
            (func $realloc (export "cabi_realloc") (param $old i32) (param $oldlen i32) (param $align i32) (param $len i32)
                (result i32) {realloc})
            (func (export "fallow:task/run@1.0.0#run") (param i32 i32) (result i32) unreachable))"#
    ))
}

#[tokio::test]
async fn an_allocator_that_never_returns() {
    let rig = Rig::new(&with_allocator("", "", "(loop $more (br $more)) unreachable")).await;
    let end = rig.limits(|limits| limits.wall_ms = 300).run(b"an input to be put somewhere").await;
    assert_eq!(end.outcome, Outcome::TimeLimit);
}

#[tokio::test]
async fn an_allocator_that_takes_all_memory() {
    let rig =
        Rig::new(&with_allocator("", "", "(loop $more (drop (memory.grow (i32.const 1))) (br $more)) unreachable"))
            .await
            .limits(|limits| limits.memory_bytes = 64 << 20);
    let (first, second, _) = twice(&rig).await;
    for end in [first, second] {
        assert!(matches!(end.outcome, Outcome::Limit { limit: LimitKind::Memory, .. }), "{:?}", end.outcome);
        assert!(end.memory_bytes <= 64 << 20);
    }
}

#[tokio::test]
async fn an_allocator_that_calls_the_host() {
    let realloc = "(call $log (i32.const 0) (i32.const 4)) (i32.const 1024)";
    let (first, second, _) = twice(&Rig::new(&with_allocator(guests::HOST, "", realloc)).await).await;
    for end in [first, second] {
        let Outcome::Trap { message } = &end.outcome else { panic!("{:?}", end.outcome) };
        assert!(message.contains("cannot leave component instance"), "{message}");
    }
}

#[tokio::test]
async fn memory_grown_to_its_limit_and_used_again() {
    // A memory never shrinks: what is freed is the guest's own to use again, and all of it is written each time.
    let body = r#"
        (local $end i32) (local $times i32)
        (drop (memory.grow (i32.const 1000)))
        (local.set $end (i32.mul (memory.size) (i32.const 65536)))
        (loop $more
            (memory.fill (i32.const 65536) (i32.const 7) (i32.sub (local.get $end) (i32.const 65536)))
            (local.set $times (i32.add (local.get $times) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $times) (i32.const 20))))
        (call $ok (i32.const 0) (i32.const 0))"#;
    let rig = Rig::new(&guests::task("", body)).await.limits(|limits| {
        limits.memory_bytes = 64 << 20;
        limits.fuel = 30_000_000;
    });
    let (first, second, peak) = twice(&rig).await;
    for end in [&first, &second] {
        assert!(matches!(end.outcome, Outcome::Limit { limit: LimitKind::Fuel, .. }), "{:?}", end.outcome);
        assert!(end.memory_bytes > 60 << 20 && end.memory_bytes <= 64 << 20, "{}", end.memory_bytes);
    }
    assert_eq!(first.fuel, second.fuel);
    assert!(peak < 200 << 20, "the memory of one unit is not kept for the next: {peak}");
}
