//! What each operation costs in fuel: a table of classes, measured once and then fixed under its [`ID`].
//!
//! One fuel is about one simple integer operation of optimised code. Operations that vanish when compiled (locals,
//! constants, structure) cost nothing. `docs/fuel.md` says how the figures were found; to change one is to make a
//! new table with a new id, because results are compared, and paid, by it.

use wasmparser::Operator;

/// Name of this table, part of the semantics profile.
pub const ID: &str = "fallow-1";

/// Fuel of one page of 64 KiB that memory grows by: cleared pages, first touched.
const PAGE: u64 = 4_000;
/// Fuel of one element that a table grows by, or that is copied or filled.
const ELEMENT: u64 = 2;
/// Bytes that are copied or filled for one fuel, as a shift.
const BYTES_SHIFT: u32 = 3;

/// Cost of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Fuel whatever its operands are.
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

/// Fuel on top of an operation's fixed cost, for this operand.
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
        // Calls: the frame, the check of the stack; indirect ones also compare the type.
        O::Call { .. } => 5,
        O::CallIndirect { .. } => 10,
        O::BrTable { .. } => 4,
        // The engine leaves compiled code for these.
        O::MemoryCopy { .. } | O::MemoryFill { .. } | O::MemoryInit { .. } => 30,
        O::TableCopy { .. } | O::TableFill { .. } | O::TableInit { .. } => 30,
        O::MemoryGrow { .. } | O::TableGrow { .. } => 200,
        O::DataDrop { .. } | O::ElemDrop { .. } | O::RefFunc { .. } => 20,
        O::TableGet { .. } | O::TableSet { .. } => 4,
        // Division: microcode everywhere.
        O::I32DivS | O::I32DivU | O::I32RemS | O::I32RemU => 12,
        O::I64DivS | O::I64DivU | O::I64RemS | O::I64RemU => 16,
        O::I32Mul | O::I64Mul => 2,
        // Without the instruction, which portable builds do not have, a handful of operations each.
        O::I32Popcnt | O::I64Popcnt | O::I32Ctz | O::I64Ctz | O::I32Clz | O::I64Clz => 4,
        _ => floats(operator).or_else(|| vectors(operator)).unwrap_or(1),
    }
}

fn floats(operator: &Operator<'_>) -> Option<u64> {
    use Operator as O;
    Some(match operator {
        O::F32Add | O::F32Sub | O::F32Mul | O::F64Add | O::F64Sub | O::F64Mul => 2,
        O::F32Div | O::F64Div => 8,
        O::F32Sqrt | O::F64Sqrt => 12,
        // NaNs and zeros have to be told apart.
        O::F32Min | O::F32Max | O::F64Min | O::F64Max => 5,
        O::F32Ceil | O::F32Floor | O::F32Trunc | O::F32Nearest => 6,
        O::F64Ceil | O::F64Floor | O::F64Trunc | O::F64Nearest => 6,
        O::F32Copysign | O::F64Copysign => 3,
        O::I32TruncF32S | O::I32TruncF32U | O::I32TruncF64S | O::I32TruncF64U => 6,
        O::I64TruncF32S | O::I64TruncF32U | O::I64TruncF64S | O::I64TruncF64U => 6,
        O::I32TruncSatF32S | O::I32TruncSatF32U | O::I32TruncSatF64S | O::I32TruncSatF64U => 6,
        O::I64TruncSatF32S | O::I64TruncSatF32U | O::I64TruncSatF64S | O::I64TruncSatF64U => 6,
        O::F32ConvertI32S | O::F32ConvertI32U | O::F32ConvertI64S | O::F32ConvertI64U => 3,
        O::F64ConvertI32S | O::F64ConvertI32U | O::F64ConvertI64S | O::F64ConvertI64U => 3,
        O::F32DemoteF64 | O::F64PromoteF32 => 3,
        _ => return None,
    })
}

fn vectors(operator: &Operator<'_>) -> Option<u64> {
    use Operator as O;
    Some(match operator {
        O::F32x4Add | O::F32x4Sub | O::F32x4Mul | O::F64x2Add | O::F64x2Sub | O::F64x2Mul => 2,
        O::F32x4Div | O::F64x2Div => 10,
        O::F32x4Sqrt | O::F64x2Sqrt => 14,
        O::F32x4Min | O::F32x4Max | O::F64x2Min | O::F64x2Max => 8,
        O::F32x4PMin | O::F32x4PMax | O::F64x2PMin | O::F64x2PMax => 2,
        O::F32x4Ceil | O::F32x4Floor | O::F32x4Trunc | O::F32x4Nearest => 12,
        O::F64x2Ceil | O::F64x2Floor | O::F64x2Trunc | O::F64x2Nearest => 12,
        O::I32x4TruncSatF32x4S | O::I32x4TruncSatF32x4U => 10,
        O::I32x4TruncSatF64x2SZero | O::I32x4TruncSatF64x2UZero => 10,
        O::F32x4ConvertI32x4U | O::F64x2ConvertLowI32x4U => 6,
        O::I8x16Shl | O::I8x16ShrS | O::I8x16ShrU | O::I64x2ShrS => 6,
        O::I32x4Mul => 4,
        O::I64x2Mul => 8,
        O::I8x16Swizzle | O::I8x16Shuffle { .. } => 4,
        O::I8x16Popcnt => 12,
        O::I16x8Q15MulrSatS => 4,
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
}
