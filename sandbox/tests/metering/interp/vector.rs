//! Operations on vectors: each is run alone, in a module of its own that holds nothing else, by the engine. What is
//! checked against this is how operations are counted and combined; what one of them does is the engine's to know.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use wasm_encoder as enc;
use wasmparser::Operator as O;
use wasmtime::{Config, Engine, Func, Instance, Module, OptLevel, Store, V128, Val};

use super::value::Stack;
use super::{Kind, Value};

macro_rules! arity_of {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident (arity $takes:literal -> $leaves:literal))*) => {
        /// How many operands an operation on vectors takes; nothing for other operations.
        fn arity(op: &O<'_>) -> Option<usize> {
            match op {
                $(O::$op { .. } => Some($takes),)*
                _ => None,
            }
        }
    };
}
wasmparser::for_each_visit_simd_operator!(arity_of);

/// Execute it if it is one of these. `encoded` is the operation as it stands in the module.
pub fn execute(op: &O<'_>, encoded: &[u8], s: &mut Stack) -> bool {
    let Some(takes) = arity(op) else { return false };
    match op {
        O::V128Const { value } => s.push(value.i128() as u128),
        // There are too many of them to keep a module for each.
        O::I8x16Shuffle { lanes } => s.binary(|a: u128, b: u128| {
            let both = [a.to_le_bytes(), b.to_le_bytes()].concat();
            u128::from_le_bytes(lanes.map(|lane| both[lane as usize]))
        }),
        _ => {
            let operands = s.0.split_off(s.0.len() - takes);
            let value = run_alone(encoded, &operands, result(op));
            s.0.push(value);
        }
    }
    true
}

fn result(op: &O<'_>) -> Kind {
    match op {
        O::I8x16ExtractLaneS { .. } | O::I8x16ExtractLaneU { .. } => Kind::I32,
        O::I16x8ExtractLaneS { .. } | O::I16x8ExtractLaneU { .. } | O::I32x4ExtractLane { .. } => Kind::I32,
        O::I64x2ExtractLane { .. } => Kind::I64,
        O::F32x4ExtractLane { .. } => Kind::F32,
        O::F64x2ExtractLane { .. } => Kind::F64,
        O::V128AnyTrue | O::I8x16AllTrue | O::I16x8AllTrue | O::I32x4AllTrue | O::I64x2AllTrue => Kind::I32,
        O::I8x16Bitmask | O::I16x8Bitmask | O::I32x4Bitmask | O::I64x2Bitmask => Kind::I32,
        _ => Kind::V128,
    }
}

/// Modules of one operation, by its encoding.
static ALONE: LazyLock<Mutex<Alone>> = LazyLock::new(|| {
    let mut config = Config::new();
    config.cranelift_opt_level(OptLevel::None);
    // Scalars here are canonical after each operation, so lanes are too.
    config.cranelift_nan_canonicalization(true);
    Mutex::new(Alone { engine: Engine::new(&config).expect("an engine"), made: HashMap::new() })
});

struct Alone {
    engine: Engine,
    made: HashMap<Vec<u8>, (Store<()>, Func)>,
}

fn run_alone(encoded: &[u8], operands: &[Value], result: Kind) -> Value {
    let mut alone = ALONE.lock().expect("nobody panics within");
    let Alone { engine, made } = &mut *alone;
    let (store, func) = made.entry(encoded.to_vec()).or_insert_with(|| {
        let module = Module::new(engine, module(encoded, operands, result)).expect("a valid module");
        let mut store = Store::new(engine, ());
        let instance = Instance::new(&mut store, &module, &[]).expect("a module without imports");
        let func = instance.get_func(&mut store, "run").expect("its only export");
        (store, func)
    });
    let operands: Vec<Val> = operands.iter().map(|value| engine_value(*value)).collect();
    let mut results = [Val::I32(0)];
    func.call(store, &operands, &mut results).expect("operations on vectors do not trap");
    own_value(&results[0])
}

fn module(encoded: &[u8], operands: &[Value], result: Kind) -> Vec<u8> {
    let mut types = enc::TypeSection::new();
    types.ty().function(operands.iter().map(|value| encoded_type(value.kind())), [encoded_type(result)]);
    let mut functions = enc::FunctionSection::new();
    functions.function(0);
    let mut exports = enc::ExportSection::new();
    exports.export("run", enc::ExportKind::Func, 0);
    let mut body = enc::Function::new([]);
    for place in 0..operands.len() {
        body.instruction(&enc::Instruction::LocalGet(place as u32));
    }
    body.raw(encoded.iter().copied());
    body.instruction(&enc::Instruction::End);
    let mut code = enc::CodeSection::new();
    code.function(&body);
    let mut module = enc::Module::new();
    module.section(&types).section(&functions).section(&exports).section(&code);
    module.finish()
}

fn encoded_type(kind: Kind) -> enc::ValType {
    match kind {
        Kind::I32 => enc::ValType::I32,
        Kind::I64 => enc::ValType::I64,
        Kind::F32 => enc::ValType::F32,
        Kind::F64 => enc::ValType::F64,
        Kind::V128 => enc::ValType::V128,
        Kind::Func => enc::ValType::FUNCREF,
    }
}

/// A value for the engine. References become null.
pub fn engine_value(value: Value) -> Val {
    match value {
        Value::I32(bits) => Val::I32(bits as i32),
        Value::I64(bits) => Val::I64(bits as i64),
        Value::F32(bits) => Val::F32(bits),
        Value::F64(bits) => Val::F64(bits),
        Value::V128(bits) => Val::V128(V128::from(bits)),
        Value::Func(_) => Val::FuncRef(None),
    }
}

/// A value of the engine, as [`Value::erased`] has it.
pub fn own_value(value: &Val) -> Value {
    match value {
        Val::I32(bits) => Value::I32(*bits as u32),
        Val::I64(bits) => Value::I64(*bits as u64),
        Val::F32(bits) => Value::F32(*bits),
        Val::F64(bits) => Value::F64(*bits),
        Val::V128(bits) => Value::V128(bits.as_u128()),
        Val::FuncRef(reference) => Value::Func(reference.map(|_| super::FuncRef::Own(0))),
        other => panic!("no such value here: {other:?}"),
    }
}
