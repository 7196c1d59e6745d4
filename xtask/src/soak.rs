//! `cargo xtask soak`: the questions of the tests, asked for longer, and on other hardware.

use crate::sh::{Result, command, run as run_command};
use crate::{hardware, test};

/// Long runs, by hand.
pub fn run(args: &[String]) -> Result<()> {
    match args.first().map(String::as_str) {
        None => simulation().and_then(|()| kills()).and_then(|()| metering()).and_then(|()| hardware::run()),
        Some("simulation") => simulation(),
        Some("kills") => kills(),
        Some("metering") => metering(),
        Some("hardware") => hardware::run(),
        Some(other) => Err(format!("soak knows simulation, kills, metering and hardware, not {other:?}")),
    }
}

fn simulation() -> Result<()> {
    one_test("simulation", "FALLOW_SIM_SEEDS", "20000")
}

fn kills() -> Result<()> {
    one_test("kills", "FALLOW_KILL_ROUNDS", "200")
}

fn metering() -> Result<()> {
    one_test("metering", "FALLOW_METERING_SEEDS", "20000")
}

fn one_test(name: &str, variable: &str, value: &str) -> Result<()> {
    test::prepare()?;
    let mut cargo = command("cargo", &["test", "--workspace", "--locked", "--test", name]);
    cargo.env(variable, value);
    run_command(cargo)
}
