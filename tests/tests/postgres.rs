//! The same server on PostgreSQL: a job's whole life, and a kill in the middle of it.

#[path = "../../grid-server/src/store/tests/postgres.rs"]
mod postgres;

use anyhow::{Result, ensure};
use fallow_tests::grid::Grid;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_lives_on_postgresql_and_survives_a_kill() -> Result<()> {
    let database = tokio::task::spawn_blocking(postgres::new_database).await?;
    let mut grid = Grid::start_with(&format!("database_url = {database:?}\n")).await?;
    let author = grid.account("author").await?;
    let _nodes =
        (grid.node(&author, "one", &["--slots", "1"]).await?, grid.node(&author, "two", &["--slots", "1"]).await?);
    let job = author.submit("examples/primes", &["--split", "range:0..2000000:1000"]).await?;
    author.job_until(&job, "begun", |job| job["counts"]["done"].as_u64() > Some(100)).await?;
    grid.kill_server().await?;
    ensure!(!grid.server_data().join("fallow.sqlite").exists(), "it ran on SQLite");
    grid.restart_server().await?;
    let result = String::from_utf8(author.result(&job).await?)?;
    let info = author.job(&job).await?;
    ensure!(info["counts"]["done"] == 2_000, "{info:#}");
    ensure!(result.contains("148933"), "there are 148,933 primes below two million: {result}");
    Ok(())
}
