//! The demo's job on a grid of strangers' nodes: right by scikit-image's measure, and the same as without a grid.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use fallow_tests::grid::{Grid, text};
use fallow_tests::guests::{component, root};
use fallow_tests::process::programs;
use serde_json::Value;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn nuclei_are_found_on_a_grid_as_scikit_image_finds_them() -> Result<()> {
    let grid = Grid::start().await?;
    let (author, lender) = (grid.account("author").await?, grid.account("lender").await?);
    let _nodes =
        (grid.node(&lender, "one", &["--slots", "1"]).await?, grid.node(&lender, "two", &["--slots", "1"]).await?);
    let job = author.submit("examples/cells", &["--run-on", "anyone"]).await?;
    let ended = author.job_ended(&job).await?;
    ensure!(ended["phase"] == "done" && ended["counts"]["done"] == 16, "{ended:#}");
    let fetched = author.call(&["fetch", &job, "--extract", "--output", "grid"]).await?;
    ensure!(fetched.code == 0, "{}", fetched.err);

    let result = grid.path("grid");
    let summary: Value = serde_json::from_slice(&std::fs::read(result.join("summary.json"))?)?;
    ensure!(summary["tiles"] == 16 && summary["tiles_missing"] == 0, "{summary:#}");
    let picture = root().join("examples/cells/input/ihc.png");
    let reference = root().join("examples/cells/reference.py");
    let mut compare = Command::new(python().await?);
    succeed(compare.arg(reference).arg(picture).arg("--compare").arg(&result)).await?;

    // The same component without a grid, by the author's tool.
    let (project, wasm) = (root().join("examples/cells"), component("examples/cells").await?);
    let (project, wasm) = (project.display().to_string(), wasm.display().to_string());
    let alone =
        author.call(&["run", "--project", &project, "--component", &wasm, "--whole", "--output", "alone.tar"]).await?;
    ensure!(alone.code == 0, "{}", alone.err);
    let through_grid = author.result(&job).await?;
    ensure!(std::fs::read(grid.path("alone.tar"))? == through_grid, "the grid's result differs from the local one");

    // Each stage was paid for in fuel, and says how long it took.
    let path = format!("/api/v1/jobs/{job}/units?limit=100");
    let page: Value = author.request(reqwest::Method::GET, &path).send().await?.error_for_status()?.json().await?;
    let units = page["items"].as_array().context("a page has items")?;
    for stage in 0..=2 {
        let of_stage: Vec<&Value> = units.iter().filter(|unit| unit["stage"] == stage).collect();
        ensure!(of_stage.iter().all(|unit| unit["fuel"].as_u64() > Some(0)), "stage {stage}: {page:#}");
        ensure!(!of_stage.is_empty(), "no unit of stage {stage}: {page:#}");
    }
    ensure!(text(&ended, "name")? == "cells");
    Ok(())
}

/// A Python with scikit-image, made once beside the guests.
async fn python() -> Result<PathBuf> {
    let folder = programs().join("../guests/python");
    let python = folder.join("bin/python");
    let there = Command::new(&python).args(["-c", "import skimage"]).output().await;
    if !there.is_ok_and(|output| output.status.success()) {
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder)).await?;
        let requirements = root().join("examples/cells/requirements.txt");
        succeed(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(requirements))
            .await?;
    }
    Ok(absolute(&python))
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

async fn succeed(command: &mut Command) -> Result<()> {
    let output = command.output().await?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(output.status.success(), "{command:?}:\n{}{}", text(&output.stdout), text(&output.stderr));
    Ok(())
}
