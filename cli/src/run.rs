//! `fallow run`: one unit of a task, or a whole small job, on this computer, in the very sandbox that nodes use.
//!
//! Owns what is run and how it is told; the sandbox itself is `fallow_sandbox`, and how inputs are cut is `grid_core`,
//! so that a run here is what a run on the grid would be. One worker process, no grid, no signature.

mod lab;
mod report;
mod sample;
mod trap;
mod units;
mod whole;

use std::path::{Path, PathBuf};

use anyhow::Context;
use fallow_protocol::manifest::{Floats, Limits};
use fallow_protocol::outcome::{LimitKind, Outcome};
use fallow_protocol::unit::{Call, STAGE_RUN, UnitKey};
use fallow_sandbox::client::{Bytes, FileRange, Module, Task, TaskEnd, TaskInput, Validated, WorkerSetup, unit_seed};

use crate::build::{self, BuildOptions, Built};
use crate::failure::Failure;
use crate::fallow_toml::{FILE_NAME, ProjectFile};
use crate::parse::LimitArg;
use crate::submit::inputs;
use crate::toolchain::Note;
use lab::Lab;
pub(crate) use lab::refused;
pub use report::RunReport;
pub use sample::{Sample, sample};

/// When the guest's clocks begin, the same in every local run: 1 January 2026.
const EPOCH_MS: u64 = 1_767_225_600_000;
/// Wall time for finding out how much memory a unit would have needed.
const PROBE_WALL_MS: u64 = 60_000;

/// What to run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Folder with the `fallow.toml`.
    pub project: PathBuf,
    /// Run this component or core module instead of the project's.
    pub component: Option<PathBuf>,
    /// Input of the one unit; where missing, the first unit of the project's job.
    pub input: Option<RunInput>,
    /// Run the whole job: split, every unit, merge.
    pub whole: bool,
    /// Input files of the job instead of the project's, relative to the current folder.
    pub inputs: Vec<String>,
    /// Arguments of a command; the project's where empty.
    pub args: Vec<String>,
    /// Limits over the project's.
    pub limits: Vec<LimitArg>,
    /// Shared files besides the project's.
    pub shared: Vec<PathBuf>,
    /// Seed of the units' random streams.
    pub seed: u64,
    /// The executable to start as worker: it calls `fallow_sandbox::serve_if_worker` first.
    pub exe: PathBuf,
    /// How to build.
    pub build: BuildOptions,
}

/// Input of one unit.
#[derive(Clone, Debug)]
pub enum RunInput {
    /// In memory.
    Bytes(Vec<u8>),
    /// All of a file.
    File(PathBuf),
}

/// Everything that is settled before the first unit runs.
struct Ready {
    file: ProjectFile,
    built: Built,
    validated: Validated,
    limits: Limits,
    args: Vec<String>,
    seed: u64,
    files: Vec<PathBuf>,
    scratch: tempfile::TempDir,
}

/// Build where it is not fresh, and run. A unit that fails is in the report; an error is ours or the call's.
pub async fn run(options: &RunOptions, note: Note<'_>) -> anyhow::Result<RunReport> {
    let scratch = tempfile::tempdir().context("cannot make a temporary folder")?;
    let (file, built) = component(options, scratch.path(), note).await?;
    let validated = fallow_sandbox::client::validate(&options.exe, &built.component).await.map_err(lab::refused)?;
    let mut limits = file.limits.to_limits();
    options.limits.iter().for_each(|limit| limit.apply(&mut limits));
    let args = if options.args.is_empty() { file.job.args.clone() } else { options.args.clone() };
    let files = job_files(options, &file)?;
    let ready = Ready { validated, limits, args, seed: options.seed, files, scratch, built, file };
    let lab = ready.lab(options).await?;
    if options.whole { whole::run(&ready, &lab, note).await } else { one(&ready, &lab, options).await }
}

async fn component(options: &RunOptions, scratch: &Path, note: Note<'_>) -> anyhow::Result<(ProjectFile, Built)> {
    let Some(component) = &options.component else {
        let file = ProjectFile::load(&options.project)?;
        return Ok((file, build::build(&options.project, &options.build, note).await?));
    };
    let built = build::adapt_file(component, scratch).await?;
    let named = options.project.join(FILE_NAME).is_file();
    let file =
        if named { ProjectFile::load(&options.project)? } else { ProjectFile::parse("[task]\nname = \"task\"")? };
    Ok((file, built))
}

/// Input files of the job: those of the call, else the project's.
fn job_files(options: &RunOptions, file: &ProjectFile) -> anyhow::Result<Vec<PathBuf>> {
    let found = if options.inputs.is_empty() {
        inputs::find(&file.job.input, &options.project)?
    } else {
        inputs::find(&options.inputs, Path::new("."))?
    };
    Ok(found.into_iter().map(|file| file.path).collect())
}

impl Ready {
    async fn lab(&self, options: &RunOptions) -> anyhow::Result<Lab> {
        let cache = options.build.cache_dir.join("compiled");
        std::fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
        let Built { component, digest, .. } = &self.built;
        let module = Module {
            exe: options.exe.clone(),
            component: component.clone(),
            digest: *digest,
            builds: self.validated.builds,
            cache_dir: cache,
        };
        let floats = self.file.job.floats;
        let compiled = module.compile(floats).await.map_err(lab::refused)?;
        let own = self.file.job.shared.iter().map(|path| options.project.join(path));
        let setup = WorkerSetup {
            module,
            compiled,
            floats,
            exports: self.validated.exports,
            args: self.args.clone(),
            limits: self.limits,
            epoch_ms: EPOCH_MS,
            shared: own.chain(options.shared.iter().cloned()).map(shared).collect::<anyhow::Result<_>>()?,
            scratch_dir: None,
            // The author's own program on the author's own computer.
            require_confinement: false,
        };
        Ok(Lab::new(options.exe.clone(), setup, self.scratch.path().to_owned()))
    }

    /// The call that is the task's work.
    fn call(&self) -> Call {
        if self.validated.exports.run { Call::Run } else { Call::Command }
    }

    fn task(&self, call: Call, key: UnitKey, input: TaskInput) -> Task {
        Task {
            tag: key.seq,
            call,
            seed: unit_seed(self.seed, key),
            input,
            floats: Floats::Plain,
            checkpoint: None,
            emit_to: None,
            output_to: None,
        }
    }
}

fn shared(path: PathBuf) -> anyhow::Result<(String, PathBuf)> {
    let name = path.file_name().context("a shared file has no name")?.to_string_lossy().into_owned();
    let path = std::path::absolute(&path)?;
    if !path.is_file() {
        return Err(Failure::usage(format!("shared file {} is not there", path.display()), "--shared FILE").into());
    }
    Ok((name, path))
}

/// All of a file.
fn whole_file(path: &Path) -> anyhow::Result<Bytes> {
    let path = std::path::absolute(path)?;
    let meta = std::fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Bytes::Files(vec![FileRange { path, offset: 0, len: meta.len() }]))
}

async fn one(ready: &Ready, lab: &Lab, options: &RunOptions) -> anyhow::Result<RunReport> {
    let (what, input) = match &options.input {
        Some(RunInput::Bytes(bytes)) => ("given".to_owned(), Bytes::Memory(bytes.clone())),
        Some(RunInput::File(path)) => (path.display().to_string(), whole_file(path)?),
        None => first(ready, lab).await?,
    };
    let key = UnitKey { stage: STAGE_RUN, seq: 0 };
    let task = ready.task(ready.call(), key, TaskInput::Bytes(input));
    let end = lab.one(task.clone()).await?;
    let needed = memory_needed(lab, &end, task).await;
    Ok(RunReport::of_unit(ready.built.clone(), ready.limits, ready.call(), what, end, needed))
}

/// The first unit of the project's job; nothing where it has no inputs.
async fn first(ready: &Ready, lab: &Lab) -> anyhow::Result<(String, Bytes)> {
    if ready.files.is_empty() && units::needs_files(&ready.file.job.split) {
        return Ok(("empty".into(), Bytes::Memory(Vec::new())));
    }
    let mut units = units::cut(ready, lab).await?.map_err(report::into_error)?;
    let first = units.inputs.next().context("the job has no units")??;
    Ok((format!("unit 0 of {}", units.count), first))
}

/// Where a unit reached its memory limit: run it again without one, to say how much it would have needed.
async fn memory_needed(lab: &Lab, end: &TaskEnd, task: Task) -> Option<u64> {
    if !matches!(end.outcome, Outcome::Limit { limit: LimitKind::Memory, .. }) {
        return None;
    }
    let probe = lab.with_limits(|limits| {
        limits.memory_bytes = fallow_protocol::limits::MEMORY_BYTES_MAX;
        limits.wall_ms = limits.wall_ms.min(PROBE_WALL_MS);
    });
    let end = probe.one(task).await.ok()?;
    (end.outcome == Outcome::Done).then_some(end.memory_bytes)
}
