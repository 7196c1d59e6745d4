//! The scene that users come for: a large picture segmented by a grid of two nodes on this machine, against the same
//! Rust code compiled natively on two threads. Wall time from the submission to the written result.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use super::figures::Figures;
use super::{Bench, Options, machine};
use crate::guests::root;
use crate::process::programs;

/// Native against grid.
pub async fn run(options: Options, json: bool) -> Result<()> {
    let figures = Figures::new("cells", json);
    machine::tell(&figures)?;
    let side = if options.quick { 2_048 } else { 8_192 };
    let tile = if options.quick { 512 } else { 1_024 };
    let bench = Bench::start().await?;
    let native = build_native().await?;
    let picture = bench.grid.path("picture.png");
    let small = root().join("examples/cells/input/ihc.png");
    succeed(Command::new(&native).arg("mirror").arg(&small).arg(side.to_string()).arg(&picture)).await?;
    let native_s = native_time(&native, &picture, tile, &bench.grid.path("native")).await?;
    let grid = grid_time(&bench, &picture, tile).await?;
    same_count(&bench.grid.path("native"), &bench.grid.path("grid"))?;
    figures.tell("native_s", native_s, "s");
    figures.tell("grid_s", grid.wall_s, "s");
    figures.tell("of_native", native_s / grid.wall_s, "x");
    grid.tell(&figures);
    Ok(())
}

async fn build_native() -> Result<PathBuf> {
    let target = programs().join("../guests/native");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "--quiet", "-p", "cells", "--features", "native"]);
    succeed(cargo.current_dir(root().join("examples")).env("CARGO_TARGET_DIR", &target)).await?;
    Ok(target.join("release/cells-native"))
}

async fn native_time(native: &Path, picture: &Path, tile: u32, out: &Path) -> Result<f64> {
    let began = Instant::now();
    let mut command = Command::new(native);
    command.arg(picture).args(["--threads", "2", "--tile", &tile.to_string(), "--out"]).arg(out);
    succeed(&mut command).await?;
    Ok(began.elapsed().as_secs_f64())
}

/// Where the time of the grid's run went.
struct GridTime {
    wall_s: f64,
    split_s: f64,
    run_s: f64,
    merge_s: f64,
    nodes: f64,
}

impl GridTime {
    /// Guests' time on the critical path: split, work on all nodes, merge.
    fn guests_s(&self) -> f64 {
        self.split_s + self.run_s / self.nodes + self.merge_s
    }

    fn tell(&self, figures: &Figures) {
        figures.tell("split_s", self.split_s, "s");
        figures.tell("run_s_a_node", self.run_s / self.nodes, "s");
        figures.tell("merge_s", self.merge_s, "s");
        figures.tell("outside_guests_share", 1.0 - self.guests_s() / self.wall_s, "of wall time");
    }
}

async fn grid_time(bench: &Bench, picture: &Path, tile: u32) -> Result<GridTime> {
    let _nodes = [
        bench.grid.node(&bench.account, "one", &["--slots", "1"]).await?,
        bench.grid.node(&bench.account, "two", &["--slots", "1"]).await?,
    ];
    let settings = bench.grid.path("settings.json");
    std::fs::write(&settings, format!("{{\"tile\": {tile}}}"))?;
    let (picture, settings) = (picture.display().to_string(), settings.display().to_string());
    let began = Instant::now();
    let job = bench.account.submit("examples/cells", &["--input", &picture, "--shared", &settings]).await?;
    let out = bench.grid.path("grid").display().to_string();
    let ended = bench.account.job_ended(&job).await?;
    ensure!(ended["phase"] == "done", "{ended:#}");
    let fetched = bench.account.call(&["fetch", &job, "--extract", "--output", &out]).await?;
    ensure!(fetched.code == 0, "{}", fetched.err);
    let wall_s = began.elapsed().as_secs_f64();
    let units = units(bench, &job).await?;
    let stage = |wanted: &dyn Fn(u64) -> bool| -> f64 {
        let fits = units.iter().filter(|unit| unit["stage"].as_u64().is_some_and(wanted));
        fits.filter_map(|unit| unit["wall_us"].as_f64()).sum::<f64>() / 1e6
    };
    Ok(GridTime {
        wall_s,
        split_s: stage(&|s| s == 0),
        run_s: stage(&|s| s == 1),
        merge_s: stage(&|s| s > 1),
        nodes: 2.0,
    })
}

async fn units(bench: &Bench, job: &str) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/jobs/{job}/units?limit=200{cursor}");
        let answer = bench.account.request(reqwest::Method::GET, &path).send().await?.error_for_status()?;
        let page: Value = answer.json().await?;
        all.extend(page["items"].as_array().context("a page has items")?.iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(all),
        }
    }
}

/// Native and grid must have counted the same nuclei.
fn same_count(native: &Path, grid: &Path) -> Result<()> {
    let rows = |folder: &Path| -> Result<String> { Ok(std::fs::read_to_string(folder.join("nuclei.csv"))?) };
    ensure!(rows(native)? == rows(grid)?, "native run and grid found different nuclei");
    Ok(())
}

async fn succeed(command: &mut Command) -> Result<()> {
    let output = command.output().await?;
    ensure!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
