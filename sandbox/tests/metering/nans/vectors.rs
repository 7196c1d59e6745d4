//! Lanes of vectors.

use super::*;

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
