//! Writes a function anew, with an operation for each call of a function that multiplies.

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{Function, InstructionSink, MemArg, ValType};
use wasmparser::{FunctionBody, Operator};

use super::known::Known;
use super::{Functions, WidenError};

/// Most locals of a function, as the specification's limits for engines have it.
const LOCALS_MAX: u32 = 50_000;
/// Products of straight code whose halves are kept in locals at a time.
const KEPT: u32 = 4;

/// Write a function anew; nothing where it has no such calls.
pub fn rewrite(functions: &Functions, index: u32, body: &FunctionBody<'_>) -> Result<Option<Function>, WidenError> {
    let operators = body.get_operators_reader()?.into_iter().collect::<Result<Vec<_>, _>>()?;
    if !operators.iter().any(|operator| functions.is_product(operator)) {
        return Ok(None);
    }
    let mut locals = Vec::new();
    for local in body.get_locals_reader()? {
        let (count, ty) = local?;
        locals.push((count, RoundtripReencoder.val_type(ty).map_err(|error| WidenError(error.to_string()))?));
    }
    let params = functions.info.type_of_function(index)?.params().len() as u32;
    let own = locals.iter().fold(params, |sum, (count, _)| sum.saturating_add(*count));
    if own > LOCALS_MAX - Writer::LOCALS {
        return Ok(None);
    }
    let mut writer = Writer::new(own, locals);
    for operator in &operators {
        writer.write(operator, functions.is_product(operator))?;
    }
    Ok(Some(writer.function))
}

struct Writer {
    function: Function,
    /// Local for the product's address; four for the factors come next, then those of products that are kept.
    address: u32,
    products: u32,
    known: Known,
}

impl Writer {
    /// Locals that are added.
    const LOCALS: u32 = 5 + 2 * KEPT;

    fn new(own: u32, mut locals: Vec<(u32, ValType)>) -> Self {
        locals.push((1, ValType::I32));
        locals.push((Self::LOCALS - 1, ValType::I64));
        Self { function: Function::new(locals), address: own, products: 0, known: Known::default() }
    }

    fn write(&mut self, operator: &Operator<'_>, is_product: bool) -> Result<(), WidenError> {
        if is_product {
            let halves = self.next_halves();
            self.product(halves);
            self.known.product(halves);
            return Ok(());
        }
        match self.known.loaded(operator) {
            // Where this load traps, the address is beyond 32 bits, and the product went elsewhere.
            Some(local) => {
                self.code().drop().local_get(local);
            }
            None => {
                let same = RoundtripReencoder.instruction(operator.clone());
                self.function.instruction(&same.map_err(|error| WidenError(error.to_string()))?);
            }
        }
        self.known.step(operator);
        Ok(())
    }

    /// Locals for the next product's halves: those of the oldest one.
    fn next_halves(&mut self) -> [u32; 2] {
        let first = self.address + 5 + 2 * (self.products % KEPT);
        self.products += 1;
        [first, first + 1]
    }

    /// The address and both factors, low half first, are on the stack.
    fn product(&mut self, [low, high]: [u32; 2]) {
        let address = self.address;
        let [a_low, a_high, b_low, b_high] = [1, 2, 3, 4].map(|at| address + at);
        let at = |offset| MemArg { offset, align: 3, memory_index: 0 };
        let mut code = self.code();
        code.local_set(b_high).local_set(b_low).local_set(a_high).local_set(a_low).local_set(address);
        code.local_get(a_low).local_get(b_low).i64_mul_wide_u();
        // High halves are zero as a rule, which the engine sees.
        code.local_get(a_low).local_get(b_high).i64_mul().i64_add();
        code.local_get(a_high).local_get(b_low).i64_mul().i64_add();
        code.local_set(high).local_set(low);
        code.local_get(address).local_get(low).i64_store(at(0));
        code.local_get(address).local_get(high).i64_store(at(8));
    }

    fn code(&mut self) -> InstructionSink<'_> {
        self.function.instructions()
    }
}
