//! What each operation costs: a table of classes, measured once and then fixed under its [`ID`].
//!
//! Costs are in *ticks*, small whole numbers. The unit is the simple integer operation, measured between the time that
//! it takes where the next one waits for it, and where several run at once; other costs are multiples of it.
//! Operations that vanish when compiled (locals, constants, structure) cost nothing, but each turn of a loop costs
//! something, because a branch does. `docs/fuel.md` has the measurements; to change a cost is to make a new table
//! with a new id, because results are compared, and paid, by it.

use wasmparser::Operator;

/// Name of this table, part of the semantics profile.
pub const ID: &str = "fallow-1";
/// Ticks of one fuel. Guests count in ticks, so that costs are small whole numbers; everybody else counts in fuel.
/// Optimised code does about so many ticks a nanosecond.
pub const TICKS_PER_FUEL: u64 = 16;

/// Ticks of one page of 64 KiB that memory grows by: it is cleared when first touched, 4 KiB at a time.
const PAGE: u64 = 160_000;
/// Ticks of one element that a table grows by, or that is copied or filled.
const ELEMENT: u64 = 8;
/// Bytes that are copied or filled for one tick, as a shift.
const BYTES_SHIFT: u32 = 1;

/// Cost of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Ticks whatever its operands are.
    pub fixed: u64,
    /// What comes on top, by an operand.
    pub per: Per,
}

/// The operand that an operation's cost grows with. It is always the topmost one, an `i32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// None.
    None,
    /// Length in bytes.
    Bytes,
    /// Length in elements of a table.
    Elements,
    /// Pages of 64 KiB, where growth succeeded.
    Pages,
    /// Elements, where growth succeeded.
    TableElements,
}

/// Fuel of so many ticks, rounded down.
pub fn fuel(ticks: u64) -> u64 {
    ticks / TICKS_PER_FUEL
}

/// Most ticks that are no more than this fuel: with one more, [`fuel`] is over it.
pub fn most_ticks(fuel: u64) -> u64 {
    fuel.saturating_mul(TICKS_PER_FUEL).saturating_add(TICKS_PER_FUEL - 1)
}

/// Ticks on top of an operation's fixed cost, for this operand.
pub fn dynamic(per: Per, operand: u32) -> u64 {
    let operand = u64::from(operand);
    match per {
        Per::None => 0,
        Per::Bytes => operand >> BYTES_SHIFT,
        Per::Elements | Per::TableElements => operand * ELEMENT,
        Per::Pages => operand * PAGE,
    }
}

/// The factor of [`dynamic`], for code that computes it: shift to the right, then multiply.
pub(super) fn shift_and_factor(per: Per) -> (u32, u64) {
    match per {
        Per::None => (0, 0),
        Per::Bytes => (BYTES_SHIFT, 1),
        Per::Elements | Per::TableElements => (0, ELEMENT),
        Per::Pages => (0, PAGE),
    }
}

/// Cost of an operation.
pub fn of(operator: &Operator<'_>) -> Cost {
    Cost { fixed: fixed(operator), per: per(operator) }
}

fn per(operator: &Operator<'_>) -> Per {
    match operator {
        Operator::MemoryCopy { .. } | Operator::MemoryFill { .. } | Operator::MemoryInit { .. } => Per::Bytes,
        Operator::TableCopy { .. } | Operator::TableFill { .. } | Operator::TableInit { .. } => Per::Elements,
        Operator::MemoryGrow { .. } => Per::Pages,
        Operator::TableGrow { .. } => Per::TableElements,
        _ => Per::None,
    }
}

fn fixed(operator: &Operator<'_>) -> u64 {
    use Operator as O;
    match operator {
        // Nothing is left of them in compiled code.
        O::Nop | O::Block { .. } | O::Loop { .. } | O::Else | O::End | O::Drop => 0,
        O::LocalGet { .. } | O::LocalSet { .. } | O::LocalTee { .. } => 0,
        O::I32Const { .. } | O::I64Const { .. } | O::F32Const { .. } | O::F64Const { .. } | O::V128Const { .. } => 0,
        O::RefNull { .. } | O::Unreachable => 0,
        // Nearly nothing where the processor foresees them, twenty times as much where it does not.
        O::BrIf { .. } | O::If { .. } => 4,
        O::BrTable { .. } => 6,
        // The frame, the check of the stack; indirect calls also compare the type.
        O::Call { .. } => 10,
        O::CallIndirect { .. } => 12,
        // The engine leaves compiled code for these.
        O::MemoryCopy { .. } | O::MemoryFill { .. } | O::MemoryInit { .. } => 40,
        O::TableCopy { .. } | O::TableFill { .. } | O::TableInit { .. } => 40,
        O::MemoryGrow { .. } | O::TableGrow { .. } => 1_000,
        O::DataDrop { .. } | O::ElemDrop { .. } | O::RefFunc { .. } => 500,
        O::TableGet { .. } | O::TableSet { .. } => 4,
        O::GlobalSet { .. } => 2,
        O::Select | O::TypedSelect { .. } => 2,
        _ => integers(operator).or_else(|| floats(operator)).or_else(|| vectors(operator)).unwrap_or(1),
    }
}

fn integers(operator: &Operator<'_>) -> Option<u64> {
    use Operator as O;
    Some(match operator {
        O::I32DivS | O::I32DivU | O::I32RemS | O::I32RemU => 14,
        O::I64DivS | O::I64DivU | O::I64RemS | O::I64RemU => 17,
        O::I32Mul | O::I64Mul => 3,
        O::I64MulWideS | O::I64MulWideU => 5,
        O::I64Add128 | O::I64Sub128 => 3,
        O::I32Eqz | O::I64Eqz => 2,
        O::I32Eq | O::I32Ne | O::I32LtS | O::I32LtU | O::I32GtS | O::I32GtU => 2,
        O::I32LeS | O::I32LeU | O::I32GeS | O::I32GeU => 2,
        O::I64Eq | O::I64Ne | O::I64LtS | O::I64LtU | O::I64GtS | O::I64GtU => 2,
        O::I64LeS | O::I64LeU | O::I64GeS | O::I64GeU => 2,
        O::I32Load { .. } | O::I32Load8S { .. } | O::I32Load8U { .. } => 2,
        O::I32Load16S { .. } | O::I32Load16U { .. } => 2,
        O::I64Load { .. } | O::I64Load8S { .. } | O::I64Load8U { .. } => 2,
        O::I64Load16S { .. } | O::I64Load16U { .. } | O::I64Load32S { .. } | O::I64Load32U { .. } => 2,
        O::I32Store { .. } | O::I32Store8 { .. } | O::I32Store16 { .. } => 2,
        O::I64Store { .. } | O::I64Store8 { .. } | O::I64Store16 { .. } | O::I64Store32 { .. } => 2,
        _ => return None,
    })
}

fn floats(operator: &Operator<'_>) -> Option<u64> {
    use Operator as O;
    Some(match operator {
        O::F32Add | O::F32Sub | O::F32Mul | O::F64Add | O::F64Sub | O::F64Mul => 3,
        O::F32Div => 8,
        O::F64Div | O::F32Sqrt => 10,
        O::F64Sqrt => 14,
        O::F32Eq | O::F32Ne | O::F32Lt | O::F32Gt | O::F32Le | O::F32Ge => 4,
        O::F64Eq | O::F64Ne | O::F64Lt | O::F64Gt | O::F64Le | O::F64Ge => 4,
        // NaNs and zeros have to be told apart.
        O::F32Min | O::F32Max | O::F64Min | O::F64Max => 4,
        O::F32Abs | O::F32Neg | O::F64Abs | O::F64Neg => 2,
        O::F32Copysign | O::F64Copysign => 4,
        O::F32Ceil | O::F32Floor | O::F32Trunc | O::F32Nearest => 3,
        O::F64Ceil | O::F64Floor | O::F64Trunc | O::F64Nearest => 3,
        O::I32TruncF32S | O::I32TruncF32U | O::I32TruncF64S | O::I32TruncF64U => 4,
        O::I64TruncF32S | O::I64TruncF32U | O::I64TruncF64S | O::I64TruncF64U => 4,
        O::I32TruncSatF32S | O::I32TruncSatF32U | O::I32TruncSatF64S | O::I32TruncSatF64U => 5,
        O::I64TruncSatF32S | O::I64TruncSatF32U | O::I64TruncSatF64S | O::I64TruncSatF64U => 5,
        O::F32ConvertI32S | O::F32ConvertI32U | O::F32ConvertI64S | O::F32ConvertI64U => 4,
        O::F64ConvertI32S | O::F64ConvertI32U | O::F64ConvertI64S | O::F64ConvertI64U => 4,
        O::I32ReinterpretF32 | O::I64ReinterpretF64 | O::F32ReinterpretI32 | O::F64ReinterpretI64 => 3,
        O::F32DemoteF64 | O::F64PromoteF32 => 3,
        _ => return None,
    })
}

/// Vector code is written so that operations do not wait for each other: costs are nearer to that.
fn vectors(operator: &Operator<'_>) -> Option<u64> {
    use Operator as O;
    Some(match operator {
        O::F32x4Div => 8,
        O::F64x2Div | O::F32x4Sqrt => 10,
        O::F64x2Sqrt => 14,
        O::F32x4Min | O::F32x4Max | O::F64x2Min | O::F64x2Max => 8,
        O::F32x4Ceil | O::F32x4Floor | O::F32x4Trunc | O::F32x4Nearest => 2,
        O::F64x2Ceil | O::F64x2Floor | O::F64x2Trunc | O::F64x2Nearest => 2,
        O::I32x4TruncSatF32x4S | O::I32x4TruncSatF32x4U => 10,
        O::I32x4TruncSatF64x2SZero | O::I32x4TruncSatF64x2UZero => 6,
        O::F32x4ConvertI32x4S => 2,
        O::F32x4ConvertI32x4U | O::F64x2ConvertLowI32x4S | O::F64x2ConvertLowI32x4U => 3,
        O::F32x4DemoteF64x2Zero | O::F64x2PromoteLowF32x4 => 2,
        O::I8x16Shl | O::I8x16ShrU => 4,
        O::I8x16ShrS => 6,
        O::I16x8Shl | O::I16x8ShrS | O::I16x8ShrU | O::I32x4Shl | O::I32x4ShrS | O::I32x4ShrU => 2,
        O::I64x2Shl | O::I64x2ShrU => 2,
        O::I64x2ShrS => 3,
        O::I16x8Mul | O::I32x4Mul | O::I32x4DotI16x8S => 2,
        // One instruction in the newest processors, six in others.
        O::I64x2Mul => 4,
        O::I16x8ExtMulLowI8x16S | O::I16x8ExtMulHighI8x16S => 3,
        O::I16x8ExtMulLowI8x16U | O::I16x8ExtMulHighI8x16U => 3,
        O::I32x4ExtMulLowI16x8S | O::I32x4ExtMulHighI16x8S => 3,
        O::I32x4ExtMulLowI16x8U | O::I32x4ExtMulHighI16x8U => 3,
        O::I64x2ExtMulLowI32x4S | O::I64x2ExtMulHighI32x4S => 3,
        O::I64x2ExtMulLowI32x4U | O::I64x2ExtMulHighI32x4U => 3,
        O::I16x8ExtAddPairwiseI8x16S | O::I16x8ExtAddPairwiseI8x16U => 2,
        O::I32x4ExtAddPairwiseI16x8S | O::I32x4ExtAddPairwiseI16x8U => 2,
        O::I16x8Q15MulrSatS => 4,
        O::I8x16Popcnt => 4,
        O::I8x16GtU | O::I8x16GeU | O::I8x16LtU | O::I8x16LeU => 3,
        O::I16x8GtU | O::I16x8GeU | O::I16x8LtU | O::I16x8LeU => 3,
        O::I32x4GtU | O::I32x4GeU | O::I32x4LtU | O::I32x4LeU => 3,
        O::V128Bitselect | O::I8x16Swizzle | O::I8x16Shuffle { .. } => 2,
        O::I8x16Splat | O::I16x8Splat | O::I32x4Splat | O::I64x2Splat => 2,
        O::I8x16ExtractLaneS { .. } | O::I8x16ExtractLaneU { .. } => 3,
        O::I16x8ExtractLaneS { .. } | O::I16x8ExtractLaneU { .. } => 3,
        O::I32x4ExtractLane { .. } | O::I64x2ExtractLane { .. } => 3,
        O::I8x16ReplaceLane { .. } | O::I16x8ReplaceLane { .. } => 2,
        O::I32x4ReplaceLane { .. } | O::I64x2ReplaceLane { .. } => 2,
        O::I8x16Bitmask | O::I16x8Bitmask | O::I32x4Bitmask | O::I64x2Bitmask => 3,
        O::V128AnyTrue | O::I8x16AllTrue | O::I16x8AllTrue | O::I32x4AllTrue | O::I64x2AllTrue => 8,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computed_and_emitted_cost_are_the_same() {
        for per in [Per::None, Per::Bytes, Per::Elements, Per::Pages, Per::TableElements] {
            let (shift, factor) = shift_and_factor(per);
            for operand in [0, 1, 7, 8, 65_536, u32::MAX] {
                assert_eq!(dynamic(per, operand), (u64::from(operand) >> shift) * factor, "{per:?} {operand}");
            }
        }
    }

    #[test]
    fn fuel_is_over_a_limit_exactly_where_its_ticks_are() {
        for fuel in [0, 1, 999, u64::MAX / TICKS_PER_FUEL - 1] {
            let most = most_ticks(fuel);
            assert_eq!((super::fuel(most), super::fuel(most + 1)), (fuel, fuel + 1));
        }
        assert_eq!(most_ticks(u64::MAX), u64::MAX);
    }

    #[test]
    fn every_turn_of_a_loop_costs_something() {
        assert!(of(&Operator::Br { relative_depth: 0 }).fixed > 0);
        assert!(of(&Operator::BrIf { relative_depth: 0 }).fixed > 0);
    }
}
