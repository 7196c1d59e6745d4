//! Hand-written modules, one for each shape that counting by blocks could get wrong. Every export is called and all
//! that can be seen is compared; here stand besides the figures that a person can add up.

use wasmtime::Trap;

use crate::compare::{Call, Sides};
use crate::host::Setup;
use crate::interp::{Module, Value};
use crate::seen::Seen;
use Value::{F64, I32, I64};

mod bulk;
mod calls;
mod flow;
mod kernels;
mod limits;
mod wide;

/// Make these calls on all sides; what the interpreter saw, without the instantiation.
fn run(wat: &str, calls: &[(&str, &[Value])]) -> Vec<Seen> {
    run_with(wat, &Setup::default(), calls)
}

fn run_with(wat: &str, setup: &Setup, calls: &[(&str, &[Value])]) -> Vec<Seen> {
    let mut seen = start_with(wat, setup, calls);
    assert_eq!(seen.len(), calls.len() + 1, "the interpreter gave up");
    seen.remove(0);
    seen
}

/// The same, the instantiation first.
fn start_with(wat: &str, setup: &Setup, calls: &[(&str, &[Value])]) -> Vec<Seen> {
    let core = wat::parse_str(wat).expect("a module in text");
    let sides = Sides::new(&core).unwrap_or_else(|error| panic!("{wat}\n{error}"));
    let calls: Vec<_> = calls.iter().map(|(name, args)| Call::new(&sides.module, name, args)).collect();
    sides.compare_calls(setup, &calls).unwrap_or_else(|difference| panic!("{wat}\n{difference}"))
}

/// Fuel of each step.
fn fuel(seen: &[Seen]) -> Vec<u64> {
    let before = std::iter::once(0).chain(seen.iter().map(|seen| seen.fuel));
    before.zip(seen).map(|(before, seen)| seen.fuel.wrapping_sub(before)).collect()
}

/// First result of each step.
fn results(seen: &[Seen]) -> Vec<Value> {
    seen.iter().map(|seen| seen.outcome.as_ref().expect("no trap")[0]).collect()
}

/// Sum of the fixed costs of operations that stand in a list, by their text.
fn cost(ops: &str) -> u64 {
    let core =
        wat::parse_str(format!("(module (memory 1) (table 1 funcref) (func $f (result i32) unreachable {ops}))"));
    let core = core.expect("operations in text");
    let module = Module::read(&core);
    let ops = module.codes[0].ops.iter();
    ops.map(|op| fallow_sandbox::instrument::costs::of(op).fixed).sum()
}
