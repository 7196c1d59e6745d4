//! Things that happen to computers: a node killed in the middle of a unit, a pause, a server killed and started again.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fallow_tests::SOON;
use fallow_tests::grid::{Account, Grid, Node};
use serde_json::Value;

/// One long unit that makes checkpoints; a step takes some ten milliseconds.
async fn long_unit(grid: &Grid, author: &Account, steps: u64) -> Result<String> {
    let file = grid.path("steps.txt");
    std::fs::write(&file, format!("{{\"steps\": {steps}, \"work\": 5000000, \"checkpoint_every\": 5}}\n"))?;
    let file = file.display().to_string();
    author.submit("tests/guests/steps", &["--input", &file, "--limit", "time=10m"]).await
}

fn started(event: &Value) -> bool {
    event["event"] == "unit_started"
}

async fn is_working(node: &Node) -> Result<()> {
    node.process.event(SOON, started).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_of_a_killed_node_goes_on_elsewhere_from_its_checkpoint() -> Result<()> {
    let grid = Grid::start_with("[work]\nheartbeat_ms = 500\nlease_ms = 1500\ncheckpoint_ms = 200\n").await?;
    let author = grid.account("author").await?;
    let first = grid.node(&author, "first", &["--slots", "1"]).await?;
    let whole = long_unit(&grid, &author, 300).await?;
    let undisturbed = author.result(&whole).await?;
    let fuel_undisturbed = author.job(&whole).await?["fuel"].as_u64().context("fuel is a number")?;

    let seen = first.process.told();
    let job = long_unit(&grid, &author, 300).await?;
    first.process.event_after(seen, SOON, started).await?;
    // The third is told when the server has had the first for a while.
    let mut seen = seen;
    for _ in 0..3 {
        seen = first.process.position_after(seen, SOON, |event| event["event"] == "checkpoint").await?.1;
    }
    first.process.kill().await?;
    let second = grid.node(&author, "second", &["--slots", "1"]).await?;
    let resumed = second.process.event(SOON, started).await?;
    ensure!(resumed["resumed_at_fuel"].as_u64() > Some(0), "the second node started from nothing: {resumed}");
    let result = author.result(&job).await?;
    ensure!(result == undisturbed, "a resumed unit gave another result");
    let info = author.job(&job).await?;
    ensure!(info["fuel"].as_u64() <= Some(fuel_undisturbed * 11 / 10), "a resumed unit is paid twice: {info:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_takes_hold_within_a_second_also_in_the_middle_of_a_unit() -> Result<()> {
    let grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let node = grid.node(&author, "one", &["--slots", "1"]).await?;
    let job = long_unit(&grid, &author, 400).await?;
    is_working(&node).await?;
    let data = node.data.display().to_string();
    let control = |word: &'static str| {
        let mut command = fallow_tests::process::program("fallow-node");
        command.args([word, "--data", &data]);
        command
    };
    let began = std::time::Instant::now();
    ensure!(control("pause").output().await?.status.success(), "pause failed");
    ensure!(began.elapsed() < Duration::from_secs(1), "the pause took {:?}", began.elapsed());
    let worker = worker_of(node.process.pid()).context("the node has no worker process")?;
    let (before, after) = (cpu_ticks(worker)?, {
        tokio::time::timeout(Duration::from_millis(500), std::future::pending::<()>()).await.ok();
        cpu_ticks(worker)?
    });
    ensure!(before == after, "the worker used {} ticks of processor time while paused", after - before);
    ensure!(control("resume").output().await?.status.success(), "resume failed");
    author.result(&job).await?;
    Ok(())
}

/// The busiest child of a process: its worker.
fn worker_of(pid: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    let mut all: Vec<u32> = children.split_whitespace().filter_map(|child| child.parse().ok()).collect();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
    }
    all.into_iter().max_by_key(|child| cpu_ticks(*child).unwrap_or(0))
}

fn cpu_ticks(pid: u32) -> Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit_once(')').context("stat has a name")?.1.split_whitespace().collect();
    Ok(fields[11].parse::<u64>()? + fields[12].parse::<u64>()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_finds_everything_and_its_nodes_come_back() -> Result<()> {
    let mut grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let node = grid.node(&author, "one", &["--slots", "2"]).await?;
    let job = author.submit("examples/primes", &["--split", "range:0..400000:1000"]).await?;
    author.job_until(&job, "begun", |job| job["counts"]["done"].as_u64() > Some(0)).await?;
    let seen = node.process.told();
    grid.stop_server().await?;
    grid.restart_server().await?;
    node.process.event_after(seen, SOON, |event| event["event"] == "online").await?;
    author.result(&job).await?;
    let info = author.job(&job).await?;
    ensure!(info["counts"]["done"] == 400, "{info:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn results_made_while_the_server_is_away_are_not_lost() -> Result<()> {
    let mut grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let node = grid.node(&author, "one", &["--slots", "1"]).await?;
    let job = long_unit(&grid, &author, 60).await?;
    is_working(&node).await?;
    grid.kill_server().await?;
    node.process.event(SOON, |event| event["event"] == "unit_ended").await?;
    grid.restart_server().await?;
    author.result(&job).await?;
    let page = author.request(reqwest::Method::GET, &format!("/api/v1/jobs/{job}/units")).send().await?;
    let page: Value = page.error_for_status()?.json().await?;
    ensure!(page["items"][0]["attempt"] == 1, "the unit was run again although its result was there: {page:#}");
    Ok(())
}
