//! Modules made at random: fuel, results, memories and what the host sees are the same in interpreter and engine.
//! `FALLOW_METERING_SEEDS` sets how many, `FALLOW_METERING_FIRST` the first seed.

use arbitrary::Unstructured;
use fallow_sandbox::instrument::{self, Floats, accepted};
use wasm_encoder::reencode::{self, Reencode};
use wasm_smith::{Config, Module};
use wasmparser::{Parser, Validator, WasmFeatures};

use crate::compare::Sides;
use crate::host::{Setup, mix};

/// Seeds of an ordinary test run.
const SEEDS: u64 = 300;
/// Tries for a module: some bytes make none.
const TRIES: u64 = 20;

#[test]
fn generated_modules_count_and_compute_the_same() {
    let from = number("FALLOW_METERING_FIRST").unwrap_or(0);
    let seeds = number("FALLOW_METERING_SEEDS").unwrap_or(SEEDS);
    let (mut steps, mut traps, mut host_calls, mut fuel) = (0, 0, 0, 0u64);
    for seed in from..from + seeds {
        let core = generate(seed, accepted());
        let setup = Setup { seed: mix(seed), ..Setup::default() };
        let sides = Sides::new(&core).unwrap_or_else(|error| fail(seed, &core, &error));
        let seen = sides.compare(&setup).unwrap_or_else(|difference| fail(seed, &core, &difference));
        steps += seen.len();
        traps += seen.iter().filter(|seen| seen.outcome.is_err()).count();
        host_calls += seen.last().map_or(0, |seen| seen.calls.len());
        fuel += seen.last().map_or(0, |seen| seen.fuel);
    }
    println!("{seeds} modules: {steps} steps compared, {traps} traps, {host_calls} calls of the host, {fuel} fuel");
    // Otherwise nothing much was compared.
    assert!(steps as u64 > seeds * 2 && fuel > seeds * 10, "{steps} steps, {fuel} fuel");
}

#[test]
fn instrumented_modules_are_valid_and_made_the_same_again() {
    for seed in 1_000_000..1_000_000 + SEEDS {
        let core = generate(seed, accepted());
        for floats in [Floats::Plain, Floats::Canonical] {
            let once = instrument::module(&core, floats).expect("a valid module can be instrumented");
            let again = instrument::module(&core, floats).expect("a valid module can be instrumented");
            assert!(once == again, "seed {seed}: {floats:?} differs from itself");
            let features = accepted() | WasmFeatures::MULTI_MEMORY;
            if let Err(error) = Validator::new_with_features(features).validate_all(&once) {
                fail(seed, &core, &format!("{floats:?} is not valid: {error}"));
            }
        }
    }
}

pub fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {value}")))
}

/// A module of these features from a seed.
fn generate(seed: u64, features: WasmFeatures) -> Vec<u8> {
    for attempt in 0..TRIES {
        let salt = mix(mix(seed) + attempt);
        let bytes: Vec<u8> = (0..2_000).flat_map(|place| mix(salt ^ (place << 32)).to_le_bytes()).collect();
        // Some bytes make no module.
        let Ok(mut module) = Module::new(config(salt), &mut Unstructured::new(&bytes)) else { continue };
        // Half of them as they come: the interpreter notices when they do not end.
        if salt.is_multiple_of(2) {
            module.ensure_termination(300).expect("only valid functions");
        }
        let core = only_functions(&module.to_bytes());
        if Validator::new_with_features(features).validate_all(&core).is_ok() {
            return core;
        }
    }
    panic!("seed {seed}: no module of the accepted features in {TRIES} tries");
}

/// The generator refers to the host's things too, which guests may not: references to functions take their place.
fn only_functions(core: &[u8]) -> Vec<u8> {
    let mut module = wasm_encoder::Module::new();
    OnlyFunctions.parse_core_module(&mut module, Parser::new(0), core).expect("a valid module");
    module.finish()
}

struct OnlyFunctions;

impl Reencode for OnlyFunctions {
    type Error = std::convert::Infallible;

    fn abstract_heap_type(
        &mut self,
        _: wasmparser::AbstractHeapType,
    ) -> Result<wasm_encoder::AbstractHeapType, reencode::Error<Self::Error>> {
        Ok(wasm_encoder::AbstractHeapType::Func)
    }
}

fn config(salt: u64) -> Config {
    Config {
        bulk_memory_enabled: true,
        reference_types_enabled: true,
        multi_value_enabled: true,
        simd_enabled: true,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        extended_const_enabled: true,
        wide_arithmetic_enabled: true,
        relaxed_simd_enabled: false,
        threads_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        tail_call_enabled: false,
        memory64_enabled: false,
        max_memories: 1,
        max_tables: 3,
        min_types: 3,
        max_types: 8,
        max_type_size: 100,
        max_imports: 6,
        min_funcs: 2,
        max_funcs: 8,
        max_globals: 6,
        min_exports: 4,
        max_exports: 12,
        max_instructions: 40 + (salt >> 8) as usize % 160,
        max_data_segments: 4,
        max_element_segments: 4,
        max_elements: 8,
        max_memory32_bytes: 20 * 65_536,
        max_table_elements: 100,
        // Private tables need no flush at indirect calls, so not everything is exported always.
        export_everything: salt & 4 == 0,
        // Traps are wanted, but programs that run on too.
        disallow_traps: salt & 24 != 0,
        ..Config::default()
    }
}

/// Leave the module behind for a closer look.
pub fn fail(seed: u64, core: &[u8], difference: &str) -> ! {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("metering-{seed}.wasm"));
    std::fs::write(&path, core).expect("a writable folder");
    panic!("seed {seed} ({}): {difference}", path.display());
}
