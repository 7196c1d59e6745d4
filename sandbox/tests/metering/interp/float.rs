//! Operations on floats, and conversions. Every NaN that arithmetic makes is the canonical one; operations on bits
//! alone (`neg`, `abs`, `copysign`, reinterpretation, constants) leave bits as they are.

use wasmparser::Operator as O;

use super::Trap;
use super::value::{Stack, Word};

trait Float: Word + Copy + PartialOrd {
    fn canonical(self) -> Self;
    fn negative(self) -> bool;
}

impl Float for f32 {
    fn canonical(self) -> Self {
        if self.is_nan() { f32::from_bits(0x7fc0_0000) } else { self }
    }

    fn negative(self) -> bool {
        self.is_sign_negative()
    }
}

impl Float for f64 {
    fn canonical(self) -> Self {
        if self.is_nan() { f64::from_bits(0x7ff8_0000_0000_0000) } else { self }
    }

    fn negative(self) -> bool {
        self.is_sign_negative()
    }
}

/// Execute it if it is one of these.
pub fn execute(op: &O<'_>, s: &mut Stack) -> Result<bool, Trap> {
    match op {
        O::F32Const { value } => s.push(f32::from_bits(value.bits())),
        O::F64Const { value } => s.push(f64::from_bits(value.bits())),

        O::F32Eq => s.binary(|a: f32, b| a == b),
        O::F32Ne => s.binary(|a: f32, b| a != b),
        O::F32Lt => s.binary(|a: f32, b| a < b),
        O::F32Gt => s.binary(|a: f32, b| a > b),
        O::F32Le => s.binary(|a: f32, b| a <= b),
        O::F32Ge => s.binary(|a: f32, b| a >= b),
        O::F64Eq => s.binary(|a: f64, b| a == b),
        O::F64Ne => s.binary(|a: f64, b| a != b),
        O::F64Lt => s.binary(|a: f64, b| a < b),
        O::F64Gt => s.binary(|a: f64, b| a > b),
        O::F64Le => s.binary(|a: f64, b| a <= b),
        O::F64Ge => s.binary(|a: f64, b| a >= b),

        O::F32Abs => s.unary(|a: u32f| u32f(a.0 & !SIGN32)),
        O::F32Neg => s.unary(|a: u32f| u32f(a.0 ^ SIGN32)),
        O::F32Copysign => s.binary(|a: u32f, b: u32f| u32f((a.0 & !SIGN32) | (b.0 & SIGN32))),
        O::F64Abs => s.unary(|a: u64f| u64f(a.0 & !SIGN64)),
        O::F64Neg => s.unary(|a: u64f| u64f(a.0 ^ SIGN64)),
        O::F64Copysign => s.binary(|a: u64f, b: u64f| u64f((a.0 & !SIGN64) | (b.0 & SIGN64))),

        O::F32Ceil => unary(s, f32::ceil),
        O::F32Floor => unary(s, f32::floor),
        O::F32Trunc => unary(s, f32::trunc),
        O::F32Nearest => unary(s, f32::round_ties_even),
        O::F32Sqrt => unary(s, f32::sqrt),
        O::F32Add => binary(s, |a: f32, b| a + b),
        O::F32Sub => binary(s, |a: f32, b| a - b),
        O::F32Mul => binary(s, |a: f32, b| a * b),
        O::F32Div => binary(s, |a: f32, b| a / b),
        O::F32Min => binary(s, |a: f32, b| pick(a, b, a < b, a.negative(), f32::NAN)),
        O::F32Max => binary(s, |a: f32, b| pick(a, b, a > b, !a.negative(), f32::NAN)),

        O::F64Ceil => unary(s, f64::ceil),
        O::F64Floor => unary(s, f64::floor),
        O::F64Trunc => unary(s, f64::trunc),
        O::F64Nearest => unary(s, f64::round_ties_even),
        O::F64Sqrt => unary(s, f64::sqrt),
        O::F64Add => binary(s, |a: f64, b| a + b),
        O::F64Sub => binary(s, |a: f64, b| a - b),
        O::F64Mul => binary(s, |a: f64, b| a * b),
        O::F64Div => binary(s, |a: f64, b| a / b),
        O::F64Min => binary(s, |a: f64, b| pick(a, b, a < b, a.negative(), f64::NAN)),
        O::F64Max => binary(s, |a: f64, b| pick(a, b, a > b, !a.negative(), f64::NAN)),
        _ => return convert(op, s),
    }
    Ok(true)
}

fn convert(op: &O<'_>, s: &mut Stack) -> Result<bool, Trap> {
    match op {
        O::I32TruncF32S => truncate(s, |a: f32| a.into(), -2147483649.0, 2147483648.0, |a| a as i32)?,
        O::I32TruncF32U => truncate(s, |a: f32| a.into(), -1.0, 4294967296.0, |a| a as u32)?,
        O::I32TruncF64S => truncate(s, |a: f64| a, -2147483649.0, 2147483648.0, |a| a as i32)?,
        O::I32TruncF64U => truncate(s, |a: f64| a, -1.0, 4294967296.0, |a| a as u32)?,
        // The neighbour below -2^63 in f64; nothing lies between.
        O::I64TruncF32S => truncate(s, |a: f32| a.into(), BELOW_I64, 9223372036854775808.0, |a| a as i64)?,
        O::I64TruncF32U => truncate(s, |a: f32| a.into(), -1.0, 18446744073709551616.0, |a| a as u64)?,
        O::I64TruncF64S => truncate(s, |a: f64| a, BELOW_I64, 9223372036854775808.0, |a| a as i64)?,
        O::I64TruncF64U => truncate(s, |a: f64| a, -1.0, 18446744073709551616.0, |a| a as u64)?,

        O::I32TruncSatF32S => s.unary(|a: f32| a as i32),
        O::I32TruncSatF32U => s.unary(|a: f32| a as u32),
        O::I32TruncSatF64S => s.unary(|a: f64| a as i32),
        O::I32TruncSatF64U => s.unary(|a: f64| a as u32),
        O::I64TruncSatF32S => s.unary(|a: f32| a as i64),
        O::I64TruncSatF32U => s.unary(|a: f32| a as u64),
        O::I64TruncSatF64S => s.unary(|a: f64| a as i64),
        O::I64TruncSatF64U => s.unary(|a: f64| a as u64),

        O::F32ConvertI32S => s.unary(|a: i32| a as f32),
        O::F32ConvertI32U => s.unary(|a: u32| a as f32),
        O::F32ConvertI64S => s.unary(|a: i64| a as f32),
        O::F32ConvertI64U => s.unary(|a: u64| a as f32),
        O::F64ConvertI32S => s.unary(|a: i32| f64::from(a)),
        O::F64ConvertI32U => s.unary(|a: u32| f64::from(a)),
        O::F64ConvertI64S => s.unary(|a: i64| a as f64),
        O::F64ConvertI64U => s.unary(|a: u64| a as f64),
        O::F32DemoteF64 => s.unary(|a: f64| (a as f32).canonical()),
        O::F64PromoteF32 => s.unary(|a: f32| f64::from(a).canonical()),

        O::I32ReinterpretF32 => s.unary(|a: u32f| a.0),
        O::I64ReinterpretF64 => s.unary(|a: u64f| a.0),
        O::F32ReinterpretI32 => s.unary(u32f),
        O::F64ReinterpretI64 => s.unary(u64f),
        _ => return Ok(false),
    }
    Ok(true)
}

const SIGN32: u32 = 1 << 31;
const SIGN64: u64 = 1 << 63;
const BELOW_I64: f64 = -9223372036854777856.0;

/// Bits of a float, where an operation is about bits.
#[allow(non_camel_case_types)]
struct u32f(u32);
#[allow(non_camel_case_types)]
struct u64f(u64);

impl Word for u32f {
    fn of(value: super::Value) -> Self {
        u32f(f32::of(value).to_bits())
    }

    fn value(self) -> super::Value {
        super::Value::F32(self.0)
    }
}

impl Word for u64f {
    fn of(value: super::Value) -> Self {
        u64f(f64::of(value).to_bits())
    }

    fn value(self) -> super::Value {
        super::Value::F64(self.0)
    }
}

fn unary<T: Float>(s: &mut Stack, f: impl Fn(T) -> T) {
    s.unary(|a: T| f(a).canonical());
}

fn binary<T: Float>(s: &mut Stack, f: impl Fn(T, T) -> T) {
    s.binary(|a: T, b: T| f(a, b).canonical());
}

/// The smaller or larger of two: zeros are ordered by sign, a NaN wins.
fn pick<T: Float>(a: T, b: T, first: bool, first_of_equals: bool, nan: T) -> T {
    match a.partial_cmp(&b) {
        None => nan,
        Some(std::cmp::Ordering::Equal) if first_of_equals => a,
        Some(std::cmp::Ordering::Equal) => b,
        Some(_) if first => a,
        Some(_) => b,
    }
}

/// To an integer, towards zero: what does not lie strictly between the bounds traps.
fn truncate<A: Word, R: Word>(
    s: &mut Stack,
    widen: impl Fn(A) -> f64,
    above: f64,
    below: f64,
    cast: impl Fn(f64) -> R,
) -> Result<(), Trap> {
    let a = widen(s.pop());
    if a.is_nan() {
        return Err(Trap::BadConversionToInteger);
    }
    // In f64 -2^63 itself is the first that fits: its neighbour below is out.
    if a <= above || a >= below {
        return Err(Trap::IntegerOverflow);
    }
    s.push(cast(a));
    Ok(())
}
