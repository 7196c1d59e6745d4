//! A process that runs units: load, confine, then one unit after the other until the parent closes the pipe.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, anyhow};
use fallow_protocol::manifest::Floats;

use super::engine::{self, Purpose, Settings};
use super::job::Job;
use super::link::Link;
use super::state::Surroundings;
use super::unit::{Build, Runner};
use super::{ServeError, load};
use crate::confine::{self, Confinement};
use crate::wire::{Setup, Told};

/// Stack of the thread that runs guests: their own and the host's functions beneath it.
const STACK_BYTES: usize = 8 << 20;
/// Data besides guests' memory, inputs and outputs: engine, tables, stacks.
const DATA_MARGIN_BYTES: u64 = 512 << 20;

/// Serve units.
pub fn serve(link: Link, setup: Setup) -> Result<(), ServeError> {
    let confinement = confinement(&setup);
    let required = setup.require_confinement;
    let runner = prepare(link.clone(), setup).context("failed to load the module")?;
    enforce(confine::files(&confinement), required)?;
    let (go, ready) = mpsc::channel();
    // Threads are made between the two halves: they inherit the first, and the second forbids any more of them.
    let guest = thread::Builder::new().name("guest".into()).stack_size(STACK_BYTES);
    let guest = guest.spawn(move || serve_units(&runner, &ready)).context("failed to start a thread")?;
    let flusher = thread::Builder::new().name("flush".into()).stack_size(256 << 10);
    let flushing = link.clone();
    flusher.spawn(move || flushing.flush_forever()).context("failed to start a thread")?;
    enforce(confine::calls(&confinement), required)?;
    link.tell(&Told::Ready);
    link.flush();
    go.send(()).map_err(|_| anyhow!("the guest's thread is gone"))?;
    match guest.join() {
        Ok(served) => served.map_err(|error| ServeError::Failed(error.into())),
        Err(_) => Err(anyhow!("the guest's thread panicked").into()),
    }
}

fn confinement(setup: &Setup) -> Confinement {
    let limits = &setup.limits;
    let bytes = limits.memory_bytes.saturating_mul(2).saturating_add(limits.output_bytes.saturating_mul(2));
    let bytes = bytes.saturating_add(limits.checkpoint_bytes.saturating_mul(2)).saturating_add(DATA_MARGIN_BYTES);
    let scratch = setup.scratch_dir.clone().filter(|_| limits.scratch_bytes > 0);
    Confinement { data_bytes: Some(bytes), ..Confinement::run(scratch) }
}

fn enforce(result: Result<(), confine::ConfineError>, required: bool) -> anyhow::Result<()> {
    match result {
        Err(error) if required => Err(anyhow!(error).context("this computer cannot confine a worker")),
        _ => Ok(()),
    }
}

fn prepare(link: Link, setup: Setup) -> anyhow::Result<Runner> {
    let settings = Settings::PROFILE;
    let engine = engine::engine(settings, Purpose::Run).map_err(anyhow::Error::msg)?;
    let component = load::compiled(&engine, &setup.compiled).map_err(|error| anyhow!("{error:#}"))?;
    let job = Job::new(&engine, &component).map_err(|error| anyhow!("{error:#}"))?;
    let watched = setup.floats == Floats::Plain && setup.builds_differ;
    let build = Build { floats: setup.floats, watched, job };
    // Images of memories are made now, while files may still be opened.
    component.initialize_copy_on_write_image().map_err(|error| anyhow!("{error:#}"))?;
    let shared = setup.shared.iter().map(open_shared).collect::<anyhow::Result<Vec<_>>>()?;
    let around = Surroundings {
        link,
        limits: setup.limits,
        epoch_ms: setup.epoch_ms,
        args: setup.args,
        shared: Arc::new(shared),
        scratch: setup.scratch_dir.filter(|_| setup.limits.scratch_bytes > 0),
    };
    Ok(Runner::new(engine, settings, build, around))
}

fn open_shared((name, path): &(String, std::path::PathBuf)) -> anyhow::Result<(String, File, u64)> {
    let file = File::open(path).with_context(|| format!("failed to open the shared input {name}"))?;
    let len = file.metadata().with_context(|| format!("failed to measure the shared input {name}"))?.len();
    Ok((name.clone(), file, len))
}

/// On a thread of its own, with a runtime that never starts another: WASI's functions ask for one.
fn serve_units(runner: &Runner, ready: &mpsc::Receiver<()>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let _entered = runtime.enter();
    if ready.recv().is_err() {
        return Ok(());
    }
    while let Some(head) = runner.around.link.next_task()? {
        runner.serve(&head);
    }
    Ok(())
}
