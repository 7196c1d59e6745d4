//! One unit: a fresh instance, one call, its outcome.

use std::time::Instant;

use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::Call;
use wasmtime::component::Instance;
use wasmtime::{Engine, Store};

use super::engine::Settings;
use super::job::Job;
use super::limits::HostProblem;
use super::outcome;
use super::state::{Given, State, Surroundings};
use crate::wire::{Ended, Source, TaskHead, Told};

/// What the guest's own function gave: its output, or its message.
type Returned = Result<Vec<u8>, Vec<u8>>;

/// Output that goes with the end itself; more goes before it, in pieces.
const END_OUTPUT_BYTES: usize = 256 << 10;

/// Everything needed to run units of one job.
pub struct Runner {
    pub engine: Engine,
    pub settings: Settings,
    pub job: Job,
    pub around: Surroundings,
}

impl Runner {
    /// Run a unit and tell the parent, from its start to its end.
    pub fn serve(&self, head: &TaskHead) {
        let link = &self.around.link;
        link.tell(&Told::Started { tag: head.tag });
        let mut ended = self.run(head);
        let cut = if ended.output.len() > END_OUTPUT_BYTES { ended.output.len() } else { 0 };
        for bytes in ended.output[..cut].chunks(crate::wire::CHUNK_BYTES) {
            link.tell(&Told::Output { bytes: bytes.to_vec() });
        }
        ended.output.drain(..cut);
        link.tell(&Told::Ended(ended));
    }

    /// Run a unit.
    pub fn run(&self, head: &TaskHead) -> Ended {
        let started = Instant::now();
        let failed = |message: String| Ended {
            tag: head.tag,
            outcome: Outcome::HostFault { message },
            fuel: head.checkpoint_fuel.unwrap_or(0),
            memory_bytes: 0,
            wall_us: started.elapsed().as_micros() as u64,
            output: Vec::new(),
            log: Vec::new(),
        };
        let mut ended = match self.prepare(head) {
            Ok((store, input)) => self.execute(store, head, &input),
            Err(error) => failed(format!("{error:#}")),
        };
        ended.wall_us = started.elapsed().as_micros() as u64;
        ended
    }

    fn prepare(&self, head: &TaskHead) -> wasmtime::Result<(Store<State>, Vec<u8>)> {
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
        };
        let state = State::new(&self.around, given)?;
        let fuel = state.fuel_given;
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limiter);
        if self.settings.fuel {
            store.set_fuel(fuel)?;
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

    fn execute(&self, mut store: Store<State>, head: &TaskHead, input: &[u8]) -> Ended {
        let returned = self.job.pre.instantiate(&mut store).and_then(|instance| {
            let returned = self.call(&mut store, &instance, head, input);
            returned.map(|returned| outcome::returned(returned, &store.data().around.limits))
        });
        let left = if self.settings.fuel { store.get_fuel().unwrap_or(0) } else { 0 };
        let state = store.data();
        let (outcome, output) = match returned {
            Ok(done) => done,
            Err(error) => (outcome::of_error(&error, state), Vec::new()),
        };
        Ended {
            tag: head.tag,
            outcome,
            fuel: if self.settings.fuel { state.fuel_before + (state.fuel_given - left) } else { 0 },
            memory_bytes: state.limiter.memory_bytes(),
            wall_us: 0,
            output,
            log: state.log.bytes(),
        }
    }

    fn call(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
        head: &TaskHead,
        input: &[u8],
    ) -> wasmtime::Result<Returned> {
        let Some(export) = self.job.export(head.call) else {
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
}
