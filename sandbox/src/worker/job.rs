//! A component made ready for many units: linked once, its exports looked up once.

use fallow_protocol::unit::Call;
use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};

use super::state::State;
use super::{wasi, world};
use crate::instrument::METER_EXPORT;

/// Exports that a component may have: interface and function.
pub const RUN: (&str, &str) = ("fallow:task/run@1.0.0", "run");
pub const SPLIT: (&str, &str) = ("fallow:task/split@1.0.0", "split");
pub const MERGE: (&str, &str) = ("fallow:task/merge@1.0.0", "merge");
/// A plain command; the version's last number is any.
pub const COMMAND: (&str, &str) = ("wasi:cli/run@0.2.", "run");

/// A component that units are made of.
pub struct Job {
    pub pre: InstancePre<State>,
    run: Option<ComponentExportIndex>,
    split: Option<ComponentExportIndex>,
    merge: Option<ComponentExportIndex>,
    command: Option<ComponentExportIndex>,
    meter: Option<ComponentExportIndex>,
}

/// Link a component, which also compares the types of its imports with ours.
pub fn linked(engine: &Engine, component: &Component) -> wasmtime::Result<InstancePre<State>> {
    let mut linker = Linker::new(engine);
    wasi::link(&mut linker)?;
    world::link(&mut linker)?;
    linker.instantiate_pre(component)
}

impl Job {
    /// Link a component and find its exports.
    pub fn new(engine: &Engine, component: &Component) -> wasmtime::Result<Self> {
        let find = |(interface, function): (&str, &str)| {
            let instance = component.get_export_index(None, interface)?;
            component.get_export_index(Some(&instance), function)
        };
        let exports: Vec<String> =
            component.component_type().exports(engine).map(|(name, _)| name.to_owned()).collect();
        let command = exports.iter().find(|name| name.starts_with(COMMAND.0));
        Ok(Self {
            pre: linked(engine, component)?,
            run: find(RUN),
            split: find(SPLIT),
            merge: find(MERGE),
            command: command.and_then(|name| find((name, COMMAND.1))),
            meter: component.get_export_index(None, METER_EXPORT),
        })
    }

    /// Where an instrumented component's fuel is begun to be counted.
    pub fn meter(&self) -> Option<&ComponentExportIndex> {
        self.meter.as_ref()
    }

    /// The export that a unit calls.
    pub fn export(&self, call: Call) -> Option<&ComponentExportIndex> {
        match call {
            Call::Run => self.run.as_ref(),
            Call::Split => self.split.as_ref(),
            Call::Merge | Call::MergeLast => self.merge.as_ref(),
            Call::Command => self.command.as_ref(),
        }
    }
}
