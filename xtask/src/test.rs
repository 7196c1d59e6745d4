//! `cargo xtask test`: everything that proves the code right. `soak`: the same questions, asked for longer.

use crate::guests::{Profile, build_guests, build_programs};
use crate::setup;
use crate::sh::{Result, command, run as run_command};

/// Examples and guests that tests run.
pub const GUESTS: [&str; 7] = [
    "examples/cells",
    "examples/primes",
    "examples/wordcount",
    "examples/wasi-filter",
    "tests/guests/faults",
    "tests/guests/noop",
    "tests/guests/steps",
];

/// Every test, or those that fit a filter.
pub fn run(args: &[String]) -> Result<()> {
    prepare()?;
    let mut cargo = command("cargo", &["test", "--workspace", "--locked", "--no-fail-fast"]);
    cargo.args(args);
    run_command(cargo)?;
    if args.is_empty() {
        for folder in ["sdk-guest", "examples", "tests/guests"] {
            let mut cargo = command("cargo", &["test", "--locked"]);
            cargo.current_dir(crate::sh::root().join(folder));
            run_command(cargo)?;
        }
    }
    Ok(())
}

/// Long runs, by hand.
pub fn soak(args: &[String]) -> Result<()> {
    prepare()?;
    let name = args.first().map(String::as_str);
    if matches!(name, None | Some("simulation")) {
        let mut cargo = command("cargo", &["test", "--workspace", "--locked", "--test", "simulation"]);
        cargo.env("FALLOW_SIM_SEEDS", "20000");
        run_command(cargo)?;
    }
    if matches!(name, None | Some("kills")) {
        let mut cargo = command("cargo", &["test", "--workspace", "--locked", "--test", "kills"]);
        cargo.env("FALLOW_KILL_ROUNDS", "200");
        run_command(cargo)?;
    }
    if matches!(name, None | Some("metering")) {
        let mut cargo = command("cargo", &["test", "--workspace", "--locked", "--test", "metering"]);
        cargo.env("FALLOW_METERING_SEEDS", "20000");
        run_command(cargo)?;
    }
    match name {
        None | Some("simulation" | "kills" | "metering") => Ok(()),
        Some(other) => Err(format!("soak knows simulation, kills and metering, not {other:?}")),
    }
}

fn prepare() -> Result<()> {
    setup::everything()?;
    build_programs(Profile::Dev, "--all-targets")?;
    build_guests(Profile::Dev, &GUESTS)
}
