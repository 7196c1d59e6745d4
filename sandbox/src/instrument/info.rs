//! What the rewriting of one function has to know about its module.

use wasmparser::{
    BlockType, ConstExpr, ElementItems, ExternalKind, FuncType, Operator, OperatorsReader, Parser, Payload, TypeRef,
};

use super::InstrumentError;
use super::reach::{Calls, Reach};

/// A module's types and index spaces.
#[derive(Debug, Default)]
pub struct Info {
    /// Function types.
    pub types: Vec<FuncType>,
    /// Type of each function, imported ones first.
    pub functions: Vec<u32>,
    /// Number of imported functions.
    pub imported_functions: u32,
    /// Number of imported memories; the meter's comes right after them.
    pub imported_memories: u32,
    /// Whether an indirect call may reach a function of somebody else.
    pub foreign_tables: bool,
    /// Who may come to call somebody else.
    reach: Reach,
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
        info.reach.find(info.imported_functions, info.functions.len(), info.foreign_tables);
        Ok(info)
    }

    fn note(&mut self, payload: Payload<'_>) -> Result<(), InstrumentError> {
        match payload {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    self.types.push(ty?);
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
                    self.note_constant(&global?.init_expr)?;
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
                self.note_body(body.get_operators_reader()?)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn note_body(&mut self, operators: OperatorsReader<'_>) -> Result<(), InstrumentError> {
        let mut calls = Calls::default();
        let mut operators = operators.into_iter().peekable();
        while let Some(operator) = operators.next() {
            let returns = !matches!(operators.peek(), Some(Ok(Operator::Unreachable)));
            match operator? {
                Operator::RefFunc { function_index } => self.note_reference(function_index),
                Operator::Call { function_index } if returns => calls.direct.push(function_index),
                Operator::CallIndirect { .. } if returns => calls.indirect = true,
                _ => {}
            }
        }
        self.reach.add(calls);
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
            TypeRef::Global(_) | TypeRef::Tag(_) => {}
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
        self.reach.refer(function);
    }

    /// A type that has to be a function's.
    pub fn function_type(&self, index: u32) -> Result<&FuncType, InstrumentError> {
        let ty = self.types.get(index as usize);
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
                (self.reach.reaches(*function_index), *function_index < self.imported_functions)
            }
            Operator::CallIndirect { .. } => (self.reach.indirectly(), self.foreign_tables),
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
