//! `fallow-conformance-cases FOLDER [MODULES]`: write the cases that `cargo xtask soak hardware` gives to every
//! processor and engine, with so many random modules.

use std::path::Path;

use anyhow::{Context, Result, bail};
use fallow_tests::conformance::{Corpus, nans, smith, units, wide};

/// Random modules without a word of another number.
const MODULES: u64 = 3_000;

fn main() -> Result<()> {
    // Before there are threads: a worker confines itself.
    fallow_sandbox::serve_if_worker();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(write())
}

async fn write() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (folder, modules) = match &args[..] {
        [folder] => (Path::new(folder), MODULES),
        [folder, modules] => (Path::new(folder), modules.parse().context("MODULES is a number")?),
        _ => bail!("expected: fallow-conformance-cases FOLDER [MODULES]"),
    };
    let mut corpus = Corpus::default();
    units::add_guests(&mut corpus, &std::env::current_exe()?).await?;
    units::add_sums(&mut corpus)?;
    nans::add(&mut corpus)?;
    wide::add(&mut corpus)?;
    smith::add(&mut corpus, modules)?;
    corpus.write(folder)?;
    println!("{} cases in {}", corpus.cases().len(), folder.display());
    Ok(())
}
