//! A worker's life: many units, pausing, ending, vanishing.

use std::time::{Duration, Instant};

use fallow_protocol::outcome::Outcome;
use fallow_sandbox::client::{IdleWorker, WorkerEvent};

use crate::guests;
use crate::rig::{Rig, ended, exe, next, run, started, until_died};

#[tokio::test]
async fn thousands_of_units_come_back_in_order() {
    let rig = Rig::new(&guests::echo()).await;
    let (mut worker, mut events) = rig.start().await;
    let submit = async move {
        for group in 0..10 {
            let tasks = (0..300).map(|index| run(group * 300 + index, &index.to_le_bytes())).collect();
            worker.submit(tasks).await.unwrap();
        }
        worker
    };
    let listen = async {
        let mut tags = Vec::new();
        while tags.len() < 3000 {
            for event in next(&mut events).await {
                if let WorkerEvent::Ended(end) = event {
                    assert_eq!(end.outcome, Outcome::Done);
                    assert_eq!(end.output, (end.tag % 300).to_le_bytes());
                    tags.push(end.tag);
                }
            }
        }
        tags
    };
    let (_worker, tags) = tokio::join!(submit, listen);
    assert_eq!(tags, (0..3000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_paused_unit_stands_still_and_its_wall_time_too() {
    // Runs for a second or so; a wall time that did not stand still would be told with the pause in it.
    let rig = Rig::new(&guests::counting(2_000_000_000)).await.limits(|limits| limits.wall_ms = 20_000);
    let (mut worker, mut events) = rig.start().await;
    worker.submit(vec![run(1, b"")]).await.unwrap();
    started(&mut events).await;
    worker.pause();
    let cpu = cpu_ticks(worker.pid());
    let paused = Instant::now();
    // Nothing is told while it stands still: waiting for events is the pause.
    assert!(tokio::time::timeout(Duration::from_millis(1_500), events.next()).await.is_err());
    assert!(cpu_ticks(worker.pid()) <= cpu + 5, "it used the processor while it was paused");
    let pause = paused.elapsed();
    worker.resume();
    let went_on = Instant::now();
    let (end, _) = ended(&mut events).await;
    assert_eq!(end.outcome, Outcome::Done);
    let most = went_on.elapsed() + Duration::from_millis(500);
    assert!(Duration::from_micros(end.wall_us) < most, "{} us with a pause of {pause:?}", end.wall_us);
}

#[tokio::test]
async fn a_pause_longer_than_the_wall_time_ends_no_unit() {
    let rig = Rig::new(&guests::endless()).await.limits(|limits| {
        limits.fuel = u64::MAX / 2;
        limits.wall_ms = 700;
    });
    let (mut worker, mut events) = rig.start().await;
    worker.submit(vec![run(1, b"")]).await.unwrap();
    started(&mut events).await;
    worker.pause();
    assert!(tokio::time::timeout(Duration::from_millis(1_500), events.next()).await.is_err());
    worker.resume();
    let all = until_died(&mut events).await;
    let WorkerEvent::Ended(end) = &all[0] else { panic!("{all:?}") };
    assert_eq!(end.outcome, Outcome::TimeLimit);
    assert!(end.wall_us >= 700_000, "{}", end.wall_us);
}

/// Processor time of a process, in ticks of its own clock.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[tokio::test]
async fn a_killed_worker_names_what_it_had_not_finished() {
    let rig = Rig::new(&guests::endless()).await;
    let (mut worker, mut events) = rig.start().await;
    worker.submit(vec![run(4, b""), run(5, b"")]).await.unwrap();
    started(&mut events).await;
    worker.kill();
    let all = until_died(&mut events).await;
    let Some(WorkerEvent::Died { unfinished, reason }) = all.last() else { panic!("{all:?}") };
    assert_eq!(unfinished, &[4, 5]);
    assert!(reason.contains("signal"), "{reason}");
    assert!(events.next().await.is_none());
    assert!(worker.submit(vec![run(6, b"")]).await.is_err());
}

#[tokio::test]
async fn a_dropped_worker_is_gone_also_when_paused() {
    let rig = Rig::new(&guests::endless()).await;
    let (mut worker, mut events) = rig.start().await;
    worker.submit(vec![run(1, b"")]).await.unwrap();
    started(&mut events).await;
    let pid = worker.pid();
    worker.pause();
    drop(worker);
    until_died(&mut events).await;
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}

#[tokio::test]
async fn an_idle_worker_that_is_not_needed_goes_quietly() {
    drop(IdleWorker::spawn(exe()).unwrap());
    assert!(IdleWorker::spawn(std::path::Path::new("/nonexistent/worker")).is_err());
}

#[tokio::test]
async fn a_worker_whose_module_is_missing_says_so() {
    let mut rig = Rig::new(&guests::echo()).await;
    rig.setup.compiled = rig.path("missing");
    let error = IdleWorker::spawn(exe()).unwrap().start(&rig.setup).await.err().expect("an error");
    let source = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(source.contains("failed to load the module"), "{source}");
}
