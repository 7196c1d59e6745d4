//! `cargo xtask test`: everything that proves the code right.

use crate::guests::{Profile, build_guests, build_programs};
use crate::portal;
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
    cargo.args(portal::FEATURES).args(args);
    run_command(cargo)?;
    if args.is_empty() {
        for folder in ["sdk-guest", "examples", "tests/guests"] {
            let mut cargo = command("cargo", &["test", "--locked"]);
            cargo.current_dir(crate::sh::root().join(folder));
            run_command(cargo)?;
        }
        portal::journeys()?;
    }
    Ok(())
}

/// Everything that tests need.
pub fn prepare() -> Result<()> {
    setup::everything()?;
    portal::check()?;
    build_programs(Profile::Dev, &[&["--all-targets"][..], &portal::FEATURES].concat())?;
    build_guests(Profile::Dev, &GUESTS)
}
