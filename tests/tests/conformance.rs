//! Two engines agree: this processor's code, and an interpreter whose code is the same everywhere. Other processors are
//! compared by hand, with `cargo xtask soak hardware`.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use fallow_protocol::digest::Digest;
use fallow_protocol::manifest::Floats;
use fallow_sandbox::conformance::{Bench, Line, Machine};
use fallow_tests::conformance::{Corpus, nans, smith, units, wide};

/// What both machines make of a corpus.
async fn both(corpus: Corpus) -> Result<[Vec<Line>; 2]> {
    // Functions of WASI ask for a runtime, and block.
    tokio::task::spawn_blocking(move || {
        let run = |machine| -> Result<Vec<Line>> {
            let mut bench = Bench::new(machine)?;
            corpus.cases().iter().map(|(case, program)| bench.run(case, program)).collect()
        };
        Ok([run(Machine::Processor)?, run(Machine::Pulley)?])
    })
    .await?
}

fn agree(native: &[Line], pulley: &[Line]) -> Result<()> {
    ensure!(native.len() == pulley.len());
    for (native, pulley) in native.iter().zip(pulley) {
        let name = &native.name;
        // NaNs that came in as data keep whatever bits an engine's arithmetic gives them, in the plain build only.
        let passed = [native, pulley].iter().any(|line| line.first.facts() != line.canonical.facts());
        ensure!(passed || native.first.facts() == pulley.first.facts(), "{name}: {native}\nbut {pulley}");
        ensure!(native.canonical.facts() == pulley.canonical.facts(), "{name}: {native}\nbut {pulley}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nan_that_is_made_has_the_same_bits_in_both_engines() -> Result<()> {
    let mut corpus = Corpus::default();
    units::add_sums(&mut corpus)?;
    let [native, pulley] = both(corpus).await?;
    agree(&native, &pulley)?;
    let by_name: BTreeMap<&str, &Line> = native.iter().map(|line| (line.name.as_str(), line)).collect();
    let canonical = Digest::of(&0x7ff8_0000_0000_0000_u64.to_le_bytes()).to_string();
    for (name, floats) in
        [("sum-numbers", Floats::Plain), ("sum-made", Floats::Canonical), ("sum-loud", Floats::Canonical)]
    {
        let line = by_name[name];
        ensure!(line.first.class == "done" && line.first.floats == floats, "{line}");
        ensure!((line.first.output == canonical) == (floats == Floats::Canonical), "{line}");
        ensure!(line.first.fuel == line.canonical.fuel, "paid once: {line}");
    }
    ensure!(by_name["sum-made"].first.fuel == by_name["sum-numbers"].first.fuel, "a second run costs nothing");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn random_modules_end_alike_in_both_engines() -> Result<()> {
    let mut corpus = Corpus::default();
    smith::add(&mut corpus, 60)?;
    let [native, pulley] = both(corpus).await?;
    let done = native.iter().filter(|line| line.first.class == "done").count();
    ensure!(done > 10, "only {done} modules did anything without a trap");
    agree(&native, &pulley)
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_full_of_nans_end_alike_in_both_engines() -> Result<()> {
    let mut all = Corpus::default();
    nans::add(&mut all)?;
    let mut corpus = Corpus::default();
    for (case, program) in all.cases().iter().step_by(29) {
        corpus.add(case.clone(), program.clone());
    }
    let [native, pulley] = both(corpus).await?;
    let again = native.iter().filter(|line| line.first.floats == Floats::Canonical).count();
    ensure!((10..native.len() - 10).contains(&again), "{again} of {} were run again", native.len());
    agree(&native, &pulley)
}

#[tokio::test(flavor = "multi_thread")]
async fn wide_arithmetic_ends_alike_in_both_engines() -> Result<()> {
    let mut corpus = Corpus::default();
    wide::add(&mut corpus)?;
    let [native, pulley] = both(corpus).await?;
    ensure!(native.iter().all(|line| line.first.class == "done"), "operations on integers do not trap");
    // Operands that the compiler knows, and operands that it does not.
    let (memory, constants) = native.iter().partition::<Vec<&Line>, _>(|line| line.name.ends_with("-m"));
    ensure!(memory.len() == 4 && constants.len() == 4);
    for (memory, constants) in memory.iter().zip(constants) {
        ensure!(memory.first.output == constants.first.output, "{memory}\nbut {constants}");
    }
    agree(&native, &pulley)
}
