//! Units of components, run as a worker runs them, within this process.

use fallow_protocol::digest::Digest;
use fallow_protocol::manifest::{Floats, Limits};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::Call;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::{Ended, STACK, plain};
use crate::instrument;
use crate::wire::TaskHead;
use crate::worker::engine::Settings;
use crate::worker::job::Job;
use crate::worker::state::Surroundings;
use crate::worker::unit::{Build, Runner};

/// Both builds of a component.
pub struct Program(Runner);

impl Program {
    /// Compile a component.
    pub fn new(engine: &Engine, component: &[u8]) -> anyhow::Result<Self> {
        let build = |floats| -> anyhow::Result<Build> {
            let component = Component::new(engine, instrument::component(component, floats)?).map_err(plain)?;
            let watched = floats == Floats::Plain;
            Ok(Build { floats, watched, job: Job::new(engine, &component).map_err(plain)? })
        };
        let around = Surroundings::alone(Limits { memory_bytes: 1 << 30, ..Limits::default() }, 1_700_000_000_500)?;
        let runner = Runner::new(engine.clone(), Settings::PROFILE, build(Floats::Plain)?, around);
        // A node would fetch it when it is needed.
        let _ = runner.canonical.set(build(Floats::Canonical)?);
        Ok(Self(runner))
    }

    /// Run a unit, as a node does and in the canonical build.
    pub fn run(&mut self, call: Call, args: &[String], input: &[u8]) -> (Ended, Ended) {
        self.0.around.args = args.to_vec();
        // Each case is a worker's first: none hangs on what the others made.
        self.0.counts.set((0, 0));
        (self.one(call, input, Floats::Plain), self.one(call, input, Floats::Canonical))
    }

    fn one(&self, call: Call, input: &[u8], floats: Floats) -> Ended {
        let ended = self.0.run(&TaskHead {
            tag: 0,
            call,
            seed: [7; 32],
            floats,
            input: Some(input.to_vec()),
            parts: 0,
            checkpoint_fuel: None,
        });
        Ended {
            class: class(&ended.outcome),
            fuel: ended.fuel,
            output: Digest::of(&ended.output).to_string(),
            floats: ended.floats,
        }
    }
}

fn class(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => "done".into(),
        Outcome::GuestError { .. } => "guest-error".into(),
        Outcome::Trap { message } if message.contains("call stack exhausted") => STACK.into(),
        Outcome::Trap { .. } => "trap".into(),
        Outcome::Limit { limit, .. } => format!("limit-{limit:?}"),
        Outcome::HostFault { message } => format!("host-fault({})", message.replace(char::is_whitespace, "_")),
        other => format!("{other:?}").replace(char::is_whitespace, "_"),
    }
}
