//! Puts one operation where a compiler calls a function: products of 64 by 64 bits to 128.
//!
//! Compilers for WebAssembly make a call of `__multi3` of each such product, which costs several times what the
//! operation `i64.mul_wide_u` does. The author's tool replaces these calls before it signs (decision 14), so the grid
//! sees a program like any other. The function is known by what it computes (`product`), because programs come
//! without names. What is replaced gives the same results wherever the program did not trap.

mod calls;
mod known;
mod product;

use wasm_encoder::reencode::{self, Error, Reencode, ReencodeComponent};
use wasm_encoder::{CodeSection, Component, Module, RawSection};
use wasmparser::{CodeSectionReader, Operator, Parser, Payload};

use crate::instrument::{Info, InstrumentError};

/// Section of a core module within a component.
const CORE_MODULE: u8 = 1;

/// A component that cannot be read, or has what only newer engines know.
#[derive(Clone, Debug, thiserror::Error)]
#[error("products cannot be made wide: {0}")]
pub struct WidenError(String);

impl From<wasmparser::BinaryReaderError> for WidenError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self(error.to_string())
    }
}

impl From<InstrumentError> for WidenError {
    fn from(error: InstrumentError) -> Self {
        Self(error.to_string())
    }
}

impl From<Error<WidenError>> for WidenError {
    fn from(error: Error<WidenError>) -> Self {
        match error {
            Error::UserError(error) => error,
            other => Self(other.to_string()),
        }
    }
}

/// A valid component with wide products, or nothing where it has none to replace.
pub fn component(bytes: &[u8]) -> Result<Option<Vec<u8>>, WidenError> {
    let mut component = Component::new();
    let mut copy = Copy { changed: false };
    copy.parse_component(&mut component, Parser::new(0), bytes)?;
    Ok(copy.changed.then(|| component.finish()))
}

/// The same for a valid core module.
pub fn module(core: &[u8]) -> Result<Option<Vec<u8>>, WidenError> {
    let functions = Functions::of(core)?;
    if !functions.products.contains(&true) {
        return Ok(None);
    }
    let mut module = Module::new();
    let mut rewriter = Rewriter { functions, changed: false };
    rewriter.parse_core_module(&mut module, Parser::new(0), core)?;
    Ok(rewriter.changed.then(|| module.finish()))
}

/// A module's functions, and which of them multiply.
struct Functions {
    info: Info,
    products: Vec<bool>,
}

impl Functions {
    fn of(core: &[u8]) -> Result<Self, WidenError> {
        let info = Info::of(core)?;
        let mut products = vec![false; info.imported_functions as usize];
        for payload in Parser::new(0).parse_all(core) {
            if let Payload::CodeSectionEntry(body) = payload? {
                let ty = info.type_of_function(products.len() as u32)?;
                products.push(product::is_product(ty, &body)?);
            }
        }
        Ok(Self { info, products })
    }

    fn is_product(&self, operator: &Operator<'_>) -> bool {
        let Operator::Call { function_index } = operator else { return false };
        self.products.get(*function_index as usize).copied().unwrap_or_default()
    }
}

/// Copies a component.
struct Copy {
    changed: bool,
}

impl Reencode for Copy {
    type Error = WidenError;
}

impl ReencodeComponent for Copy {
    fn parse_component_submodule(
        &mut self,
        component: &mut Component,
        _parser: Parser,
        core: &[u8],
    ) -> Result<(), Error<WidenError>> {
        let widened = module(core).map_err(Error::UserError)?;
        self.changed |= widened.is_some();
        component.section(&RawSection { id: CORE_MODULE, data: widened.as_deref().unwrap_or(core) });
        Ok(())
    }
}

/// Copies a module.
struct Rewriter {
    functions: Functions,
    changed: bool,
}

impl Reencode for Rewriter {
    type Error = WidenError;

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error<WidenError>> {
        for (at, body) in section.into_iter().enumerate() {
            let (index, body) = (self.functions.info.imported_functions + at as u32, body?);
            match calls::rewrite(&self.functions, index, &body).map_err(Error::UserError)? {
                Some(function) => {
                    code.function(&function);
                    self.changed = true;
                }
                None => {
                    code.raw(body.as_bytes());
                }
            }
        }
        Ok(())
    }
}
