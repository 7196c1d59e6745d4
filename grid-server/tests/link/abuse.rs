//! Nodes that lie, babble or flood: each is told what was wrong, and everybody else works on.

use fallow_protocol::api::JobPhase;
use fallow_protocol::link::{RefusedReason, SignedResults, ToServer, UnitProgress};
use fallow_protocol::unit::{Output, UnitKey};
use fallow_protocol::{Digest, SecretKey, Signature};

use crate::grid::Grid;
use crate::raw::{ALL, Identity, Raw, author, bytes, counting, fetch, job_info, result, submit};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_right_answer_logs_in() {
    let grid = Grid::start().await;
    let (token, _) = author(&grid, "ann", ALL).await;
    let identity = Identity::enrol(&grid, &token).await;
    let mut raw = Raw::connect(&grid, &identity).await;
    let mut login = raw.answer(Vec::new()).await;
    login.version = 99;
    raw.send(&ToServer::Login(login.clone())).await;
    assert_eq!(raw.refused().await.reason, RefusedReason::Version);

    let stranger = Identity { id: identity.id.clone(), key: SecretKey::generate() };
    let mut raw = Raw::connect(&grid, &stranger).await;
    let forged = raw.answer(Vec::new()).await;
    raw.send(&ToServer::Login(forged)).await;
    assert_eq!(raw.refused().await.reason, RefusedReason::Unauthorised);

    let mut raw = Raw::connect(&grid, &identity).await;
    raw.next().await;
    login.version = 1;
    raw.send(&ToServer::Login(login)).await;
    assert_eq!(raw.refused().await.reason, RefusedReason::Unauthorised, "a nonce serves one connection");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_no_node_sends_end_the_connection() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let (bad, good) = (Identity::enrol(&grid, &token).await, Identity::enrol(&grid, &token).await);
    for garbage in [b"\xc1".to_vec(), vec![0x93; 100_000], b"\xdf\xff\xff\xff\xff".to_vec(), Vec::new()] {
        let (mut raw, _) = Raw::login(&grid, &bad, Vec::new()).await;
        raw.send_bytes(garbage).await;
        assert_eq!(raw.refused().await.reason, RefusedReason::Protocol);
    }
    let mut raw = Raw::connect(&grid, &bad).await;
    raw.send_bytes(vec![0; 70_000]).await;
    assert_eq!(raw.refused().await.reason, RefusedReason::Protocol, "before the login");
    let (mut raw, _) = Raw::login(&grid, &bad, Vec::new()).await;
    raw.send_text("hello").await;
    assert_eq!(raw.refused().await.reason, RefusedReason::Protocol);
    let (mut raw, _) = Raw::login(&grid, &bad, Vec::new()).await;
    raw.send(&ToServer::Results(SignedResults { bytes: vec![1], signature: Signature([0; 64]) })).await;
    assert_eq!(raw.refused().await.reason, RefusedReason::Protocol);

    let (mut node, _) = Raw::login(&grid, &good, Vec::new()).await;
    let job = submit(&grid, &token, &counting(module, 10)).await;
    assert_eq!(node.work(&grid, &token, &job.id, |input| Ok(bytes(input))).await.phase, JobPhase::Done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_cut_off_and_a_second_connection_takes_over() {
    let grid = Grid::start().await;
    let (token, _) = author(&grid, "ann", ALL).await;
    let identity = Identity::enrol(&grid, &token).await;
    let (mut first, old) = Raw::login(&grid, &identity, Vec::new()).await;
    let (mut second, new) = Raw::login(&grid, &identity, Vec::new()).await;
    assert_eq!(first.refused().await.reason, RefusedReason::Replaced);
    assert!(grid.running.app.nodes.session(&old.session).is_none());
    assert!(grid.running.app.nodes.session(&new.session).is_some());
    tokio::time::timeout(crate::raw::PATIENCE, second.flood()).await.expect("the server cuts it off");
    assert!(gone(&grid, &new.session).await);
}

async fn gone(grid: &Grid, session: &str) -> bool {
    let deadline = tokio::time::Instant::now() + crate::raw::PATIENCE;
    while grid.running.app.nodes.session(session).is_some() {
        if tokio::time::Instant::now() > deadline {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lies_about_units_change_nothing() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let (liar, good) = (Identity::enrol(&grid, &token).await, Identity::enrol(&grid, &token).await);
    let (mut node, _) = Raw::login(&grid, &good, Vec::new()).await;
    let job = submit(&grid, &token, &counting(module, 3)).await;
    let lease = node.lease().await;
    let (mut raw, _) = Raw::login(&grid, &liar, Vec::new()).await;
    let stolen = result(&lease, lease.units[0].key.seq, Ok(b"stolen".to_vec()));
    let mut made_up = stolen.clone();
    made_up.key = UnitKey { stage: 1, seq: 1_000_000 };
    let mut other_stage = stolen.clone();
    other_stage.key = UnitKey { stage: 900, seq: 0 };
    raw.results(&job.id, vec![stolen, made_up, other_stage]).await;
    raw.results(&fallow_protocol::JobId::random(), Vec::new()).await;
    let counts = job_info(&grid, &token, &job.id).await.counts;
    assert_eq!((counts.done, counts.total()), (0, 3));
    drop(raw);

    // Outputs that are not there, and more fuel than the limit, are the computer's fault.
    let mut missing = result(&lease, lease.units[0].key.seq, Ok(Vec::new()));
    missing.output = Some(Output::Blob { digest: Digest([9; 32]), len: 5_000 });
    node.results(&job.id, vec![missing]).await;
    let counts = job_info(&grid, &token, &job.id).await.counts;
    assert_eq!(counts.done, 0);
    let end = {
        let rest = lease.units[1..].iter().map(|unit| result(&lease, unit.key.seq, Ok(bytes(&unit.input)))).collect();
        node.results(&job.id, rest).await;
        node.work(&grid, &token, &job.id, |input| Ok(bytes(input))).await
    };
    assert_eq!((end.phase, end.counts.done, end.fuel), (JobPhase::Done, 3, 30));
    assert!(!fetch(&grid, &token, &job.id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_counts_from_the_node_that_holds_the_unit() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let (liar, good) = (Identity::enrol(&grid, &token).await, Identity::enrol(&grid, &token).await);
    let (mut node, _) = Raw::login(&grid, &good, Vec::new()).await;
    let job = submit(&grid, &token, &counting(module, 3)).await;
    let lease = node.lease().await;
    let held = lease.units[0].key.seq;
    let progress = |seq, done| UnitProgress { job: job.id.clone(), key: UnitKey { stage: 1, seq }, done, total: 10 };
    let (mut raw, _) = Raw::login(&grid, &liar, Vec::new()).await;
    raw.progress(Vec::new(), vec![progress(held, 10), progress(1_000_000, 10)]).await;
    node.progress(vec![lease.id], vec![progress(held, 5), progress(1_000_000, 10)]).await;
    let ignored = || grid.running.app.metrics.progress_ignored.get();
    let deadline = tokio::time::Instant::now() + crate::raw::PATIENCE;
    while ignored() < 3 || job_info(&grid, &token, &job.id).await.progress_milli == 0 {
        assert!(tokio::time::Instant::now() < deadline, "both are heard");
        tokio::task::yield_now().await;
    }
    assert_eq!((ignored(), job_info(&grid, &token, &job.id).await.progress_milli), (3, 500));
    drop(raw);
    let results = lease.units.iter().map(|unit| result(&lease, unit.key.seq, Ok(bytes(&unit.input)))).collect();
    node.results(&job.id, results).await;
    assert_eq!(node.work(&grid, &token, &job.id, |input| Ok(bytes(input))).await.phase, JobPhase::Done);
}
