//! For the benchmark only: compile and run a component within this process, with chosen settings and no confinement.
//! A benchmark calls it in a child process of its own.

use anyhow::anyhow;
use fallow_protocol::manifest::{Floats, Limits};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::Call;
use wasmtime::component::Component;
use wasmtime::{Engine, Module, Store};

use crate::instrument;
use crate::os;
use crate::wire::TaskHead;
use crate::worker::engine::{self, Purpose};
use crate::worker::job::Job;
use crate::worker::state::Surroundings;
use crate::worker::unit::{self, Runner};

pub use crate::worker::engine::Settings;

/// What a run gave and cost.
#[derive(Clone, Debug)]
pub struct Run {
    /// How it ended.
    pub outcome: Outcome,
    /// Its output.
    pub output: Vec<u8>,
    /// CPU time of the process during the run (instantiate, call, drop), microseconds.
    pub cpu_us: u64,
    /// Wall time of the same, microseconds.
    pub wall_us: u64,
    /// Fuel, where it is counted.
    pub fuel: u64,
    /// Peak linear memory, bytes.
    pub memory_bytes: u64,
}

/// A component that was compiled with some settings.
pub struct Compiled {
    runner: Runner,
    /// CPU time of compiling, microseconds.
    pub compile_cpu_us: u64,
}

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// The component as it is, with the engine's own metering and NaNs, if any.
    Engine(Settings),
    /// The instrumented component.
    Ours(Floats),
    /// The same, plain, compiled without optimising.
    Quick,
}

impl Compiled {
    /// Compile a component.
    pub fn new(component: &[u8], build: Build, limits: Limits) -> anyhow::Result<Self> {
        let plain = |error: wasmtime::Error| anyhow!("{error:#}");
        let (settings, floats, bytes) = match build {
            // Nothing watches for NaNs in the engine's own builds.
            Build::Engine(settings) => (settings, Floats::Canonical, component.to_vec()),
            Build::Ours(floats) => (Settings::PROFILE, floats, instrument::component(component, floats)?),
            Build::Quick => {
                let settings = Settings { quick: true, ..Settings::PROFILE };
                (settings, Floats::Plain, instrument::component(component, Floats::Plain)?)
            }
        };
        let started = os::cpu_time_us();
        let engine = engine::engine(settings, Purpose::Run).map_err(plain)?;
        let component = Component::new(&engine, bytes).map_err(plain)?;
        let compile_cpu_us = os::cpu_time_us() - started;
        let around = Surroundings::alone(limits, 0)?;
        let job = Job::new(&engine, &component).map_err(plain)?;
        let watched = matches!(build, Build::Ours(Floats::Plain) | Build::Quick);
        let first = unit::Build { floats, watched, job };
        Ok(Self { runner: Runner::new(engine, settings, first, around), compile_cpu_us })
    }

    /// With arguments, for a plain command.
    pub fn with_args(mut self, args: &[String]) -> Self {
        self.runner.around.args = args.to_vec();
        self
    }

    /// Run it once, in a fresh instance. Components that use WASI need a tokio runtime to be entered around this.
    pub fn run(&self, call: Call, input: &[u8]) -> Run {
        let head = TaskHead {
            tag: 0,
            call,
            seed: [0; 32],
            floats: Floats::Plain,
            input: Some(input.to_vec()),
            parts: 0,
            checkpoint_fuel: None,
        };
        let started = os::cpu_time_us();
        let ended = self.runner.run(&head);
        let cpu_us = os::cpu_time_us() - started;
        Run {
            outcome: ended.outcome,
            output: ended.output,
            cpu_us,
            wall_us: ended.wall_us,
            fuel: ended.fuel,
            memory_bytes: ended.memory_bytes,
        }
    }
}

/// A core module without imports, compiled as units are, for measurements of single operations.
pub struct Core {
    engine: Engine,
    module: Module,
    /// CPU time of compiling, microseconds.
    pub compile_cpu_us: u64,
}

impl Core {
    /// Compile a core module's bytes, as they are.
    pub fn new(module: &[u8]) -> anyhow::Result<Self> {
        Self::with(module, Settings::PROFILE)
    }

    /// The same with other settings.
    pub fn with(module: &[u8], settings: Settings) -> anyhow::Result<Self> {
        let plain = |error: wasmtime::Error| anyhow!("{error:#}");
        let engine = engine::engine(settings, Purpose::Run).map_err(plain)?;
        let started = os::cpu_time_us();
        let module = Module::new(&engine, module).map_err(plain)?;
        let compile_cpu_us = os::cpu_time_us() - started;
        Ok(Self { engine, module, compile_cpu_us })
    }

    /// Call its function `name`, `func(rounds: i64)`, in a fresh instance: CPU time of the call, microseconds.
    pub fn call(&self, name: &str, rounds: u64) -> anyhow::Result<u64> {
        let plain = |error: wasmtime::Error| anyhow!("{error:#}");
        let mut store = Store::new(&self.engine, ());
        let instance = wasmtime::Instance::new(&mut store, &self.module, &[]).map_err(plain)?;
        let function = instance.get_typed_func::<i64, ()>(&mut store, name).map_err(plain)?;
        let started = os::cpu_time_us();
        function.call(&mut store, rounds as i64).map_err(plain)?;
        Ok(os::cpu_time_us() - started)
    }
}
