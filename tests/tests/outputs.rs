//! Long outputs, which go to the server while they are made: they arrive whole, and what is given up leaves nothing.

use anyhow::{Context, Result, ensure};
use fallow_tests::SOON;
use fallow_tests::grid::{Account, Grid};

/// Longer than what is uploaded in one piece, and no multiple of anything.
const LONG_BYTES: usize = 20_000_003;

async fn submit(grid: &Grid, author: &Account, lines: &str, more: &[&str]) -> Result<String> {
    let file = grid.path("lines.txt");
    std::fs::write(&file, lines)?;
    let file = file.display().to_string();
    let mut args = vec!["--input", &file];
    args.extend(more);
    author.submit("tests/guests/faults", &args).await
}

/// Unfinished uploads of all nodes at the server.
fn unfinished(grid: &Grid) -> Result<usize> {
    let mut found = 0;
    for owner in std::fs::read_dir(grid.server_data().join("uploads"))? {
        found += std::fs::read_dir(owner?.path())?.count();
    }
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn long_outputs_arrive_whole() -> Result<()> {
    let grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let _node = grid.node(&author, "one", &["--slots", "1"]).await?;
    let lines = format!("output:{LONG_BYTES}\nok:between\noutput:{}\n", LONG_BYTES / 2);
    let more = ["--assemble", "concat", "--limit", "output=32MiB", "--limit", "memory=128MiB"];
    let job = submit(&grid, &author, &lines, &more).await?;
    let result = author.result(&job).await?;
    let whole = [vec![b'x'; LONG_BYTES], b"between".to_vec(), vec![b'x'; LONG_BYTES / 2]].concat();
    ensure!(result == whole, "the outputs came as {} bytes, not {}", result.len(), whole.len());
    ensure!(unfinished(&grid)? == 0, "an upload was not finished");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_split_that_fails_leaves_no_upload() -> Result<()> {
    let grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let _node = grid.node(&author, "one", &["--slots", "1"]).await?;
    let line = format!("ok:{}\n", "y".repeat(1_000_000));
    let lines = line.repeat(30) + "error:no more of them\n";
    let job = submit(&grid, &author, &lines, &["--split", "guest"]).await?;
    let ended = author.job_ended(&job).await?;
    ensure!(ended["phase"] == "failed", "{ended:#}");
    let emptied = async {
        while unfinished(&grid)? > 0 {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(SOON, emptied).await.context("the server still has a part of what the split emitted")?
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_split_gives_its_units() -> Result<()> {
    let grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let _node = grid.node(&author, "one", &["--slots", "1"]).await?;
    let line = format!("ok:{}\n", "y".repeat(1_000_000));
    let job = submit(&grid, &author, &line.repeat(30), &["--split", "guest", "--assemble", "concat"]).await?;
    ensure!(author.result(&job).await? == vec![b'y'; 30_000_000], "the units came otherwise");
    ensure!(unfinished(&grid)? == 0, "an upload was not finished");
    Ok(())
}
