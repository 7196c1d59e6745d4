//! Bits of NaNs: those that arithmetic made are canonical wherever they can be seen, all others stay what they are.
//! Each function takes and gives bits as integers or in memory, and is also compared with the interpreter.

use crate::compare::{Call, Sides};
use crate::host::Setup;
use crate::interp::Value;
use Value::{F32, F64, I32, I64, V128};

mod scalars;
mod vectors;

/// Canonical NaNs.
const NAN_32: u32 = 0x7fc0_0000;
const NAN_64: u64 = 0x7ff8_0000_0000_0000;
const MINUS_32: u32 = 1 << 31;
const MINUS_64: u64 = 1 << 63;
/// NaNs with something hidden in them: quiet and signalling.
const BOX_32: u32 = 0xffd5_4321;
const SIGNALLING_32: u32 = 0x7fa1_2345;
const BOX_64: u64 = 0xfffc_dead_beef_0001;
const SIGNALLING_64: u64 = 0x7ff4_0000_1234_5678;
const INF_32: u32 = 0x7f80_0000;
const INF_64: u64 = 0x7ff0_0000_0000_0000;

/// The result of `f`, whose body this is, after its parameters: floats of 32 and 64 bits `$a $b $x $y`, vectors `$v $w`
/// and a condition `$c`. The body leaves the result, and may use locals `$f $g $u` and globals of the same types.
fn check(result: &str, body: &str, args: [Value; 7], expected: Value) {
    let wat = format!(
        r#"(module
          (import "env" "give" (func $give (param f64) (result f64)))
          (memory (export "memory") 1)
          (global $gf (export "gf") (mut f32) (f32.const 0))
          (global $gg (export "gg") (mut f64) (f64.const 0))
          (global $gu (mut v128) (v128.const i64x2 0 0))
          (func $same32 (param f32) (result f32) local.get 0)
          (func $same64 (param f64) (result f64) local.get 0)
          (func $divide64 (param f64 f64) (result f64) local.get 0 local.get 1 f64.div)
          (func $add4 (param v128 v128) (result v128) local.get 0 local.get 1 f32x4.add)
          (func (export "f") (param $a f32) (param $b f32) (param $x f64) (param $y f64)
            (param $v v128) (param $w v128) (param $c i32) (result {result})
            (local $f f32) (local $g f64) (local $u v128)
            {body}))"#
    );
    let core = wat::parse_str(&wat).unwrap_or_else(|error| panic!("{wat}\n{error}"));
    let sides = Sides::new(&core).unwrap_or_else(|error| panic!("{wat}\n{error}"));
    let calls = [Call::new(&sides.module, "f", &args)];
    let seen = sides.compare_calls(&Setup::default(), &calls);
    let seen = seen.unwrap_or_else(|difference| panic!("{wat}\n{difference}"));
    assert_eq!(seen[1].outcome, Ok(vec![expected]), "{body}");
}

fn singles(a: u32, b: u32) -> [Value; 7] {
    [F32(a), F32(b), F64(0), F64(0), V128(0), V128(0), I32(0)]
}

fn doubles(x: u64, y: u64) -> [Value; 7] {
    [F32(0), F32(0), F64(x), F64(y), V128(0), V128(0), I32(0)]
}

fn vectors(v: u128, w: u128) -> [Value; 7] {
    [F32(0), F32(0), F64(0), F64(0), V128(v), V128(w), I32(0)]
}

fn lanes(lanes: [u32; 4]) -> u128 {
    lanes.iter().rev().fold(0, |vector, lane| vector << 32 | u128::from(*lane))
}

fn halves(low: u64, high: u64) -> u128 {
    u128::from(low) | u128::from(high) << 64
}
