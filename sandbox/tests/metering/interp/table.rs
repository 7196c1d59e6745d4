//! Tables of references to functions.

use wasmparser::Operator as O;

use super::value::FuncRef;
use super::{Interp, Trap};

/// A table.
#[derive(Debug)]
pub struct Table {
    pub slots: Vec<Option<FuncRef>>,
    slots_max: u64,
}

impl Table {
    pub fn new(ty: &wasmparser::TableType, slots_max: u64) -> Self {
        let slots_max = ty.maximum.unwrap_or(u32::MAX.into()).min(slots_max);
        Self { slots: vec![None; ty.initial as usize], slots_max }
    }

    pub fn get(&self, slot: u32) -> Result<Option<FuncRef>, Trap> {
        self.slots.get(slot as usize).copied().ok_or(Trap::TableOutOfBounds)
    }

    fn slice(&mut self, from: u32, len: u32) -> Result<&mut [Option<FuncRef>], Trap> {
        self.slots.get_mut(from as usize..from as usize + len as usize).ok_or(Trap::TableOutOfBounds)
    }

    fn grow(&mut self, delta: u32, value: Option<FuncRef>) -> Option<u32> {
        let (old, new) = (self.slots.len(), self.slots.len() as u64 + u64::from(delta));
        (new <= self.slots_max).then(|| {
            self.slots.resize(new as usize, value);
            old as u32
        })
    }

    /// Copy a segment's part in.
    pub fn init(&mut self, items: &[Option<FuncRef>], to: u32, from: u32, len: u32) -> Result<(), Trap> {
        let part = items.get(from as usize..from as usize + len as usize).ok_or(Trap::TableOutOfBounds)?;
        self.slice(to, len)?.copy_from_slice(part);
        Ok(())
    }
}

impl Interp<'_> {
    /// Execute it if it is one of these.
    pub(super) fn table(&mut self, op: &O<'_>) -> Result<bool, Trap> {
        match op {
            O::RefNull { .. } => self.stack.push(None::<FuncRef>),
            O::RefFunc { function_index } => self.stack.push(Some(FuncRef::Own(*function_index))),
            O::RefIsNull => self.stack.unary(|reference: Option<FuncRef>| reference.is_none()),
            O::TableGet { table } => {
                let slot = self.stack.pop();
                self.stack.push(self.tables[*table as usize].get(slot)?);
            }
            O::TableSet { table } => {
                let (value, slot): (_, u32) = (self.stack.pop(), self.stack.pop());
                self.tables[*table as usize].slice(slot, 1)?[0] = value;
            }
            O::TableSize { table } => self.stack.push(self.tables[*table as usize].slots.len() as u32),
            O::TableGrow { table } => {
                let (delta, value) = (self.stack.pop(), self.stack.pop());
                let old = self.tables[*table as usize].grow(delta, value);
                self.grown(op, delta, old);
            }
            O::TableFill { table } => {
                let (len, value, to) = (self.stack.pop(), self.stack.pop(), self.stack.pop());
                self.tables[*table as usize].slice(to, len)?.fill(value);
            }
            O::TableCopy { dst_table, src_table } => {
                let (to, from, len) = self.three();
                let part = self.tables[*src_table as usize].slice(from, len)?.to_vec();
                self.tables[*dst_table as usize].slice(to, len)?.copy_from_slice(&part);
            }
            O::TableInit { elem_index, table } => {
                let (to, from, len) = self.three();
                self.tables[*table as usize].init(&self.elements[*elem_index as usize], to, from, len)?;
            }
            O::ElemDrop { elem_index } => self.elements[*elem_index as usize].clear(),
            _ => return Ok(false),
        }
        Ok(true)
    }
}
