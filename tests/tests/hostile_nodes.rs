//! Nodes that lie, babble, flood and vanish: each costs itself its connection, and nobody else anything.

use anyhow::{Context, Result, ensure};
use fallow_protocol::keys::Purpose;
use fallow_protocol::link::{RefusedReason, ResultsFrame, SignedResults, ToNode, ToServer};
use fallow_protocol::manifest::PROFILE;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Output, UnitKey, UnitResult};
use fallow_protocol::wire;
use fallow_tests::grid::{Account, Grid};
use fallow_tests::raw_node::{RawLink, RawNode, status};

async fn grid() -> Result<(Grid, Account)> {
    let grid = Grid::start().await?;
    let account = grid.account("author").await?;
    Ok((grid, account))
}

async fn refused(link: &mut RawLink) -> Result<RefusedReason> {
    let reason = |message| if let ToNode::Refused(refused) = message { Some(refused) } else { None };
    let refused = link.hear_until(reason).await?.context("the connection was closed without a word")?;
    ensure!(!refused.message.is_empty(), "a refusal says why");
    Ok(refused.reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_versions_signatures_and_bytes_are_refused_by_name() -> Result<()> {
    let (grid, account) = grid().await?;
    let node = RawNode::enrol(&grid, &account, "liar").await?;

    let mut link = node.connect().await?;
    let login = fallow_protocol::link::Login { version: 4_000_000_000, ..node.login(&link.hello) };
    link.say(&ToServer::Login(login)).await?;
    ensure!(refused(&mut link).await? == RefusedReason::Version);

    let mut link = node.connect().await?;
    let other = RawNode::enrol(&grid, &account, "other").await?;
    let login = fallow_protocol::link::Login { node: node.id.clone(), ..other.login(&link.hello) };
    link.say(&ToServer::Login(login)).await?;
    ensure!(refused(&mut link).await? == RefusedReason::Unauthorised);

    let (first, mut second) = (node.connect().await?, node.connect().await?);
    second.say(&ToServer::Login(node.login(&first.hello))).await?;
    ensure!(refused(&mut second).await? == RefusedReason::Unauthorised, "a nonce of another connection was taken");

    for garbage in [vec![], vec![0xc1], vec![0xff; 1000], b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![0x91; 5000]] {
        let mut link = node.online(1).await?;
        link.say_bytes(garbage).await?;
        ensure!(refused(&mut link).await? == RefusedReason::Protocol);
    }
    let mut link = node.connect().await?;
    link.say(&ToServer::Status(status(1, vec![], 0))).await?;
    ensure!(refused(&mut link).await? == RefusedReason::Protocol, "a status before the login was taken");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_message_and_a_flood_end_only_their_own_connection() -> Result<()> {
    let (grid, account) = grid().await?;
    let _honest = grid.node(&account, "honest", &["--slots", "1"]).await?;
    let job = account.submit("examples/primes", &["--split", "range:0..2000000:1000"]).await?;
    let node = RawNode::enrol(&grid, &account, "flood").await?;

    let mut link = node.online(0).await?;
    let _ = link.say_bytes(vec![0; fallow_protocol::limits::FRAME_BYTES_MAX + 1]).await;
    while link.hear().await.is_ok_and(|message| message.is_some()) {}

    let mut link = node.online(0).await?;
    let mut said = 0u32;
    while link.say(&ToServer::Status(status(0, vec![], 0))).await.is_ok() {
        said += 1;
        ensure!(said < 2_000_000, "two million messages were taken");
    }
    account.result(&job).await?;
    ensure!(account.job(&job).await?["counts"]["done"] == 2_000);
    Ok(())
}

fn result(seq: u64, attempt: u32) -> UnitResult {
    UnitResult {
        key: UnitKey { stage: 1, seq },
        attempt,
        outcome: Outcome::Done,
        floats: Default::default(),
        fuel: 5,
        memory_bytes: 1,
        wall_us: 1,
        output: Some(Output::Inline(b"{\"forged\":true}".to_vec())),
        log: Vec::new(),
        resumed_at_fuel: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn results_for_leases_never_given_change_nothing() -> Result<()> {
    let (grid, account) = grid().await?;
    let stranger = grid.account("stranger").await?;
    let node = RawNode::enrol(&grid, &stranger, "forger").await?;
    let mut link = node.online(0).await?;
    let job = account.submit("examples/primes", &["--split", "range:0..100:10", "--run-on", "own"]).await?;
    let frame = |frame, results| ResultsFrame {
        node: node.id.clone(),
        frame,
        job: job.parse().expect("the server gave it"),
        profile: PROFILE.into(),
        results,
    };
    let bytes = wire::encode(&frame(1, (0..10).map(|seq| result(seq, 1)).collect()));
    let signature = node.key.sign(Purpose::Results, &bytes);
    link.say(&ToServer::Results(SignedResults { bytes: bytes.clone(), signature })).await?;
    let wrong = node.key.sign(Purpose::NodeLogin, &bytes);
    link.say(&ToServer::Results(SignedResults { bytes, signature: wrong })).await?;
    while link.hear().await?.is_some_and(|message| !matches!(message, ToNode::Refused(_))) {}
    let info = account.job(&job).await?;
    ensure!(info["counts"]["waiting"] == 10 && info["fuel"] == 0, "{info:#}");
    let _own = grid.node(&account, "own", &["--slots", "1"]).await?;
    let result = String::from_utf8_lossy(&account.result(&job).await?).into_owned();
    ensure!(!result.contains("forged"), "{result}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_takes_work_and_vanishes_delays_it_only() -> Result<()> {
    let grid = Grid::start_with("[work]\nheartbeat_ms = 500\nlease_ms = 1500\n").await?;
    let account = grid.account("author").await?;
    let node = RawNode::enrol(&grid, &account, "vanisher").await?;
    let mut link = node.online(4).await?;
    let job = account.submit("examples/primes", &["--split", "range:0..100:10"]).await?;
    let leased = link.hear_until(|message| if let ToNode::Lease(lease) = message { Some(lease) } else { None }).await?;
    ensure!(leased.is_some_and(|lease| !lease.units.is_empty()), "the node got no work");
    drop(link);
    let _honest = grid.node(&account, "honest", &["--slots", "1"]).await?;
    account.result(&job).await?;
    ensure!(account.job(&job).await?["counts"]["done"] == 10);
    Ok(())
}

/// Numbers that no computer has, and a frame told twice: both once stopped the server from taking anybody's results.
#[tokio::test(flavor = "multi_thread")]
async fn wild_numbers_and_replayed_frames_hurt_nobody() -> Result<()> {
    let (grid, account) = grid().await?;
    let stranger = grid.account("stranger").await?;
    let node = RawNode::enrol(&grid, &stranger, "liar").await?;
    let mut link = node.online(2).await?;
    let job = account.submit("examples/primes", &["--split", "range:0..400:10", "--assemble", "archive"]).await?;
    let is_lease = |message| if let ToNode::Lease(lease) = message { Some(lease) } else { None };
    let lease = link.hear_until(is_lease).await?.context("the node got no work")?;
    let results: Vec<UnitResult> = lease
        .units
        .iter()
        .map(|unit| UnitResult { wall_us: u64::MAX, memory_bytes: u64::MAX, ..result(unit.key.seq, unit.attempt) })
        .collect();
    let frame = ResultsFrame {
        node: node.id.clone(),
        frame: 1,
        job: job.parse().expect("the server gave it"),
        profile: PROFILE.into(),
        results,
    };
    let bytes = wire::encode(&frame);
    let signature = node.key.sign(Purpose::Results, &bytes);
    for _ in 0..3 {
        link.say(&ToServer::Results(SignedResults { bytes: bytes.clone(), signature })).await?;
        let is_committed = |message| matches!(message, ToNode::Committed { frame: 1 }).then_some(());
        link.hear_until(is_committed).await?.context("a frame told again is not acknowledged")?;
    }
    drop(link);
    let _honest = grid.node(&account, "honest", &["--slots", "1"]).await?;
    account.result(&job).await?;
    ensure!(account.job(&job).await?["counts"]["done"] == 40);
    Ok(())
}
