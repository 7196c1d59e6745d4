//! Every operation on values, with NaNs that arithmetic made, with NaNs that hide something, and with both: whoever
//! looks at bits has to be known.

use std::fmt::Write;

use crate::compare::{Call, Sides};
use crate::host::Setup;
use crate::interp::Value;
use crate::programs::operations::{Operation, Type, operations};

/// Parameters of each function: what makes NaNs when divided by itself, what hides something, and integers.
const PARAMS: &str = "(param $a f32) (param $x f64) (param $v v128)
    (param $hidden_f32 f32) (param $hidden_f64 f64) (param $hidden_v128 v128) (param $i32 i32) (param $i64 i64)";

/// How an operand is made.
#[derive(Clone, Copy)]
enum Source {
    /// By arithmetic, with lanes of 32 bits.
    Narrow,
    /// By arithmetic, with lanes of 64 bits.
    Wide,
    /// Taken as it is.
    Hidden,
}

use Source::{Hidden, Narrow, Wide};

fn operand(ty: Type, source: Source) -> &'static str {
    match (ty, source) {
        (Type::I32, _) => "local.get $i32",
        (Type::I64, _) => "local.get $i64",
        (Type::F32, Hidden) => "local.get $hidden_f32",
        (Type::F64, Hidden) => "local.get $hidden_f64",
        (Type::V128, Hidden) => "local.get $hidden_v128",
        (Type::F32, _) => "local.get $a local.get $a f32.div",
        (Type::F64, _) => "local.get $x local.get $x f64.div",
        (Type::V128, Narrow) => "local.get $v local.get $v f32x4.div",
        (Type::V128, Wide) => "local.get $v local.get $v f64x2.div",
    }
}

/// Sources of first, second and third operand.
const SOURCES: [[Source; 3]; 7] = [
    [Narrow; 3],
    [Wide; 3],
    [Hidden; 3],
    [Narrow, Hidden, Hidden],
    [Hidden, Narrow, Narrow],
    [Wide, Hidden, Wide],
    [Narrow, Wide, Hidden],
];

/// Operations in one module.
const CHUNK: usize = 12;

fn check(result: Type) {
    for operations in operations(result).chunks(CHUNK) {
        let wat = module(result, operations);
        let core = wat::parse_str(&wat).expect("a module in text");
        let sides = Sides::new(&core).expect("an instrumented module is valid");
        let functions = sides.module.exports.iter().skip(1);
        let calls: Vec<Call> = functions.map(|export| Call::new(&sides.module, export.0, &args())).collect();
        let seen = sides.compare_calls(&Setup::default(), &calls).unwrap_or_else(|difference| panic!("{difference}"));
        assert_eq!(seen.len() - 1, operations.len() * SOURCES.len() * 2);
    }
}

fn module(result: Type, operations: &[Operation]) -> String {
    let mut wat = String::from("(module (memory (export \"memory\") 1)\n");
    for (text, operands) in operations {
        for (variant, sources) in SOURCES.iter().enumerate() {
            let made = operands.iter().zip(sources.iter().cycle()).map(|(ty, source)| operand(*ty, *source));
            let made = made.collect::<Vec<_>>().join(" ");
            // Once given back, once through a local and memory.
            let given = format!("(export \"{text} {variant}\") {PARAMS} (result {result}) {made} {text}");
            let stored = format!(
                "(export \"{text} {variant} stored\") {PARAMS} (local $l {result})
                 {made} {text} local.set $l i32.const 0 local.get $l {result}.store"
            );
            writeln!(wat, "(func {given}) (func {stored})").expect("text");
        }
    }
    wat + ")"
}

fn args() -> [Value; 8] {
    let hidden = 0xfffc_dead_ffd5_4321_7ff4_0000_7fa1_2345;
    let zeros = [Value::F32(0), Value::F64(0), Value::V128(0)];
    let hidden = [Value::F32(0xffd5_4321), Value::F64(0x7ff4_0000_7fa1_2345), Value::V128(hidden)];
    let ([a, x, v], [f32, f64, v128]) = (zeros, hidden);
    [a, x, v, f32, f64, v128, Value::I32(3), Value::I64(5)]
}

#[test]
fn operations_that_give_i32() {
    check(Type::I32);
}

#[test]
fn operations_that_give_i64() {
    check(Type::I64);
}

#[test]
fn operations_that_give_f32() {
    check(Type::F32);
}

#[test]
fn operations_that_give_f64() {
    check(Type::F64);
}

#[test]
fn operations_that_give_v128() {
    check(Type::V128);
}
