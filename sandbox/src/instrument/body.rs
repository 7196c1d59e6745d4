//! Writes one function anew: what it did, its counting, its flushes, its canonical NaNs.

use wasm_encoder::reencode::Reencode;
use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, ValType};
use wasmparser::{FunctionBody, Operator};

use super::blocks::{self, Plan};
use super::costs::{self, Per};
use super::floats::{self, Shape};
use super::info::{Flush, Info};
use super::meter::{LIMIT_AT, NAN_32_AT, NAN_64_AT};
use super::module::Rewriter;
use super::{Floats, InstrumentError};

/// The function that flushes where there is no hurry: before calls that never return. It adds its parameter.
pub fn flush(info: &Info) -> Function {
    let mut function = Function::new([]);
    let fuel = word(info, 0);
    let mut code = function.instructions();
    code.i32_const(0).i32_const(0).i64_load(fuel).local_get(0).i64_add().i64_store(fuel).end();
    function
}

/// The function that flushes before calls of imported functions: it adds its parameter and compares with the limit.
pub fn flush_and_check(info: &Info) -> Function {
    let mut function = Function::new([]);
    let [fuel, limit] = [0, LIMIT_AT].map(|offset| word(info, offset));
    let mut code = function.instructions();
    code.i32_const(0);
    code.i32_const(0).i64_load(fuel).local_get(0).i64_add().local_tee(0);
    code.i64_store(fuel);
    code.local_get(0).i32_const(0).i64_load(limit).i64_gt_u();
    code.if_(BlockType::Empty).unreachable().end();
    code.end();
    function
}

fn word(info: &Info, offset: u64) -> MemArg {
    MemArg { offset, align: 3, memory_index: info.meter() }
}

/// A function that is being written.
struct Writer<'a> {
    info: &'a Info,
    function: Function,
    plan: Plan,
    /// Local that counts.
    count: u32,
    /// Local for an operand that a cost depends on, then one for a result.
    operand: u32,
    /// Local for a value of each shape that is made canonical.
    values: [u32; 4],
    /// Index of the function that flushes; that which also checks comes next.
    flush: u32,
    /// Blocks that are open, the one around everything included.
    depth: u32,
}

/// Write a function anew.
pub fn rewrite(rewriter: &mut Rewriter<'_>, index: u32, body: &FunctionBody<'_>) -> Result<Function, InstrumentError> {
    let info = rewriter.info;
    let ty = info.type_of_function(index)?;
    let operators = body.get_operators_reader()?.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut locals = Vec::new();
    for local in body.get_locals_reader()? {
        let (count, ty) = local?;
        locals.extend(std::iter::repeat_n(ty, count as usize));
    }
    let plan = blocks::plan(&operators, info);
    let seen = match rewriter.floats {
        Floats::Plain => vec![None; operators.len()],
        Floats::Canonical => floats::plan(&operators, ty, &locals, info)?,
    };
    let mut writer = Writer::new(rewriter, plan, &seen, ty.params().len(), &locals)?;
    writer.write(rewriter, index, &operators, &seen)?;
    Ok(writer.function)
}

impl<'a> Writer<'a> {
    fn new(
        rewriter: &mut Rewriter<'a>,
        plan: Plan,
        seen: &[Option<Shape>],
        params: usize,
        locals: &[wasmparser::ValType],
    ) -> Result<Self, InstrumentError> {
        let mut types = Vec::new();
        for local in locals {
            types.push(rewriter.val_type(*local)?);
        }
        let mut add = |ty: ValType, used: bool| {
            if used {
                types.push(ty);
            }
            (params + types.len()) as u32 - u32::from(used)
        };
        let count = add(ValType::I64, plan.counts);
        let operand = add(ValType::I32, plan.counts);
        add(ValType::I32, plan.counts);
        let shapes = [Shape::F32, Shape::F64, Shape::F32x4, Shape::F64x2];
        let values = shapes.map(|shape| add(shape.ty(), seen.contains(&Some(shape))));
        let function = Function::new_with_locals_types(types);
        let flush = rewriter.flush_function();
        Ok(Self { info: rewriter.info, function, plan, count, operand, values, flush, depth: 0 })
    }

    fn write(
        &mut self,
        rewriter: &mut Rewriter<'_>,
        index: u32,
        operators: &[Operator<'_>],
        seen: &[Option<Shape>],
    ) -> Result<(), InstrumentError> {
        // A block around everything brings early ends to the one place that flushes.
        let wrapped = self.plan.leaves_early && self.plan.counts;
        if wrapped {
            let ty = rewriter.results_block(index)?;
            self.code().block(ty);
        }
        let adds = std::mem::take(&mut self.plan.adds);
        let mut adds = adds.into_iter().peekable();
        for (at, operator) in operators.iter().enumerate() {
            if let Some((_, fuel)) = adds.next_if(|(place, _)| *place == at) {
                let count = self.count;
                self.code().local_get(count).i64_const(fuel as i64).i64_add().local_set(count);
            }
            let last = at + 1 == operators.len();
            match operator {
                Operator::Return if wrapped => {
                    let depth = self.depth;
                    self.code().br(depth);
                }
                Operator::End if last => {
                    if wrapped {
                        self.code().end();
                    }
                    self.flush();
                    self.code().end();
                }
                _ => self.one(rewriter, operators, at)?,
            }
            if let Some(shape) = seen[at] {
                self.canonical(shape);
            }
        }
        Ok(())
    }

    fn code(&mut self) -> InstructionSink<'_> {
        self.function.instructions()
    }

    fn one(
        &mut self,
        rewriter: &mut Rewriter<'_>,
        operators: &[Operator<'_>],
        at: usize,
    ) -> Result<(), InstrumentError> {
        let operator = &operators[at];
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => self.depth += 1,
            Operator::End => self.depth -= 1,
            // After a call that was not to return all has been flushed.
            Operator::Unreachable if at > 0 && is_call(&operators[at - 1]) => {}
            Operator::Unreachable => self.flush(),
            _ => self.flush_before(operators, at),
        }
        let per = costs::of(operator).per;
        if per != Per::None {
            self.before(per);
        }
        let instruction = rewriter.instruction(operator.clone())?;
        self.function.instruction(&instruction);
        if matches!(per, Per::Pages | Per::TableElements) {
            self.after_growth(per);
        }
        Ok(())
    }

    /// Keep the operand that the cost depends on, and count it where it is due in any case.
    fn before(&mut self, per: Per) {
        let operand = self.operand;
        self.code().local_tee(operand);
        if matches!(per, Per::Bytes | Per::Elements) {
            self.add_operand(per);
        }
    }

    fn add_operand(&mut self, per: Per) {
        let (count, operand) = (self.count, self.operand);
        let (shift, factor) = costs::shift_and_factor(per);
        let mut code = self.code();
        code.local_get(count).local_get(operand).i64_extend_i32_u();
        code.i64_const(shift.into()).i64_shr_u().i64_const(factor as i64).i64_mul();
        code.i64_add().local_set(count);
    }

    /// Growth is counted where it succeeded; its result stays on the stack.
    fn after_growth(&mut self, per: Per) {
        let result = self.operand + 1;
        self.code().local_tee(result).local_get(result).i32_const(-1).i32_ne().if_(BlockType::Empty);
        self.add_operand(per);
        self.code().end();
    }

    fn flush(&mut self) {
        if !self.plan.counts {
            return;
        }
        let (count, fuel) = (self.count, word(self.info, 0));
        let mut code = self.code();
        code.i32_const(0);
        code.i32_const(0).i64_load(fuel).local_get(count).i64_add();
        code.i64_store(fuel);
    }

    fn flush_before(&mut self, operators: &[Operator<'_>], at: usize) {
        let (count, function) = (self.count, self.flush);
        let flush = self.info.flush_before(operators, at);
        // A call costs something: without a count it stands in code that is never reached.
        if flush == Flush::None || !self.plan.counts {
            return;
        }
        match flush {
            Flush::Checked => {
                self.code().local_get(count).call(function + 1);
            }
            Flush::Last => {
                self.code().local_get(count).call(function);
            }
            _ => self.flush(),
        }
        self.code().i64_const(0).local_set(count);
    }

    /// What is on the stack, or the one NaN instead of any. Scalars by a comparison that is one condition of the
    /// processor's, unlike equality; vectors by a branch that is hardly ever taken.
    fn canonical(&mut self, shape: Shape) {
        let (value, meter) = (self.values[shape as usize], self.info.meter());
        let nan = |align: u32| {
            let offset = if align == 2 { NAN_32_AT } else { NAN_64_AT };
            MemArg { offset, align, memory_index: meter }
        };
        let mut code = self.code();
        code.local_tee(value);
        match shape {
            Shape::F32 => {
                code.i32_const(0).f32_load(nan(2)).local_get(value).local_get(value).f32_ge().select();
            }
            Shape::F64 => {
                code.i32_const(0).f64_load(nan(3)).local_get(value).local_get(value).f64_ge().select();
            }
            Shape::F32x4 => {
                code.local_get(value).f32x4_ne().i32x4_bitmask().if_(BlockType::Empty);
                code.local_get(value).i32_const(0).v128_load32_splat(nan(2));
                code.local_get(value).local_get(value).f32x4_eq().v128_bitselect().local_set(value);
                code.end().local_get(value);
            }
            Shape::F64x2 => {
                code.local_get(value).f64x2_ne().i64x2_bitmask().if_(BlockType::Empty);
                code.local_get(value).i32_const(0).v128_load64_splat(nan(3));
                code.local_get(value).local_get(value).f64x2_eq().v128_bitselect().local_set(value);
                code.end().local_get(value);
            }
        }
    }
}

fn is_call(operator: &Operator<'_>) -> bool {
    matches!(operator, Operator::Call { .. } | Operator::CallIndirect { .. })
}

impl Shape {
    fn ty(self) -> ValType {
        match self {
            Shape::F32 => ValType::F32,
            Shape::F64 => ValType::F64,
            Shape::F32x4 | Shape::F64x2 => ValType::V128,
        }
    }
}
