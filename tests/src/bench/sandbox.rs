//! What the sandbox costs: eight kernels natively, in the plain engine, with the engine's own metering and canonical
//! NaNs, and with ours.
//!
//! The kernels are one source (`tests/guests/kernels`), built for this processor's portable target and for WebAssembly.
//! Every figure is processor time, the least of several runs, as a multiple of the native time.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use fallow_protocol::manifest::{Floats, Limits};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::Call;
use fallow_sandbox::bench_support::{Build, Compiled, Settings};
use fallow_sandbox::conformance::What;

use super::figures::{Figures, geometric_mean, quantile};
use super::{Options, machine};
use crate::conformance::{Corpus, units};
use crate::guests::{component, root};
use crate::process::programs;

pub(super) const KERNELS: [(&str, u64); 8] = [
    ("n-body", 8_000),
    ("mandelbrot", 600),
    ("sha-256", 6_000),
    ("matrix", 2_000),
    ("sort", 200),
    ("regex", 900),
    ("fib", 300),
    ("mul-128", 200),
];

const OFF: Settings = Settings { fuel: false, epoch: false, canonical_nans: false, quick: false };

/// Every row of the table: the engine's own ways, then ours.
const BUILDS: [(&str, Build); 7] = [
    ("plain", Build::Engine(OFF)),
    ("engine_fuel", Build::Engine(Settings { fuel: true, ..OFF })),
    ("engine_epoch", Build::Engine(Settings { epoch: true, ..OFF })),
    ("engine_nans", Build::Engine(Settings { canonical_nans: true, ..OFF })),
    ("engine_all", Build::Engine(Settings { fuel: true, epoch: true, canonical_nans: true, quick: false })),
    ("ours", Build::Ours(Floats::Plain)),
    ("ours_canonical", Build::Ours(Floats::Canonical)),
];

/// Index of the build that the others are compared with, besides native.
const PLAIN: usize = 0;
/// Native code of this kernel uses instructions that WebAssembly has no name for.
const UNFAIR: &str = "sha-256";

/// Limits that no kernel meets.
pub(super) fn limits() -> Limits {
    Limits { fuel: u64::MAX / 2, ..Limits::default() }
}

/// All kernels under all settings.
pub async fn run(options: Options, json: bool) -> Result<()> {
    let figures = Figures::new("sandbox", json);
    machine::tell(&figures)?;
    let wasm = tokio::fs::read(component("tests/guests/kernels").await?).await?;
    let echo = tokio::fs::read(component("tests/guests/noop").await?).await?;
    let mut corpus = Corpus::default();
    units::add_guests(&mut corpus, &programs().join("fallow")).await?;
    tokio::task::spawn_blocking(move || {
        kernels(options, figures, &wasm)?;
        examples(options, figures, &corpus)?;
        warm_start(figures, &echo)
    })
    .await?
}

fn kernels(options: Options, figures: Figures, wasm: &[u8]) -> Result<()> {
    let (divisor, repeats) = if options.quick { (4, 3) } else { (1, 5) };
    let native = build_native()?;
    let mut rows = Vec::new();
    let compiled =
        BUILDS.map(|(_, build)| Compiled::new(wasm, build, limits())).into_iter().collect::<Result<Vec<Compiled>>>()?;
    for (kernel, rounds) in KERNELS {
        let row = Row::measure(&native, &compiled, kernel, rounds / divisor, repeats)?;
        row.tell(figures);
        rows.push(row);
    }
    tell_means(figures, &rows);
    Ok(())
}

/// A unit of each example, against the plain engine; they have no native programs of the same work.
fn examples(options: Options, figures: Figures, corpus: &Corpus) -> Result<()> {
    let repeats = if options.quick { 10 } else { 40 };
    for (case, program) in corpus.cases() {
        let What::Unit { call, args, input } = &case.what else { continue };
        if case.name.starts_with("kernel-") {
            continue;
        }
        let mut compiled = Vec::new();
        for (_, build) in BUILDS {
            compiled.push(Compiled::new(program, build, limits())?.with_args(args));
        }
        let mut us = vec![f64::MAX; compiled.len()];
        for _ in 0..repeats {
            for (least, compiled) in us.iter_mut().zip(&compiled) {
                let run = compiled.run(*call, input);
                ensure!(run.outcome == Outcome::Done, "{}: {:?}", case.name, run.outcome);
                *least = least.min(run.cpu_us as f64);
            }
        }
        figures.tell(&format!("{}.plain_ms", case.name), us[PLAIN] / 1e3, "ms");
        for ((name, _), us_of) in BUILDS.iter().zip(&us).skip(1) {
            figures.tell(&format!("{}.{name}", case.name), us_of / us[PLAIN], "x plain");
        }
    }
    Ok(())
}

/// One kernel: the least time of several rounds, each of which runs everything once, so that what else the computer
/// does meets all alike.
struct Row {
    kernel: &'static str,
    native_us: f64,
    us: Vec<f64>,
    fuel: u64,
}

impl Row {
    fn measure(
        native: &Path,
        compiled: &[Compiled],
        kernel: &'static str,
        rounds: u64,
        repeats: usize,
    ) -> Result<Self> {
        let mut row = Self { kernel, native_us: f64::MAX, us: vec![f64::MAX; compiled.len()], fuel: 0 };
        let input = format!("{kernel} {rounds}");
        for _ in 0..repeats {
            let before = machine::children_cpu_us();
            let expected = Command::new(native).arg(kernel).arg(rounds.to_string()).output()?.stdout;
            row.native_us = row.native_us.min(machine::children_cpu_us() - before);
            for (index, compiled) in compiled.iter().enumerate() {
                let run = compiled.run(Call::Command, input.as_bytes());
                ensure!(run.outcome == Outcome::Done, "{kernel}: {:?}", run.outcome);
                ensure!(run.output == expected, "{kernel}: the guest's checksum differs from the native one");
                row.us[index] = row.us[index].min(run.cpu_us as f64);
                if matches!(BUILDS[index].1, Build::Ours(_)) {
                    ensure!(row.fuel == 0 || row.fuel == run.fuel, "{kernel}: builds differ in fuel");
                    row.fuel = run.fuel;
                }
            }
        }
        Ok(row)
    }

    fn tell(&self, figures: Figures) {
        figures.tell(&format!("{}.native_ms", self.kernel), self.native_us / 1e3, "ms");
        for ((name, _), us) in BUILDS.iter().zip(&self.us) {
            figures.tell(&format!("{}.{name}", self.kernel), us / self.native_us, "x native");
        }
        let ours = BUILDS.iter().position(|(name, _)| *name == "ours").map_or(f64::NAN, |at| self.us[at]);
        figures.tell(&format!("{}.fuel_per_us", self.kernel), self.fuel as f64 / ours, "fuel/us");
    }
}

fn tell_means(figures: Figures, rows: &[Row]) {
    for (index, (name, _)) in BUILDS.iter().enumerate() {
        let native: Vec<f64> =
            rows.iter().filter(|row| row.kernel != UNFAIR).map(|row| row.us[index] / row.native_us).collect();
        figures.tell(&format!("{name}_geomean_vs_native"), geometric_mean(&native), "x native");
        let mut plain: Vec<f64> = rows.iter().map(|row| row.us[index] / row.us[PLAIN]).collect();
        figures.tell(&format!("{name}_geomean_vs_plain"), geometric_mean(&plain), "x plain");
        figures.tell(&format!("{name}_worst_vs_plain"), quantile(&mut plain, 1.0), "x plain");
    }
}

fn build_native() -> Result<PathBuf> {
    let project = root().join("tests/guests/kernels");
    let target = programs().join("../guests/native");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "--quiet"]).current_dir(&project).env("CARGO_TARGET_DIR", &target);
    ensure!(cargo.status()?.success(), "failed to build the kernels natively");
    Ok(target.join("release/kernels"))
}

/// A fresh instance for a unit that does nothing: store, instance, call, drop.
fn warm_start(figures: Figures, echo: &[u8]) -> Result<()> {
    let compiled = Compiled::new(echo, Build::Ours(Floats::Plain), limits())?;
    let mut times = Vec::new();
    for _ in 0..2_000 {
        let run = compiled.run(Call::Run, b"32 bytes of an input, or nearly.");
        ensure!(run.outcome == Outcome::Done, "{:?}", run.outcome);
        times.push(run.wall_us as f64);
    }
    figures.tell("warm_start_us", quantile(&mut times, 0.5), "us");
    figures.tell("warm_start_p99_us", quantile(&mut times, 0.99), "us");
    Ok(())
}
