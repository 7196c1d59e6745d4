//! `fallow`: read the command line, do the command, say how it ended.

use std::process::ExitCode;

use clap::Parser;
use fallow_cli::args::Cli;
use fallow_cli::commands;

fn main() -> ExitCode {
    fallow_sandbox::serve_if_worker();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return commands::usage_error(&error),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build();
    match runtime {
        Ok(runtime) => {
            let exit = runtime.block_on(commands::run(cli));
            // A thread that still reads standard input must not keep the tool from ending.
            runtime.shutdown_background();
            exit.into()
        }
        Err(error) => {
            eprintln!("error: failed to start threads: {error}");
            ExitCode::FAILURE
        }
    }
}
