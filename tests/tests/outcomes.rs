//! Every way in which a guest can end, as its author sees it, while another author's job goes on.

use anyhow::{Result, ensure};
use fallow_tests::grid::{Account, Grid};
use serde_json::Value;

/// One line a unit: what the guest shall do, and how the author shall see it.
const CASES: [(&str, &str); 8] = [
    ("ok", "done"),
    ("error:the tile is not RGB", "guest_error"),
    ("panic", "trap"),
    ("overflow", "trap"),
    ("alloc", "limit"),
    ("output:8000000", "limit"),
    ("work", "limit"),
    ("log", "done"),
];

async fn submit_faults(grid: &Grid, author: &Account, lines: &[&str], more: &[&str]) -> Result<String> {
    let file = grid.path("cases.txt");
    std::fs::write(&file, lines.join("\n") + "\n")?;
    let file = file.display().to_string();
    let mut args = vec!["--input", &file, "--on-failed", "leave-out:100%"];
    args.extend(more);
    author.submit("tests/guests/faults", &args).await
}

async fn units(author: &Account, job: &str) -> Result<Vec<Value>> {
    let path = format!("/api/v1/jobs/{job}/units?stage=1&limit=100");
    let page: Value = author.request(reqwest::Method::GET, &path).send().await?.error_for_status()?.json().await?;
    Ok(page["items"].as_array().cloned().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_outcome_looks_different_and_others_go_on() -> Result<()> {
    let grid = Grid::start().await?;
    let (author, other) = (grid.account("author").await?, grid.account("other").await?);
    let _nodes =
        (grid.node(&author, "one", &["--slots", "2"]).await?, grid.node(&other, "two", &["--slots", "1"]).await?);
    let lines: Vec<&str> = CASES.iter().map(|(line, _)| *line).collect();
    let limits = ["--limit", "fuel=2000000000", "--limit", "output=1MiB"];
    let job = submit_faults(&grid, &author, &lines, &limits).await?;
    let beside = other.submit("examples/primes", &["--split", "range:0..20000:100"]).await?;
    other.result(&beside).await?;
    let ended = author.job_ended(&job).await?;
    ensure!(ended["counts"]["done"] == 2 && ended["counts"]["left_out"] == 6, "{ended:#}");
    for (unit, (line, class)) in units(&author, &job).await?.iter().zip(CASES) {
        ensure!(unit["outcome"]["class"] == class, "{line}: expected {class}, found {unit:#}");
    }
    let all = units(&author, &job).await?;
    ensure!(all[1]["outcome"]["message"] == "the tile is not RGB", "{}", all[1]);
    ensure!(all[4]["outcome"]["limit"] == "memory" && all[5]["outcome"]["limit"] == "output", "{} {}", all[4], all[5]);
    ensure!(all[6]["outcome"]["limit"] == "fuel" && all[6]["fuel"].as_u64() >= Some(1_900_000_000), "{}", all[6]);
    let logs = author.call(&["logs", &job, "--failed"]).await?;
    ensure!(logs.code == 0 && logs.out.contains("the tile is not RGB"), "{} {}", logs.out, logs.err);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_stops_at_the_first_failure_says_which_and_can_be_retried() -> Result<()> {
    let grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let _node = grid.node(&author, "one", &[]).await?;
    let file = grid.path("cases.txt");
    std::fs::write(&file, "ok\nerror:no such stain\n")?;
    let file = file.display().to_string();
    let job = author
        .submit("tests/guests/faults", &["--input", &file, "--on-failed", "stop", "--assemble", "archive"])
        .await?;
    let ended = author.job_ended(&job).await?;
    ensure!(ended["phase"] == "failed", "{ended:#}");
    ensure!(ended["error"].as_str().is_some_and(|error| error.contains("no such stain")), "{ended:#}");
    let before = ended["version"].as_u64();
    author.json(&["retry", &job, "--json"]).await?;
    let again = author
        .job_until(&job, "failed again", |info| info["phase"] == "failed" && info["version"].as_u64() > before)
        .await?;
    ensure!(again["counts"]["done"] == 1, "{again:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_over_its_wall_time_is_tried_once_more_and_then_final() -> Result<()> {
    let grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let _node = grid.node(&author, "one", &[]).await?;
    let job = submit_faults(&grid, &author, &["loop", "ok"], &["--limit", "time=1s", "--limit", "fuel=1000T"]).await?;
    let ended = author.job_ended(&job).await?;
    ensure!(ended["phase"] == "done" && ended["counts"]["left_out"] == 1, "{ended:#}");
    let all = units(&author, &job).await?;
    ensure!(all[0]["outcome"]["class"] == "time_limit" && all[0]["attempt"] == 2, "{}", all[0]);
    Ok(())
}
