//! The engine's settings, all of them, each with its reason. Its own metering and canonical NaNs are off: modules are
//! instrumented instead (`crate::instrument`). [`Settings`] is what a benchmark compares.

use std::hash::{DefaultHasher, Hash, Hasher};

use wasmparser::WasmFeatures;
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Result, Strategy,
    WasmBacktraceDetails,
};

use super::limits;

/// Version of the engine that compiled files are for.
pub const ENGINE_VERSION: &str = "48.0.8";

/// Most bytes of each memory that stay with the process from one unit to the next.
const MEMORY_KEPT_BYTES: usize = 128 << 20;

/// The engine's own ways to do what we do by instrumentation. Only a benchmark turns them on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Count instructions.
    pub fuel: bool,
    /// Look at a clock of the engine's in loops and functions.
    pub epoch: bool,
    /// Give every NaN the same bits, after every operation.
    pub canonical_nans: bool,
    /// Compile without optimising.
    pub quick: bool,
}

impl Settings {
    /// The settings that units run with.
    pub const PROFILE: Self = Self { fuel: false, epoch: false, canonical_nans: false, quick: false };
}

/// What an engine is made for. Compiled code fits either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Compiling only, with little address space.
    Compile,
    /// Running units one after the other.
    Run,
    /// Running the same cases as on other processors.
    #[cfg(feature = "conformance")]
    Compare(Machine),
}

/// What executes the code that the engine makes.
#[cfg(feature = "conformance")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// This processor.
    Processor,
    /// The engine's interpreter, whose code is the same everywhere.
    Pulley,
}

/// Make an engine.
pub fn engine(settings: Settings, purpose: Purpose) -> Result<Engine> {
    let mut config = Config::new();
    // Cranelift only: most advisories about escapes were in the other compiler. One level: decision 15.
    config.strategy(Strategy::Cranelift);
    // Guests run for hours, so time to compile is small beside them; and without optimising it is hardly less.
    config.cranelift_opt_level(if settings.quick { OptLevel::None } else { OptLevel::Speed });
    // Guests count themselves; a runaway is stopped by a kill. On tight loops either costs 1.2x to 3.5x.
    config.consume_fuel(settings.fuel);
    config.epoch_interruption(settings.epoch);
    // NaN bits differ between processors, but canonical builds see to that, where their bits can be seen; done after
    // every operation it costs up to 4.3x.
    config.cranelift_nan_canonicalization(settings.canonical_nans);
    features(&mut config);
    // 4 GiB of address space a memory, with guard pages: bounds checks otherwise cost 1.4x to 2.6x.
    config.memory_reservation(4 << 30);
    config.memory_guard_size(32 << 20);
    config.memory_may_move(false);
    // Depth at which a guest's stack overflows: part of what makes two runs equal, so it is written down.
    config.max_wasm_stack(limits::WASM_STACK_BYTES);
    // Frames of a trap are for the author: names of functions, without source lines, which need debug information.
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(limits::BACKTRACE_FRAMES));
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    // A compiled file holds no symbols for debuggers of the host.
    config.native_unwind_info(true);
    match purpose {
        // Compiling runs under a limit of address space, which pools would exceed at once.
        Purpose::Compile => config.allocation_strategy(InstanceAllocationStrategy::OnDemand),
        // Slots are reused from unit to unit: half the time of a fresh instance.
        Purpose::Run => config.allocation_strategy(pool()),
        #[cfg(feature = "conformance")]
        Purpose::Compare(machine) => {
            // Compiling with several threads hangs for minutes in an emulated processor.
            config.parallel_compilation(false);
            if machine == Machine::Pulley {
                config.target("pulley64")?;
            }
            config.allocation_strategy(pool())
        }
    };
    Engine::new(&config)
}

/// What modules may use; admission says the same with words that help.
fn features(config: &mut Config) {
    // Relaxed SIMD differs between processors by definition; should it ever slip in, then the same everywhere.
    config.wasm_relaxed_simd(false);
    config.relaxed_simd_deterministic(true);
    // SIMD itself is deterministic, and twice as fast.
    config.wasm_simd(true);
    // Products and sums of 128 bits in one operation: deterministic, and three times as fast as without.
    config.wasm_wide_arithmetic(true);
    // Threads are not deterministic, and make timers out of shared memory.
    config.wasm_features(WasmFeatures::THREADS, false);
    config.wasm_features(WasmFeatures::SHARED_EVERYTHING_THREADS, false);
    config.shared_memory(false);
    // 64-bit memories need a bounds check for every access.
    config.wasm_memory64(false);
    // Young parts of the engine, with advisories, that no guest of ours needs.
    config.wasm_tail_call(false);
    config.wasm_features(WasmFeatures::EXCEPTIONS, false);
    config.wasm_features(WasmFeatures::LEGACY_EXCEPTIONS, false);
    config.wasm_features(WasmFeatures::GC, false);
    config.wasm_features(WasmFeatures::GC_TYPES, false);
    config.wasm_features(WasmFeatures::FUNCTION_REFERENCES, false);
    config.wasm_features(WasmFeatures::CUSTOM_PAGE_SIZES, false);
    config.wasm_features(WasmFeatures::STACK_SWITCHING, false);
    // The meter's memory is one more. Validation refuses several memories in modules that come from outside.
    config.wasm_multi_memory(true);
    // Components, without their asynchronous side: units are synchronous.
    config.wasm_component_model(true);
    config.wasm_features(WasmFeatures::CM_ASYNC, false);
    config.concurrency_support(false);
}

/// Room for one unit at a time, with some slots still warm from the one before.
fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(4);
    pool.max_component_instance_size(4 << 20);
    pool.total_core_instances(limits::CORE_INSTANCES_MAX * 2);
    pool.max_core_instances_per_component(limits::CORE_INSTANCES_MAX);
    // Space for the state of large modules: it grows with their functions, not with their memory.
    pool.max_core_instance_size(8 << 20);
    pool.total_memories(limits::MEMORIES_MAX * 2);
    pool.max_memories_per_component(limits::MEMORIES_MAX);
    pool.max_memory_size(4 << 30);
    pool.total_tables(limits::TABLES_MAX * 2);
    pool.max_tables_per_component(limits::TABLES_MAX);
    pool.table_elements(limits::TABLE_ELEMENTS_MAX);
    // No fibers: units are synchronous.
    pool.total_stacks(0);
    // Memories are cleared in place, which is cheaper than giving pages back and having the kernel clear and map them
    // for the next unit. Against 256 KiB it saves a unit of `cells` a tenth of its time, and tiny ones of `primes` and
    // `wordcount` 20 of 70 us; it costs one that touches nothing 4 us. No more is kept than the unit before had.
    pool.linear_memory_keep_resident(MEMORY_KEPT_BYTES);
    pool.table_keep_resident(64 << 10);
    pool
}

/// Everything besides the instrumented build that a compiled file depends on, as part of its name.
pub fn file_suffix(engine: &Engine) -> String {
    // The engine's own hash covers its version, the target, the processor's features and all tunables.
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("w{ENGINE_VERSION}-{:016x}.compiled", hasher.finish())
}
