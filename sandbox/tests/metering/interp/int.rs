//! Operations on integers.

use wasmparser::Operator as O;

use super::Trap;
use super::value::{Stack, Word};

/// Execute it if it is one of these.
pub fn execute(op: &O<'_>, s: &mut Stack) -> Result<bool, Trap> {
    match op {
        O::I32Const { value } => s.push(*value),
        O::I64Const { value } => s.push(*value),

        O::I32Eqz => s.unary(|a: u32| a == 0),
        O::I32Eq => s.binary(|a: u32, b| a == b),
        O::I32Ne => s.binary(|a: u32, b| a != b),
        O::I32LtS => s.binary(|a: i32, b| a < b),
        O::I32LtU => s.binary(|a: u32, b| a < b),
        O::I32GtS => s.binary(|a: i32, b| a > b),
        O::I32GtU => s.binary(|a: u32, b| a > b),
        O::I32LeS => s.binary(|a: i32, b| a <= b),
        O::I32LeU => s.binary(|a: u32, b| a <= b),
        O::I32GeS => s.binary(|a: i32, b| a >= b),
        O::I32GeU => s.binary(|a: u32, b| a >= b),

        O::I64Eqz => s.unary(|a: u64| a == 0),
        O::I64Eq => s.binary(|a: u64, b| a == b),
        O::I64Ne => s.binary(|a: u64, b| a != b),
        O::I64LtS => s.binary(|a: i64, b| a < b),
        O::I64LtU => s.binary(|a: u64, b| a < b),
        O::I64GtS => s.binary(|a: i64, b| a > b),
        O::I64GtU => s.binary(|a: u64, b| a > b),
        O::I64LeS => s.binary(|a: i64, b| a <= b),
        O::I64LeU => s.binary(|a: u64, b| a <= b),
        O::I64GeS => s.binary(|a: i64, b| a >= b),
        O::I64GeU => s.binary(|a: u64, b| a >= b),

        O::I32Clz => s.unary(u32::leading_zeros),
        O::I32Ctz => s.unary(u32::trailing_zeros),
        O::I32Popcnt => s.unary(u32::count_ones),
        O::I32Add => s.binary(u32::wrapping_add),
        O::I32Sub => s.binary(u32::wrapping_sub),
        O::I32Mul => s.binary(u32::wrapping_mul),
        O::I32DivS => divide(s, i32::checked_div, |b| b == 0)?,
        O::I32DivU => divide(s, u32::checked_div, |b| b == 0)?,
        O::I32RemS => divide(s, |a: i32, b| (b != 0).then(|| a.wrapping_rem(b)), |b| b == 0)?,
        O::I32RemU => divide(s, u32::checked_rem, |b| b == 0)?,
        O::I32And => s.binary(|a: u32, b| a & b),
        O::I32Or => s.binary(|a: u32, b| a | b),
        O::I32Xor => s.binary(|a: u32, b| a ^ b),
        O::I32Shl => s.binary(u32::wrapping_shl),
        O::I32ShrS => s.binary(|a: i32, b: i32| a.wrapping_shr(b as u32)),
        O::I32ShrU => s.binary(u32::wrapping_shr),
        O::I32Rotl => s.binary(|a: u32, b| a.rotate_left(b % 32)),
        O::I32Rotr => s.binary(|a: u32, b| a.rotate_right(b % 32)),

        O::I64Clz => s.unary(|a: u64| u64::from(a.leading_zeros())),
        O::I64Ctz => s.unary(|a: u64| u64::from(a.trailing_zeros())),
        O::I64Popcnt => s.unary(|a: u64| u64::from(a.count_ones())),
        O::I64Add => s.binary(u64::wrapping_add),
        O::I64Sub => s.binary(u64::wrapping_sub),
        O::I64Mul => s.binary(u64::wrapping_mul),
        O::I64DivS => divide(s, i64::checked_div, |b| b == 0)?,
        O::I64DivU => divide(s, u64::checked_div, |b| b == 0)?,
        O::I64RemS => divide(s, |a: i64, b| (b != 0).then(|| a.wrapping_rem(b)), |b| b == 0)?,
        O::I64RemU => divide(s, u64::checked_rem, |b| b == 0)?,
        O::I64Add128 => wide(s, u128::wrapping_add),
        O::I64Sub128 => wide(s, u128::wrapping_sub),
        O::I64MulWideS => {
            let (b, a): (i64, i64) = (s.pop(), s.pop());
            push_wide(s, (i128::from(a) * i128::from(b)) as u128);
        }
        O::I64MulWideU => {
            let (b, a): (u64, u64) = (s.pop(), s.pop());
            push_wide(s, u128::from(a) * u128::from(b));
        }
        O::I64And => s.binary(|a: u64, b| a & b),
        O::I64Or => s.binary(|a: u64, b| a | b),
        O::I64Xor => s.binary(|a: u64, b| a ^ b),
        O::I64Shl => s.binary(|a: u64, b| a << (b % 64)),
        O::I64ShrS => s.binary(|a: i64, b: i64| a >> (b as u64 % 64)),
        O::I64ShrU => s.binary(|a: u64, b| a >> (b % 64)),
        O::I64Rotl => s.binary(|a: u64, b| a.rotate_left((b % 64) as u32)),
        O::I64Rotr => s.binary(|a: u64, b| a.rotate_right((b % 64) as u32)),

        O::I32WrapI64 => s.unary(|a: u64| a as u32),
        O::I64ExtendI32S => s.unary(|a: i32| i64::from(a)),
        O::I64ExtendI32U => s.unary(|a: u32| u64::from(a)),
        O::I32Extend8S => s.unary(|a: u32| i32::from(a as i8)),
        O::I32Extend16S => s.unary(|a: u32| i32::from(a as i16)),
        O::I64Extend8S => s.unary(|a: u64| i64::from(a as i8)),
        O::I64Extend16S => s.unary(|a: u64| i64::from(a as i16)),
        O::I64Extend32S => s.unary(|a: u64| i64::from(a as i32)),
        _ => return Ok(false),
    }
    Ok(true)
}

/// An operation on two words of 128 bits, each of them two of 64 with the higher one on top.
fn wide(s: &mut Stack, f: impl Fn(u128, u128) -> u128) {
    let (b, a) = (pop_wide(s), pop_wide(s));
    push_wide(s, f(a, b));
}

fn pop_wide(s: &mut Stack) -> u128 {
    let (high, low): (u64, u64) = (s.pop(), s.pop());
    u128::from(high) << 64 | u128::from(low)
}

fn push_wide(s: &mut Stack, word: u128) {
    s.push(word as u64);
    s.push((word >> 64) as u64);
}

/// A division: by zero traps, and so does a quotient that does not fit.
fn divide<T: Word + Copy>(s: &mut Stack, f: impl Fn(T, T) -> Option<T>, zero: impl Fn(T) -> bool) -> Result<(), Trap> {
    let b: T = s.pop();
    let a: T = s.pop();
    let trap = if zero(b) { Trap::IntegerDivisionByZero } else { Trap::IntegerOverflow };
    s.push(f(a, b).ok_or(trap)?);
    Ok(())
}
