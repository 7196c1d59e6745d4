//! `fallow-conformance FOLDER native|pulley`: run the folder's cases on this processor, or in the engine's interpreter,
//! and print a line for each. `cargo xtask soak hardware` compares the lines of several.

use std::path::Path;

use anyhow::bail;
use fallow_sandbox::conformance::{Machine, run_all};

/// All on the first thread: an emulated processor may hang where it starts another.
fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (folder, machine) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [folder, "native"] => (folder.to_owned(), Machine::Processor),
        [folder, "pulley"] => (folder.to_owned(), Machine::Pulley),
        _ => bail!("expected: fallow-conformance FOLDER native|pulley"),
    };
    // Functions of WASI ask for a runtime; none of them waits for anything.
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let _entered = runtime.enter();
    run_all(Path::new(&folder), machine, |line| println!("{line}"))
}
