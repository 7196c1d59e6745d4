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

pub fn operations(result: Type) -> &'static [Operation] {
    match result {
        I32 => TO_I32,
        I64 => TO_I64,
        F32 => TO_F32,
        F64 => TO_F64,
        V128 => TO_V128,
    }
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

const TO_I32: &[Operation] = &[
    ("i32.add", &[I32, I32]),
    ("i32.sub", &[I32, I32]),
    ("i32.mul", &[I32, I32]),
    ("i32.and", &[I32, I32]),
    ("i32.or", &[I32, I32]),
    ("i32.xor", &[I32, I32]),
    ("i32.shl", &[I32, I32]),
    ("i32.shr_s", &[I32, I32]),
    ("i32.shr_u", &[I32, I32]),
    ("i32.rotl", &[I32, I32]),
    ("i32.rotr", &[I32, I32]),
    ("i32.const 1 i32.or i32.div_u", &[I32, I32]),
    ("i32.div_s", &[I32, I32]),
    ("i32.const 3 i32.or i32.rem_s", &[I32, I32]),
    ("i32.clz", &[I32]),
    ("i32.ctz", &[I32]),
    ("i32.popcnt", &[I32]),
    ("i32.eqz", &[I32]),
    ("i32.extend8_s", &[I32]),
    ("i32.extend16_s", &[I32]),
    ("i32.lt_s", &[I32, I32]),
    ("i32.ge_u", &[I32, I32]),
    ("i32.eq", &[I32, I32]),
    ("i64.eqz", &[I64]),
    ("i64.lt_s", &[I64, I64]),
    ("i64.gt_u", &[I64, I64]),
    ("i64.ne", &[I64, I64]),
    ("i32.wrap_i64", &[I64]),
    ("f32.lt", &[F32, F32]),
    ("f32.ne", &[F32, F32]),
    ("f64.ge", &[F64, F64]),
    ("f64.eq", &[F64, F64]),
    ("i32.reinterpret_f32", &[F32]),
    ("i32.trunc_f32_s", &[F32]),
    ("i32.trunc_sat_f32_u", &[F32]),
    ("i32.trunc_sat_f64_s", &[F64]),
    ("i32x4.extract_lane 2", &[V128]),
    ("i8x16.extract_lane_s 5", &[V128]),
    ("i16x8.extract_lane_u 7", &[V128]),
    ("v128.any_true", &[V128]),
    ("i32x4.all_true", &[V128]),
    ("i32x4.bitmask", &[V128]),
    ("i8x16.bitmask", &[V128]),
];

const TO_I64: &[Operation] = &[
    ("i64.add", &[I64, I64]),
    ("i64.sub", &[I64, I64]),
    ("i64.mul", &[I64, I64]),
    ("i64.and", &[I64, I64]),
    ("i64.or", &[I64, I64]),
    ("i64.xor", &[I64, I64]),
    ("i64.shl", &[I64, I64]),
    ("i64.shr_s", &[I64, I64]),
    ("i64.shr_u", &[I64, I64]),
    ("i64.rotl", &[I64, I64]),
    ("i64.rotr", &[I64, I64]),
    ("i64.const 1 i64.or i64.div_s", &[I64, I64]),
    ("i64.const 1 i64.or i64.rem_u", &[I64, I64]),
    ("i64.clz", &[I64]),
    ("i64.popcnt", &[I64]),
    ("i64.extend8_s", &[I64]),
    ("i64.extend32_s", &[I64]),
    ("i64.extend_i32_s", &[I32]),
    ("i64.extend_i32_u", &[I32]),
    ("i64.reinterpret_f64", &[F64]),
    ("i64.reinterpret_f64", &[F64]),
    ("i64.trunc_sat_f32_s", &[F32]),
    ("i64.trunc_sat_f64_u", &[F64]),
    ("i64x2.extract_lane 1", &[V128]),
];

const TO_F32: &[Operation] = &[
    ("f32.add", &[F32, F32]),
    ("f32.sub", &[F32, F32]),
    ("f32.mul", &[F32, F32]),
    ("f32.div", &[F32, F32]),
    ("f32.min", &[F32, F32]),
    ("f32.max", &[F32, F32]),
    ("f32.copysign", &[F32, F32]),
    ("f32.abs", &[F32]),
    ("f32.neg", &[F32]),
    ("f32.sqrt", &[F32]),
    ("f32.ceil", &[F32]),
    ("f32.nearest", &[F32]),
    ("f32.demote_f64", &[F64]),
    ("f32.convert_i32_s", &[I32]),
    ("f32.convert_i64_u", &[I64]),
    ("f32.reinterpret_i32", &[I32]),
    ("f32x4.extract_lane 0", &[V128]),
    ("f32x4.extract_lane 3", &[V128]),
];

const TO_F64: &[Operation] = &[
    ("f64.add", &[F64, F64]),
    ("f64.sub", &[F64, F64]),
    ("f64.mul", &[F64, F64]),
    ("f64.div", &[F64, F64]),
    ("f64.min", &[F64, F64]),
    ("f64.max", &[F64, F64]),
    ("f64.copysign", &[F64, F64]),
    ("f64.abs", &[F64]),
    ("f64.neg", &[F64]),
    ("f64.sqrt", &[F64]),
    ("f64.floor", &[F64]),
    ("f64.trunc", &[F64]),
    ("f64.promote_f32", &[F32]),
    ("f64.convert_i32_u", &[I32]),
    ("f64.convert_i64_s", &[I64]),
    ("f64.reinterpret_i64", &[I64]),
    ("f64x2.extract_lane 0", &[V128]),
    ("f64x2.extract_lane 1", &[V128]),
];

const TO_V128: &[Operation] = &[
    ("f32x4.add", &[V128, V128]),
    ("f32x4.sub", &[V128, V128]),
    ("f32x4.mul", &[V128, V128]),
    ("f32x4.div", &[V128, V128]),
    ("f32x4.min", &[V128, V128]),
    ("f32x4.max", &[V128, V128]),
    ("f32x4.pmin", &[V128, V128]),
    ("f32x4.lt", &[V128, V128]),
    ("f32x4.sqrt", &[V128]),
    ("f32x4.neg", &[V128]),
    ("f32x4.nearest", &[V128]),
    ("f64x2.add", &[V128, V128]),
    ("f64x2.sub", &[V128, V128]),
    ("f64x2.mul", &[V128, V128]),
    ("f64x2.div", &[V128, V128]),
    ("f64x2.min", &[V128, V128]),
    ("f64x2.pmax", &[V128, V128]),
    ("f64x2.ne", &[V128, V128]),
    ("f64x2.abs", &[V128]),
    ("f64x2.ceil", &[V128]),
    ("f64x2.promote_low_f32x4", &[V128]),
    ("f32x4.demote_f64x2_zero", &[V128]),
    ("f32x4.convert_i32x4_s", &[V128]),
    ("f64x2.convert_low_i32x4_u", &[V128]),
    ("i32x4.trunc_sat_f32x4_s", &[V128]),
    ("i32x4.trunc_sat_f64x2_u_zero", &[V128]),
    ("i32x4.add", &[V128, V128]),
    ("i64x2.sub", &[V128, V128]),
    ("i16x8.mul", &[V128, V128]),
    ("i8x16.add_sat_s", &[V128, V128]),
    ("i8x16.swizzle", &[V128, V128]),
    ("i8x16.shuffle 0 17 2 19 4 21 6 23 24 9 26 11 28 13 30 15", &[V128, V128]),
    ("v128.xor", &[V128, V128]),
    ("v128.and", &[V128, V128]),
    ("v128.not", &[V128]),
    ("v128.bitselect", &[V128, V128, V128]),
    ("i32x4.shl", &[V128, I32]),
    ("i32x4.splat", &[I32]),
    ("i64x2.splat", &[I64]),
    ("f32x4.splat", &[F32]),
    ("f64x2.splat", &[F64]),
    ("f32x4.replace_lane 1", &[V128, F32]),
    ("f64x2.replace_lane 1", &[V128, F64]),
    ("i32x4.replace_lane 3", &[V128, I32]),
    ("i64x2.replace_lane 0", &[V128, I64]),
];
