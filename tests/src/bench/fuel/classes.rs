//! The classes of operations that are measured, as steps of WebAssembly text.
//!
//! A step is an expression whose value becomes `X`, or, after `!`, a whole statement. `X` stands for a local of the
//! class's type, `K` and `L` for two more whose values the compiler cannot know; `$never` and `$zero` are locals that
//! hold 0. `N` is another multiple of 64 in every step.

/// A class of operations.
pub struct Class {
    pub name: &'static str,
    /// Type of `X`, `K` and `L`.
    pub ty: &'static str,
    /// What `X`, `K` and `L` begin with, as constants.
    pub values: [&'static str; 3],
    /// Steps that are measured, in turn.
    pub steps: &'static [&'static str],
    /// A step with what else is in each of them; its time is subtracted.
    pub base: Option<&'static str>,
}

const I32: [&str; 3] = ["i32.const 12345", "i32.const 7", "i32.const 1000003"];
const I32_DIV: [&str; 3] = ["i32.const 12345", "i32.const 2000000011", "i32.const 12347"];
const I64: [&str; 3] = ["i64.const 12345", "i64.const 7", "i64.const 1000003"];
const I64_DIV: [&str; 3] = ["i64.const 2000000011", "i64.const 4000000000000000037", "i64.const 2000000011"];
const F32: [&str; 3] = ["f32.const 1.5", "f32.const 1.0000001", "f32.const 2.5"];
const F64: [&str; 3] = ["f64.const 1.5", "f64.const 1.0000001", "f64.const 2.5"];
const INTEGERS: [&str; 3] = [
    "v128.const i32x4 0x01020304 0x05060708 0x090a0b0c 0x0d0e0f00",
    "v128.const i32x4 0x01010101 0x02030405 0x06070809 0x0a0b0c0d",
    "v128.const i32x4 0x00000003 0x00000005 0x00000007 0x0000000b",
];
const F32X4: [&str; 3] =
    ["v128.const f32x4 1.5 2.5 3.5 4.5", "v128.const f32x4 1.0000001 1.0 1.0 1.0", "v128.const f32x4 2 2 2 2"];
const F64X2: [&str; 3] = ["v128.const f64x2 1.5 2.5", "v128.const f64x2 1.0000001 1.0", "v128.const f64x2 2 2"];

const fn i32(name: &'static str, steps: &'static [&'static str]) -> Class {
    Class { name, ty: "i32", values: I32, steps, base: None }
}

const fn i64(name: &'static str, steps: &'static [&'static str]) -> Class {
    Class { name, ty: "i64", values: I64, steps, base: None }
}

const fn f32(name: &'static str, steps: &'static [&'static str]) -> Class {
    Class { name, ty: "f32", values: F32, steps, base: None }
}

const fn f64(name: &'static str, steps: &'static [&'static str]) -> Class {
    Class { name, ty: "f64", values: F64, steps, base: None }
}

const fn vector(name: &'static str, values: [&'static str; 3], steps: &'static [&'static str]) -> Class {
    Class { name, ty: "v128", values, steps, base: None }
}

impl Class {
    const fn with(mut self, values: [&'static str; 3]) -> Self {
        self.values = values;
        self
    }

    const fn less(mut self, base: &'static str) -> Self {
        self.base = Some(base);
        self
    }
}

/// All of them, the first being what others are compared with.
pub const CLASSES: &[Class] = &[
    i32("i32.add", &["(i32.add X K)"]),
    i64("i64.add", &["(i64.add X K)"]),
    i32("i32 logic", &["(i32.and X K)", "(i32.or X L)", "(i32.xor X K)"]),
    i32("i32 shift", &["(i32.shl X K)", "(i32.shr_s X L)", "(i32.shr_u X K)"]),
    i64("i64 shift", &["(i64.shl X K)", "(i64.shr_s X L)", "(i64.shr_u X K)"]),
    i64("i64.rotl", &["(i64.rotl K X)"]),
    i32("i32.mul", &["(i32.mul X K)"]),
    i64("i64.mul", &["(i64.mul X K)"]),
    i64("i64.mul_wide_u", &["(i64.xor (i64.mul_wide_u X K))"]).less("(i64.xor X K)"),
    i64("i64.mul_wide_s", &["(i64.xor (i64.mul_wide_s X K))"]).less("(i64.xor X K)"),
    i64("i64.add128", &["(i64.xor (i64.add128 X K L X))"]).less("(i64.xor X K)"),
    i64("i64.sub128", &["(i64.xor (i64.sub128 X K L X))"]).less("(i64.xor X K)"),
    i32("i32.div_u", &["(i32.div_u K X)"]).with(I32_DIV),
    i32("i32.div_s", &["(i32.div_s K X)"]).with(I32_DIV),
    i32("i32.rem_u", &["(i32.or L (i32.rem_u K X))"]).with(I32_DIV).less("(i32.or L X)"),
    i64("i64.div_u", &["(i64.div_u K X)"]).with(I64_DIV),
    i64("i64.div_s", &["(i64.div_s K X)"]).with(I64_DIV),
    i64("i64.rem_u", &["(i64.or L (i64.rem_u K X))"]).with(I64_DIV).less("(i64.or L X)"),
    i64("i64.rem_s", &["(i64.or L (i64.rem_s K X))"]).with(I64_DIV).less("(i64.or L X)"),
    i32("i32.clz", &["(i32.clz X)"]),
    i32("i32.ctz", &["(i32.ctz X)"]),
    i64("i64.popcnt", &["(i64.popcnt X)"]),
    i32("i32 compare", &["(i32.lt_u X K)", "(i32.ge_s X L)"]),
    i64("i64 compare", &["(i64.extend_i32_u (i64.lt_u X K))"]),
    i32("i32.eqz", &["(i32.xor K (i32.eqz X))"]).less("(i32.xor K X)"),
    i32("compare and select", &["(select X K (i32.lt_u X L))", "(select X L (i32.lt_u X K))"]),
    i32("i32.extend8_s", &["(i32.add K (i32.extend8_s X))"]).less("(i32.add X K)"),
    i64("wrap and extend", &["(i64.extend_i32_s (i32.wrap_i64 (i64.add X K)))"]).less("(i64.add X K)"),
    i32("i32.load", &["(i32.load X)"]).with(["i32.const 0", "i32.const 0", "i32.const 0"]),
    i32("i32.store", &["!(i32.store offset=N (local.get $zero) X)"]),
    i32("i32.store8", &["!(i32.store8 offset=N (local.get $zero) X)"]),
    f64("f64.store", &["!(f64.store offset=N (local.get $zero) X)"]),
    vector("v128.load", INTEGERS, &["(v128.xor X (v128.load offset=N (local.get $zero)))"]).less("(v128.xor X K)"),
    vector("v128.store", INTEGERS, &["!(v128.store offset=N (local.get $zero) X)"]),
    i32("global.set", &["!(global.set $sink_i32 (local.tee X (i32.add X K)))"]).less("(i32.add X K)"),
    i32("br_if", &["!(block (br_if 0 (local.get $never)) (local.set X (i32.add X K)))"]).less("(i32.add X K)"),
    i32(
        "br_if, at random",
        &["!(block (br_if 0 (i32.lt_s (local.tee X (i32.add (i32.mul X K) L)) (i32.const 0)))
            (global.set $sink_i32 X))"],
    )
    .with(["i32.const 12345", "i32.const 1664525", "i32.const 1013904223"])
    .less("(i32.add (i32.mul X K) L)"),
    i32(
        "br_table",
        &["!(block (block (block (br_table 0 1 2 0 (local.get $never))) (local.set X (i32.add X K)))
            (local.set X (i32.xor X L)))"],
    ),
    i32("call", &["(call $f_i32 X)"]),
    i32("call_indirect", &["(call_indirect $table (type $t_i32) X (local.get $never))"]),
    i32("table.get", &["(i32.add X (ref.is_null (table.get $table (local.get $zero))))"]).less("(i32.add X K)"),
    i32("ref.func and table.set", &["!(table.set $table (i32.const 1) (ref.func $f_i32))"]),
    f32("f32.add", &["(f32.add X K)"]),
    f32("f32.mul", &["(f32.mul X K)"]),
    f32("f32.div", &["(f32.div X K)"]),
    f32("f32.sqrt", &["(f32.sqrt X)"]),
    f32("f32.min", &["(f32.min X K)", "(f32.max X L)"]),
    f64("f64.add", &["(f64.add X K)"]),
    f64("f64.mul", &["(f64.mul X K)"]),
    f64("f64.div", &["(f64.div X K)"]),
    f64("f64.sqrt", &["(f64.sqrt X)"]),
    f64("f64.min", &["(f64.min X K)", "(f64.max X L)"]),
    f64("f64.abs, f64.neg", &["(f64.abs X)", "(f64.neg X)"]),
    f64("f64.copysign", &["(f64.copysign X K)", "(f64.copysign L X)"]),
    f64("f64.nearest", &["(f64.nearest X)", "(f64.add X L)"]),
    f64("f64.floor", &["(f64.floor X)", "(f64.add X L)"]),
    i64(
        "f64 compare, over i64 compare",
        &["(i64.extend_i32_u (f64.lt (f64.reinterpret_i64 X) (f64.reinterpret_i64 K)))"],
    )
    .less("(i64.extend_i32_u (i64.lt_u X K))"),
    f64("f64 compare and select", &["(select X K (f64.lt X L))"]),
    f64("demote and promote", &["(f64.promote_f32 (f32.demote_f64 X))"]),
    f64("f64.convert_i32_s, reinterpret", &["(f64.convert_i32_s (i32.wrap_i64 (i64.reinterpret_f64 X)))"]),
    f64("f64.convert_i32_u, reinterpret", &["(f64.convert_i32_u (i32.wrap_i64 (i64.reinterpret_f64 X)))"]),
    f64("f64.convert_i64_s, reinterpret", &["(f64.convert_i64_s (i64.reinterpret_f64 X))"]),
    f64("f64.convert_i64_u, reinterpret", &["(f64.convert_i64_u (i64.reinterpret_f64 X))"]),
    f64("i32.trunc_f64_s", &["(f64.convert_i32_s (i32.trunc_f64_s X))"])
        .less("(f64.convert_i32_s (i32.wrap_i64 (i64.reinterpret_f64 X)))"),
    f64("i32.trunc_sat_f64_s", &["(f64.convert_i32_s (i32.trunc_sat_f64_s X))"])
        .less("(f64.convert_i32_s (i32.wrap_i64 (i64.reinterpret_f64 X)))"),
    f64("i32.trunc_sat_f64_u", &["(f64.convert_i32_s (i32.trunc_sat_f64_u X))"])
        .less("(f64.convert_i32_s (i32.wrap_i64 (i64.reinterpret_f64 X)))"),
    f64("i64.trunc_f64_u", &["(f64.convert_i64_s (i64.trunc_f64_u X))"])
        .less("(f64.convert_i64_s (i64.reinterpret_f64 X))"),
    f64("i64.trunc_sat_f64_s", &["(f64.convert_i64_s (i64.trunc_sat_f64_s X))"])
        .less("(f64.convert_i64_s (i64.reinterpret_f64 X))"),
    f64("i64.trunc_sat_f64_u", &["(f64.convert_i64_s (i64.trunc_sat_f64_u X))"])
        .less("(f64.convert_i64_s (i64.reinterpret_f64 X))"),
    vector("v128 logic", INTEGERS, &["(v128.and X K)", "(v128.or X L)", "(v128.xor X K)"]),
    vector("v128.bitselect", INTEGERS, &["(v128.bitselect X K L)", "(v128.bitselect L X K)"]),
    vector("i8x16.add", INTEGERS, &["(i8x16.add X K)"]),
    vector("i32x4.add", INTEGERS, &["(i32x4.add X K)"]),
    vector("i8x16.add_sat_u", INTEGERS, &["(i8x16.add_sat_u X K)"]),
    vector("i16x8.mul", INTEGERS, &["(i16x8.mul X K)"]),
    vector("i32x4.mul", INTEGERS, &["(i32x4.mul X K)"]),
    vector("i64x2.mul", INTEGERS, &["(i64x2.mul X K)"]),
    vector("i32x4.dot_i16x8_s", INTEGERS, &["(i32x4.dot_i16x8_s X K)"]),
    vector("i64x2.extmul_low_i32x4_u", INTEGERS, &["(i64x2.extmul_low_i32x4_u X K)"]),
    vector("i16x8.extadd_pairwise_i8x16_s", INTEGERS, &["(i16x8.extadd_pairwise_i8x16_s X)"]),
    vector("i16x8.q15mulr_sat_s", INTEGERS, &["(i16x8.q15mulr_sat_s X K)"]),
    vector("i8x16.min_u", INTEGERS, &["(i8x16.min_u X K)", "(i8x16.max_u X L)"]),
    vector("i8x16.abs", INTEGERS, &["(i8x16.abs (i8x16.add X K))"]).less("(i8x16.add X K)"),
    vector("i8x16.popcnt", INTEGERS, &["(i8x16.popcnt X)"]),
    vector("i8x16.eq", INTEGERS, &["(i8x16.eq X K)"]),
    vector("i32x4.gt_u", INTEGERS, &["(i32x4.gt_u X K)"]),
    vector("i64x2.gt_s", INTEGERS, &["(i64x2.gt_s X K)"]),
    vector("i8x16.shl", INTEGERS, &["(i8x16.shl X (local.get $zero))"]),
    vector("i8x16.shr_s", INTEGERS, &["(i8x16.shr_s X (local.get $zero))"]),
    vector("i32x4.shl", INTEGERS, &["(i32x4.shl X (local.get $zero))"]),
    vector("i64x2.shr_s", INTEGERS, &["(i64x2.shr_s X (local.get $zero))"]),
    vector("i8x16.swizzle", INTEGERS, &["(i8x16.swizzle X K)"]),
    vector("i8x16.shuffle", INTEGERS, &["(i8x16.shuffle 31 3 17 9 0 22 5 14 1 19 8 27 4 12 30 7 X K)"]),
    vector("i16x8.narrow_i32x4_s", INTEGERS, &["(i16x8.narrow_i32x4_s X K)"]),
    vector("i16x8.extend_low_i8x16_u", INTEGERS, &["(i16x8.extend_low_i8x16_u X)"]),
    vector("extract_lane and splat", INTEGERS, &["(i32x4.splat (i32x4.extract_lane 1 X))"]),
    vector("extract_lane and replace_lane", INTEGERS, &["(i32x4.replace_lane 2 K (i32x4.extract_lane 1 X))"]),
    vector("bitmask and splat", INTEGERS, &["(i32x4.splat (i8x16.bitmask X))"]),
    vector("all_true and splat", INTEGERS, &["(i32x4.splat (i8x16.all_true X))"]),
    vector("f32x4.add", F32X4, &["(f32x4.add X K)"]),
    vector("f32x4.mul", F32X4, &["(f32x4.mul X K)"]),
    vector("f32x4.div", F32X4, &["(f32x4.div X K)"]),
    vector("f32x4.sqrt", F32X4, &["(f32x4.sqrt X)"]),
    vector("f32x4.min", F32X4, &["(f32x4.min X K)", "(f32x4.max X L)"]),
    vector("f32x4.pmin", F32X4, &["(f32x4.pmin X K)", "(f32x4.pmax X L)"]),
    vector("f32x4.floor", F32X4, &["(f32x4.floor X)", "(f32x4.add X L)"]),
    vector("f64x2.add", F64X2, &["(f64x2.add X K)"]),
    vector("f64x2.mul", F64X2, &["(f64x2.mul X K)"]),
    vector("f64x2.div", F64X2, &["(f64x2.div X K)"]),
    vector("f64x2.sqrt", F64X2, &["(f64x2.sqrt X)"]),
    vector("f64x2.min", F64X2, &["(f64x2.min X K)", "(f64x2.max X L)"]),
    vector("f64x2.lt", F64X2, &["(f64x2.lt X K)"]),
    vector("f32x4.convert_i32x4_s", INTEGERS, &["(f32x4.convert_i32x4_s X)"]),
    vector("f32x4.convert_i32x4_u", INTEGERS, &["(f32x4.convert_i32x4_u X)"]),
    vector("f64x2.convert_low_i32x4_u", INTEGERS, &["(f64x2.convert_low_i32x4_u X)"]),
    vector("i32x4.trunc_sat_f32x4_s", F32X4, &["(i32x4.trunc_sat_f32x4_s X)"]),
    vector("i32x4.trunc_sat_f32x4_u", F32X4, &["(i32x4.trunc_sat_f32x4_u X)"]),
    vector("i32x4.trunc_sat_f64x2_s_zero", F64X2, &["(i32x4.trunc_sat_f64x2_s_zero X)"]),
    vector("f32x4.demote and promote", F64X2, &["(f64x2.promote_low_f32x4 (f32x4.demote_f64x2_zero X))"]),
];
