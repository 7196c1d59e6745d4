//! One unit: a fresh instance, one call, its outcome.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;
use std::time::Instant;

use fallow_protocol::manifest::Floats;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::Call;
use wasmtime::component::{Instance, WasmList};
use wasmtime::{Engine, Store};

use super::engine::Settings;
use super::job::Job;
use super::limits::HostProblem;
use super::state::{Given, State, Surroundings, fuel_run};
use super::{flag, load, outcome};
use crate::instrument::costs;
use crate::wire::{Ended, Piece, Source, TaskHead, Told};

/// What the guest's own function gave: its output, or its message.
type Returned = Result<Vec<u8>, Vec<u8>>;

/// Output that goes with the end itself; more goes before it, in pieces.
const END_OUTPUT_BYTES: usize = 256 << 10;

/// Share of units that make NaNs, as one in so many, from which the canonical build runs at once.
const NAN_UNITS_ONE_IN: u32 = 8;

/// One build of the module, ready.
pub struct Build {
    pub floats: Floats,
    /// Whether NaNs that it makes could be seen.
    pub watched: bool,
    pub job: Job,
}

/// Everything needed to run units of one job.
pub struct Runner {
    pub engine: Engine,
    pub settings: Settings,
    /// The build that the worker was started with, and the canonical one where a NaN asked for it.
    pub first: Build,
    pub canonical: OnceCell<Build>,
    pub around: Surroundings,
    /// Units run in the plain build, and those of them that made NaNs.
    pub counts: Cell<(u32, u32)>,
}

/// How one run of a unit went.
enum Attempt {
    Ended(Ended),
    /// It made a NaN whose bits would be the processor's.
    NanMade,
}

impl Runner {
    /// With one build.
    pub fn new(engine: Engine, settings: Settings, first: Build, around: Surroundings) -> Self {
        Self { engine, settings, first, canonical: OnceCell::new(), around, counts: Cell::default() }
    }

    /// Run a unit and tell the parent, from its start to its end.
    pub fn serve(&self, head: &TaskHead) {
        let link = &self.around.link;
        link.tell(&Told::Started { tag: head.tag });
        let mut ended = self.run(head);
        let cut = if ended.output.len() > END_OUTPUT_BYTES { ended.output.len() } else { 0 };
        for bytes in ended.output[..cut].chunks(crate::wire::CHUNK_BYTES) {
            link.tell_piece(&Piece::Output { bytes });
        }
        ended.output.drain(..cut);
        link.tell(&Told::Ended(ended));
    }

    /// Run a unit: in the plain build, and where that made a NaN, again in the canonical one.
    pub fn run(&self, head: &TaskHead) -> Ended {
        let started = Instant::now();
        let mut ended = match self.attempts(head) {
            Ok(ended) => ended,
            Err(error) => Ended {
                tag: head.tag,
                outcome: Outcome::HostFault { message: format!("{error:#}") },
                floats: self.first.floats,
                fuel: head.checkpoint_fuel.unwrap_or(0),
                memory_bytes: 0,
                wall_us: 0,
                output: Vec::new(),
                log: Vec::new(),
            },
        };
        ended.wall_us = started.elapsed().as_micros() as u64;
        ended
    }

    fn attempts(&self, head: &TaskHead) -> wasmtime::Result<Ended> {
        let (units, nans) = self.counts.get();
        // Where the flag is not known to work, only canonical builds are the same as elsewhere.
        let told = flag::KNOWN || !self.first.watched;
        let plain = told && head.floats == Floats::Plain && self.first.floats == Floats::Plain;
        if plain && nans <= units / NAN_UNITS_ONE_IN {
            self.counts.set((units.saturating_add(1), nans));
            match self.attempt(&self.first, head)? {
                Attempt::Ended(ended) => return Ok(ended),
                Attempt::NanMade => self.counts.set((units.saturating_add(1), nans + 1)),
            }
            self.around.link.tell(&Told::Again { tag: head.tag });
        }
        match self.attempt(self.canonical(head.tag)?, head)? {
            Attempt::Ended(ended) => Ok(ended),
            Attempt::NanMade => wasmtime::bail!("the canonical build was watched for NaNs"),
        }
    }

    /// The canonical build, from the parent where it is not here yet.
    fn canonical(&self, tag: u64) -> wasmtime::Result<&Build> {
        if self.first.floats == Floats::Canonical {
            return Ok(&self.first);
        }
        if let Some(build) = self.canonical.get() {
            return Ok(build);
        }
        let bytes = self.fetch(tag, Source::Canonical)?;
        let component = load::compiled_bytes(&self.engine, &bytes)?;
        let job = Job::new(&self.engine, &component)?;
        Ok(self.canonical.get_or_init(|| Build { floats: Floats::Canonical, watched: false, job }))
    }

    fn attempt(&self, build: &Build, head: &TaskHead) -> wasmtime::Result<Attempt> {
        let (store, input) = self.prepare(build, head)?;
        Ok(self.execute(build, store, head, &input))
    }

    fn prepare(&self, build: &Build, head: &TaskHead) -> wasmtime::Result<(Store<State>, Vec<u8>)> {
        self.clear_scratch()?;
        let mut input = Vec::new();
        if !matches!(head.call, Call::Merge | Call::MergeLast) {
            input = match &head.input {
                Some(inline) => inline.clone(),
                None => self.fetch(head.tag, Source::Input)?,
            };
        }
        let given = Given {
            tag: head.tag,
            seed: &head.seed,
            stdin: (head.call == Call::Command).then(|| std::mem::take(&mut input)),
            restored: head.checkpoint_fuel.map(|_| self.fetch(head.tag, Source::State)).transpose()?,
            parts: head.parts,
            fuel_before: head.checkpoint_fuel.unwrap_or(0),
            watches_nans: build.watched,
        };
        let state = State::new(&self.around, given)?;
        let fuel = state.fuel_given;
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limiter);
        if self.settings.fuel {
            store.set_fuel(fuel)?;
        }
        if self.settings.epoch {
            store.set_epoch_deadline(u64::MAX / 2);
        }
        store.set_hostcall_fuel(outcome::result_bytes_max(&self.around.limits));
        Ok((store, input))
    }

    fn fetch(&self, tag: u64, source: Source) -> wasmtime::Result<Vec<u8>> {
        let fetched = self.around.link.fetch(tag, source).map_err(|error| HostProblem(error.to_string()))?;
        let bytes = fetched.map_err(|message| HostProblem(format!("failed to read the unit's bytes: {message}")))?;
        bytes.ok_or_else(|| HostProblem("the unit's bytes are missing".into()).into())
    }

    /// A unit finds its scratch directory empty, whatever the one before it left there.
    fn clear_scratch(&self) -> wasmtime::Result<()> {
        let Some(scratch) = &self.around.scratch else { return Ok(()) };
        for entry in std::fs::read_dir(scratch)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            } else {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn execute(&self, build: &Build, mut store: Store<State>, head: &TaskHead, input: &[u8]) -> Attempt {
        flag::clear();
        let returned = build.job.pre.instantiate(&mut store).and_then(|instance| {
            begin(&mut store, build, &instance)?;
            let returned = call(&mut store, build, &instance, head, input)?;
            store.data().check_nans()?;
            Ok(outcome::returned(returned, &store.data().around.limits))
        });
        let used = if self.settings.fuel {
            store.data().fuel_given.saturating_sub(store.get_fuel().unwrap_or(0))
        } else {
            fuel_run(&store)
        };
        let state = store.data();
        let fuel = state.fuel_before.saturating_add(used);
        let (outcome, output) = match returned {
            Ok(done) => done,
            // What happened before a NaN was noticed may have hung on its bits.
            Err(error) if state.check_nans().is_err() && !outcome::is_host(&error) => return Attempt::NanMade,
            Err(error) => (outcome::of_error(&error, state), Vec::new()),
        };
        let (outcome, output) = match outcome::over_fuel(&outcome, fuel, &state.around.limits) {
            Some(over) => (over, Vec::new()),
            None => (outcome, output),
        };
        Attempt::Ended(Ended {
            tag: head.tag,
            outcome,
            floats: build.floats,
            fuel,
            memory_bytes: state.limiter.memory_bytes(),
            wall_us: 0,
            output,
            log: state.log.bytes(),
        })
    }
}

/// Set the guest's limit, and find where it counts. What start functions used by now is counted already.
fn begin(store: &mut Store<State>, build: &Build, instance: &Instance) -> wasmtime::Result<()> {
    let Some(meter) = build.job.meter() else { return Ok(()) };
    let limit = costs::most_ticks(store.data().fuel_given);
    let begin = instance.get_typed_func::<(u64,), (WasmList<u64>,)>(&mut *store, meter)?;
    let (counter,) = begin.call(&mut *store, (limit,))?;
    store.data_mut().meter = Some(Arc::new(counter));
    Ok(())
}

fn call(
    store: &mut Store<State>,
    build: &Build,
    instance: &Instance,
    head: &TaskHead,
    input: &[u8],
) -> wasmtime::Result<Returned> {
    let Some(export) = build.job.export(head.call) else {
        wasmtime::bail!("the component has no export for {:?}", head.call);
    };
    match head.call {
        Call::Run => {
            let run = instance.get_typed_func::<(&[u8],), (Returned,)>(&mut *store, export)?;
            Ok(run.call(store, (input,))?.0)
        }
        Call::Split => {
            let split = instance.get_typed_func::<(&[u8],), (Result<(), Vec<u8>>,)>(&mut *store, export)?;
            Ok(split.call(store, (input,))?.0.map(|()| Vec::new()))
        }
        Call::Merge | Call::MergeLast => {
            let merge = instance.get_typed_func::<(u32, bool), (Returned,)>(&mut *store, export)?;
            Ok(merge.call(store, (head.parts, head.call == Call::MergeLast))?.0)
        }
        Call::Command => {
            let run = instance.get_typed_func::<(), (Result<(), ()>,)>(&mut *store, export)?;
            let exit = run.call(&mut *store, ()).map(|(result,)| i32::from(result.is_err()));
            outcome::command(outcome::exit_code(exit)?, store.data())
        }
    }
}
