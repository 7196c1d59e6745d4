//! Jobs from submission to result.

use std::sync::atomic::{AtomicUsize, Ordering};

use fallow_protocol::api::{JobInfo, JobPhase, Page, UnitInfo, UnitLog};
use fallow_protocol::job::{Assemble, OnFailed, Split};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{EmittedUnits, Input};
use reqwest::Method;

use crate::grid::{Grid, problem, read};
use crate::raw::{ALL, Identity, Raw, author, bytes, counting, fetch, job_info, joined, submit};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_many_units_is_concatenated_in_order() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let identity = Identity::enrol(&grid, &token).await;
    let (mut node, _) = Raw::login(&grid, &identity, Vec::new()).await;
    let job = submit(&grid, &token, &counting(module, 9_000)).await;
    assert!(job.counts.total() >= 4_000, "{:?}", job.counts);
    let end = node.work(&grid, &token, &job.id, |input| Ok(bytes(input))).await;
    assert_eq!((end.phase, end.counts.done, end.fuel), (JobPhase::Done, 9_000, 90_000));
    let wanted: String = (0..9_000).map(|n| format!("{{\"from\":{n},\"to\":{}}}", n + 1)).collect();
    let found = fetch(&grid, &token, &job.id).await;
    assert_eq!(String::from_utf8(found).unwrap().replace(' ', ""), wanted);
    let path = format!("/api/v1/jobs/{}/units?limit=1000&cursor=1.7998", job.id);
    let page: Page<UnitInfo> = read(grid.get(&path, &token).await, 200).await;
    assert_eq!((page.items.len(), page.items[0].seq, page.next.is_some()), (1_000, 7_999, true));
    assert_eq!(page.items[0].node.as_deref(), Some(identity.id.as_str()), "one's own nodes are named");
    let me: fallow_protocol::api::Me = read(grid.get("/api/v1/me", &token).await, 200).await;
    assert_eq!(me.fuel_used, 90_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_with_the_same_key_is_the_same_job() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let send = |units| {
        let request = grid.ask(Method::POST, "/api/v1/jobs", &token).header("idempotency-key", "k-1");
        request.json(&counting(module, units)).send()
    };
    let first: JobInfo = read(send(3).await.unwrap(), 201).await;
    let again: JobInfo = read(send(3).await.unwrap(), 200).await;
    assert_eq!(first.id, again.id);
    problem(send(4).await.unwrap(), 409, "idempotency-conflict").await;
    let page: Page<JobInfo> = read(grid.get("/api/v1/jobs", &token).await, 200).await;
    assert_eq!(page.items.len(), 1);
    let other = grid.account("bob").await;
    problem(grid.get(&format!("/api/v1/jobs/{}", first.id), &other).await, 404, "not-found").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_refused_before_it_begins() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", Default::default()).await;
    let job = counting(module, 3);
    problem(grid.post("/api/v1/jobs", &token, &job).await, 422, "invalid").await;
    let (token, module) =
        author(&grid, "bob", fallow_protocol::manifest::Exports { run: true, ..Default::default() }).await;
    let good = counting(module, 3);
    let mut bad = vec![good.clone(); 8];
    bad[0].split = Split::Guest;
    bad[1].assemble = Assemble::Merge;
    bad[2].limits.fuel *= 2;
    bad[3].name = "a\u{1b}[2J".into();
    bad[4].split = Split::File;
    bad[5].deadline_ms = Some(1);
    bad[6].args = vec!["x".into()];
    bad[7].module = fallow_protocol::Digest([1; 32]);
    for job in &bad {
        let problem = problem(grid.post("/api/v1/jobs", &token, job).await, 422, "invalid").await;
        assert!(problem.field.is_some(), "{problem:?}");
    }
    submit(&grid, &token, &good).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_splits_and_merges_in_a_tree() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let identity = Identity::enrol(&grid, &token).await;
    let (mut node, _) = Raw::login(&grid, &identity, Vec::new()).await;
    let mut job = counting(module, 1);
    job.split = Split::Guest;
    job.assemble = Assemble::Merge;
    let job = submit(&grid, &token, &job).await;
    let merges = AtomicUsize::new(0);
    let end = node
        .work(&grid, &token, &job.id, |input| match input {
            Input::Inline(bytes) if bytes.is_empty() => {
                // 100 units of one byte each.
                let mut emitted: Vec<u8> = (0..100).collect();
                emitted.extend(EmittedUnits::index(&[1; 100]));
                Ok(emitted)
            }
            Input::Inline(bytes) => Ok(vec![bytes[0] + 1]),
            parts => {
                merges.fetch_add(1, Ordering::Relaxed);
                Ok(joined(parts))
            }
        })
        .await;
    assert_eq!((end.phase, end.counts.done, end.merge_counts.done), (JobPhase::Done, 100, 1));
    assert_eq!(fetch(&grid, &token, &job.id).await, (1..=100).collect::<Vec<u8>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merges_of_many_parts_have_levels() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let identity = Identity::enrol(&grid, &token).await;
    let (mut node, _) = Raw::login(&grid, &identity, Vec::new()).await;
    let mut job = counting(module, 600);
    job.assemble = Assemble::Merge;
    let job = submit(&grid, &token, &job).await;
    let end = node
        .work(&grid, &token, &job.id, |input| match input {
            Input::Inline(_) => Ok(b"x".to_vec()),
            parts => Ok(joined(parts)),
        })
        .await;
    assert_eq!((end.phase, end.merge_counts.done), (JobPhase::Done, 3 + 1));
    assert_eq!(fetch(&grid, &token, &job.id).await, vec![b'x'; 600]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_unit_ends_the_job_and_a_retry_revives_it() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let identity = Identity::enrol(&grid, &token).await;
    let (mut node, _) = Raw::login(&grid, &identity, Vec::new()).await;
    let job = submit(&grid, &token, &counting(module, 5)).await;
    let broken = |input: &Input| {
        let text = String::from_utf8(bytes(input)).unwrap().replace(' ', "");
        let message = "no\0good".to_owned();
        if text.contains("\"from\":3,") { Err(Outcome::GuestError { message }) } else { Ok(b"k".to_vec()) }
    };
    let end = node.work(&grid, &token, &job.id, broken).await;
    assert_eq!((end.phase, end.counts.failed), (JobPhase::Failed, 1), "{end:?}");
    problem(grid.get(&format!("/api/v1/jobs/{}/result", job.id), &token).await, 410, "no-result").await;
    let logs: Page<UnitLog> =
        read(grid.get(&format!("/api/v1/jobs/{}/logs?failed=true", job.id), &token).await, 200).await;
    assert_eq!(logs.items[0].seq, 3);
    assert!(logs.items[0].outcome.message().contains("good"), "{logs:?}");
    let retried = grid.ask(Method::POST, &format!("/api/v1/jobs/{}/retry", job.id), &token).send().await.unwrap();
    let retried: JobInfo = read(retried, 200).await;
    assert_eq!((retried.phase, retried.counts.again > 0), (JobPhase::Running, true));
    let end = node.work(&grid, &token, &job.id, |_| Ok(b"k".to_vec())).await;
    assert_eq!(end.phase, JobPhase::Done);
    assert_eq!(fetch(&grid, &token, &job.id).await, b"kkkkk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn units_may_be_left_out_and_are_named() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let identity = Identity::enrol(&grid, &token).await;
    let (mut node, _) = Raw::login(&grid, &identity, Vec::new()).await;
    let mut job = counting(module, 4);
    (job.assemble, job.on_failed) = (Assemble::Archive, OnFailed::LeaveOut { permille_max: 300 });
    let job = submit(&grid, &token, &job).await;
    let end = node
        .work(&grid, &token, &job.id, |input| {
            let text = String::from_utf8(bytes(input)).unwrap().replace(' ', "");
            let trap = Outcome::Trap { message: "unreachable".into() };
            if text.contains("\"from\":2,") { Err(trap) } else { Ok(b"out".to_vec()) }
        })
        .await;
    assert_eq!((end.phase, end.counts.left_out), (JobPhase::Done, 1));
    let archive = fetch(&grid, &token, &job.id).await;
    let mut archive = tar::Archive::new(&archive[..]);
    let names: Vec<_> =
        archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
    assert_eq!(names, ["unit-00000000", "unit-00000001", "unit-00000003", "left-out.txt"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_job_stops_on_its_nodes() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let identity = Identity::enrol(&grid, &token).await;
    let (mut node, _) = Raw::login(&grid, &identity, Vec::new()).await;
    let job = submit(&grid, &token, &counting(module, 50)).await;
    let lease = node.lease().await;
    let path = format!("/api/v1/jobs/{}/cancel", job.id);
    let cancelled: JobInfo = read(grid.ask(Method::POST, &path, &token).send().await.unwrap(), 200).await;
    assert_eq!((cancelled.phase, cancelled.counts.running), (JobPhase::Cancelled, 0));
    loop {
        if let fallow_protocol::link::ToNode::Cancel(cancel) = node.next().await {
            assert_eq!((cancel.job, cancel.units.len()), (job.id.clone(), 0));
            break;
        }
    }
    let late = lease.units.iter().map(|unit| crate::raw::result(&lease, unit.key.seq, Ok(b"x".to_vec()))).collect();
    node.results(&job.id, late).await;
    assert_eq!(job_info(&grid, &token, &job.id).await.counts.done, 0);
}
