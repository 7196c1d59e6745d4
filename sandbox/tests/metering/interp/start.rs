//! A module becomes an instance: imports, constant expressions, segments, the start function.

use wasmparser::{ConstExpr, DataKind, ElementKind, Operator as O, TypeRef};

use super::memory::Memory;
use super::module::{Item, Module};
use super::table::Table;
use super::value::{FuncRef, Stack};
use super::{Interp, Kind, Stop, Trap, Value};
use crate::host::{Host, Setup, foreign};

impl<'m> Interp<'m> {
    /// Instantiate. The instance comes back even where initialisation ended early, so that its fuel can be read.
    pub fn new(module: &'m Module<'m>, setup: &Setup) -> (Self, Result<(), Stop>) {
        let (reaching, indirect_reaches) = module.reaching();
        let mut instance = Self {
            module,
            reaching,
            indirect_reaches,
            may_call_foreign: module.may_call_foreign(),
            stack: Stack::default(),
            frames: Vec::new(),
            memories: module.memories.iter().map(|ty| Memory::new(ty, setup.pages_max)).collect(),
            tables: module.tables.iter().map(|ty| Table::new(ty, setup.elements_max)).collect(),
            globals: Vec::new(),
            elements: Vec::new(),
            data: module.data.iter().map(|(_, bytes)| *bytes).collect(),
            fuel: setup.fuel,
            limit: setup.limit,
            steps: setup.steps,
            host: Host::new(setup),
        };
        instance.import();
        for (_, init) in &module.globals {
            let value = instance.constant(init);
            instance.globals.push(value);
        }
        let started = instance.segments().map_err(Stop::Trap).and_then(|()| match module.start {
            Some(index) => instance.invoke(index, &[]).map(drop),
            None => Ok(()),
        });
        (instance, started)
    }

    /// Imported globals, and what imported tables hold.
    fn import(&mut self) {
        let mut tables = 0;
        for (place, ty) in self.module.imports.iter().enumerate() {
            match ty {
                TypeRef::Global(ty) => self.globals.push(self.host.global(place, Kind::from(ty.content_type))),
                TypeRef::Table(_) => {
                    for (slot, value) in self.tables[tables].slots.iter_mut().enumerate() {
                        *value = foreign(slot);
                    }
                    tables += 1;
                }
                _ => {}
            }
        }
    }

    fn segments(&mut self) -> Result<(), Trap> {
        for (_, items) in &self.module.elements {
            let items = items.iter().map(|item| self.item(item)).collect();
            self.elements.push(items);
        }
        for (index, (kind, _)) in self.module.elements.iter().enumerate() {
            if let ElementKind::Active { table_index, offset_expr } = kind {
                let to = self.offset(offset_expr);
                let items = &self.elements[index];
                self.tables[table_index.unwrap_or(0) as usize].init(items, to, 0, items.len() as u32)?;
            }
            if !matches!(kind, ElementKind::Passive) {
                self.elements[index].clear();
            }
        }
        for (index, (kind, bytes)) in self.module.data.iter().enumerate() {
            if let DataKind::Active { memory_index, offset_expr } = kind {
                let to = self.offset(offset_expr);
                self.memories[*memory_index as usize].init(bytes, to, 0, bytes.len() as u32)?;
                self.data[index] = &[];
            }
        }
        Ok(())
    }

    fn item(&self, item: &Item<'_>) -> Option<FuncRef> {
        match item {
            Item::Function(index) => Some(FuncRef::Own(*index)),
            Item::Expression(expr) => match self.constant(expr) {
                Value::Func(reference) => reference,
                other => panic!("a table holds references, not {other:?}"),
            },
        }
    }

    fn offset(&self, expr: &ConstExpr<'_>) -> u32 {
        match self.constant(expr) {
            Value::I32(offset) => offset,
            other => panic!("an offset is an i32, not {other:?}"),
        }
    }

    /// A constant expression's value. It costs nothing.
    fn constant(&self, expr: &ConstExpr<'_>) -> Value {
        let mut stack = Stack::default();
        for op in expr.get_operators_reader() {
            match op.expect("valid module") {
                O::GlobalGet { global_index } => stack.0.push(self.globals[global_index as usize]),
                O::RefFunc { function_index } => stack.push(Some(FuncRef::Own(function_index))),
                O::RefNull { .. } => stack.push(None::<FuncRef>),
                O::V128Const { value } => stack.push(value.i128() as u128),
                O::End => {}
                op => {
                    let done = super::int::execute(&op, &mut stack).and_then(|done| match done {
                        true => Ok(true),
                        false => super::float::execute(&op, &mut stack),
                    });
                    assert_eq!(done, Ok(true), "no constant operation: {op:?}");
                }
            }
        }
        stack.take()
    }
}
