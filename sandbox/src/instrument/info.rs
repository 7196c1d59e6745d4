//! What the rewriting of one function has to know about its module.

use wasmparser::{
    BlockType, ConstExpr, ElementItems, ExternalKind, FuncType, Operator, Parser, Payload, TypeRef, ValType,
};

use super::InstrumentError;

/// A module's types and index spaces.
#[derive(Debug, Default)]
pub struct Info {
    /// Function types; empty ones stand for what is no function.
    pub types: Vec<Option<FuncType>>,
    /// Type of each function, imported ones first.
    pub functions: Vec<u32>,
    /// Number of imported functions.
    pub imported_functions: u32,
    /// Number of imported memories; the meter's comes right after them.
    pub imported_memories: u32,
    /// Types of globals, imported ones first.
    pub globals: Vec<ValType>,
    /// Whether an indirect call may reach a function of somebody else.
    pub foreign_tables: bool,
    /// Functions of the module's own that stand in tables, or may be put there.
    referenced: Vec<u32>,
    /// What each function of the module's own calls.
    calls: Vec<Calls>,
    /// Functions that may call somebody else's and return, imported ones first; and whether an indirect call may.
    reaching: Vec<bool>,
    indirect_reaches: bool,
}

/// Calls of one function, without those that never return.
#[derive(Debug, Default)]
struct Calls {
    direct: Vec<u32>,
    indirect: bool,
}

/// What comes before a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// Nothing: whoever looks at the counter is not called.
    None,
    /// The count is flushed.
    Plain,
    /// The count is flushed; the call never returns.
    Last,
    /// The count is flushed, and compared with the limit.
    Checked,
}

impl Info {
    /// Look through a module.
    pub fn of(module: &[u8]) -> Result<Self, InstrumentError> {
        let mut info = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            info.note(payload?)?;
        }
        info.referenced.sort_unstable();
        info.referenced.dedup();
        info.find_reaching();
        Ok(info)
    }

    /// From functions that call imported ones to those that call them, and so on.
    fn find_reaching(&mut self) {
        let imported = self.imported_functions as usize;
        self.reaching = vec![false; self.functions.len()];
        let mut callers = vec![Vec::new(); self.functions.len()];
        for (caller, calls) in self.calls.iter().enumerate() {
            for callee in &calls.direct {
                if let Some(callers) = callers.get_mut(*callee as usize) {
                    callers.push(imported + caller);
                }
            }
        }
        let mut found: Vec<usize> = (0..imported).collect();
        if self.foreign_tables {
            found.extend(self.reached_indirectly());
        }
        while let Some(function) = found.pop() {
            let Some(reaching) = self.reaching.get_mut(function) else { continue };
            if std::mem::replace(reaching, true) {
                continue;
            }
            found.append(&mut callers[function]);
            if !self.indirect_reaches && self.referenced.binary_search(&(function as u32)).is_ok() {
                found.extend(self.reached_indirectly());
            }
        }
    }

    /// Indirect calls may reach somebody: so may all functions that have one.
    fn reached_indirectly(&mut self) -> Vec<usize> {
        self.indirect_reaches = true;
        let imported = self.imported_functions as usize;
        let calls = self.calls.iter().enumerate();
        calls.filter(|(_, calls)| calls.indirect).map(|(index, _)| imported + index).collect()
    }

    fn note(&mut self, payload: Payload<'_>) -> Result<(), InstrumentError> {
        match payload {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    self.types.push(Some(ty?));
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    self.note_import(import?.ty);
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty?);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
                    self.globals.push(global.ty.content_type);
                    self.note_constant(&global.init_expr)?;
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    if let wasmparser::TableInit::Expr(expr) = &table?.init {
                        self.note_constant(expr)?;
                    }
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    self.foreign_tables |= export?.kind == ExternalKind::Table;
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    self.note_elements(element?.items)?;
                }
            }
            Payload::CodeSectionEntry(body) => {
                let mut calls = Calls::default();
                let mut operators = body.get_operators_reader()?.into_iter().peekable();
                while let Some(operator) = operators.next() {
                    let returns = !matches!(operators.peek(), Some(Ok(Operator::Unreachable)));
                    match operator? {
                        Operator::RefFunc { function_index } => self.note_reference(function_index),
                        Operator::Call { function_index } if returns => calls.direct.push(function_index),
                        Operator::CallIndirect { .. } if returns => calls.indirect = true,
                        _ => {}
                    }
                }
                calls.direct.sort_unstable();
                calls.direct.dedup();
                self.calls.push(calls);
            }
            _ => {}
        }
        Ok(())
    }

    fn note_import(&mut self, ty: TypeRef) {
        match ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                self.functions.push(ty);
                self.imported_functions += 1;
            }
            TypeRef::Memory(_) => self.imported_memories += 1,
            TypeRef::Table(_) => self.foreign_tables = true,
            TypeRef::Global(global) => self.globals.push(global.content_type),
            TypeRef::Tag(_) => {}
        }
    }

    fn note_elements(&mut self, items: ElementItems<'_>) -> Result<(), InstrumentError> {
        match items {
            ElementItems::Functions(section) => {
                for function in section {
                    self.note_reference(function?);
                }
            }
            ElementItems::Expressions(_, section) => {
                for expr in section {
                    self.note_constant(&expr?)?;
                }
            }
        }
        Ok(())
    }

    fn note_constant(&mut self, expr: &ConstExpr<'_>) -> Result<(), InstrumentError> {
        for operator in expr.get_operators_reader() {
            if let Operator::RefFunc { function_index } = operator? {
                self.note_reference(function_index);
            }
        }
        Ok(())
    }

    fn note_reference(&mut self, function: u32) {
        self.foreign_tables |= function < self.imported_functions;
        self.referenced.push(function);
    }

    /// A type that has to be a function's.
    pub fn function_type(&self, index: u32) -> Result<&FuncType, InstrumentError> {
        let ty = self.types.get(index as usize).and_then(Option::as_ref);
        ty.ok_or_else(|| InstrumentError::new(format!("type {index} is no function type")))
    }

    /// Type of a function.
    pub fn type_of_function(&self, index: u32) -> Result<&FuncType, InstrumentError> {
        let ty = self.functions.get(index as usize);
        self.function_type(*ty.ok_or_else(|| InstrumentError::new(format!("there is no function {index}")))?)
    }

    /// How many values a block takes and gives.
    pub fn block_arity(&self, ty: BlockType) -> Result<(usize, usize), InstrumentError> {
        Ok(match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(index) => {
                let ty = self.function_type(index)?;
                (ty.params().len(), ty.results().len())
            }
        })
    }

    /// Index of a memory of the module, once the meter's has been put among them.
    pub fn memory(&self, index: u32) -> u32 {
        if index < self.imported_memories { index } else { index + 1 }
    }

    /// Index of the meter's memory.
    pub fn meter(&self) -> u32 {
        self.imported_memories
    }

    /// What comes before an operation: the count is flushed before calls that may lead to a function that somebody
    /// else made, and before those that never return, which end in a trap as a rule.
    pub fn flush_before(&self, operators: &[Operator<'_>], index: usize) -> Flush {
        let (reaches, checked) = match &operators[index] {
            Operator::Call { function_index } => {
                let reaches = self.reaching.get(*function_index as usize).copied().unwrap_or_default();
                (reaches, *function_index < self.imported_functions)
            }
            Operator::CallIndirect { .. } => (self.indirect_reaches, self.foreign_tables),
            _ => return Flush::None,
        };
        let returns = !matches!(operators.get(index + 1), Some(Operator::Unreachable));
        match (checked, returns, reaches) {
            (true, ..) => Flush::Checked,
            (_, false, _) => Flush::Last,
            (.., true) => Flush::Plain,
            _ => Flush::None,
        }
    }
}
