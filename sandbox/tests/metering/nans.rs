//! Bits of NaNs: those that arithmetic made are canonical wherever they can be seen, all others stay what they are.
//! Each function takes and gives bits as integers or in memory, and is also compared with the interpreter.

use crate::compare::{Call, Sides};
use crate::host::Setup;
use crate::interp::Value;
use Value::{F32, F64, I32, I64, V128};

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

#[test]
fn arithmetic_makes_the_canonical_nan_whatever_went_in() {
    let one = 1f32.to_bits();
    for (a, b) in
        [(0, 0), (INF_32, INF_32), (BOX_32, one), (one, BOX_32), (SIGNALLING_32, one), (BOX_32, SIGNALLING_32)]
    {
        let ops: &[&str] = match (a, b) {
            (0, 0) => &["div"],
            (INF_32, _) => &["sub", "div"],
            _ => &["add", "sub", "mul", "div", "min", "max"],
        };
        for op in ops {
            check("f32", &format!("local.get $a local.get $b f32.{op}"), singles(a, b), F32(NAN_32));
        }
    }
    let one = 1f64.to_bits();
    for (x, y) in [(0, 0), (INF_64, INF_64), (BOX_64, one), (one, BOX_64), (SIGNALLING_64, one)] {
        let ops: &[&str] = match (x, y) {
            (0, 0) => &["div"],
            (INF_64, _) => &["sub", "div"],
            _ => &["add", "sub", "mul", "div", "min", "max"],
        };
        for op in ops {
            check("f64", &format!("local.get $x local.get $y f64.{op}"), doubles(x, y), F64(NAN_64));
        }
    }
    for op in ["ceil", "floor", "trunc", "nearest", "sqrt"] {
        for bits in [BOX_32, SIGNALLING_32] {
            check("f32", &format!("local.get $a f32.{op}"), singles(bits, 0), F32(NAN_32));
        }
        for bits in [BOX_64, SIGNALLING_64] {
            check("f64", &format!("local.get $x f64.{op}"), doubles(bits, 0), F64(NAN_64));
        }
    }
    check("f32", "local.get $a f32.sqrt", singles((-1f32).to_bits(), 0), F32(NAN_32));
}

#[test]
fn conversions_between_widths_make_canonical_nans() {
    for bits in [BOX_32, SIGNALLING_32, NAN_32 | MINUS_32] {
        check("f64", "local.get $a f64.promote_f32", singles(bits, 0), F64(NAN_64));
        check("i64", "local.get $a f64.promote_f32 i64.reinterpret_f64", singles(bits, 0), I64(NAN_64));
        check("f32", "local.get $a f64.promote_f32 f32.demote_f64", singles(bits, 0), F32(NAN_32));
    }
    for bits in [BOX_64, SIGNALLING_64] {
        check("f32", "local.get $x f32.demote_f64", doubles(bits, 0), F32(NAN_32));
        check("f64", "local.get $x f32.demote_f64 f64.promote_f32", doubles(bits, 0), F64(NAN_64));
    }
}

#[test]
fn bits_that_no_arithmetic_made_stay() {
    let bits = |body: &str, x: u64| check("i64", body, doubles(x, 0), I64(x));
    for x in [BOX_64, SIGNALLING_64, NAN_64 | MINUS_64] {
        bits("local.get $x i64.reinterpret_f64", x);
        bits("i32.const 8 local.get $x f64.store i32.const 8 i64.load", x);
        bits("i32.const 8 local.get $x i64.reinterpret_f64 i64.store i32.const 8 f64.load i64.reinterpret_f64", x);
        bits("local.get $x local.set $g local.get $g local.tee $g i64.reinterpret_f64", x);
        bits("local.get $x global.set $gg global.get $gg i64.reinterpret_f64", x);
        bits("local.get $x call $same64 i64.reinterpret_f64", x);
        bits("local.get $x f64.const 1 i32.const 1 select i64.reinterpret_f64", x);
        bits("local.get $x f64.const 1 local.get $x f64.add i32.const 1 select i64.reinterpret_f64", x);
        bits("block (result f64) local.get $x local.get $c br_if 0 end i64.reinterpret_f64", x);
        bits("local.get $x f64.neg f64.neg i64.reinterpret_f64", x);
        bits("f64.const 1 f64.const 2 f64.add drop local.get $x i64.reinterpret_f64", x);
        bits("local.get $x f64x2.splat f64x2.extract_lane 1 i64.reinterpret_f64", x);
        bits("local.get $v local.get $x f64x2.replace_lane 1 i64x2.extract_lane 1", x);
    }
    let narrow = |body: &str, a: u32| check("i32", body, singles(a, 0), I32(a));
    for a in [BOX_32, SIGNALLING_32] {
        narrow("local.get $a i32.reinterpret_f32", a);
        narrow("i32.const 8 local.get $a f32.store i32.const 8 f32.load i32.reinterpret_f32", a);
        narrow("local.get $a global.set $gf global.get $gf call $same32 i32.reinterpret_f32", a);
        narrow("local.get $a f32x4.splat i32x4.extract_lane 3", a);
    }
    check("f32", "f32.const nan:0x200001", singles(0, 0), F32(0x7fa0_0001));
    check("f64", "f64.const -nan:0x4000000000001", doubles(0, 0), F64(0xfff4_0000_0000_0001));
    check("f64", "local.get $x f64.abs", doubles(BOX_64, 0), F64(BOX_64 & !MINUS_64));
    check(
        "f64",
        "local.get $x local.get $y f64.copysign",
        doubles(SIGNALLING_64, MINUS_64),
        F64(SIGNALLING_64 | MINUS_64),
    );
}

#[test]
fn signs_of_made_nans_are_canonical_before_they_are_changed_or_copied() {
    check("f64", "local.get $x local.get $y f64.div f64.neg", doubles(0, 0), F64(NAN_64 | MINUS_64));
    check("f64", "local.get $x local.get $y f64.div f64.abs", doubles(0, 0), F64(NAN_64));
    check("f64", "f64.const 3 local.get $x local.get $y f64.div f64.copysign", doubles(0, 0), F64(3f64.to_bits()));
    check("f32", "local.get $a local.get $b f32.sub f32.neg", singles(INF_32, INF_32), F32(NAN_32 | MINUS_32));
    check("f32", "f32.const 3 local.get $a local.get $b f32.mul f32.copysign", singles(INF_32, 0), F32(3f32.to_bits()));
    let negated = "local.get $v local.get $w f64x2.div f64x2.neg";
    check("v128", negated, vectors(0, 0), V128(halves(NAN_64 | MINUS_64, NAN_64 | MINUS_64)));
    check("i32", "local.get $v local.get $w f32x4.div i32x4.bitmask", vectors(0, 0), I32(0));
}

#[test]
fn every_way_out_shows_canonical_bits() {
    let nan = "local.get $x local.get $y f64.div";
    let shown = |tail: &str| check("i64", &format!("{nan} {tail}"), doubles(0, 0), I64(NAN_64));
    shown("i64.reinterpret_f64");
    shown("local.set $g i32.const 16 local.get $g f64.store i32.const 16 i64.load");
    shown("local.tee $g drop local.get $g i64.reinterpret_f64");
    shown("global.set $gg global.get $gg i64.reinterpret_f64");
    shown("call $same64 i64.reinterpret_f64");
    shown("local.set $x local.get $x i64.reinterpret_f64");
    shown("f64x2.splat i64x2.extract_lane 1");
    shown("f64.const 1 i32.const 1 select i64.reinterpret_f64");
    shown("f64.const 1 f64.add f64.const 2 f64.mul f64.sqrt i64.reinterpret_f64");
    shown("f64.const 1 f64.max f64.ceil i64.reinterpret_f64");
    shown("local.set $g block (result f64) local.get $g i32.const 1 br_if 0 end i64.reinterpret_f64");
    shown("local.set $g loop (result f64) local.get $g end i64.reinterpret_f64");
    shown("local.set $g i32.const 1 if (result f64) local.get $g else f64.const 0 end i64.reinterpret_f64");
    shown("drop local.get $x local.get $y call $divide64 i64.reinterpret_f64");
    shown("call $give drop f64.const nan i64.reinterpret_f64");
    check("f64", nan, doubles(0, 0), F64(NAN_64));
    check("f64", &format!("{nan} return"), doubles(0, 0), F64(NAN_64));
    check("f64", &format!("{nan} br 0"), doubles(0, 0), F64(NAN_64));
    check("f64", &format!("{nan} i32.const 0 br_table 0 0"), doubles(0, 0), F64(NAN_64));
}

#[test]
fn a_local_that_holds_both_kinds_keeps_them_apart() {
    let wat = |first: &str, second: &str| {
        format!(
            "local.get $c if {first} local.set $g else {second} local.set $g end
             i32.const 3 local.set $c
             loop local.get $c i32.const 1 i32.sub local.tee $c br_if 0 end
             local.get $g i64.reinterpret_f64"
        )
    };
    let (own, made) = ("local.get $x", "local.get $x f64.const 1 f64.add");
    for x in [BOX_64, SIGNALLING_64] {
        let args = |c| [F32(0), F32(0), F64(x), F64(0), V128(0), V128(0), I32(c)];
        check("i64", &wat(own, made), args(1), I64(x));
        check("i64", &wat(own, made), args(0), I64(NAN_64));
        check("i64", &wat(made, own), args(1), I64(NAN_64));
        check("i64", &wat(made, own), args(0), I64(x));
        let selected = format!("{own} {made} local.get $c select i64.reinterpret_f64");
        check("i64", &selected, args(1), I64(x));
        check("i64", &selected, args(0), I64(NAN_64));
        // Written late, read early in the next round.
        let round = format!(
            "i32.const 2 local.set $c f64.const 0 local.set $g
             loop (result i64)
               local.get $g i64.reinterpret_f64
               local.get $g f64.const 2 f64.mul f64.const 0 f64.lt drop
               {own} local.set $g
               local.get $c i32.const 1 i32.sub local.tee $c
               if (param i64) (result i64) drop br 1 end
             end"
        );
        check("i64", &round, args(0), I64(x));
    }
}

#[test]
fn a_local_that_holds_lanes_of_both_widths_keeps_them_apart() {
    let wat = |first: &str, second: &str| {
        format!("local.get $c if {first} local.set $u else {second} local.set $u end local.get $u")
    };
    let [wide, narrow] = ["f64x2.div", "f32x4.div"].map(|op| format!("local.get $v local.get $w {op}"));
    let args = |c| [F32(0), F32(0), F64(0), F64(0), V128(0), V128(0), I32(c)];
    let [wide_nan, narrow_nan] = [V128(halves(NAN_64, NAN_64)), V128(lanes([NAN_32; 4]))];
    check("v128", &wat(&wide, &narrow), args(1), wide_nan);
    check("v128", &wat(&wide, &narrow), args(0), narrow_nan);
    check("v128", &wat(&narrow, &wide), args(1), narrow_nan);
    check("v128", &wat(&narrow, &wide), args(0), wide_nan);
    // Looked at in turn, through one local.
    let turns = format!("{wide} local.tee $u i64x2.extract_lane 1 {narrow} local.tee $u i64x2.extract_lane 0 i64.xor");
    check("i64", &turns, args(0), I64(NAN_64 ^ (u64::from(NAN_32) << 32 | u64::from(NAN_32))));
}

#[test]
fn programs_that_box_values_in_nans_work() {
    // A tag in the upper bits, an integer below; numbers are stored as they are.
    let boxed = "i64.const 0xfff9_0000_0000_0000 local.get $c i64.extend_i32_u i64.or f64.reinterpret_i64";
    let unboxed = "local.set $g i32.const 32 local.get $g f64.store i32.const 32 f64.load call $same64 local.set $g
        local.get $g local.get $g f64.ne
        if (result i32) local.get $g i64.reinterpret_f64 i32.wrap_i64 else i32.const -1 end";
    for c in [0, 1, 0xdead_beef, u32::MAX] {
        let args = [F32(0), F32(0), F64(0), F64(0), V128(0), V128(0), I32(c)];
        check("i32", &format!("{boxed} {unboxed}"), args, I32(c));
    }
    // A result of arithmetic is never taken for a boxed value.
    let tag = "i64.reinterpret_f64 i64.const 48 i64.shr_u i32.wrap_i64";
    check("i32", &format!("local.get $x local.get $y f64.div {tag}"), doubles(0, 0), I32(0x7ff8));
    check("i32", &format!("local.get $x local.get $y f64.mul {tag}"), doubles(BOX_64, 1), I32(0x7ff8));
}

#[test]
fn vectors_of_integers_are_not_taken_for_floats() {
    let (v, w) = (lanes([BOX_32, SIGNALLING_32, 1, 0xffff_ffff]), lanes([0, 1, 0x7f80_0000, 0]));
    let sum = lanes([BOX_32, SIGNALLING_32 + 1, 0x7f80_0001, 0xffff_ffff]);
    check("v128", "local.get $v local.get $w i32x4.add", vectors(v, w), V128(sum));
    check("v128", "local.get $v local.set $u local.get $u", vectors(v, w), V128(v));
    check("v128", "i32.const 0 local.get $v v128.store i32.const 0 v128.load", vectors(v, w), V128(v));
    check("v128", "local.get $v global.set $gu global.get $gu", vectors(v, w), V128(v));
    let mixed = "local.get $c if local.get $v local.get $w f32x4.add local.set $u
        else local.get $v local.get $w i32x4.add local.set $u end local.get $u";
    check("v128", mixed, vectors(v, w), V128(sum));
    // Lanes that arithmetic leaves alone, beside one that it made.
    let replaced = "local.get $v f32.const 0 f32.const 0 f32.div f32x4.replace_lane 1";
    check("v128", replaced, vectors(v, w), V128(lanes([BOX_32, NAN_32, 1, 0xffff_ffff])));
    let shuffled = "local.get $v local.get $w local.get $w f32x4.div
        i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23";
    check("v128", shuffled, vectors(v, 0), V128(lanes([BOX_32, NAN_32, SIGNALLING_32, NAN_32])));
    let chosen = "local.get $v local.get $w local.get $w f32x4.div
        v128.const i32x4 -1 0 0 -1 v128.bitselect";
    check("v128", chosen, vectors(v, 0), V128(lanes([BOX_32, NAN_32, NAN_32, 0xffff_ffff])));
    // These choose an operand, bits and all.
    check(
        "v128",
        "local.get $v local.get $w f32x4.pmin",
        vectors(v, 0),
        V128(lanes([BOX_32, SIGNALLING_32, 0, 0xffff_ffff])),
    );
}

#[test]
fn a_choice_shows_the_bits_of_what_it_chose() {
    let sources = [
        ("local.get $v local.get $w f32x4.div", lanes([NAN_32; 4])),
        ("local.get $w local.get $v f32x4.div", lanes([NAN_32; 4])),
        ("local.get $v local.get $w f64x2.div", halves(NAN_64, NAN_64)),
        (
            "v128.const i32x4 0xffd54321 0x7fa12345 0xffd54321 0x7fa12345",
            halves(0x7fa1_2345_ffd5_4321, 0x7fa1_2345_ffd5_4321),
        ),
        ("v128.const f32x4 1 1 1 1", lanes([1f32.to_bits(); 4])),
    ];
    let args = |c| [F32(0), F32(0), F64(0), F64(0), V128(0), V128(0), I32(c)];
    for (first, one) in sources {
        for (second, other) in sources {
            let choices = [
                format!("{first} {second} local.get $c select"),
                format!("{first} {second} local.get $c select (result v128) f32x4.neg f32x4.neg"),
                format!("local.get $c if (result v128) {first} else {second} end"),
                format!("block (result v128) {first} local.get $c br_if 0 drop {second} end"),
            ];
            for choice in choices {
                check("v128", &choice, args(1), V128(one));
                check("v128", &choice, args(0), V128(other));
            }
        }
    }
}

#[test]
fn halves_of_numbers_may_be_nans() {
    // One and a bit as a double; its lower half would be a NaN.
    let bits = 0x3ff0_0000_7fa1_2345;
    let number = "f64.const 0x1.000007fa12345p+0";
    let body = format!(
        "local.get $c if {number} f64x2.splat local.set $u else local.get $v local.get $w f32x4.div
        local.set $u end local.get $u"
    );
    let args = |c| [F32(0), F32(0), F64(0), F64(0), V128(0), V128(0), I32(c)];
    check("v128", &body, args(1), V128(halves(bits, bits)));
    check("v128", &body, args(0), V128(lanes([NAN_32; 4])));
    let constant = "v128.const i64x2 0x3ff000007fa12345 0";
    let body = format!("{constant} local.get $v local.get $w f32x4.div local.get $c select");
    check("v128", &body, args(1), V128(halves(bits, 0)));
    check("v128", &body, args(0), V128(lanes([NAN_32; 4])));
}

#[test]
fn lanes_that_arithmetic_made_are_canonical_in_their_own_shape() {
    let (v, w) = (lanes([BOX_32, SIGNALLING_32, INF_32, 0]), lanes([0, 0, INF_32, 0]));
    check("v128", "local.get $v local.get $w f32x4.sub", vectors(v, w), V128(lanes([NAN_32, NAN_32, NAN_32, 0])));
    let call = "local.get $v local.get $w call $add4";
    check("v128", call, vectors(v, w), V128(lanes([NAN_32, NAN_32, INF_32, 0])));
    let (v, w) = (halves(BOX_64, INF_64), halves(0, INF_64));
    check("v128", "local.get $v local.get $w f64x2.sub", vectors(v, w), V128(halves(NAN_64, NAN_64)));
    // The same bits, looked at with other lanes by more arithmetic.
    let crossed = "local.get $v local.get $w f64x2.sub local.get $w f32x4.add";
    let expected = lanes([0, NAN_32, 0, NAN_32]);
    check("v128", crossed, vectors(v, w), V128(expected));
    check("v128", "local.get $v f32x4.demote_f64x2_zero", vectors(v, w), V128(lanes([NAN_32, INF_32, 0, 0])));
    let v = lanes([BOX_32, SIGNALLING_32, BOX_32, BOX_32]);
    check("v128", "local.get $v f64x2.promote_low_f32x4", vectors(v, w), V128(halves(NAN_64, NAN_64)));
    for op in ["sqrt", "ceil", "floor", "trunc", "nearest"] {
        check("v128", &format!("local.get $v f32x4.{op}"), vectors(v, w), V128(lanes([NAN_32; 4])));
    }
    for op in ["min", "max"] {
        check("v128", &format!("local.get $v local.get $w f32x4.{op}"), vectors(v, 0), V128(lanes([NAN_32; 4])));
    }
    check("v128", "local.get $v f32x4.neg", vectors(v, 0), V128(v ^ lanes([MINUS_32; 4])));
    check("f32", "local.get $v f32x4.extract_lane 1", vectors(v, 0), F32(SIGNALLING_32));
    check("f32", "local.get $v local.get $v f32x4.mul f32x4.extract_lane 1", vectors(v, 0), F32(NAN_32));
}
