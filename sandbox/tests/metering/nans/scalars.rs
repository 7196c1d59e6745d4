//! Single floats.

use super::*;

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
