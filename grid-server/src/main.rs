//! `fallow-server`: everything is in the library; this only starts it.

use std::process::ExitCode;

fn main() -> ExitCode {
    fallow_sandbox::serve_if_worker();
    grid_server::cli::main()
}
