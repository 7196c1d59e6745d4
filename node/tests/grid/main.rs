//! A real node process with real workers against a grid in this process.

mod support;

use std::time::Instant;

use fallow_protocol::Digest;
use fallow_protocol::link::{Cancel, NodeState, ToNode};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Input, Output, Range};
use support::{Grid, LIMIT, join_and_run, lease, node, with_inputs};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// CPU time of the node's own process, microseconds in steps of 10,000; its workers are not in it.
fn cpu_us(node: &Child) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", node.id().unwrap())).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    [11, 12].iter().filter_map(|index| fields.get(*index)?.parse::<u64>().ok()).sum::<u64>() * 10_000
}

async fn signal(node: &Child, signal: &str) {
    let pid = node.id().unwrap().to_string();
    assert!(Command::new("kill").args([signal, &pid]).status().await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_units_come_back_once_each() {
    let (mut grid, data) = (Grid::start().await, tempfile::tempdir().unwrap());
    let node = join_and_run(&grid, data.path()).await;
    let mut connection = grid.connection().await;
    let status = connection.status_with(|status| status.state == NodeState::Active).await;
    assert_eq!(status.slots, 2);
    let grant = grid.grant();
    connection.say(ToNode::Job(Box::new(grant.clone())));
    connection.say(ToNode::Lease(lease(1, &grant.job, 0..1)));
    let first = connection.results().await;
    assert_eq!(first.results[0].outcome, Outcome::Done, "{:?}", first.results[0]);
    connection.say(ToNode::Committed { frame: first.frame });

    let (leases, began, cpu) = (10, Instant::now(), cpu_us(&node));
    for id in 0..leases {
        connection.say(ToNode::Lease(lease(10 + id, &grant.job, 1 + id * 1_000..1 + (id + 1) * 1_000)));
    }
    let (mut seen, mut frames, mut last) = (vec![false; leases as usize * 1_000], 0, first.frame);
    while seen.contains(&false) {
        let frame = connection.results().await;
        assert!(frame.frame > last, "frame numbers rise");
        last = frame.frame;
        frames += 1;
        for result in frame.results {
            assert_eq!(result.outcome, Outcome::Done);
            let seen = &mut seen[result.key.seq as usize - 1];
            assert!(!std::mem::replace(seen, true), "once each");
        }
        connection.say(ToNode::Committed { frame: frame.frame });
    }
    let per_s = (leases as f64 * 1_000.0 / began.elapsed().as_secs_f64()) as u64;
    let cpu_us = (cpu_us(&node) - cpu) / (leases * 1_000);
    println!("{per_s} no-op units a second, {frames} frames, about {cpu_us} us of the node's CPU a unit");
    let status = connection.status_with(|status| status.leases.is_empty()).await;
    assert_eq!(status.units_held, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_sends_its_uncommitted_results_again() {
    let (mut grid, data) = (Grid::start().await, tempfile::tempdir().unwrap());
    let mut killed = join_and_run(&grid, data.path()).await;
    let mut connection = grid.connection().await;
    let grant = grid.grant();
    connection.say(ToNode::Job(Box::new(grant.clone())));
    connection.say(ToNode::Lease(lease(7, &grant.job, 0..3)));
    let mut sent = Vec::new();
    while sent.iter().map(|frame: &fallow_protocol::link::ResultsFrame| frame.results.len()).sum::<usize>() < 3 {
        sent.push(connection.results().await);
    }
    killed.kill().await.unwrap();
    let mut restarted = node(data.path(), &["run", "--slots", "1", "--json"]);
    let mut connection = grid.connection().await;
    assert_eq!(connection.login.leases, [7]);
    for frame in &sent {
        assert_eq!(&connection.results().await, frame);
    }
    connection.say(ToNode::Job(Box::new(grant.clone())));
    connection.say(ToNode::Lease(lease(8, &grant.job, 3..4)));
    assert!(connection.results().await.frame > sent.last().unwrap().frame);

    signal(&restarted, "-TERM").await;
    connection.say(ToNode::Committed { frame: u64::MAX });
    let ended = timeout(LIMIT, restarted.wait()).await.expect("it leaves in time").unwrap();
    assert!(ended.success(), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_are_fetched_by_block_and_checked() {
    let (mut grid, data) = (Grid::start().await, tempfile::tempdir().unwrap());
    let _node = join_and_run(&grid, data.path()).await;
    let mut connection = grid.connection().await;
    let blob: Vec<u8> = (0..900_000u32).map(|i| (i % 251) as u8).collect();
    let good = Digest::of(&blob);
    let mut other = blob.clone();
    other[500_000] ^= 1;
    let tampered = Digest::of(&other);
    grid.put(good, blob.clone());
    grid.put(tampered, blob);
    let grant = grid.grant();
    connection.say(ToNode::Job(Box::new(grant.clone())));
    let input = |blob, offset| Input::Ranges(vec![Range { blob, offset, len: 1_000 }]);
    connection.say(ToNode::Lease(with_inputs(1, &grant.job, 0..4, |seq| input(good, seq * 262_000))));
    let mut done = 0;
    while done < 4 {
        for result in connection.results().await.results {
            assert_eq!(result.outcome, Outcome::Done);
            assert!(matches!(result.output, Some(Output::Inline(_))));
            done += 1;
        }
    }
    connection.say(ToNode::Lease(with_inputs(2, &grant.job, 4..5, |_| input(tampered, 0))));
    let result = connection.results().await.results.remove(0);
    let Outcome::HostFault { message } = result.outcome else { panic!("{:?}", result.outcome) };
    assert!(message.contains("digest") || message.contains("blob"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_module_is_declined_and_the_owner_pauses_at_will() {
    let (mut grid, data) = (Grid::start().await, tempfile::tempdir().unwrap());
    let _node = join_and_run(&grid, data.path()).await;
    let mut connection = grid.connection().await;
    let mut bad = grid.grant();
    bad.manifest.authored.bytes.push(0);
    connection.say(ToNode::Job(Box::new(bad.clone())));
    connection.say(ToNode::Lease(lease(1, &bad.job, 0..2)));
    let decline = connection.decline().await;
    assert_eq!(decline.units.len(), 2);
    assert!(decline.reason.contains("signature"), "{}", decline.reason);

    let paused = node(data.path(), &["pause", "--reason", "a backup"]).wait_with_output().await.unwrap();
    assert!(paused.status.success());
    let wanted = NodeState::Paused { reason: "a backup".into() };
    connection.status_with(|status| status.state == wanted).await;
    let grant = grid.grant();
    connection.say(ToNode::Job(Box::new(grant.clone())));
    connection.say(ToNode::Lease(lease(2, &grant.job, 0..1)));
    connection.status_with(|status| status.units_held == 1).await;
    let resumed = node(data.path(), &["resume", "--json"]).wait_with_output().await.unwrap();
    let status: serde_json::Value = serde_json::from_slice(&resumed.stdout).unwrap();
    assert_eq!((&status["state"]["is"], &status["name"]), (&"active".into(), &"heron".into()));
    assert_eq!(connection.results().await.results[0].outcome, Outcome::Done);
    connection.say(ToNode::Cancel(Cancel { job: grant.job, units: vec![] }));
    let second = node(data.path(), &["run"]).wait_with_output().await.unwrap();
    assert_eq!(second.status.code(), Some(6), "one node a folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_made_again_and_dropped_leases_are_forgotten() {
    let (mut grid, data) = (Grid::start().await, tempfile::tempdir().unwrap());
    let _node = join_and_run(&grid, data.path()).await;
    let mut connection = grid.connection().await;
    let grant = grid.grant();
    connection.say(ToNode::Job(Box::new(grant.clone())));
    connection.say(ToNode::Lease(lease(3, &grant.job, 0..1)));
    let frame = connection.results().await;
    drop(connection);
    let mut connection = grid.connection().await;
    assert_eq!(connection.login.leases, [3]);
    assert_eq!(connection.results().await, frame, "not committed, so sent again");
    connection.say(ToNode::Committed { frame: frame.frame });
    connection.status_with(|status| status.leases.is_empty()).await;

    // Empty inputs make the kernel work for a while: this one is dropped while it runs.
    connection.say(ToNode::Job(Box::new(grant.clone())));
    let long = with_inputs(4, &grant.job, 5..600, |_| Input::Inline(vec![]));
    connection.say(ToNode::Lease(long));
    connection.status_with(|status| status.leases == [4]).await;
    grid.forget_leases(vec![4]);
    drop(connection);
    let mut connection = grid.connection().await;
    assert_eq!(connection.login.leases, [4]);
    connection.status_with(|status| status.units_held == 0).await;
}
