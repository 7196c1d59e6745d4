//! Limits on what a unit's instances take, and the errors by which a unit over a limit ends.

use fallow_protocol::outcome::LimitKind;
use wasmtime::ResourceLimiter;

/// Stack of a guest.
pub const WASM_STACK_BYTES: usize = 1 << 20;
/// Frames of a trap that are looked at.
pub const BACKTRACE_FRAMES: usize = 20;
/// Core instances of one component: modules, adapters and shims.
pub const CORE_INSTANCES_MAX: u32 = 100;
/// Memories of one component.
pub const MEMORIES_MAX: u32 = 32;
/// Tables of one component.
pub const TABLES_MAX: u32 = 64;
/// Elements of one table; language runtimes have tens of thousands of functions.
pub const TABLE_ELEMENTS_MAX: usize = 100_000;
/// Elements of all tables of a unit.
pub const TABLE_ELEMENTS_SUM_MAX: usize = 200_000;

/// A unit asked for more than it may.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct LimitHit {
    /// Which limit.
    pub kind: LimitKind,
    /// Where and how much.
    pub message: String,
}

impl LimitHit {
    /// As an error that ends the guest.
    pub fn new(kind: LimitKind, message: String) -> wasmtime::Error {
        wasmtime::Error::new(Self { kind, message })
    }
}

/// The computer could not; the unit is not to blame.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct HostProblem(pub String);

/// Bytes for people.
pub fn mib(bytes: u64) -> String {
    if bytes < 10 << 10 { format!("{bytes} bytes") } else { format!("{:.1} MiB", bytes as f64 / 1_048_576.0) }
}

/// Memory of the meter, which is not the guest's.
const METER_BYTES: u64 = 64 << 10;

/// Counts memory and tables over all instances of a unit.
#[derive(Debug)]
pub struct Limiter {
    memory_max: u64,
    memory: u64,
    tables: usize,
}

impl Limiter {
    /// At most `memory_max` bytes of linear memory.
    pub fn new(memory_max: u64) -> Self {
        Self { memory_max: memory_max.saturating_add(METER_BYTES), memory: 0, tables: 0 }
    }

    /// Linear memory of all instances together; it never shrinks, so this is its peak, too.
    pub fn memory_bytes(&self) -> u64 {
        self.memory.saturating_sub(METER_BYTES)
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // Beyond the guest's own declared maximum: it sees the failure itself, as everywhere.
        if maximum.is_some_and(|maximum| desired > maximum) && current > 0 {
            return Ok(false);
        }
        let sum = self.memory + (desired.saturating_sub(current)) as u64;
        if sum > self.memory_max {
            let guests = |bytes: u64| mib(bytes.saturating_sub(METER_BYTES));
            let [from, to, max] = [self.memory, sum, self.memory_max].map(guests);
            let message = format!("while growing memory from {from} to {to}; the limit is {max}");
            return Err(LimitHit::new(LimitKind::Memory, message));
        }
        self.memory = sum;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        // Growth that the memory's type rules out is refused before it is asked for; the guest sees that everywhere.
        if error.to_string().contains("memory type's limits") {
            return Ok(());
        }
        Err(HostProblem(format!("the computer has no memory left for the unit: {error:#}")).into())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) && current > 0 {
            return Ok(false);
        }
        let sum = self.tables + desired.saturating_sub(current);
        if sum > TABLE_ELEMENTS_SUM_MAX || desired > TABLE_ELEMENTS_MAX {
            let message = format!(
                "while growing a table to {desired} elements; the limit is {TABLE_ELEMENTS_MAX}, \
                 {TABLE_ELEMENTS_SUM_MAX} for all tables"
            );
            return Err(LimitHit::new(LimitKind::Memory, message));
        }
        self.tables = sum;
        Ok(true)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        if error.to_string().contains("limits") {
            return Ok(());
        }
        Err(HostProblem(format!("the computer has no memory left for the unit's tables: {error:#}")).into())
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX as usize
    }
}
