//! One unit submitted to an idle grid until its result has been fetched.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::figures::{Figures, quantile};
use super::{Bench, Options, machine, units};

/// Submit, wait and fetch, one after the other.
pub async fn run(options: Options, json: bool) -> Result<()> {
    let figures = Figures::new("latency", json);
    machine::tell(&figures)?;
    let bench = Bench::start().await?;
    let _node = bench.grid.node(&bench.account, "one", &["--slots", "1"]).await?;
    let module = units::module(&bench).await?;
    let mut times = Vec::new();
    for round in 0..if options.quick { 60 } else { 300 } {
        let job = units::submission(&bench, module, 1, round).await?;
        let began = Instant::now();
        let id = bench.author.submit(&job).await?;
        let mut result = bench.author.client.result(&id, 0, Duration::from_secs(20)).await?;
        while result.chunk().await?.is_some() {}
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let times = &mut times[10..];
    figures.tell("median_ms", quantile(times, 0.5), "ms");
    figures.tell("p99_ms", quantile(times, 0.99), "ms");
    Ok(())
}
