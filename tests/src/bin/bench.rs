//! `fallow-bench NAME [--quick] [--json]`: the benchmarks' program, called by `cargo xtask bench`.

use anyhow::{Result, bail};
use clap::Parser;
use fallow_tests::bench::{Options, api, cells, compile, fuel, latency, sandbox, trust, units};

/// Benchmarks of Fallow: real processes on this machine, ratios within one run.
#[derive(Parser)]
struct Args {
    /// api, units, sandbox, compile, fuel, cells, latency or trust.
    name: String,
    /// A run of under a minute.
    #[arg(long)]
    quick: bool,
    /// One line of JSON a figure.
    #[arg(long)]
    json: bool,
}

fn main() -> Result<()> {
    fallow_sandbox::serve_if_worker();
    let args = Args::parse();
    let options = Options { quick: args.quick };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.name.as_str() {
            "api" => api::run(options, args.json).await,
            "units" => units::run(options, args.json).await,
            "latency" => latency::run(options, args.json).await,
            "sandbox" => sandbox::run(options, args.json).await,
            "compile" => compile::run(options, args.json).await,
            "fuel" => fuel::run(options, args.json).await,
            "cells" => cells::run(options, args.json).await,
            "trust" => trust::run(options, args.json).await,
            other => {
                bail!("no benchmark {other:?}; there are api, units, sandbox, compile, fuel, cells, latency and trust")
            }
        }
    })
}
