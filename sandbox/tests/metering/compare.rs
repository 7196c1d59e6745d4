//! The same calls in the interpreter and in the engine, and whether anything differs after any of them.

use std::sync::LazyLock;

use fallow_sandbox::instrument::{self, Floats};
use wasmparser::ExternalKind;
use wasmtime::Engine;

use crate::host::{Host, Kind, Setup};
use crate::interp::{Interp, Module, Stop, Value};
use crate::native::{Native, engine};
use crate::seen::Seen;

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
    /// What the host writes before: an exported memory, the module's first, by name; address, bytes.
    write: Option<(String, usize, Vec<u8>)>,
}

impl Call {
    /// A call of an export by name.
    pub fn new(module: &Module<'_>, name: &str, args: &[Value]) -> Self {
        let export = module.exports.iter().find(|export| export.0 == name).expect("an export of this name");
        Self { name: name.into(), index: export.2, args: args.to_vec(), write: None }
    }

    /// The same call, with these bytes written before.
    pub fn writing(mut self, memory: &str, at: usize, bytes: &[u8]) -> Self {
        self.write = Some((memory.into(), at, bytes.to_vec()));
        self
    }

    fn step(&self) -> String {
        format!("{} {:x?}", self.name, self.args)
    }
}

/// A module as it was, and instrumented in both ways.
pub struct Sides<'a> {
    pub module: Module<'a>,
    instrumented: [(Floats, wasmtime::Module); 2],
}

impl<'a> Sides<'a> {
    /// `Err` says what the engine does not accept.
    pub fn new(core: &'a [u8]) -> Result<Self, String> {
        let compile = |floats, engine: &Engine| {
            let instrumented = instrument::module(core, floats).map_err(|error| error.to_string())?;
            let compiled = wasmtime::Module::new(engine, &instrumented);
            Ok::<_, String>((floats, compiled.map_err(|error| format!("{floats:?}: {error:?}"))?))
        };
        let canonical = compile(Floats::Canonical, &AS_RUN)?;
        let plain = compile(Floats::Plain, &ENGINE_CANONICAL)?;
        Ok(Self { module: Module::read(core), instrumented: [canonical, plain] })
    }

    /// Call all exports in turn on all sides and compare. Returns what was seen; `Err` is what differs.
    pub fn compare(&self, setup: &Setup) -> Result<Vec<Seen>, String> {
        self.compare_calls(setup, &all_exports(&self.module, setup))
    }

    /// The same for these calls only.
    pub fn compare_calls(&self, setup: &Setup, calls: &[Call]) -> Result<Vec<Seen>, String> {
        let expected = interpret(&self.module, setup, calls);
        for (floats, compiled) in &self.instrumented {
            let seen = execute(compiled, &self.module, setup, calls, expected.len());
            for (expected, seen) in expected.iter().zip(&seen) {
                if expected != seen {
                    return Err(format!("{floats:?} differs\n  expected {expected:#x?}\n  seen     {seen:#x?}"));
                }
            }
        }
        Ok(expected)
    }
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
    let started = match started {
        Err(Stop::Exhausted) => return Vec::new(),
        Err(Stop::Trap(trap)) => Err(trap),
        Ok(()) => Ok(Vec::new()),
    };
    let failed = started.is_err();
    let mut seen = vec![Seen::interpreted(&instance, module, "start".into(), started, !failed)];
    if failed {
        return seen;
    }
    for call in calls {
        if let Some((_, at, bytes)) = &call.write {
            instance.write(0, *at, bytes);
        }
        let outcome = match instance.invoke(call.index, &call.args) {
            Err(Stop::Exhausted) => return seen,
            Err(Stop::Trap(trap)) => Err(trap),
            Ok(results) => Ok(results),
        };
        seen.push(Seen::interpreted(&instance, module, call.step(), outcome, true));
    }
    seen
}

/// In the engine, as many steps as the interpreter came through.
fn execute(compiled: &wasmtime::Module, module: &Module<'_>, setup: &Setup, calls: &[Call], steps: usize) -> Vec<Seen> {
    if steps == 0 {
        return Vec::new();
    }
    let (mut native, started) = Native::new(compiled, setup);
    let mut seen = vec![Seen::native(&mut native, module, "start".into(), started.map(|()| Vec::new()))];
    for call in &calls[..steps - 1] {
        if native.instance.is_none() {
            return seen;
        }
        if let Some((memory, at, bytes)) = &call.write {
            native.write(memory, *at, bytes);
        }
        let outcome = native.invoke(&call.name, &call.args);
        seen.push(Seen::native(&mut native, module, call.step(), outcome));
    }
    seen
}
