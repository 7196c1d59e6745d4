//! Where NaNs have to be made canonical, so that nobody can see which bits a processor gave them.
//!
//! Arithmetic on floats gives *raw* values, whose bits are the processor's where they are NaNs. Arithmetic, comparisons
//! and conversions do not care, so raw values flow freely between them, also through locals that hold nothing else.
//! Anything else can see bits: stores, reinterpretations, changes of sign, globals, calls, branches that carry values,
//! vectors looked at with other lanes. A raw value that gets there is made canonical right where it was made.
//! Values that no arithmetic made (loads, parameters, constants) keep their bits, as the specification demands:
//! programs hide pointers in NaNs.

use wasmparser::{ContType, FrameKind, FuncType, ModuleArity, Operator, RefType, SubType, ValType};

use super::InstrumentError;
use super::info::Info;

/// Lanes of a float value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    F32,
    F64,
    F32x4,
    F64x2,
}

/// What is known of a value on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    /// Its bits are its own: an integer, or a float that no arithmetic made.
    Own,
    /// No lane is a NaN, whatever the shape.
    Number,
    /// Made by this operation's arithmetic.
    Raw(Shape, usize),
}

/// What a local holds over the whole function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Numbers only, so far.
    Number,
    /// Raw values of one shape, and numbers.
    Raw(Shape),
    /// Anything, with its bits.
    Own,
}

/// Passes until the locals' classes are given up.
const PASSES_MAX: usize = 12;

/// How an operation treats floats.
enum Kind {
    /// Operands and result of one shape, NaNs in and out.
    Arithmetic(usize, Shape),
    /// One operand of one shape, a result of another.
    Convert(Shape, Shape),
    /// Operands of one shape, whose bits do not matter; the result is no float.
    Observe(usize, Shape),
    /// An integer that becomes a float.
    FromInteger,
    /// A lane out of a vector, a scalar over all lanes, a scalar into one lane.
    Extract(Shape, Shape),
    Splat(Shape, Shape),
    Replace(Shape, Shape),
    Select,
    /// A value is thrown away.
    Drop,
    Constant(bool),
    Other,
}

struct Frame {
    height: usize,
    params: usize,
    results: usize,
    is_loop: bool,
}

struct Pass<'a> {
    info: &'a Info,
    classes: &'a mut [Class],
    changed: bool,
    stack: Vec<Value>,
    frames: Vec<Frame>,
    /// Operations whose result somebody may look at.
    seen: Vec<Option<Shape>>,
}

/// For each operation the shape in which its result is to be made canonical, if it is.
pub fn plan(
    operators: &[Operator<'_>],
    ty: &FuncType,
    locals: &[ValType],
    info: &Info,
) -> Result<Vec<Option<Shape>>, InstrumentError> {
    let mut classes: Vec<Class> = ty.params().iter().map(|_| Class::Own).collect();
    classes.extend(locals.iter().map(|local| match local {
        ValType::F32 => Class::Raw(Shape::F32),
        ValType::F64 => Class::Raw(Shape::F64),
        ValType::V128 => Class::Number,
        _ => Class::Own,
    }));
    for round in 0.. {
        if round == PASSES_MAX {
            classes.fill(Class::Own);
        }
        let mut pass = Pass {
            info,
            classes: &mut classes,
            changed: false,
            stack: Vec::new(),
            frames: vec![Frame { height: 0, params: 0, results: ty.results().len(), is_loop: false }],
            seen: vec![None; operators.len()],
        };
        for (index, operator) in operators.iter().enumerate() {
            pass.step(index, operator)?;
        }
        if !pass.changed {
            return Ok(pass.seen);
        }
    }
    unreachable!("classes only ever rise, and end at the highest")
}

impl Pass<'_> {
    fn step(&mut self, index: usize, operator: &Operator<'_>) -> Result<(), InstrumentError> {
        match operator {
            Operator::Block { blockty } | Operator::Loop { blockty } => {
                self.open(*blockty, matches!(operator, Operator::Loop { .. }))?;
            }
            Operator::If { blockty } => {
                self.pop();
                self.open(*blockty, false)?;
            }
            Operator::Else => {
                let frame = self.frame();
                let (height, params, results) = (frame.height, frame.params, frame.results);
                self.look(results);
                self.stack.truncate(height);
                self.give(params);
            }
            Operator::End => {
                let results = self.frame().results;
                self.look(results);
                if let Some(frame) = self.frames.pop() {
                    self.stack.truncate(frame.height);
                    self.give(results);
                }
            }
            Operator::Br { relative_depth } => self.leave(*relative_depth),
            Operator::BrIf { relative_depth } => {
                self.pop();
                let carried = self.carried(*relative_depth);
                self.look(carried);
                self.give(carried);
            }
            Operator::BrTable { targets } => {
                self.pop();
                self.leave(targets.default());
            }
            Operator::Return => self.leave(self.frames.len().saturating_sub(1) as u32),
            Operator::Unreachable => self.stop(),
            Operator::Call { function_index } => {
                let ty = self.info.type_of_function(*function_index)?;
                self.look(ty.params().len());
                self.give(ty.results().len());
            }
            Operator::CallIndirect { type_index, .. } => {
                self.pop();
                let ty = self.info.function_type(*type_index)?;
                self.look(ty.params().len());
                self.give(ty.results().len());
            }
            Operator::LocalGet { local_index } => {
                let value = self.read(*local_index, index);
                self.stack.push(value);
            }
            Operator::LocalSet { local_index } => {
                let value = self.pop();
                self.write(*local_index, value);
            }
            Operator::LocalTee { local_index } => {
                let value = self.pop();
                self.write(*local_index, value);
                let value = if value == Value::Number { value } else { self.read(*local_index, index) };
                self.stack.push(value);
            }
            _ => self.compute(index, operator),
        }
        Ok(())
    }

    fn compute(&mut self, index: usize, operator: &Operator<'_>) {
        let result = match kind(operator) {
            Kind::Arithmetic(operands, shape) => {
                (0..operands).for_each(|_| self.take(shape));
                Value::Raw(shape, index)
            }
            Kind::Convert(from, to) => {
                self.take(from);
                Value::Raw(to, index)
            }
            Kind::Observe(operands, shape) => {
                (0..operands).for_each(|_| self.take(shape));
                Value::Own
            }
            Kind::FromInteger => {
                self.pop();
                Value::Number
            }
            Kind::Extract(from, to) | Kind::Splat(from, to) => match self.pop() {
                Value::Raw(shape, _) if shape == from => Value::Raw(to, index),
                // Numbers of 32 bits stay numbers, however they are looked at; halves of 64 may not.
                Value::Number if to != Shape::F64x2 => Value::Number,
                value => self.own(value),
            },
            Kind::Replace(vector, scalar) => {
                let (lane, whole) = (self.pop(), self.pop());
                let fits = |value, shape| value == Value::Number || matches!(value, Value::Raw(its, _) if its == shape);
                if fits(lane, scalar) && fits(whole, vector) {
                    Value::Raw(vector, index)
                } else {
                    self.own(lane);
                    self.own(whole)
                }
            }
            Kind::Select => {
                self.pop();
                let (second, first) = (self.pop(), self.pop());
                self.either(first, second, index)
            }
            Kind::Drop => {
                self.pop();
                return;
            }
            Kind::Constant(true) => Value::Number,
            Kind::Constant(false) => Value::Own,
            Kind::Other => {
                // Control and calls, the only ones that need to be asked about, were handled before.
                let (operands, results) = operator.operator_arity(&NoContext).unwrap_or((0, 0));
                self.look(operands as usize);
                self.give(results as usize);
                return;
            }
        };
        self.stack.push(result);
    }

    /// One of two values.
    fn either(&mut self, first: Value, second: Value, index: usize) -> Value {
        match (first, second) {
            (Value::Number, Value::Number) => Value::Number,
            (Value::Raw(shape, _), Value::Number) | (Value::Number, Value::Raw(shape, _)) => Value::Raw(shape, index),
            (Value::Raw(shape, _), Value::Raw(other, _)) if shape == other => Value::Raw(shape, index),
            _ => {
                self.own(first);
                self.own(second)
            }
        }
    }

    fn frame(&mut self) -> &Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame { height: 0, params: 0, results: 0, is_loop: false });
        }
        &self.frames[self.frames.len() - 1]
    }

    /// The topmost value; in code that is never reached, any.
    fn pop(&mut self) -> Value {
        let height = self.frame().height;
        if self.stack.len() > height { self.stack.pop().unwrap_or(Value::Own) } else { Value::Own }
    }

    /// An operand whose NaNs do not matter, if it has this shape.
    fn take(&mut self, shape: Shape) {
        let value = self.pop();
        if !matches!(value, Value::Raw(its, _) if its == shape) {
            self.own(value);
        }
    }

    /// Its bits are looked at, or mixed with others'.
    fn own(&mut self, value: Value) -> Value {
        if let Value::Raw(shape, producer) = value {
            self.seen[producer] = Some(shape);
        }
        Value::Own
    }

    /// This many values are looked at.
    fn look(&mut self, values: usize) {
        for _ in 0..values {
            let value = self.pop();
            self.own(value);
        }
    }

    fn give(&mut self, values: usize) {
        self.stack.extend(std::iter::repeat_n(Value::Own, values));
    }

    fn open(&mut self, ty: wasmparser::BlockType, is_loop: bool) -> Result<(), InstrumentError> {
        let (params, results) = self.info.block_arity(ty)?;
        self.look(params);
        self.frames.push(Frame { height: self.stack.len(), params, results, is_loop });
        self.give(params);
        Ok(())
    }

    /// Values that a branch carries.
    fn carried(&self, depth: u32) -> usize {
        let frame = self.frames.len().checked_sub(1 + depth as usize).and_then(|at| self.frames.get(at));
        frame.map_or(0, |frame| if frame.is_loop { frame.params } else { frame.results })
    }

    fn leave(&mut self, depth: u32) {
        let carried = self.carried(depth);
        self.look(carried);
        self.stop();
    }

    fn stop(&mut self) {
        let height = self.frame().height;
        self.stack.truncate(height);
    }

    fn read(&mut self, local: u32, index: usize) -> Value {
        match self.classes.get(local as usize) {
            Some(Class::Raw(shape)) => Value::Raw(*shape, index),
            Some(Class::Number) => Value::Number,
            _ => Value::Own,
        }
    }

    fn write(&mut self, local: u32, value: Value) {
        let Some(class) = self.classes.get(local as usize).copied() else { return };
        let new = match (class, value) {
            (Class::Own, _) | (_, Value::Own) => Class::Own,
            (_, Value::Number) => class,
            (Class::Number, Value::Raw(shape, _)) => Class::Raw(shape),
            (Class::Raw(shape), Value::Raw(other, _)) if shape == other => class,
            (Class::Raw(_), Value::Raw(..)) => Class::Own,
        };
        if new == Class::Own {
            self.own(value);
        }
        self.changed |= new != class;
        self.classes[local as usize] = new;
    }
}

fn is_number_32(bits: u32) -> bool {
    !f32::from_bits(bits).is_nan()
}

fn is_number_64(bits: u64) -> bool {
    !f64::from_bits(bits).is_nan()
}

fn kind(operator: &Operator<'_>) -> Kind {
    use Operator as O;
    use Shape::{F32, F32x4, F64, F64x2};
    match operator {
        O::F32Add | O::F32Sub | O::F32Mul | O::F32Div | O::F32Min | O::F32Max => Kind::Arithmetic(2, F32),
        O::F64Add | O::F64Sub | O::F64Mul | O::F64Div | O::F64Min | O::F64Max => Kind::Arithmetic(2, F64),
        O::F32x4Add | O::F32x4Sub | O::F32x4Mul | O::F32x4Div => Kind::Arithmetic(2, F32x4),
        O::F64x2Add | O::F64x2Sub | O::F64x2Mul | O::F64x2Div => Kind::Arithmetic(2, F64x2),
        O::F32x4Min | O::F32x4Max => Kind::Arithmetic(2, F32x4),
        O::F64x2Min | O::F64x2Max => Kind::Arithmetic(2, F64x2),
        O::F32Ceil | O::F32Floor | O::F32Trunc | O::F32Nearest | O::F32Sqrt => Kind::Arithmetic(1, F32),
        O::F64Ceil | O::F64Floor | O::F64Trunc | O::F64Nearest | O::F64Sqrt => Kind::Arithmetic(1, F64),
        O::F32x4Ceil | O::F32x4Floor | O::F32x4Trunc => Kind::Arithmetic(1, F32x4),
        O::F32x4Nearest | O::F32x4Sqrt => Kind::Arithmetic(1, F32x4),
        O::F64x2Ceil | O::F64x2Floor | O::F64x2Trunc => Kind::Arithmetic(1, F64x2),
        O::F64x2Nearest | O::F64x2Sqrt => Kind::Arithmetic(1, F64x2),
        O::F32DemoteF64 => Kind::Convert(F64, F32),
        O::F64PromoteF32 => Kind::Convert(F32, F64),
        O::F32x4DemoteF64x2Zero => Kind::Convert(F64x2, F32x4),
        O::F64x2PromoteLowF32x4 => Kind::Convert(F32x4, F64x2),
        O::F32Eq | O::F32Ne | O::F32Lt | O::F32Gt | O::F32Le | O::F32Ge => Kind::Observe(2, F32),
        O::F64Eq | O::F64Ne | O::F64Lt | O::F64Gt | O::F64Le | O::F64Ge => Kind::Observe(2, F64),
        O::F32x4Eq | O::F32x4Ne | O::F32x4Lt | O::F32x4Gt | O::F32x4Le | O::F32x4Ge => Kind::Observe(2, F32x4),
        O::F64x2Eq | O::F64x2Ne | O::F64x2Lt | O::F64x2Gt | O::F64x2Le | O::F64x2Ge => Kind::Observe(2, F64x2),
        O::I32TruncF32S | O::I32TruncF32U | O::I64TruncF32S | O::I64TruncF32U => Kind::Observe(1, F32),
        O::I32TruncF64S | O::I32TruncF64U | O::I64TruncF64S | O::I64TruncF64U => Kind::Observe(1, F64),
        O::I32TruncSatF32S | O::I32TruncSatF32U | O::I64TruncSatF32S | O::I64TruncSatF32U => Kind::Observe(1, F32),
        O::I32TruncSatF64S | O::I32TruncSatF64U | O::I64TruncSatF64S | O::I64TruncSatF64U => Kind::Observe(1, F64),
        O::I32x4TruncSatF32x4S | O::I32x4TruncSatF32x4U => Kind::Observe(1, F32x4),
        O::I32x4TruncSatF64x2SZero | O::I32x4TruncSatF64x2UZero => Kind::Observe(1, F64x2),
        O::F32ConvertI32S | O::F32ConvertI32U | O::F32ConvertI64S | O::F32ConvertI64U => Kind::FromInteger,
        O::F64ConvertI32S | O::F64ConvertI32U | O::F64ConvertI64S | O::F64ConvertI64U => Kind::FromInteger,
        O::F32x4ExtractLane { .. } => Kind::Extract(F32x4, F32),
        O::F64x2ExtractLane { .. } => Kind::Extract(F64x2, F64),
        O::F32x4Splat => Kind::Splat(F32, F32x4),
        O::F64x2Splat => Kind::Splat(F64, F64x2),
        O::F32x4ReplaceLane { .. } => Kind::Replace(F32x4, F32),
        O::F64x2ReplaceLane { .. } => Kind::Replace(F64x2, F64),
        O::Select | O::TypedSelect { .. } => Kind::Select,
        O::Drop => Kind::Drop,
        O::F32Const { value } => Kind::Constant(is_number_32(value.bits())),
        O::F64Const { value } => Kind::Constant(is_number_64(value.bits())),
        O::V128Const { value } => Kind::Constant(is_number_128(value.bytes())),
        _ => Kind::Other,
    }
}

fn is_number_128(bytes: &[u8; 16]) -> bool {
    let narrow =
        bytes.chunks_exact(4).all(|lane| is_number_32(u32::from_le_bytes(lane.try_into().unwrap_or_default())));
    let wide = bytes.chunks_exact(8).all(|lane| is_number_64(u64::from_le_bytes(lane.try_into().unwrap_or_default())));
    narrow && wide
}

/// For operations whose operands do not depend on the module.
struct NoContext;

impl ModuleArity for NoContext {
    fn sub_type_at(&self, _: u32) -> Option<&SubType> {
        None
    }
    fn tag_type_arity(&self, _: u32) -> Option<(u32, u32)> {
        None
    }
    fn type_index_of_function(&self, _: u32) -> Option<u32> {
        None
    }
    fn func_type_of_cont_type(&self, _: &ContType) -> Option<&FuncType> {
        None
    }
    fn sub_type_of_ref_type(&self, _: &RefType) -> Option<&SubType> {
        None
    }
    fn control_stack_height(&self) -> u32 {
        0
    }
    fn label_block(&self, _: u32) -> Option<(wasmparser::BlockType, FrameKind)> {
        None
    }
}
