//! For comparing processors and engines only: how cases end here, in the plain build first and in the canonical one.
//!
//! Cases are files, made once and given to every program that takes part. Each case becomes one line, and what of it
//! must be the same everywhere stands in [`Ended::facts`]. No confinement: the cases are our own.

mod core;
mod unit;

use std::fmt;
use std::path::Path;

use anyhow::{Context, anyhow};
use fallow_protocol::manifest::Floats;
use fallow_protocol::unit::Call;
use serde::{Deserialize, Serialize};
use wasmtime::Engine;

use crate::worker::engine::{self, Purpose, Settings};

pub use crate::worker::engine::Machine;

/// Name of the file with all cases, a MessagePack list of [`Case`], beside the programs that they name.
pub const INDEX: &str = "cases";
/// Class of a run whose stack overflowed. How deep stacks are depends on the engine, so such runs are not compared.
pub const STACK: &str = "stack-overflow";

/// One thing to run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Case {
    /// Unique, without spaces.
    pub name: String,
    /// File of the component or core module, in the same folder.
    pub program: String,
    /// What is done with it.
    pub what: What,
}

/// What is done with a program.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum What {
    /// A unit of a component.
    Unit {
        /// The export.
        call: Call,
        /// Arguments of a command.
        args: Vec<String>,
        /// The unit's input.
        #[serde(with = "serde_bytes")]
        input: Vec<u8>,
    },
    /// All exported functions of a core module, one after the other; results, memories and globals are its output.
    Module,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Class of its outcome; where a core module is run, of all calls together.
    pub class: String,
    /// Fuel, as the program counted it.
    pub fuel: u64,
    /// Digest of its output, hexadecimal.
    pub output: String,
    /// The build that counts.
    pub floats: Floats,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The case's.
    pub name: String,
    /// As a node runs it: the plain build, and where that made a NaN, the canonical one.
    pub first: Ended,
    /// The canonical build from the beginning.
    pub canonical: Ended,
}

impl Ended {
    /// What is the same everywhere.
    pub fn facts(&self) -> String {
        if self.class == STACK {
            return STACK.to_owned();
        }
        format!("{} {} {}", self.class, self.fuel, self.output)
    }
}

/// The line of a case: name, build, facts of both runs. Separated by tabs.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let build = match self.first.floats {
            Floats::Plain => "plain",
            Floats::Canonical => "canonical",
        };
        write!(f, "{}\t{build}\t{}\t{}", self.name, self.first.facts(), self.canonical.facts())
    }
}

/// An engine, with the program that it ran last.
pub struct Bench {
    engine: Engine,
    meter: wasmtime::Module,
    loaded: Option<(String, unit::Program)>,
}

impl Bench {
    /// For a machine. Pulley needs the feature of its name.
    pub fn new(machine: Machine) -> anyhow::Result<Self> {
        let engine = engine::engine(Settings::PROFILE, Purpose::Compare(machine)).map_err(plain)?;
        let meter = core::meter(&engine)?;
        Ok(Self { engine, meter, loaded: None })
    }

    /// Run a case, whose program is `bytes`. Components need a tokio runtime to be entered.
    pub fn run(&mut self, case: &Case, bytes: &[u8]) -> anyhow::Result<Line> {
        let (first, canonical) = match &case.what {
            What::Module => core::run(&self.meter, bytes)?,
            What::Unit { call, args, input } => self.program(&case.program, bytes)?.run(*call, args, input),
        };
        Ok(Line { name: case.name.clone(), first, canonical })
    }

    fn program(&mut self, name: &str, bytes: &[u8]) -> anyhow::Result<&mut unit::Program> {
        if self.loaded.as_ref().is_none_or(|(loaded, _)| loaded != name) {
            self.loaded = None;
        }
        match &mut self.loaded {
            Some((_, program)) => Ok(program),
            empty => {
                let program = unit::Program::new(&self.engine, bytes)?;
                Ok(&mut empty.insert((name.to_owned(), program)).1)
            }
        }
    }
}

/// Run all cases of a folder, and hand each line to `tell`. Cases of one component should follow each other.
pub fn run_all(folder: &Path, machine: Machine, mut tell: impl FnMut(Line)) -> anyhow::Result<()> {
    let mut bench = Bench::new(machine)?;
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))
    };
    let cases: Vec<Case> = rmp_serde::from_slice(&read(INDEX)?).context("failed to read the list of cases")?;
    for case in &cases {
        let bytes = read(&case.program)?;
        tell(bench.run(case, &bytes).with_context(|| format!("failed to run the case {}", case.name))?);
    }
    Ok(())
}

/// The engine's errors as ours.
fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}
