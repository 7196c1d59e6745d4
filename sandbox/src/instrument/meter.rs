//! The module that holds the counter of a whole component, so that adapters and shims count into the same one.

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ExportKind, ExportSection, Function, FunctionSection, MemorySection,
    MemoryType, Module, TypeSection, ValType,
};

/// Name of the module that instrumented modules import from. Nobody else may use it.
pub const METER_MODULE: &str = "fallow:meter";
/// Name of its memory: a `u64` at 0 with the fuel flushed so far, another at 8 with the limit, little-endian.
pub const METER_MEMORY: &str = "fuel";
/// Name of the function that instrumented components export, `func(limit: u64) -> list<u64>`: it sets the limit, and
/// the list that it gives lies where fuel and limit are kept, so that the host can look at any later time.
pub const METER_EXPORT: &str = "fallow-meter";

/// Bit patterns of NaNs that arithmetic made, in canonical builds.
const NAN_64: u64 = 0x7ff8_0000_0000_0000;
const NAN_32: u32 = 0x7fc0_0000;

/// Name of the function behind [`METER_EXPORT`].
pub(super) const BEGIN: &str = "begin";
/// Address of the limit.
pub(super) const LIMIT_AT: u64 = 8;
/// Addresses of the one NaN of each width. As constants they would stay in registers over whole functions, and be spilled
/// and filled in every round of a tight loop.
pub(super) const NAN_64_AT: u64 = 24;
pub(super) const NAN_32_AT: u64 = 32;
/// Address of what `begin` returns: pointer and length of a list.
const LIST_AT: i32 = 16;

/// The meter as a core module.
pub fn meter() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I64], [ValType::I32]);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut memories = MemorySection::new();
    memories.memory(memory_type());
    let mut exports = ExportSection::new();
    exports.export(METER_MEMORY, ExportKind::Memory, 0);
    exports.export(BEGIN, ExportKind::Func, 0);
    let mut begin = Function::new([]);
    let limit = wasm_encoder::MemArg { offset: LIMIT_AT, align: 3, memory_index: 0 };
    begin.instructions().i32_const(0).local_get(0).i64_store(limit).i32_const(LIST_AT).end();
    let mut code = CodeSection::new();
    code.function(&begin);
    // Until the host has set a limit there is none.
    let mut data = u64::MAX.to_le_bytes().to_vec();
    data.extend(0_u32.to_le_bytes());
    data.extend(2_u32.to_le_bytes());
    data.extend(NAN_64.to_le_bytes());
    data.extend(NAN_32.to_le_bytes());
    let mut segments = DataSection::new();
    segments.active(0, &ConstExpr::i32_const(LIMIT_AT as i32), data);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&code).section(&segments);
    module.finish()
}

/// One page that never grows.
pub(super) fn memory_type() -> MemoryType {
    MemoryType { minimum: 1, maximum: Some(1), memory64: false, shared: false, page_size_log2: None }
}
