//! `cargo xtask bench`: builds with full optimisation and hands over to the benchmarks' own program.

use crate::guests::{Profile, build_guests, build_programs};
use crate::setup;
use crate::sh::{Result, command, run as run_command};

/// Names of the benchmarks.
const NAMES: [&str; 8] = ["api", "units", "sandbox", "compile", "fuel", "cells", "latency", "trust"];

/// Run one benchmark or all.
pub fn run(args: &[String]) -> Result<()> {
    let (names, flags): (Vec<_>, Vec<_>) = args.iter().partition(|arg| !arg.starts_with("--"));
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(&name.as_str())) {
        return Err(format!("no benchmark {unknown:?}; there are {}", NAMES.join(", ")));
    }
    setup::for_demo()?;
    build_programs(Profile::Release, &["--bins"])?;
    let guests = ["cells", "primes", "wordcount", "wasi-filter"].map(|name| format!("examples/{name}"));
    let guests: Vec<&str> =
        guests.iter().map(String::as_str).chain(["tests/guests/noop", "tests/guests/kernels"]).collect();
    build_guests(Profile::Release, &guests)?;
    let chosen: Vec<&str> = if names.is_empty() { NAMES.to_vec() } else { names.iter().map(|n| n.as_str()).collect() };
    for name in chosen {
        let mut bench = command(Profile::Release.folder().join("fallow-bench"), &[name]);
        bench.args(&flags);
        run_command(bench)?;
    }
    Ok(())
}
