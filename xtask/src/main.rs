//! Chores: `cargo xtask demo`, `test`, `bench`, `soak`, `setup`. Depends on nothing, because a newcomer waits for it first.

mod bench;
mod children;
mod demo;
mod guests;
mod hardware;
mod portal;
mod setup;
mod sh;
mod soak;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
Fallow's chores.

    cargo xtask demo [--keep] [--nodes N]   set up, build, start a grid of its own, segment a microscope picture on it,
                                            show the result, and stop everything (--keep: leave it running until ^C)
    cargo xtask test [FILTER]               set up, build and run every test; FILTER as for `cargo test`
    cargo xtask bench [NAME] [--quick] [--json]
                                            NAME: units, sandbox, fuel, cells, latency, trust; all of them without a name
                                            --quick: under a minute each; --json: one line a figure
    cargo xtask soak [NAME]                 long runs, by hand: kills, metering, simulation, hardware; all of them
                                            without a name
                                            hardware: the same cases on this processor, in the engine's interpreter
                                            and on an emulated AArch64 must give the same outputs and fuel
    cargo xtask setup                       only install what is missing

Everything works from a fresh clone. On Debian as root missing packages are installed; elsewhere the one command
to run is printed. Exit status: 0 when all went well, 1 when something failed, 2 for a wrong call.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let outcome = match args.first().map(String::as_str) {
        Some("demo") => demo::run(rest),
        Some("test") => test::run(rest),
        Some("bench") => bench::run(rest),
        Some("soak") => soak::run(rest),
        Some("setup") => setup::everything().map(|()| println!("everything is there")),
        Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        other => {
            eprintln!("error: expected a chore, found {}\n\n{HELP}", other.unwrap_or("nothing"));
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
