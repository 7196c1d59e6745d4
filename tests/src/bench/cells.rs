//! The scene that users come for: a large picture segmented by a grid of two nodes on this machine, against the same
//! Rust code compiled natively on two threads. Wall time from the submission to the written result.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use fallow_protocol::unit::STAGE_RUN;
use serde_json::Value;
use tokio::process::Command;

use super::figures::Figures;
use super::timeline::{self, Clock, Doing};
use super::{Bench, Options, machine};
use crate::grid::Node;
use crate::guests::root;
use crate::process::programs;

/// Pixels around a tile that `examples/cells` gives it besides its own.
const HALO: u32 = 64;

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
    let grid = grid_time(&bench, &picture, side, tile).await?;
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
    /// Until the author's tool had handed the job over.
    submit_s: f64,
    /// From there to the end of the job.
    by_doing: BTreeMap<Doing, f64>,
    /// From the merge's last byte at the server to the end of the job.
    assembly_s: f64,
    /// From the end of the job to the written files.
    fetch_s: f64,
    /// Guests' time on the critical path, by the results: split, work on all nodes, merge.
    guests_s: f64,
    server_cpu_s: f64,
    nodes_cpu_s: f64,
    halo_share: f64,
}

impl GridTime {
    fn tell(&self, figures: &Figures) {
        let of = |doing| self.by_doing.get(&doing).copied().unwrap_or_default();
        figures.tell("submit_s", self.submit_s, "s");
        figures.tell("guest_split_s", of(Doing::Split), "s");
        figures.tell("guest_run_s", of(Doing::Run), "s");
        figures.tell("guest_merge_s", of(Doing::Merge), "s");
        figures.tell("compile_s", of(Doing::Compile), "s");
        figures.tell("transfer_in_s", of(Doing::TransferIn), "s");
        figures.tell("transfer_out_s", of(Doing::TransferOut), "s");
        figures.tell("tail_s", of(Doing::Tail), "s");
        figures.tell("assembly_s", self.assembly_s, "s");
        figures.tell("other_s", of(Doing::Other) - self.assembly_s, "s");
        figures.tell("fetch_s", self.fetch_s, "s");
        figures.tell("server_cpu_s", self.server_cpu_s, "s");
        figures.tell("nodes_cpu_s", self.nodes_cpu_s, "s");
        figures.tell("halo_share", self.halo_share, "of the pixels worked on");
        figures.tell("outside_guests_s", self.wall_s - self.guests_s, "s");
        figures.tell("outside_guests_share", 1.0 - self.guests_s / self.wall_s, "of wall time");
    }
}

async fn grid_time(bench: &Bench, picture: &Path, side: u32, tile: u32) -> Result<GridTime> {
    let nodes = [node(bench, "one").await?, node(bench, "two").await?];
    let settings = bench.grid.path("settings.json");
    std::fs::write(&settings, format!("{{\"tile\": {tile}}}"))?;
    let (picture, settings) = (picture.display().to_string(), settings.display().to_string());
    let cpu = || -> Result<(f64, f64)> {
        let of_nodes = nodes.iter().map(|node| machine::own_cpu_seconds(node.process.pid())).sum::<Result<f64>>()?;
        Ok((machine::own_cpu_seconds(bench.grid.server().pid())?, of_nodes))
    };
    let (cpu_before, clock, began) = (cpu()?, Clock::start(), Instant::now());
    let job = bench.account.submit("examples/cells", &["--input", &picture, "--shared", &settings]).await?;
    let submit_s = began.elapsed().as_secs_f64();
    let out = bench.grid.path("grid").display().to_string();
    let ended = bench.account.job_ended(&job).await?;
    ensure!(ended["phase"] == "done", "{ended:#}");
    let ended_s = began.elapsed().as_secs_f64();
    let fetched = bench.account.call(&["fetch", &job, "--extract", "--output", &out]).await?;
    ensure!(fetched.code == 0, "{}", fetched.err);
    let wall_s = began.elapsed().as_secs_f64();
    let cpu_after = cpu()?;

    let mut spans = Vec::new();
    for (index, name) in ["one", "two"].into_iter().enumerate() {
        spans.extend(timeline::spans(index, &bench.grid.path(&format!("{name}.log")), clock)?);
    }
    Ok(GridTime {
        wall_s,
        submit_s,
        by_doing: timeline::attribute(&spans, nodes.len(), submit_s, ended_s),
        assembly_s: ended_s - timeline::last_end(&spans).clamp(submit_s, ended_s),
        fetch_s: wall_s - ended_s,
        guests_s: guests_s(&units(bench, &job).await?, nodes.len()),
        server_cpu_s: cpu_after.0 - cpu_before.0,
        nodes_cpu_s: cpu_after.1 - cpu_before.1,
        halo_share: halo_share(side, tile),
    })
}

async fn node(bench: &Bench, name: &str) -> Result<Node> {
    bench.grid.node_logging(&bench.account, name, &["--slots", "1"], timeline::NODE_LOG).await
}

/// By the units' own wall times: split and merge, for which all wait, and the nodes' parts of the work.
fn guests_s(units: &[Value], nodes: usize) -> f64 {
    let wall_s = |unit: &Value| unit["wall_us"].as_f64().unwrap_or_default() / 1e6;
    let part = |unit: &Value| if unit["stage"] == STAGE_RUN { wall_s(unit) / nodes as f64 } else { wall_s(unit) };
    units.iter().map(part).sum()
}

/// Part of the pixels of all units that are there only for their neighbours.
fn halo_share(side: u32, tile: u32) -> f64 {
    let (side, tiles) = (f64::from(side), f64::from(side.div_ceil(tile)));
    let worked_on = side + 2.0 * f64::from(HALO) * (tiles - 1.0);
    1.0 - (side / worked_on).powi(2)
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
