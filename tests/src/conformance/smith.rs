//! Random core modules, the same from the same seed on every computer.

use anyhow::{Context, Result};
use arbitrary::Unstructured;
use fallow_protocol::digest::Digest;
use wasm_smith::{Config, Module};

use super::Corpus;

/// Bytes of chance that a module is made from.
const CHANCE_BYTES: usize = 6 << 10;
/// Steps, calls and turns of loops, until a module ends itself.
const STEPS: u32 = 2_000;

/// Add `count` modules.
pub fn add(corpus: &mut Corpus, count: u64) -> Result<()> {
    for seed in 0..count {
        let module = module(seed).with_context(|| format!("failed to make the module of seed {seed}"))?;
        corpus.add_module(&format!("smith-{seed}"), module);
    }
    Ok(())
}

/// Instructions of today's compilers, no imports, everything exported, and an end.
fn module(seed: u64) -> Result<Vec<u8>> {
    let chance: Vec<u8> = (0..CHANCE_BYTES as u64 / 32)
        .flat_map(|block| Digest::of(&[seed.to_le_bytes(), block.to_le_bytes()].concat()).0)
        .collect();
    let mut chance = Unstructured::new(&chance);
    let config = Config {
        min_funcs: 1,
        max_funcs: 12,
        min_exports: 1,
        export_everything: true,
        max_imports: 0,
        max_memories: 1,
        max_memory32_bytes: 4 << 16,
        memory_max_size_required: true,
        max_table_elements: 100,
        table_max_size_required: true,
        max_instructions: 200,
        memory_offset_choices: wasm_smith::MemoryOffsetChoices(90, 9, 1),
        bulk_memory_enabled: true,
        // References to things of the host belong to them, and those are refused.
        reference_types_enabled: false,
        simd_enabled: true,
        relaxed_simd_enabled: false,
        multi_value_enabled: true,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        extended_const_enabled: true,
        tail_call_enabled: false,
        exceptions_enabled: false,
        threads_enabled: false,
        shared_everything_threads_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        custom_page_sizes_enabled: false,
        wide_arithmetic_enabled: true,
        ..Config::default()
    };
    let mut module = Module::new(config, &mut chance)?;
    module.ensure_termination(STEPS)?;
    Ok(module.to_bytes())
}
