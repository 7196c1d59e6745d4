//! The same calls in the interpreter and in the engine, and what can be seen after each.

use std::sync::LazyLock;

use fallow_sandbox::instrument::{self, Floats};
use wasmparser::ExternalKind;
use wasmtime::{Engine, Extern, Trap, Val};

use crate::host::{Host, HostCall, Kind, Setup};
use crate::interp::{Interp, Module, Stop, Value, own_value};
use crate::native::{Native, engine};

/// Processor's NaNs, as in a run.
static AS_RUN: LazyLock<Engine> = LazyLock::new(|| engine(false));
/// The engine makes NaNs canonical: so a plain module's bits can be compared too, and what depends on them.
static ENGINE_CANONICAL: LazyLock<Engine> = LazyLock::new(|| engine(true));

/// A call of an exported function.
#[derive(Clone, Debug)]
pub struct Call {
    pub name: String,
    index: u32,
    pub args: Vec<Value>,
    /// What the host writes before: an exported memory by name and index, address, bytes.
    write: Option<(String, u32, usize, Vec<u8>)>,
}

impl Call {
    /// The same call, with these bytes written before into an exported memory, the module's first.
    pub fn writing(mut self, memory: &str, at: usize, bytes: &[u8]) -> Self {
        self.write = Some((memory.into(), 0, at, bytes.to_vec()));
        self
    }
}

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
    Function,
}

/// A memory's content, told by length and digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes, {}", self.0.len(), blake3::hash(&self.0))
    }
}

/// Run a module's exports in turn on all sides and compare. Returns what was seen. `Err` is what differs.
pub fn compare(core: &[u8], setup: &Setup) -> Result<Vec<Seen>, String> {
    let module = Module::read(core);
    let calls = all_exports(&module, setup);
    compare_calls(core, setup, &calls)
}

/// The same for these calls only.
pub fn compare_calls(core: &[u8], setup: &Setup, calls: &[Call]) -> Result<Vec<Seen>, String> {
    let module = Module::read(core);
    let expected = interpret(&module, setup, calls);
    for (floats, engine) in [(Floats::Canonical, &*AS_RUN), (Floats::Plain, &*ENGINE_CANONICAL)] {
        let instrumented = instrument::module(core, floats).map_err(|error| error.to_string())?;
        let compiled = wasmtime::Module::new(engine, &instrumented).map_err(|error| format!("{floats:?}: {error:?}"))?;
        let seen = execute(&compiled, &module, setup, calls, expected.len());
        for (expected, seen) in expected.iter().zip(&seen) {
            if expected != seen {
                return Err(format!("{floats:?} differs\n  expected {expected:#x?}\n  seen     {seen:#x?}"));
            }
        }
    }
    Ok(expected)
}

/// A call of an export by name.
pub fn call(module: &Module<'_>, name: &str, args: &[Value]) -> Call {
    let export = module.exports.iter().find(|export| export.0 == name).expect("an export of this name");
    Call { name: name.into(), index: export.2, args: args.to_vec(), write: None }
}

/// Calls of all exported functions, twice, because state stays, with seeded arguments.
fn all_exports(module: &Module<'_>, setup: &Setup) -> Vec<Call> {
    let host = Host::new(setup);
    let functions = module.exports.iter().filter(|export| export.1 == ExternalKind::Func);
    // Exported imports run nothing of the module.
    let functions: Vec<_> = functions.filter(|export| export.2 as usize >= module.imported_functions).collect();
    let twice = functions.iter().chain(&functions).enumerate();
    let calls = twice.map(|(number, (name, _, index))| {
        let params = module.function(*index).params().iter().enumerate();
        let args = params.map(|(place, ty)| host.argument(number, place, Kind::from(*ty))).collect();
        Call { name: (*name).into(), index: *index, args, write: None }
    });
    calls.collect()
}

/// In the interpreter alone, until it gives up.
pub fn interpret(module: &Module<'_>, setup: &Setup, calls: &[Call]) -> Vec<Seen> {
    let (mut instance, started) = Interp::new(module, setup);
    let mut seen = Vec::new();
    match started {
        Err(Stop::Exhausted) => return seen,
        Err(Stop::Trap(trap)) => {
            seen.push(look(&instance, "start".into(), Err(trap), Vec::new()));
            return seen;
        }
        Ok(()) => seen.push(look(&instance, "start".into(), Ok(Vec::new()), contents(&instance, module))),
    }
    for call in calls {
        if let Some((_, memory, at, bytes)) = &call.write {
            instance.write(*memory, *at, bytes);
        }
        let outcome = match instance.invoke(call.index, &call.args) {
            Err(Stop::Exhausted) => return seen,
            Err(Stop::Trap(trap)) => Err(trap),
            Ok(results) => Ok(results),
        };
        seen.push(look(&instance, step(call), outcome, contents(&instance, module)));
    }
    seen
}

fn step(call: &Call) -> String {
    format!("{} {:x?}", call.name, call.args)
}

fn look(
    instance: &Interp<'_>,
    step: String,
    outcome: Result<Vec<Value>, Trap>,
    exports: Vec<(String, Content)>,
) -> Seen {
    Seen { step, outcome, fuel: instance.fuel, calls: instance.host.calls.clone(), exports }
}

fn contents(instance: &Interp<'_>, module: &Module<'_>) -> Vec<(String, Content)> {
    let content = |kind: ExternalKind, index: u32| match kind {
        ExternalKind::Global => Content::Global(instance.global(index).erased()),
        ExternalKind::Memory => memory(instance.memory_bytes(index)),
        ExternalKind::Table => Content::Table(instance.table_slots(index).iter().map(Option::is_none).collect()),
        _ => Content::Function,
    };
    module.exports.iter().map(|(name, kind, index)| ((*name).into(), content(*kind, *index))).collect()
}

fn memory(bytes: &[u8]) -> Content {
    Content::Memory(Bytes(bytes.to_vec()))
}

/// In the engine, as many steps as the interpreter came through.
fn execute(
    compiled: &wasmtime::Module,
    module: &Module<'_>,
    setup: &Setup,
    calls: &[Call],
    steps: usize,
) -> Vec<Seen> {
    if steps == 0 {
        return Vec::new();
    }
    let (mut native, started) = Native::new(compiled, setup);
    let exports = native.instance.map(|_| native_contents(&mut native, module)).unwrap_or_default();
    let mut seen = vec![native_look(&native, "start".into(), started.map(|()| Vec::new()), exports)];
    for call in &calls[..steps - 1] {
        if let Some((memory, _, at, bytes)) = &call.write {
            native.write(memory, *at, bytes);
        }
        let outcome = native.invoke(&call.name, &call.args);
        let exports = native_contents(&mut native, module);
        seen.push(native_look(&native, step(call), outcome, exports));
    }
    seen
}

fn native_look(
    native: &Native,
    step: String,
    outcome: Result<Vec<Value>, Trap>,
    exports: Vec<(String, Content)>,
) -> Seen {
    Seen { step, outcome, fuel: native.fuel(), calls: native.store.data().host.calls.clone(), exports }
}

fn native_contents(native: &mut Native, module: &Module<'_>) -> Vec<(String, Content)> {
    let mut contents = Vec::new();
    for (name, ..) in &module.exports {
        let content = match native.export(name) {
            Extern::Global(global) => Content::Global(own_value(&global.get(&mut native.store))),
            Extern::Memory(bytes) => memory(bytes.data(&native.store)),
            Extern::Table(table) => {
                let slots = 0..table.size(&native.store);
                let null = |slot| Val::from(table.get(&mut native.store, slot).expect("within")).unwrap_funcref().is_none();
                Content::Table(slots.map(null).collect())
            }
            _ => Content::Function,
        };
        contents.push(((*name).into(), content));
    }
    contents
}
