//! The lives of whole jobs: submitted with the author's tool, run by real nodes, fetched again, and right.

use anyhow::{Result, ensure};
use fallow_tests::grid::Grid;
use fallow_tests::guests::root;

/// Number of primes below `n`, by trial division: nothing in common with the example's sieve.
fn primes_below(n: u64) -> usize {
    (2..n).filter(|k| (2..).take_while(|d| d * d <= *k).all(|d| k % d != 0)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn primes_of_a_range_are_counted() -> Result<()> {
    let grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let _nodes = (grid.node(&author, "one", &["--slots", "2"]).await?, grid.node(&author, "two", &[]).await?);
    let job = author.submit("examples/primes", &["--split", "range:0..20000:1000"]).await?;
    let result = author.result(&job).await?;
    let info = author.job(&job).await?;
    ensure!(info["counts"]["done"] == 20, "{info:#}");
    ensure!(info["fuel"].as_u64() > Some(2_000), "{info:#}");
    let text = String::from_utf8(result)?;
    ensure!(text.contains(&primes_below(20_000).to_string()), "expected {} in {text:?}", primes_below(20_000));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unmodified_wasi_program_filters_lines_in_order() -> Result<()> {
    let grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let _node = grid.node(&author, "one", &["--slots", "2"]).await?;
    // The example's own job: the zones of the southern half, 50 rows a unit, put together in order.
    let job = author.submit("examples/wasi-filter", &[]).await?;
    let through_grid = author.result(&job).await?;
    let info = author.job(&job).await?;
    ensure!(info["counts"]["done"].as_u64() > Some(3), "{info:#}");
    let zones = std::fs::read_to_string(root().join("examples/wasi-filter/input/zones.csv"))?;
    let southern =
        zones.lines().skip(1).filter(|row| row.split(',').nth(1).is_some_and(|south| south.starts_with('-')));
    ensure!(String::from_utf8_lossy(&through_grid).lines().count() == southern.count(), "rows are missing or too many");
    // The same component on all rows in one piece, run by the tool alone.
    let component = fallow_tests::guests::component("examples/wasi-filter").await?.display().to_string();
    let project = root().join("examples/wasi-filter").display().to_string();
    let input = root().join("examples/wasi-filter/input/zones.csv").display().to_string();
    let args = ["run", "--project", &project, "--component", &component, &input, "--output", "alone.txt"];
    let alone = author.call(&args).await?;
    ensure!(alone.code == 0, "{}", alone.err);
    ensure!(std::fs::read(grid.path("alone.txt"))? == through_grid, "the grid's result differs from the local one");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_sent_twice_is_one_job() -> Result<()> {
    let grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let job = author.submit("examples/primes", &["--split", "range:0..10:10"]).await?;
    let info = author.job(&job).await?;
    let send = |submission: serde_json::Value, key: &'static str| {
        author.request(reqwest::Method::POST, "/api/v1/jobs").header("Idempotency-Key", key).json(&submission).send()
    };
    let first = send(info["submission"].clone(), "same").await?;
    ensure!(first.status() == 201, "{}", first.text().await?);
    let first: serde_json::Value = first.json().await?;
    let again = send(info["submission"].clone(), "same").await?;
    ensure!(again.status() == 200, "{}", again.text().await?);
    ensure!(again.json::<serde_json::Value>().await?["id"] == first["id"], "a replay made another job");
    let mut other = info["submission"].clone();
    other["name"] = "another".into();
    let conflict = send(other, "same").await?;
    ensure!(conflict.status() == 409, "{}", conflict.text().await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_waits_for_nodes_says_why_and_can_be_cancelled() -> Result<()> {
    let grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let job = author.submit("examples/primes", &["--split", "range:0..100:10"]).await?;
    let explained = author.json(&["explain", &job, "--json"]).await?;
    ensure!(explained["waiting"] == 10, "{explained:#}");
    ensure!(explained["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()), "{explained:#}");
    let cancelled = author.json(&["cancel", &job, "--json"]).await?;
    ensure!(cancelled["phase"] == "cancelled", "{cancelled:#}");
    let result = author.request(reqwest::Method::GET, &format!("/api/v1/jobs/{job}/result")).send().await?;
    ensure!(result.status() == 410, "{}", result.text().await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn run_on_own_keeps_a_job_from_strangers() -> Result<()> {
    let grid = Grid::start().await?;
    let (author, stranger) = (grid.account("author").await?, grid.account("stranger").await?);
    let _node = grid.node(&stranger, "theirs", &[]).await?;
    let job = author.submit("examples/primes", &["--split", "range:0..100:10", "--run-on", "own"]).await?;
    let open = author.submit("examples/primes", &["--split", "range:0..100:10", "--run-on", "anyone"]).await?;
    author.result(&open).await?;
    let info = author.job(&job).await?;
    ensure!(info["counts"]["waiting"] == 10, "a stranger's node ran a job that was for own nodes: {info:#}");
    let of_stranger = stranger.request(reqwest::Method::GET, &format!("/api/v1/jobs/{job}")).send().await?;
    ensure!(of_stranger.status() == 404, "another account sees the job");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nan_has_the_same_bits_everywhere_and_is_paid_once() -> Result<()> {
    let grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let _node = grid.node(&author, "one", &[]).await?;
    let lines = grid.path("lines.txt");
    std::fs::write(&lines, "nan\nok:7ff8000000000000\n")?;
    let lines = lines.display().to_string();
    let mut fuel = Vec::new();
    // Found out by the processor's flag and run again; then in the canonical build from the beginning.
    for floats in ["plain", "canonical"] {
        let args = ["--input", &lines, "--split", "lines:1", "--assemble", "concat", "--floats", floats];
        let job = author.submit("tests/guests/faults", &args).await?;
        let result = String::from_utf8(author.result(&job).await?)?;
        ensure!(result == "7ff80000000000007ff8000000000000", "{floats}: {result}");
        fuel.push(author.job(&job).await?["fuel"].as_u64());
    }
    ensure!(fuel[0].is_some() && fuel[0] == fuel[1], "both runs were paid: {fuel:?}");
    Ok(())
}
