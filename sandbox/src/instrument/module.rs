//! Rewrites one core module.

use std::collections::HashMap;
use std::convert::Infallible;

use wasm_encoder::reencode::{self, Error, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, EntityType, FunctionSection, ImportSection, Module, SectionId, TypeSection,
};
use wasmparser::{CodeSectionReader, FunctionSectionReader, ImportSectionReader, Parser, TypeSectionReader};

use super::info::Info;
use super::meter::{METER_MEMORY, METER_MODULE, memory_type};
use super::{Floats, InstrumentError, body};

/// Instrument a valid core module.
pub fn module(core: &[u8], floats: Floats) -> Result<Vec<u8>, InstrumentError> {
    let info = Info::of(core)?;
    let mut rewriter = Rewriter::new(&info, floats);
    let mut module = Module::new();
    rewriter.parse_core_module(&mut module, Parser::new(0), core).map_err(|error| match error {
        Error::UserError(error) => error,
        other => InstrumentError::new(other.to_string()),
    })?;
    Ok(module.finish())
}

/// Copies a module and changes what has to be.
pub struct Rewriter<'a> {
    pub info: &'a Info,
    pub floats: Floats,
    imported: bool,
    /// Types that were added: functions without parameters, by the type whose results they have.
    blocks: HashMap<u32, u32>,
    /// Type of the functions that flush.
    flush_type: u32,
}

impl<'a> Rewriter<'a> {
    fn new(info: &'a Info, floats: Floats) -> Self {
        Self { info, floats, imported: false, blocks: HashMap::new(), flush_type: 0 }
    }

    /// Index of the function that flushes, behind all others, and before the one that also checks.
    pub fn flush_function(&self) -> u32 {
        self.info.functions.len() as u32
    }

    /// Type of a block that gives a function's results.
    pub fn results_block(&mut self, function: u32) -> Result<BlockType, InstrumentError> {
        let ty = self.info.type_of_function(function)?;
        Ok(match ty.results() {
            [] => BlockType::Empty,
            [one] => BlockType::Result(self.val_type(*one)?),
            _ => {
                let index = self.info.functions[function as usize];
                let own = ty.params().is_empty().then_some(index);
                let added = own.or_else(|| self.blocks.get(&index).copied());
                BlockType::FunctionType(added.ok_or_else(|| InstrumentError::new("a block's type is missing"))?)
            }
        })
    }

    fn add_import(&mut self, imports: &mut ImportSection) {
        imports.import(METER_MODULE, METER_MEMORY, EntityType::Memory(memory_type()));
        self.imported = true;
    }

    fn add_types(&mut self, types: &mut TypeSection) -> Result<(), InstrumentError> {
        let mut next = self.info.types.len() as u32;
        for (index, ty) in self.info.types.iter().enumerate() {
            if ty.results().len() > 1 && !ty.params().is_empty() {
                let results = ty.results().iter().map(|ty| self.val_type(*ty)).collect::<Result<Vec<_>, _>>()?;
                types.ty().function([], results);
                self.blocks.insert(index as u32, next);
                next += 1;
            }
        }
        types.ty().function([wasm_encoder::ValType::I64], []);
        self.flush_type = next;
        Ok(())
    }
}

impl From<Infallible> for InstrumentError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

fn wrong(error: impl Into<InstrumentError>) -> reencode::Error<InstrumentError> {
    Error::UserError(error.into())
}

impl Reencode for Rewriter<'_> {
    type Error = InstrumentError;

    fn memory_index(&mut self, memory: u32) -> Result<u32, Error<Self::Error>> {
        Ok(self.info.memory(memory))
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: TypeSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_type_section(self, types, section)?;
        self.add_types(types).map_err(wrong)
    }

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_import_section(self, imports, section)?;
        self.add_import(imports);
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_function_section(self, functions, section)?;
        functions.function(self.flush_type).function(self.flush_type);
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        for (at, body) in section.into_iter().enumerate() {
            let index = self.info.imported_functions + at as u32;
            let function = body::rewrite(self, index, &body?).map_err(wrong)?;
            code.function(&function);
        }
        code.function(&body::flush(self.info)).function(&body::flush_and_check(self.info));
        Ok(())
    }

    /// A module without imports gets its first one where imports stand: after types.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _after: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Result<(), Error<Self::Error>> {
        if !self.imported && !matches!(before, Some(SectionId::Type | SectionId::Import)) {
            let mut imports = ImportSection::new();
            self.add_import(&mut imports);
            module.section(&imports);
        }
        Ok(())
    }
}
