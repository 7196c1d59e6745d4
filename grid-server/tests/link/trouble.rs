//! Nodes that go, servers that restart, units that come back.

use std::time::Duration;

use fallow_protocol::api::{JobPhase, UnitCounts};
use fallow_protocol::link::{Decline, ToServer};
use fallow_protocol::outcome::Outcome;
use grid_server::serve;

use crate::grid::Grid;
use crate::raw::{ALL, Identity, PATIENCE, Raw, author, bytes, counting, fetch, job_info, result, submit};

/// Ask until it is so.
async fn until(grid: &Grid, token: &str, job: &fallow_protocol::JobId, so: impl Fn(&UnitCounts) -> bool) -> UnitCounts {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut version = 0;
    loop {
        let path = format!("/api/v1/jobs/{job}?after={version}&wait_ms=1000");
        let info: fallow_protocol::api::JobInfo = crate::grid::read(grid.get(&path, token).await, 200).await;
        if so(&info.counts) {
            return info.counts;
        }
        version = info.version;
        assert!(tokio::time::Instant::now() < deadline, "{info:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_vanishes_loses_its_units_to_another() {
    let grid = Grid::with(|config| config.work.lease_ms = 1_500).await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let (first, second) = (Identity::enrol(&grid, &token).await, Identity::enrol(&grid, &token).await);
    let (mut gone, _) = Raw::login(&grid, &first, Vec::new()).await;
    let job = submit(&grid, &token, &counting(module, 20)).await;
    let lease = gone.lease().await;
    drop(gone);
    let (mut node, _) = Raw::login(&grid, &second, Vec::new()).await;
    let end = node.work(&grid, &token, &job.id, |input| Ok(bytes(input))).await;
    assert_eq!((end.phase, end.counts.done), (JobPhase::Done, 20));
    assert!(!lease.units.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_node_loses_its_lease_though_it_is_connected() {
    let grid = Grid::with(|config| config.work.lease_ms = 1_000).await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let identity = Identity::enrol(&grid, &token).await;
    let (mut node, _) = Raw::login(&grid, &identity, Vec::new()).await;
    let job = submit(&grid, &token, &counting(module, 2)).await;
    let first = node.lease().await;
    let second = node.lease().await;
    assert!(second.units.iter().all(|unit| unit.attempt == 2), "{second:?}");
    let stale = first.units.iter().map(|unit| result(&first, unit.key.seq, Ok(b"old".to_vec()))).collect();
    node.results(&job.id, stale).await;
    let fresh = second.units.iter().map(|unit| result(&second, unit.key.seq, Ok(b"new".to_vec()))).collect();
    node.results(&job.id, fresh).await;
    let end = node.work(&grid, &token, &job.id, |_| Ok(b"new".to_vec())).await;
    assert_eq!(end.phase, JobPhase::Done);
    assert_eq!(fetch(&grid, &token, &job.id).await, b"newnew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn host_faults_and_declines_are_tried_again() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let (one, two) = (Identity::enrol(&grid, &token).await, Identity::enrol(&grid, &token).await);
    let (mut node, _) = Raw::login(&grid, &one, Vec::new()).await;
    let job = submit(&grid, &token, &counting(module, 1)).await;
    let lease = node.lease().await;
    let fault = Outcome::HostFault { message: "no memory".into() };
    node.results(&job.id, vec![result(&lease, 0, Err(fault))]).await;
    let lease = node.lease().await;
    assert_eq!(lease.units[0].attempt, 2);
    let units = vec![(lease.units[0].key, 2)];
    node.send(&ToServer::Decline(Decline { job: job.id.clone(), units, reason: "full".into() })).await;
    until(&grid, &token, &job.id, |counts| counts.again == 1).await;
    let (mut other, _) = Raw::login(&grid, &two, Vec::new()).await;
    let lease = other.lease().await;
    assert_eq!(lease.units[0].attempt, 3);
    other.results(&job.id, vec![result(&lease, 0, Ok(b"ok".to_vec()))]).await;
    assert_eq!(fetch(&grid, &token, &job.id).await, b"ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_failure_is_confirmed_by_another_node() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let (bob, cee) = (grid.account("bob").await, grid.account("cee").await);
    let (one, two) = (Identity::enrol(&grid, &bob).await, Identity::enrol(&grid, &cee).await);
    let (mut first, _) = Raw::login(&grid, &one, Vec::new()).await;
    let job = submit(&grid, &token, &counting(module, 1)).await;
    let lease = first.lease().await;
    let (mut second, _) = Raw::login(&grid, &two, Vec::new()).await;
    until_online(&grid, 2).await;
    let trap = || Outcome::Trap { message: "unreachable".into() };
    first.results(&job.id, vec![result(&lease, 0, Err(trap()))]).await;
    let counts = until(&grid, &token, &job.id, |counts| counts.checking == 1).await;
    assert_eq!(counts.running, 0);
    let lease = second.lease().await;
    assert_eq!(lease.units[0].attempt, 2);
    second.results(&job.id, vec![result(&lease, 0, Err(trap()))]).await;
    let end = second.work(&grid, &token, &job.id, |_| Ok(Vec::new())).await;
    assert_eq!((end.phase, end.counts.failed, end.fuel), (JobPhase::Failed, 1, 20), "both runs are paid");
}

/// Both nodes have told their status.
async fn until_online(grid: &Grid, nodes: usize) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while grid.running.app.nodes.views(|_, _| Default::default()).len() < nodes {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_forgets_nothing() {
    let mut grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let identity = Identity::enrol(&grid, &token).await;
    let (mut node, _) = Raw::login(&grid, &identity, Vec::new()).await;
    let job = submit(&grid, &token, &counting(module, 6_000)).await;
    let lease = node.lease().await;
    let half = lease.units.len() / 2;
    let results = |from: usize, to: usize| {
        let units = lease.units[from..to].iter();
        units.map(|unit| result(&lease, unit.key.seq, Ok(bytes(&unit.input)))).collect::<Vec<_>>()
    };
    node.results(&job.id, results(0, half)).await;
    drop(node);
    let config = grid.running.app.config.clone();
    let (data, client, operator) = (grid.data, grid.client, grid.operator);
    grid.running.stop().await;
    let running = serve::start(config).await.unwrap();
    grid = Grid { running, client, operator, data };
    assert!(job_info(&grid, &token, &job.id).await.counts.done >= half as u64);
    let (mut node, welcome) = Raw::login(&grid, &identity, vec![lease.id, 12_345]).await;
    assert_eq!(welcome.unknown_leases, [12_345]);
    node.results(&job.id, results(half, lease.units.len())).await;
    assert!(job_info(&grid, &token, &job.id).await.counts.done >= lease.units.len() as u64);
    let end = node.work(&grid, &token, &job.id, |input| Ok(bytes(input))).await;
    assert_eq!((end.phase, end.counts.done, end.fuel), (JobPhase::Done, 6_000, 60_000));
    let found = String::from_utf8(fetch(&grid, &token, &job.id).await).unwrap().replace(' ', "");
    let wanted: String = (0..6_000).map(|n| format!("{{\"from\":{n},\"to\":{}}}", n + 1)).collect();
    assert_eq!(found, wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_ends_a_job() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let mut job = counting(module, 3);
    job.deadline_ms = Some(grid_server::app::now_ms() + 700);
    let job = submit(&grid, &token, &job).await;
    let path = format!("/api/v1/jobs/{}/result?wait_ms=20000", job.id);
    let ended = tokio::time::timeout(Duration::from_secs(15), grid.get(&path, &token)).await.unwrap();
    crate::grid::problem(ended, 410, "no-result").await;
    assert_eq!(job_info(&grid, &token, &job.id).await.phase, JobPhase::Cancelled);
}
