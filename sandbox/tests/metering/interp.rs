//! A plain interpreter of core modules that counts fuel operation by operation: the contract of metering, written a
//! second time. It knows blocks only as places to jump to, and shares nothing with the instrumenter but the costs.

mod float;
mod fuel;
mod int;
mod memory;
mod module;
mod run;
mod start;
mod table;
mod value;
mod vector;

pub use module::Module;
pub use value::{FuncRef, Value};
pub use vector::{engine_value, own_value};
pub use wasmtime::Trap;

use crate::host::{Host, Kind};
use memory::Memory;
use run::Frame;
use table::Table;
use value::Stack;

impl Value {
    pub fn kind(self) -> Kind {
        match self {
            Value::I32(_) => Kind::I32,
            Value::I64(_) => Kind::I64,
            Value::F32(_) => Kind::F32,
            Value::F64(_) => Kind::F64,
            Value::V128(_) => Kind::V128,
            Value::Func(_) => Kind::Func,
        }
    }
}

/// Why execution ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The program's own end.
    Trap(Trap),
    /// The interpreter gave up: too many operations, or calls too deep. Nothing can be compared from here on.
    Exhausted,
}

/// An instance.
pub struct Interp<'m> {
    module: &'m Module<'m>,
    /// Functions that may come to call somebody outside, and go on; and whether indirect calls may.
    reaching: Vec<bool>,
    indirect_reaches: bool,
    may_call_foreign: bool,
    stack: Stack,
    frames: Vec<Frame<'m>>,
    memories: Vec<Memory>,
    tables: Vec<Table>,
    globals: Vec<Value>,
    elements: Vec<Vec<Option<FuncRef>>>,
    data: Vec<&'m [u8]>,
    /// The shared counter.
    pub fuel: u64,
    limit: u64,
    steps: u64,
    pub host: Host,
}

impl Interp<'_> {
    pub fn global(&self, index: u32) -> Value {
        self.globals[index as usize]
    }

    pub fn memory_bytes(&self, index: u32) -> &[u8] {
        &self.memories[index as usize].bytes
    }

    pub fn write(&mut self, memory: u32, at: usize, bytes: &[u8]) {
        self.memories[memory as usize].bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub fn table_slots(&self, index: u32) -> &[Option<FuncRef>] {
        &self.tables[index as usize].slots
    }
}
