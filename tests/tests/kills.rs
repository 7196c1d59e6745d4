//! `kill -9` of the server at random moments of a job: nothing acknowledged is lost, nothing is counted twice.

use std::time::Duration;

use anyhow::{Result, ensure};
use fallow_tests::grid::Grid;

/// Kills within one job; `FALLOW_KILL_ROUNDS` asks for more.
const ROUNDS: u64 = 6;

/// A small generator, so that a failing run can be repeated from its seed.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_survives_kills_of_the_server() -> Result<()> {
    let rounds = std::env::var("FALLOW_KILL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(ROUNDS);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::from(std::process::id());
    println!("seed {seed:#x}");
    let mut grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let _nodes =
        (grid.node(&author, "one", &["--slots", "1"]).await?, grid.node(&author, "two", &["--slots", "1"]).await?);
    let mut jobs = Vec::new();
    for round in 0..rounds {
        let job = author.submit("examples/primes", &["--split", "range:0..3000000:1000"]).await?;
        let pause = Duration::from_millis(next(&mut seed) % 900);
        tokio::time::timeout(pause, std::future::pending::<()>()).await.ok();
        grid.kill_server().await?;
        grid.restart_server().await?;
        jobs.push(job);
        println!("round {round}: killed after {pause:?}");
    }
    let mut results = Vec::new();
    for job in &jobs {
        results.push(author.result(job).await?);
        let info = author.job(job).await?;
        ensure!(info["counts"]["done"] == 3_000, "a unit is missing or counted twice: {info:#}");
    }
    ensure!(results.windows(2).all(|pair| pair[0] == pair[1]), "equal jobs gave different results");
    Ok(())
}
