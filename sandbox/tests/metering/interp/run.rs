//! Frames, labels and calls.

use wasmparser::{BlockType, Operator as O};

use super::module::Code;
use super::value::FuncRef;
use super::{Interp, Kind, Stop, Trap, Value};
use crate::host::{Callee, FOREIGN};

/// Calls within each other before the interpreter gives up.
const DEPTH_MAX: usize = 500;

/// A function that runs.
pub struct Frame<'m> {
    code: &'m Code<'m>,
    /// The next operation.
    next: usize,
    locals: Vec<Value>,
    /// Open blocks, the function's own first.
    labels: Vec<Label>,
    /// Fuel of its own operations since its last flush.
    pub(super) count: u64,
}

/// An open block.
struct Label {
    /// Height of the stack below its parameters.
    height: usize,
    /// Values that a branch to it carries.
    arity: usize,
    /// Where a branch goes on.
    target: usize,
    /// A branch to a loop keeps it open.
    stays: bool,
}

impl<'m> Interp<'m> {
    /// Call a function from outside.
    pub fn invoke(&mut self, index: u32, args: &[Value]) -> Result<Vec<Value>, Stop> {
        self.stack.0.extend(args);
        let ran = self.run(index);
        self.frames.clear();
        let results = std::mem::take(&mut self.stack.0);
        ran.map(|()| results.into_iter().map(Value::erased).collect())
    }

    fn run(&mut self, index: u32) -> Result<(), Stop> {
        self.enter(index)?;
        while !self.frames.is_empty() {
            self.steps = self.steps.checked_sub(1).ok_or(Stop::Exhausted)?;
            self.step()?;
        }
        Ok(())
    }

    pub(super) fn frame(&mut self) -> &mut Frame<'m> {
        self.frames.last_mut().expect("a function runs")
    }

    /// Execute one operation.
    fn step(&mut self) -> Result<(), Stop> {
        let frame = self.frame();
        let (code, place) = (frame.code, frame.next);
        let op = &code.ops[place];
        frame.next += 1;
        self.charge(op);
        match op {
            O::Nop => {}
            O::Drop => drop(self.stack.take()),
            O::Select | O::TypedSelect { .. } => self.select(),
            O::LocalGet { local_index } => {
                let value = self.frame().locals[*local_index as usize];
                self.stack.0.push(value);
            }
            O::LocalSet { local_index } => self.frame().locals[*local_index as usize] = self.stack.take(),
            O::LocalTee { local_index } => self.frame().locals[*local_index as usize] = self.stack.top(),
            O::GlobalGet { global_index } => self.stack.0.push(self.globals[*global_index as usize]),
            O::GlobalSet { global_index } => self.globals[*global_index as usize] = self.stack.take(),
            _ => return if self.control(op, code, place)? { Ok(()) } else { self.compute(op, code.bytes[place]) },
        }
        Ok(())
    }

    fn compute(&mut self, op: &O<'_>, encoded: &[u8]) -> Result<(), Stop> {
        let done = super::int::execute(op, &mut self.stack)?
            || super::float::execute(op, &mut self.stack)?
            || self.memory(op)?
            || self.table(op)?
            || super::vector::execute(op, encoded, &mut self.stack);
        assert!(done, "no such operation here: {op:?}");
        Ok(())
    }

    fn control(&mut self, op: &O<'_>, code: &Code<'_>, place: usize) -> Result<bool, Stop> {
        match op {
            O::Unreachable => {
                self.flush();
                return Err(Trap::UnreachableCodeReached.into());
            }
            O::Block { blockty } => self.open(*blockty, code.ends[place] + 1, false),
            O::Loop { blockty } => self.open(*blockty, place + 1, true),
            O::If { blockty } => {
                let condition: bool = self.stack.pop();
                self.open(*blockty, code.ends[place] + 1, false);
                if !condition {
                    self.frame().next = code.elses[place].map_or(code.ends[place], |other| other + 1);
                }
            }
            O::Else => self.frame().next = code.ends[place],
            O::End => {
                self.frame().labels.pop();
                if self.frame().labels.is_empty() {
                    self.leave();
                }
            }
            O::Br { relative_depth } => self.branch(*relative_depth),
            O::BrIf { relative_depth } => {
                if self.stack.pop() {
                    self.branch(*relative_depth);
                }
            }
            O::BrTable { targets } => {
                let index: u32 = self.stack.pop();
                let target = targets.targets().nth(index as usize);
                self.branch(target.map_or(targets.default(), |target| target.expect("valid module")));
            }
            O::Return => {
                let outermost = self.frame().labels.len() as u32 - 1;
                self.branch(outermost);
            }
            O::Call { function_index } => {
                if self.reaching[*function_index as usize] || code.never_returns(place) {
                    self.flush();
                }
                if (*function_index as usize) < self.module.imported_functions {
                    self.check_limit()?;
                }
                self.enter(*function_index)?;
            }
            O::CallIndirect { type_index, table_index } => {
                if self.indirect_reaches || code.never_returns(place) {
                    self.flush();
                }
                self.call_indirect(*type_index, *table_index)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn select(&mut self) {
        let condition: bool = self.stack.pop();
        let (b, a) = (self.stack.take(), self.stack.take());
        self.stack.0.push(if condition { a } else { b });
    }

    fn open(&mut self, ty: BlockType, target: usize, stays: bool) {
        let (takes, leaves) = self.module.arity(ty);
        let height = self.stack.0.len() - takes;
        let arity = if stays { takes } else { leaves };
        self.frame().labels.push(Label { height, arity, target, stays });
    }

    fn branch(&mut self, depth: u32) {
        let labels = &mut self.frames.last_mut().expect("a function runs").labels;
        let at = labels.len() - 1 - depth as usize;
        let Label { height, arity, target, stays } = labels[at];
        labels.truncate(if stays { at + 1 } else { at });
        self.stack.unwind(height, arity);
        self.frame().next = target;
        if self.frame().labels.is_empty() {
            self.leave();
        }
    }

    fn call_indirect(&mut self, type_index: u32, table_index: u32) -> Result<(), Stop> {
        if self.may_call_foreign {
            self.check_limit()?;
        }
        let slot = self.stack.pop();
        let callee = self.tables[table_index as usize].get(slot)?.ok_or(Trap::IndirectCallToNull)?;
        let expected = self.module.ty(type_index);
        match callee {
            FuncRef::Own(index) if self.module.function(index) != expected => Err(Trap::BadSignature.into()),
            FuncRef::Own(index) => self.enter(index),
            FuncRef::Foreign(place) => {
                let kinds =
                    |types: &[wasmparser::ValType]| -> Vec<Kind> { types.iter().map(|ty| (*ty).into()).collect() };
                let (params, results) = FOREIGN[place];
                if (kinds(expected.params()), kinds(expected.results())) != (params.to_vec(), results.to_vec()) {
                    return Err(Trap::BadSignature.into());
                }
                self.call_host(Callee::Foreign(place), params.len(), results);
                Ok(())
            }
        }
    }

    /// Start a function with the arguments on the stack, or have the host do it.
    fn enter(&mut self, index: u32) -> Result<(), Stop> {
        let ty = self.module.function(index);
        let Some(own) = (index as usize).checked_sub(self.module.imported_functions) else {
            let results: Vec<Kind> = ty.results().iter().map(|ty| (*ty).into()).collect();
            self.call_host(Callee::Import(self.place_of_import(index)), ty.params().len(), &results);
            return Ok(());
        };
        if self.frames.len() == DEPTH_MAX {
            return Err(Stop::Exhausted);
        }
        let code = &self.module.codes[own];
        let height = self.stack.0.len() - ty.params().len();
        let mut locals = self.stack.0.split_off(height);
        locals.extend(code.locals.iter().map(|ty| Kind::from(*ty).zero()));
        let label = Label { height, arity: ty.results().len(), target: code.ops.len(), stays: false };
        self.frames.push(Frame { code, next: 0, locals, labels: vec![label], count: 0 });
        Ok(())
    }

    /// End the function that runs. Its results are what is left on the stack.
    fn leave(&mut self) {
        self.flush();
        self.frames.pop();
    }

    fn call_host(&mut self, callee: Callee, params: usize, results: &[Kind]) {
        let args = self.stack.0.split_off(self.stack.0.len() - params);
        self.stack.0.extend(self.host.call(callee, args, self.fuel, results));
    }

    /// Place among all imports of an imported function.
    fn place_of_import(&self, index: u32) -> usize {
        let functions = self.module.imports.iter().enumerate();
        let mut functions = functions.filter(|(_, ty)| matches!(ty, wasmparser::TypeRef::Func(_)));
        functions.nth(index as usize).expect("an imported function").0
    }
}

impl From<Trap> for Stop {
    fn from(trap: Trap) -> Self {
        Stop::Trap(trap)
    }
}
