//! What the sandbox costs: eight kernels natively, in the plain engine, with metering, with determinism, with both.
//!
//! The kernels are one source (`tests/guests/kernels`), built for this processor's portable target and for WebAssembly.
//! Every figure is processor time, the least of several runs, as a multiple of the native time.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fallow_protocol::manifest::Limits;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::Call;
use fallow_sandbox::bench_support::{Compiled, Settings};

use super::figures::{Figures, geometric_mean, quantile};
use super::{Options, machine};
use crate::guests::{component, root};
use crate::process::programs;

const KERNELS: [(&str, u64); 8] = [
    ("n-body", 8_000),
    ("mandelbrot", 600),
    ("sha-256", 6_000),
    ("matrix", 2_000),
    ("sort", 200),
    ("regex", 900),
    ("fib", 300),
    ("mul-128", 200),
];

const SETTINGS: [(&str, Settings); 4] = [
    ("plain", Settings { fuel: false, canonical_nans: false }),
    ("fuel", Settings { fuel: true, canonical_nans: false }),
    ("canonical", Settings { fuel: false, canonical_nans: true }),
    ("fuel_canonical", Settings { fuel: true, canonical_nans: true }),
];

/// Limits that no kernel meets.
fn limits() -> Limits {
    Limits { fuel: u64::MAX / 2, ..Limits::default() }
}

/// All kernels under all settings.
pub async fn run(options: Options, json: bool) -> Result<()> {
    let figures = Figures::new("sandbox", json);
    machine::tell(&figures)?;
    let wasm = tokio::fs::read(component("tests/guests/kernels").await?).await?;
    let echo = tokio::fs::read(component("tests/guests/noop").await?).await?;
    tokio::task::spawn_blocking(move || {
        kernels(options, figures, &wasm)?;
        warm_start(figures, &echo)
    })
    .await?
}

fn kernels(options: Options, figures: Figures, wasm: &[u8]) -> Result<()> {
    let (divisor, repeats) = if options.quick { (4, 3) } else { (1, 5) };
    let native = build_native()?;
    let mut ratios = SETTINGS.map(|_| Vec::new());
    let compiled = SETTINGS
        .map(|(_, settings)| Compiled::new(wasm, settings, limits()))
        .into_iter()
        .collect::<Result<Vec<Compiled>>>()?;
    for (kernel, rounds) in KERNELS {
        let rounds = rounds / divisor;
        let (native_us, expected) = native_time(&native, kernel, rounds, repeats)?;
        figures.tell(&format!("{kernel}.native_ms"), native_us / 1e3, "ms");
        for (index, (name, _)) in SETTINGS.iter().enumerate() {
            let us = guest_time(&compiled[index], kernel, rounds, repeats, &expected)?;
            figures.tell(&format!("{kernel}.{name}"), us / native_us, "x native");
            ratios[index].push(us / native_us);
        }
    }
    for ((name, _), ratios) in SETTINGS.iter().zip(&ratios) {
        figures.tell(&format!("geomean.{name}"), geometric_mean(ratios), "x native");
    }
    Ok(())
}

fn build_native() -> Result<PathBuf> {
    let project = root().join("tests/guests/kernels");
    let target = programs().join("../guests/native");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "--quiet"]).current_dir(&project).env("CARGO_TARGET_DIR", &target);
    ensure!(cargo.status()?.success(), "failed to build the kernels natively");
    Ok(target.join("release/kernels"))
}

fn native_time(program: &PathBuf, kernel: &str, rounds: u64, repeats: usize) -> Result<(f64, Vec<u8>)> {
    let mut times = Vec::new();
    let mut output = Vec::new();
    for _ in 0..repeats {
        let before = machine::children_cpu_us();
        output = Command::new(program).arg(kernel).arg(rounds.to_string()).output()?.stdout;
        times.push(machine::children_cpu_us() - before);
    }
    Ok((quantile(&mut times, 0.0), output))
}

fn guest_time(compiled: &Compiled, kernel: &str, rounds: u64, repeats: usize, expected: &[u8]) -> Result<f64> {
    let input = format!("{kernel} {rounds}");
    let mut times = Vec::new();
    for _ in 0..repeats {
        let run = compiled.run(Call::Command, input.as_bytes());
        ensure!(run.outcome == Outcome::Done, "{kernel}: {:?}", run.outcome);
        ensure!(run.output == expected, "{kernel}: the guest's checksum differs from the native one");
        times.push(run.cpu_us as f64);
    }
    Ok(quantile(&mut times, 0.0))
}

/// A fresh instance for a unit that does nothing: store, instance, call, drop.
fn warm_start(figures: Figures, echo: &[u8]) -> Result<()> {
    let full = SETTINGS.last().context("there are settings")?.1;
    let compiled = Compiled::new(echo, full, limits())?;
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
