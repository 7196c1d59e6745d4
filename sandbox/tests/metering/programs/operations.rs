//! The operations that programs are made of, by the type of their result.

use std::fmt;

/// Types of values, without references.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    I32,
    I64,
    F32,
    F64,
    V128,
}

use Type::{F32, F64, I32, I64, V128};

impl Type {
    pub const ALL: [Type; 5] = [I32, I64, F32, F64, V128];
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            I32 => "i32",
            I64 => "i64",
            F32 => "f32",
            F64 => "f64",
            V128 => "v128",
        })
    }
}

/// An operation: its text and its operands.
pub type Operation = (&'static str, &'static [Type]);

/// All operations on values with a result of this type.
pub fn operations(result: Type) -> Vec<Operation> {
    let groups = GROUPS.iter().filter(|group| group.0 == result);
    groups.flat_map(|(_, operands, texts)| texts.split(", ").map(|text| (text, *operands))).collect()
}

pub fn constants(ty: Type) -> &'static [&'static str] {
    match ty {
        I32 => &["0", "1", "-1", "7", "255", "65535", "0x80000000", "0x7fffffff", "0x7fc00000", "12345"],
        I64 => &["0", "1", "-1", "63", "0x7ff8000000000000", "0x8000000000000000", "0xfff9000000000001", "99"],
        F32 => &["0", "-0", "1", "-1.5", "inf", "-inf", "nan", "-nan", "nan:0x200001", "3e38", "1e-40", "0.5"],
        F64 => &["0", "-0", "1", "-2.5", "inf", "-inf", "nan", "-nan", "nan:0x4000000000001", "1e308", "5e-324", "9"],
        V128 => &[
            "i32x4 0 0 0 0",
            "i32x4 1 -1 7 0x7fc00001",
            "f32x4 nan 1 -inf nan:0x200001",
            "f64x2 nan:0x4000000000001 -2.5",
            "i64x2 -1 0x7ff8000000000001",
            "f64x2 0 inf",
            "f32x4 1 2 3 4",
        ],
    }
}

/// Result, operands, and the texts of all operations with these.
type Group = (Type, &'static [Type], &'static str);

const GROUPS: &[Group] = &[
    (
        I32,
        &[I32, I32],
        "i32.add, i32.sub, i32.mul, i32.and, i32.or, i32.xor, i32.shl, i32.shr_s, i32.shr_u, i32.rotl, \
         i32.rotr, i32.div_s, i32.div_u, i32.rem_s, i32.rem_u",
    ),
    (I32, &[I32], "i32.clz, i32.ctz, i32.popcnt, i32.extend8_s, i32.extend16_s"),
    (
        I32,
        &[I32, I32],
        "i32.eq, i32.ne, i32.lt_s, i32.lt_u, i32.gt_s, i32.gt_u, i32.le_s, i32.le_u, i32.ge_s, i32.ge_u",
    ),
    (I32, &[I32], "i32.eqz"),
    (I32, &[F32], "i32.trunc_f32_s, i32.trunc_f32_u, i32.trunc_sat_f32_s, i32.trunc_sat_f32_u"),
    (I32, &[F64], "i32.trunc_f64_s, i32.trunc_f64_u, i32.trunc_sat_f64_s, i32.trunc_sat_f64_u"),
    (
        I64,
        &[I64, I64],
        "i64.add, i64.sub, i64.mul, i64.and, i64.or, i64.xor, i64.shl, i64.shr_s, i64.shr_u, i64.rotl, \
         i64.rotr, i64.div_s, i64.div_u, i64.rem_s, i64.rem_u",
    ),
    // Both halves of the result, or one of them, in an order that matters.
    (I64, &[I64, I64], "i64.mul_wide_s i64.sub, i64.mul_wide_s drop, i64.mul_wide_u i64.sub, i64.mul_wide_u drop"),
    (I64, &[I64, I64, I64, I64], "i64.add128 i64.sub, i64.add128 drop, i64.sub128 i64.sub, i64.sub128 drop"),
    (I64, &[I64], "i64.clz, i64.ctz, i64.popcnt, i64.extend8_s, i64.extend16_s, i64.extend32_s"),
    (
        I32,
        &[I64, I64],
        "i64.eq, i64.ne, i64.lt_s, i64.lt_u, i64.gt_s, i64.gt_u, i64.le_s, i64.le_u, i64.ge_s, i64.ge_u",
    ),
    (I32, &[I64], "i64.eqz"),
    (I64, &[F32], "i64.trunc_f32_s, i64.trunc_f32_u, i64.trunc_sat_f32_s, i64.trunc_sat_f32_u"),
    (I64, &[F64], "i64.trunc_f64_s, i64.trunc_f64_u, i64.trunc_sat_f64_s, i64.trunc_sat_f64_u"),
    (I32, &[I64], "i32.wrap_i64"),
    (I64, &[I32], "i64.extend_i32_s, i64.extend_i32_u"),
    (I32, &[F32], "i32.reinterpret_f32"),
    (I64, &[F64], "i64.reinterpret_f64"),
    (I32, &[F32, F32], "f32.eq, f32.ne, f32.lt, f32.gt, f32.le, f32.ge"),
    (F32, &[F32, F32], "f32.add, f32.sub, f32.mul, f32.div, f32.min, f32.max, f32.copysign"),
    (F32, &[F32], "f32.abs, f32.neg, f32.sqrt, f32.ceil, f32.floor, f32.trunc, f32.nearest"),
    (F32, &[I32], "f32.convert_i32_s, f32.convert_i32_u"),
    (F32, &[I64], "f32.convert_i64_s, f32.convert_i64_u"),
    (F32, &[I32], "f32.reinterpret_i32"),
    (I32, &[F64, F64], "f64.eq, f64.ne, f64.lt, f64.gt, f64.le, f64.ge"),
    (F64, &[F64, F64], "f64.add, f64.sub, f64.mul, f64.div, f64.min, f64.max, f64.copysign"),
    (F64, &[F64], "f64.abs, f64.neg, f64.sqrt, f64.ceil, f64.floor, f64.trunc, f64.nearest"),
    (F64, &[I32], "f64.convert_i32_s, f64.convert_i32_u"),
    (F64, &[I64], "f64.convert_i64_s, f64.convert_i64_u"),
    (F64, &[I64], "f64.reinterpret_i64"),
    (F32, &[F64], "f32.demote_f64"),
    (F64, &[F32], "f64.promote_f32"),
    (
        I32,
        &[V128],
        "i8x16.extract_lane_s 5, i8x16.extract_lane_u 15, i16x8.extract_lane_s 3, i16x8.extract_lane_u 7, \
         i32x4.extract_lane 1, i32x4.extract_lane 2",
    ),
    (
        I32,
        &[V128],
        "v128.any_true, i8x16.all_true, i8x16.bitmask, i16x8.all_true, i16x8.bitmask, i32x4.all_true, \
         i32x4.bitmask, i64x2.all_true, i64x2.bitmask",
    ),
    (I64, &[V128], "i64x2.extract_lane 0, i64x2.extract_lane 1"),
    (F32, &[V128], "f32x4.extract_lane 0, f32x4.extract_lane 1, f32x4.extract_lane 3"),
    (F64, &[V128], "f64x2.extract_lane 0, f64x2.extract_lane 1"),
    (V128, &[I32], "i8x16.splat, i16x8.splat, i32x4.splat"),
    (V128, &[I64], "i64x2.splat"),
    (V128, &[F32], "f32x4.splat"),
    (V128, &[F64], "f64x2.splat"),
    (
        V128,
        &[V128, I32],
        "i8x16.replace_lane 9, i16x8.replace_lane 4, i32x4.replace_lane 3, i8x16.shl, i8x16.shr_s, \
         i8x16.shr_u, i16x8.shl, i16x8.shr_s, i16x8.shr_u, i32x4.shl, i32x4.shr_s, i32x4.shr_u, i64x2.shl, \
         i64x2.shr_s, i64x2.shr_u",
    ),
    (V128, &[V128, I64], "i64x2.replace_lane 0"),
    (V128, &[V128, F32], "f32x4.replace_lane 1, f32x4.replace_lane 2"),
    (V128, &[V128, F64], "f64x2.replace_lane 1"),
    (V128, &[V128, V128, V128], "v128.bitselect"),
    (V128, &[V128], "v128.not"),
    (
        V128,
        &[V128, V128],
        "v128.and, v128.or, v128.xor, v128.andnot, i8x16.swizzle, \
         i8x16.shuffle 0 17 2 19 4 21 6 23 24 9 26 11 28 13 30 15",
    ),
    (
        V128,
        &[V128, V128],
        "i8x16.add, i8x16.sub, i8x16.add_sat_s, i8x16.add_sat_u, i8x16.sub_sat_s, i8x16.sub_sat_u, \
         i8x16.min_s, i8x16.min_u, i8x16.max_s, i8x16.max_u, i8x16.avgr_u, i8x16.eq, i8x16.ne, i8x16.lt_s, \
         i8x16.lt_u, i8x16.gt_s, i8x16.gt_u, i8x16.le_s, i8x16.le_u, i8x16.ge_s, i8x16.ge_u, i16x8.add, \
         i16x8.sub, i16x8.add_sat_s, i16x8.add_sat_u, i16x8.sub_sat_s, i16x8.sub_sat_u, i16x8.min_s, \
         i16x8.min_u, i16x8.max_s, i16x8.max_u, i16x8.avgr_u, i16x8.eq, i16x8.ne, i16x8.lt_s, i16x8.lt_u, \
         i16x8.gt_s, i16x8.gt_u, i16x8.le_s, i16x8.le_u, i16x8.ge_s, i16x8.ge_u",
    ),
    (
        V128,
        &[V128, V128],
        "i32x4.add, i32x4.sub, i32x4.mul, i32x4.min_s, i32x4.min_u, i32x4.max_s, i32x4.max_u, i32x4.eq, \
         i32x4.ne, i32x4.lt_s, i32x4.lt_u, i32x4.gt_s, i32x4.gt_u, i32x4.le_s, i32x4.le_u, i32x4.ge_s, \
         i32x4.ge_u, i32x4.dot_i16x8_s",
    ),
    (
        V128,
        &[V128, V128],
        "i64x2.add, i64x2.sub, i64x2.mul, i64x2.eq, i64x2.ne, i64x2.lt_s, i64x2.gt_s, i64x2.le_s, i64x2.ge_s",
    ),
    (
        V128,
        &[V128, V128],
        "i16x8.mul, i16x8.q15mulr_sat_s, i8x16.narrow_i16x8_s, i8x16.narrow_i16x8_u, i16x8.narrow_i32x4_s, \
         i16x8.narrow_i32x4_u",
    ),
    (
        V128,
        &[V128, V128],
        "i16x8.extmul_low_i8x16_s, i16x8.extmul_low_i8x16_u, i16x8.extmul_high_i8x16_s, \
         i16x8.extmul_high_i8x16_u, i32x4.extmul_low_i16x8_s, i32x4.extmul_low_i16x8_u, \
         i32x4.extmul_high_i16x8_s, i32x4.extmul_high_i16x8_u, i64x2.extmul_low_i32x4_s, \
         i64x2.extmul_low_i32x4_u, i64x2.extmul_high_i32x4_s, i64x2.extmul_high_i32x4_u",
    ),
    (
        V128,
        &[V128],
        "i16x8.extend_low_i8x16_s, i16x8.extend_low_i8x16_u, i16x8.extend_high_i8x16_s, \
         i16x8.extend_high_i8x16_u, i32x4.extend_low_i16x8_s, i32x4.extend_low_i16x8_u, \
         i32x4.extend_high_i16x8_s, i32x4.extend_high_i16x8_u, i64x2.extend_low_i32x4_s, \
         i64x2.extend_low_i32x4_u, i64x2.extend_high_i32x4_s, i64x2.extend_high_i32x4_u, \
         i16x8.extadd_pairwise_i8x16_s, i16x8.extadd_pairwise_i8x16_u, i32x4.extadd_pairwise_i16x8_s, \
         i32x4.extadd_pairwise_i16x8_u",
    ),
    (
        V128,
        &[V128],
        "i8x16.abs, i8x16.neg, i16x8.abs, i16x8.neg, i32x4.abs, i32x4.neg, i64x2.abs, i64x2.neg, i8x16.popcnt",
    ),
    (
        V128,
        &[V128, V128],
        "f32x4.add, f32x4.sub, f32x4.mul, f32x4.div, f32x4.min, f32x4.max, f32x4.pmin, f32x4.pmax, f32x4.eq, \
         f32x4.ne, f32x4.lt, f32x4.gt, f32x4.le, f32x4.ge",
    ),
    (V128, &[V128], "f32x4.abs, f32x4.neg, f32x4.sqrt, f32x4.ceil, f32x4.floor, f32x4.trunc, f32x4.nearest"),
    (
        V128,
        &[V128, V128],
        "f64x2.add, f64x2.sub, f64x2.mul, f64x2.div, f64x2.min, f64x2.max, f64x2.pmin, f64x2.pmax, f64x2.eq, \
         f64x2.ne, f64x2.lt, f64x2.gt, f64x2.le, f64x2.ge",
    ),
    (V128, &[V128], "f64x2.abs, f64x2.neg, f64x2.sqrt, f64x2.ceil, f64x2.floor, f64x2.trunc, f64x2.nearest"),
    (
        V128,
        &[V128],
        "f32x4.convert_i32x4_s, f32x4.convert_i32x4_u, f64x2.convert_low_i32x4_s, f64x2.convert_low_i32x4_u, \
         i32x4.trunc_sat_f32x4_s, i32x4.trunc_sat_f32x4_u, i32x4.trunc_sat_f64x2_s_zero, \
         i32x4.trunc_sat_f64x2_u_zero, f32x4.demote_f64x2_zero, f64x2.promote_low_f32x4",
    ),
];
