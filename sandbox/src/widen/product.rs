//! Knows a function that multiplies by what it computes: straight code is tried with thousands of numbers.
//!
//! A product of 128 by 128 bits, low half, is what compilers' `__multi3(place, a_low, a_high, b_low, b_high)` writes.
//! Who makes a function that agrees with it on all these numbers and on others does not, fools only their own program.

use wasmparser::{FuncType, FunctionBody, Operator, ValType};

use super::WidenError;

/// Most operations of such a function; LLVM's has 58.
const OPERATIONS_MAX: usize = 200;
/// Most locals of such a function.
const LOCALS_MAX: usize = 50;
/// Numbers at which carries come and go.
const CORNERS: [u64; 12] = [
    0,
    1,
    2,
    0xffff_fffe,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_0000_0001,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_0000_0000,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
];
/// Products of other numbers that are tried.
const ROUNDS: usize = 4_000;

/// Whether the function writes the product of its second and third parameter by its fourth and fifth to where the
/// first one points, and does nothing else.
pub fn is_product(ty: &FuncType, body: &FunctionBody<'_>) -> Result<bool, WidenError> {
    use ValType::{I32, I64};
    if ty.params() != [I32, I64, I64, I64, I64] || !ty.results().is_empty() {
        return Ok(false);
    }
    let mut locals = 0;
    for local in body.get_locals_reader()? {
        locals += local?.0 as usize;
    }
    let operators = body.get_operators_reader()?.into_iter().take(OPERATIONS_MAX + 1).collect::<Result<Vec<_>, _>>()?;
    if operators.len() > OPERATIONS_MAX || locals > LOCALS_MAX {
        return Ok(false);
    }
    Ok(trials().all(|given| {
        let [a, b] = [[given[0], given[1]], [given[2], given[3]]].map(wide);
        let place = (given[0] as u32 & 0xffff) << 4;
        Trial::new(place, given, locals).run(&operators) == Some(a.wrapping_mul(b))
    }))
}

fn wide([low, high]: [u64; 2]) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

/// Parameters to try: low and high half of both factors.
fn trials() -> impl Iterator<Item = [u64; 4]> {
    let corners = CORNERS.into_iter().flat_map(|a| CORNERS.map(|b| [[a, 0, b, 0], [a, b, b, a], [a, 1, b, !0]]));
    let mut state = 0_u64;
    let other = std::iter::repeat_with(move || std::array::from_fn(|_| next(&mut state)));
    corners.flatten().chain(other.take(ROUNDS))
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// One execution. Numbers of 32 bits are kept in 64.
struct Trial {
    place: u32,
    locals: Vec<u64>,
    stack: Vec<u64>,
    /// What was written to the place, and behind it.
    written: [Option<u64>; 2],
}

impl Trial {
    fn new(place: u32, given: [u64; 4], locals: usize) -> Self {
        let params = std::iter::once(place.into()).chain(given);
        let locals = params.chain(std::iter::repeat_n(0, locals)).collect();
        Self { place, locals, stack: Vec::new(), written: [None; 2] }
    }

    /// What is written in the end; nothing where there is an operation that such functions do not have.
    fn run(mut self, operators: &[Operator<'_>]) -> Option<u128> {
        let (last, rest) = operators.split_last()?;
        for operator in rest {
            self.step(operator)?;
        }
        let Operator::End = last else { return None };
        Some(wide([self.written[0]?, self.written[1]?]))
    }

    fn step(&mut self, operator: &Operator<'_>) -> Option<()> {
        use Operator as O;
        let value = match operator {
            O::LocalGet { local_index } => *self.locals.get(*local_index as usize)?,
            O::LocalSet { local_index } => {
                *self.locals.get_mut(*local_index as usize)? = self.stack.pop()?;
                return Some(());
            }
            O::LocalTee { local_index } => {
                *self.locals.get_mut(*local_index as usize)? = *self.stack.last()?;
                return Some(());
            }
            O::I32Const { value } => u64::from(*value as u32),
            O::I64Const { value } => *value as u64,
            O::I64ExtendI32U => self.stack.pop()?,
            O::I64Store { memarg } if memarg.memory == 0 => {
                let (value, address) = (self.stack.pop()?, self.stack.pop()?);
                return self.write(address.checked_add(memarg.offset)?, value);
            }
            _ => {
                let (right, left) = (self.stack.pop()?, self.stack.pop()?);
                binary(operator, left, right)?
            }
        };
        self.stack.push(value);
        Some(())
    }

    fn write(&mut self, address: u64, value: u64) -> Option<()> {
        let half = match address.checked_sub(self.place.into())? {
            0 => 0,
            8 => 1,
            _ => return None,
        };
        self.written[half] = Some(value);
        Some(())
    }
}

fn binary(operator: &Operator<'_>, left: u64, right: u64) -> Option<u64> {
    use Operator as O;
    Some(match operator {
        O::I32Add => u64::from((left as u32).wrapping_add(right as u32)),
        O::I64Add => left.wrapping_add(right),
        O::I64Sub => left.wrapping_sub(right),
        O::I64Mul => left.wrapping_mul(right),
        O::I64And => left & right,
        O::I64Or => left | right,
        O::I64Xor => left ^ right,
        O::I64Shl => left.wrapping_shl(right as u32),
        O::I64ShrU => left.wrapping_shr(right as u32),
        O::I64Rotl => left.rotate_left(right as u32 & 63),
        O::I64LtU => u64::from(left < right),
        O::I64GtU => u64::from(left > right),
        _ => return None,
    })
}
