//! Cases for comparing processors and engines: the examples, the kernels, programs that make NaNs in every way, wide
//! arithmetic, and random modules. Made on one computer and given to all as files, see `fallow_sandbox::conformance`.

pub mod nans;
pub mod smith;
pub mod units;
mod vectors;
pub mod wide;

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use fallow_sandbox::conformance::{Case, INDEX};

/// Cases with their programs, in the order in which they run.
#[derive(Default)]
pub struct Corpus {
    cases: Vec<(Case, Vec<u8>)>,
}

impl Corpus {
    /// All cases.
    pub fn cases(&self) -> &[(Case, Vec<u8>)] {
        &self.cases
    }

    /// Add one more.
    pub fn add(&mut self, case: Case, program: Vec<u8>) {
        self.cases.push((case, program));
    }

    /// Add a core module.
    pub fn add_module(&mut self, name: &str, module: Vec<u8>) {
        let what = fallow_sandbox::conformance::What::Module;
        self.add(Case { name: name.to_owned(), program: format!("{name}.wasm"), what }, module);
    }

    /// Write them to an empty folder.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let names: HashSet<&str> = self.cases.iter().map(|(case, _)| case.name.as_str()).collect();
        ensure!(names.len() == self.cases.len(), "two cases have one name");
        for (case, program) in &self.cases {
            std::fs::write(folder.join(&case.program), program)
                .with_context(|| format!("failed to write {} to {}", case.program, folder.display()))?;
        }
        let cases: Vec<&Case> = self.cases.iter().map(|(case, _)| case).collect();
        let path = folder.join(INDEX);
        std::fs::write(&path, rmp_serde::to_vec_named(&cases)?)
            .with_context(|| format!("failed to write {}", path.display()))
    }
}
