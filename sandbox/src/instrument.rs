//! Rewrites a component so that it counts its own fuel, and, where asked for, makes its NaNs canonical.
//!
//! Fuel is thereby a property of the program and its input alone: the same in every engine, on every processor, in
//! every version. The rewriting is deterministic: server and nodes do it on their own and compare digests. It parses
//! bytes of strangers, so it runs in a confined child, after validation.
//!
//! Every core module imports one more memory, [`METER_MEMORY`] of [`METER_MODULE`], whose first word holds the ticks
//! that were flushed so far, and the second the limit. A function counts in a local of its own (`blocks`), by the
//! costs of [`costs`], and flushes it where it ends, before calls that may lead to an imported function (`info`),
//! before calls that never return, and before `unreachable`. There are no checks in loops: the limit is compared
//! before calls of imported functions, and by the host at the end.

mod blocks;
mod body;
mod component;
pub mod costs;
mod floats;
mod info;
mod meter;
mod module;
mod reach;

use fallow_protocol::digest::Digest;
use wasmparser::WasmFeatures;

pub use component::component;
pub use fallow_protocol::manifest::{Builds, Floats};
pub(crate) use info::Info;
pub use meter::{METER_EXPORT, METER_MEMORY, METER_MODULE, meter};
pub use module::module;

/// Digests of both builds of a valid component.
pub fn builds(component: &[u8]) -> Result<Builds, InstrumentError> {
    let digest = |floats| self::component(component, floats).map(|build| Digest::of(&build));
    Ok(Builds { plain: digest(Floats::Plain)?, canonical: digest(Floats::Canonical)? })
}

/// The features of core modules that are known here, and so accepted at admission.
pub fn accepted() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::SIMD
        | WasmFeatures::FLOATS
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::WIDE_ARITHMETIC
}

/// A module that cannot be rewritten. Valid modules of the accepted features can.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the module cannot be instrumented: {0}")]
pub struct InstrumentError(String);

impl InstrumentError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl From<wasmparser::BinaryReaderError> for InstrumentError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self(error.to_string())
    }
}

impl<E: std::fmt::Display> From<wasm_encoder::reencode::Error<E>> for InstrumentError {
    fn from(error: wasm_encoder::reencode::Error<E>) -> Self {
        Self(error.to_string())
    }
}
