//! A gigabyte without a line end, as the author's tool is given it: streamed, refused by the number of its line.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fallow_tests::grid::{Grid, text};
use serde_json::Value;

/// The line's length, bytes.
const LINE_BYTES: u64 = 1 << 30;
/// More than this, and a program keeps the line, or a good part of it, in memory.
const MEMORY_BYTES: u64 = 128 << 20;

/// Most memory that a process has had at once; none once it is gone.
fn peak_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_a_gigabyte_is_streamed_and_refused() -> Result<()> {
    let grid = Grid::start().await?;
    let account = grid.account("author").await?;
    let input = grid.path("long.txt");
    std::fs::write(&input, b"short\n")?;
    // A hole reads as zeros, and takes no room on the disk.
    std::fs::File::options().append(true).open(&input)?.set_len(6 + LINE_BYTES)?;
    let (project, component) =
        (fallow_tests::guests::root().join("tests/guests/noop"), fallow_tests::guests::component("tests/guests/noop"));
    let (project, component) = (project.display().to_string(), component.await?.display().to_string());
    let before = peak_bytes(grid.server().pid()).context("the server runs")?;
    let mut submit = account.command(&[
        "submit",
        &project,
        "--component",
        &component,
        "--input",
        &input.display().to_string(),
        "--split",
        "lines:1",
        "--json",
    ]);
    let mut tool = submit.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let pid = tool.id().context("the tool runs")?;
    let mut peak = 0;
    while tool.try_wait()?.is_none() {
        peak = peak_bytes(pid).unwrap_or(peak);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let output = tool.wait_with_output().await?;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = match serde_json::from_slice::<Value>(&output.stdout).ok().filter(|_| output.status.success()) {
        Some(job) => account.job_ended(&text(&job, "id")?).await?["error"].as_str().unwrap_or_default().to_owned(),
        None => words,
    };
    let server = peak_bytes(grid.server().pid()).context("the server runs on")?;
    println!("the tool's peak: {} MiB, the server's: {} to {} MiB", peak >> 20, before >> 20, server >> 20);
    ensure!(
        said.contains("line 2") && said.contains("long.txt") && said.contains("longer than 67108864 bytes"),
        "{said}"
    );
    ensure!(peak > 0 && peak < MEMORY_BYTES, "the tool took {peak} bytes");
    ensure!(server < before + MEMORY_BYTES, "the server took {server} bytes, {before} before");
    Ok(())
}
