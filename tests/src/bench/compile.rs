//! Whether a unit ends sooner where its module is first compiled at a quick level: processor time to compile at both
//! levels, and to the end of a first unit. Decision 15 says what follows from it.

use anyhow::{Context, Result, ensure};
use fallow_protocol::manifest::{Floats, Limits};
use fallow_protocol::outcome::Outcome;
use fallow_sandbox::bench_support::{Build, Compiled, Core, Settings};
use fallow_sandbox::conformance::What;
use fallow_sandbox::instrument;
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{CodeSection, FunctionSection};
use wasmparser::{CodeSectionReader, FunctionSectionReader, Parser, Payload};

use super::figures::Figures;
use super::sandbox::limits;
use super::{Options, machine};
use crate::conformance::{Corpus, units};
use crate::guests::component;
use crate::process::programs;

/// Both levels.
const LEVELS: [(&str, Build); 2] = [("best", Build::Ours(Floats::Plain)), ("quick", Build::Quick)];
/// So many times the functions of the largest module: as large as a small language's runtime.
const TIMES: usize = 8;

/// First units of the examples, then a large module.
pub async fn run(options: Options, json: bool) -> Result<()> {
    let figures = Figures::new("compile", json);
    machine::tell(&figures)?;
    let mut corpus = Corpus::default();
    units::add_guests(&mut corpus, &programs().join("fallow")).await?;
    let kernels = tokio::fs::read(component("tests/guests/kernels").await?).await?;
    tokio::task::spawn_blocking(move || {
        let repeats = if options.quick { 3 } else { 9 };
        first_units(figures, &corpus, repeats)?;
        large(figures, &kernels, repeats / 3)
    })
    .await?
}

/// A unit of each example, whose module nobody compiled before.
fn first_units(figures: Figures, corpus: &Corpus, repeats: usize) -> Result<()> {
    for (case, program) in corpus.cases() {
        let What::Unit { call, args, input } = &case.what else { continue };
        if case.name.starts_with("kernel-") {
            continue;
        }
        figures.tell(&format!("{}.bytes", case.name), program.len() as f64 / 1024.0, "KiB");
        let mut least = [[f64::MAX; 2]; LEVELS.len()];
        for _ in 0..repeats {
            for ((_, build), [compile, whole]) in LEVELS.iter().zip(&mut least) {
                let compiled = Compiled::new(program, *build, roomy())?.with_args(args);
                let run = compiled.run(*call, input);
                *compile = compile.min(compiled.compile_cpu_us as f64 / 1e3);
                *whole = whole.min((compiled.compile_cpu_us + run.cpu_us) as f64 / 1e3);
                ensure!(run.outcome == Outcome::Done, "{}: {:?}", case.name, run.outcome);
            }
        }
        for ((level, _), [compile, whole]) in LEVELS.iter().zip(least) {
            figures.tell(&format!("{}.compile.{level}", case.name), compile, "ms");
            figures.tell(&format!("{}.first_unit.{level}", case.name), whole, "ms");
        }
    }
    Ok(())
}

fn roomy() -> Limits {
    Limits { memory_bytes: 1 << 30, ..limits() }
}

/// The largest module there is, and one with its functions many times over.
fn large(figures: Figures, component: &[u8], repeats: usize) -> Result<()> {
    let core = largest_core(component)?;
    for times in [1, TIMES] {
        let module = instrument::module(&repeated(core, times)?, Floats::Plain)?;
        let name = format!("kernels_x{times}");
        figures.tell(&format!("{name}.bytes"), module.len() as f64 / 1024.0, "KiB");
        for (level, quick) in [("best", false), ("quick", true)] {
            let mut least = f64::MAX;
            for _ in 0..repeats {
                let core = Core::with(&module, Settings { quick, ..Settings::PROFILE })?;
                least = least.min(core.compile_cpu_us as f64 / 1e3);
            }
            figures.tell(&format!("{name}.compile.{level}"), least, "ms");
        }
    }
    Ok(())
}

fn largest_core(component: &[u8]) -> Result<&[u8]> {
    let mut largest: &[u8] = &[];
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::ModuleSection { unchecked_range, .. } = payload?
            && unchecked_range.len() > largest.len()
        {
            largest = component.get(unchecked_range).context("the module lies within its component")?;
        }
    }
    Ok(largest)
}

/// The same module, with all its functions so many times; who calls whom stays.
fn repeated(core: &[u8], times: usize) -> Result<Vec<u8>> {
    let mut module = wasm_encoder::Module::new();
    let repeated = Repeat { times }.parse_core_module(&mut module, Parser::new(0), core);
    repeated.map_err(|error| anyhow::anyhow!("failed to repeat a module's functions: {error}"))?;
    Ok(module.finish())
}

struct Repeat {
    times: usize,
}

impl Reencode for Repeat {
    type Error = std::convert::Infallible;

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        for _ in 0..self.times {
            for ty in section.clone() {
                functions.function(ty?);
            }
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        for _ in 0..self.times {
            for body in section.clone() {
                self.parse_function_body(code, body?)?;
            }
        }
        Ok(())
    }
}
