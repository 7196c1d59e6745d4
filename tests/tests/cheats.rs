//! Real nodes that cheat, each with an owner and a network of its own, beside honest ones, and what it gets them.

use anyhow::{Result, ensure};
use fallow_tests::evil::{Evil, Misbehaviour};
use fallow_tests::grid::{Account, Grid};
use fallow_tests::steps::Steps;

/// Leases end soon, so that what is given back or dropped goes on at once.
const SETTINGS: &str = "[work]\nheartbeat_ms = 500\nlease_ms = 3000\n";

/// A grid with an author who owns no node.
async fn grid() -> Result<(Grid, Account)> {
    let grid = Grid::start_with(SETTINGS).await?;
    let author = grid.account("author").await?;
    Ok((grid, author))
}

/// A node of an owner of its own, in a network of its own.
async fn stranger(grid: &Grid, name: &str, network: u8, how: Misbehaviour) -> Result<Evil> {
    let owner = grid.account(&format!("owner-{name}")).await?;
    Evil::join(grid, &owner, name, network, how).await
}

/// The job's result is the right one, although `liar` lied.
async fn comes_right(author: &Account, job: &str, work: &Steps, liar: &mut Evil) -> Result<()> {
    let result = String::from_utf8(author.result(job).await?)?;
    ensure!(result == work.expected(), "the result is wrong: {result}");
    liar.has_lied(1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn results_for_units_of_others_change_nothing() -> Result<()> {
    let (grid, author) = grid().await?;
    let mut thief = stranger(&grid, "thief", 1, Misbehaviour::Steal).await?;
    let _honest = stranger(&grid, "honest", 2, Misbehaviour::Honest).await?;
    let work = Steps::of(60, 6_000_000);
    let job = work.submit(&grid, &author, &[]).await?;
    thief.has_lied(1).await?;
    ensure!(author.job(&job).await?["phase"] != "done", "the theft came too late to be one");
    comes_right(&author, &job, &work, &mut thief).await
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_frames_change_nothing() -> Result<()> {
    let (grid, author) = grid().await?;
    let mut replayer = stranger(&grid, "replayer", 1, Misbehaviour::Replay).await?;
    let work = Steps::of(20, 5_000_000);
    let job = work.submit(&grid, &author, &[]).await?;
    comes_right(&author, &job, &work, &mut replayer).await?;
    let once = author.job(&job).await?["fuel"].as_u64();
    let nodes = &replayer.owner.get("/api/v1/nodes").await?["items"];
    ensure!(nodes[0]["units_done"] == 20 && nodes[0]["fuel"].as_u64() == once, "paid twice: {once:?} {nodes:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_failure_is_confirmed_elsewhere_before_the_author_hears_of_it() -> Result<()> {
    let (grid, author) = grid().await?;
    let mut liar = stranger(&grid, "liar", 1, Misbehaviour::FalseFailure).await?;
    let work = Steps::of(6, 5_000_000);
    let _honest = [
        stranger(&grid, "one", 2, Misbehaviour::Honest).await?,
        stranger(&grid, "two", 3, Misbehaviour::Honest).await?,
    ];
    let job = work.submit(&grid, &author, &[]).await?;
    comes_right(&author, &job, &work, &mut liar).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_time_limit_costs_a_second_run_only() -> Result<()> {
    let (grid, author) = grid().await?;
    let mut liar = stranger(&grid, "liar", 1, Misbehaviour::FalseTimeLimit).await?;
    let _honest = stranger(&grid, "honest", 2, Misbehaviour::Honest).await?;
    let work = Steps::of(6, 5_000_000);
    let job = work.submit(&grid, &author, &[]).await?;
    comes_right(&author, &job, &work, &mut liar).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_refuses_expensive_units_leaves_them_to_others() -> Result<()> {
    let (grid, author) = grid().await?;
    let work = Steps::of(8, 2_000_000).with_a_long_one(20);
    let mut picky = stranger(&grid, "picky", 1, Misbehaviour::RefuseExpensive { fuel: 5_000_000 }).await?;
    let job = work.submit(&grid, &author, &[]).await?;
    picky.has_lied(1).await?;
    let _honest = stranger(&grid, "honest", 2, Misbehaviour::Honest).await?;
    comes_right(&author, &job, &work, &mut picky).await
}
