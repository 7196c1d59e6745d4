//! Whole examples, as compilers make them: their core modules with real input, and a host that answers nothing.

use wasmparser::{Parser, Payload};

use crate::compare::{Call, Sides, interpret};
use crate::host::Setup;
use crate::interp::Value;
use crate::seen::{Content, Seen};
use Value::I32;

/// An example's main module: the first that has a memory of its own.
fn main_module(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("../guests/{name}.wasm"));
    let component = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask test` builds the guests", path.display()));
    for payload in Parser::new(0).parse_all(&component) {
        if let Payload::ModuleSection { unchecked_range, .. } = payload.expect("a valid component") {
            return component[unchecked_range].to_vec();
        }
    }
    panic!("{name} has no core module");
}

/// One unit: its input through the canonical ABI, compared at every step. Returns fuel and output.
fn run_unit(name: &str, input: &[u8]) -> (u64, Vec<u8>) {
    let core = main_module(name);
    let sides = Sides::new(&core).unwrap_or_else(|error| panic!("{name}: {error}"));
    let module = &sides.module;
    let setup = Setup { steps: 50_000_000, pages_max: 100, quiet: true, ..Setup::default() };
    let len = input.len() as u32;
    let allocate = Call::new(module, "cabi_realloc", &[I32(0), I32(0), I32(1), I32(len)]);
    let at = number(&interpret(module, &setup, std::slice::from_ref(&allocate))[1]);
    let run =
        Call::new(module, "fallow:task/run@1.0.0#run", &[I32(at), I32(len)]).writing("memory", at as usize, input);
    let result = number(&interpret(module, &setup, &[allocate.clone(), run.clone()])[2]);
    let post = Call::new(module, "cabi_post_fallow:task/run@1.0.0#run", &[I32(result)]);
    let calls = [allocate, run, post];
    let seen = sides.compare_calls(&setup, &calls).unwrap_or_else(|difference| panic!("{name}: {difference}"));
    assert_eq!(seen.len(), 4, "the interpreter gave up");
    let memory = memory(&seen[2]);
    let word =
        |place: usize| u32::from_le_bytes(memory[result as usize + 4 * place..][..4].try_into().expect("a word"));
    assert_eq!(word(0), 0, "the unit failed");
    let output = &memory[word(1) as usize..][..word(2) as usize];
    (seen[3].fuel, output.to_vec())
}

fn number(seen: &Seen) -> u32 {
    match seen.outcome.as_deref() {
        Ok([I32(number)]) => *number,
        other => panic!("{}: expected a number: {other:?}", seen.step),
    }
}

fn memory(seen: &Seen) -> &[u8] {
    let contents = seen.exports.iter().find_map(|(_, content)| match content {
        Content::Memory(bytes) => Some(bytes),
        _ => None,
    });
    &contents.expect("a memory").0
}

#[test]
fn a_unit_of_primes() {
    let (fuel, output) = run_unit("primes", br#"{"from":0,"to":3000}"#);
    let output = String::from_utf8(output).expect("JSON");
    assert!(output.contains(r#""count":430"#), "{output}");
    assert!(fuel > 10_000, "{fuel}");
}

#[test]
fn a_unit_of_wordcount() {
    let (fuel, output) = run_unit("wordcount", "The fox, the dog; the Füchse.\nA fox's den: the fox!\n".as_bytes());
    let output = String::from_utf8(output).expect("JSON");
    assert_eq!(output, r#"{"a":1,"den":1,"dog":1,"fox":2,"fox's":1,"füchse":1,"the":4}"#);
    assert!(fuel > 5_000, "{fuel}");
}
