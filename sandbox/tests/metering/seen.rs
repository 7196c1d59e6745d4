//! What can be seen of an instance from outside: the same picture of either side.

use wasmparser::ExternalKind;
use wasmtime::{Extern, Trap, Val};

use crate::host::HostCall;
use crate::interp::{Interp, Module, Value, own_value};
use crate::native::Native;

/// What can be seen after a step: of the outcome, of the host's side, of what is exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The step: instantiation, or a call.
    pub step: String,
    pub outcome: Result<Vec<Value>, Trap>,
    /// The shared counter.
    pub fuel: u64,
    pub calls: Vec<HostCall>,
    pub exports: Vec<(String, Content)>,
}

/// Content of an exported thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Global(Value),
    Memory(Bytes),
    /// For each slot whether it is null.
    Table(Vec<bool>),
}

/// A memory's content, told by length and digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes, {}", self.0.len(), blake3::hash(&self.0))
    }
}

impl Seen {
    /// In the interpreter. Where the start failed nothing is exported.
    pub fn interpreted(
        instance: &Interp<'_>,
        module: &Module<'_>,
        step: String,
        outcome: Result<Vec<Value>, Trap>,
        started: bool,
    ) -> Self {
        let exports = if started { contents(instance, module) } else { Vec::new() };
        Self { step, outcome, fuel: instance.fuel, calls: instance.host.calls.clone(), exports }
    }

    /// In the engine.
    pub fn native(native: &mut Native, module: &Module<'_>, step: String, outcome: Result<Vec<Value>, Trap>) -> Self {
        let exports = if native.instance.is_some() { native_contents(native, module) } else { Vec::new() };
        Self { step, outcome, fuel: native.fuel(), calls: native.store.data().host.calls.clone(), exports }
    }
}

fn contents(instance: &Interp<'_>, module: &Module<'_>) -> Vec<(String, Content)> {
    let content = |kind: ExternalKind, index: u32| match kind {
        ExternalKind::Global => Some(Content::Global(instance.global(index).erased())),
        ExternalKind::Memory => Some(Content::Memory(Bytes(instance.memory_bytes(index).to_vec()))),
        ExternalKind::Table => Some(Content::Table(instance.table_slots(index).iter().map(Option::is_none).collect())),
        _ => None,
    };
    let exports = module.exports.iter();
    exports.filter_map(|(name, kind, index)| Some(((*name).into(), content(*kind, *index)?))).collect()
}

fn native_contents(native: &mut Native, module: &Module<'_>) -> Vec<(String, Content)> {
    let mut contents = Vec::new();
    for (name, ..) in &module.exports {
        let content = match native.export(name) {
            Extern::Global(global) => Content::Global(own_value(&global.get(&mut native.store))),
            Extern::Memory(memory) => Content::Memory(Bytes(memory.data(&native.store).to_vec())),
            Extern::Table(table) => {
                let slots = 0..table.size(&native.store);
                let slot = |slot, native: &mut Native| table.get(&mut native.store, slot).expect("within the table");
                Content::Table(slots.map(|at| Val::from(slot(at, native)).unwrap_funcref().is_none()).collect())
            }
            _ => continue,
        };
        contents.push(((*name).into(), content));
    }
    contents
}
