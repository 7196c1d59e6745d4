//! One function's body: valid, and no bomb. The caps are on what compilers take more than linear time for.

use wasmparser::{FuncValidator, FuncValidatorAllocations, FunctionBody, Operator, ValidatorResources};

use super::super::ServeError;
use super::joins::Joins;
use super::{features, refuse};

/// Body of one function. Optimised Rust and interpreters' loops stay below 200 KiB; a megabyte costs 16 s and 1 GiB.
const BODY_BYTES_MAX: usize = 512 << 10;
/// Locals of one function, its parameters included.
const LOCALS_MAX: u32 = 5_000;
/// Targets of one `br_table`.
const TARGETS_MAX: u32 = 4_096;
/// Blocks within blocks.
const NESTING_MAX: u32 = 1_000;
/// Values that meet at the ends of blocks, see [`Joins`]. The main loops of interpreters and of compiled Go stay below
/// 50,000; 300,000 fit into 16 kB and cost 70 s.
const JOINS_MAX: u64 = 100_000;
/// Locals times blocks, see [`Joins`]. Compiled languages stay below 200,000; 30 millions fit into 400 kB and cost 4 GiB.
const KEPT_MAX: u64 = 10_000_000;

/// Validate a body.
pub fn check(
    mut validator: FuncValidator<ValidatorResources>,
    body: &FunctionBody<'_>,
) -> Result<FuncValidatorAllocations, ServeError> {
    let range = body.range();
    let (index, at) = (validator.index(), range.start);
    let len = range.end - range.start;
    if len as usize > BODY_BYTES_MAX {
        return refuse(format!(
            "function {index} at byte {at:#x} has a body of {} KiB; the limit is {} KiB: split it, or inline less",
            len >> 10,
            BODY_BYTES_MAX >> 10
        ));
    }
    let explain = |error: wasmparser::BinaryReaderError| features::explain(&error);
    // Counted before they are defined: a few bytes declare thousands.
    let mut locals = validator.len_locals();
    for local in body.get_locals_reader().map_err(explain)? {
        locals = locals.saturating_add(local.map_err(explain)?.0);
        if locals > LOCALS_MAX {
            return refuse(format!(
                "function {index} at byte {at:#x} has more than {LOCALS_MAX} locals; split it, or inline less"
            ));
        }
    }
    let mut joins = Joins::new(locals);
    validator.read_locals(&mut body.get_binary_reader()).map_err(explain)?;
    let mut reader = body.get_operators_reader().map_err(explain)?;
    while !reader.eof() {
        let offset = reader.original_position();
        let operator = reader.read().map_err(explain)?;
        if let Operator::BrTable { targets } = &operator
            && targets.len() > TARGETS_MAX
        {
            return refuse(format!(
                "function {index} has a br_table of {} targets at byte {offset:#x}; the limit is {TARGETS_MAX}",
                targets.len()
            ));
        }
        validator.op(offset, &operator).map_err(explain)?;
        joins.count(&operator);
        if joins.joins() > JOINS_MAX || joins.kept() > KEPT_MAX {
            return refuse(format!(
                "function {index} uses so many locals in so many blocks (up to byte {offset:#x}) that compiling it takes \
                 too much time and memory; split it"
            ));
        }
        if validator.control_stack_height() > NESTING_MAX {
            return refuse(format!(
                "function {index} nests blocks deeper than {NESTING_MAX} at byte {offset:#x}; split it"
            ));
        }
    }
    reader.finish().map_err(explain)?;
    Ok(validator.into_allocations())
}
