//! Whether a component may run at all: its features, its size in every direction, what it imports and exports.
//!
//! It parses hostile bytes, so it runs in a confined child, too. Refusals say what, where, and what to do.

mod caps;
mod code;
pub mod composition;
mod features;
mod joins;
mod world;

use std::io::Read;
use std::path::Path;

use anyhow::{Context, anyhow};
use fallow_protocol::manifest::{Builds, Exports};
use wasmparser::{Encoding, Parser, Payload, ValidPayload, Validator};

use super::ServeError;
use crate::confine::{self, Confinement};
use crate::instrument;
use caps::Caps;
use composition::Composition;

/// Larger files are not read; grids set their own limit below this.
const COMPONENT_BYTES_MAX: u64 = 256 << 20;
/// Address space of a validation: the file, and its types.
const ADDRESS_BYTES: u64 = 2 << 30;
/// CPU seconds of a validation.
const CPU_SECS: u64 = 60;

/// Validate a file in this process, which is confined for it.
pub fn serve(component: &Path) -> Result<(Exports, Builds), ServeError> {
    let bytes = read(component)?;
    let confinement =
        Confinement { address_bytes: Some(ADDRESS_BYTES), cpu_secs: Some(CPU_SECS), ..Confinement::run(None) };
    confine::compile(&confinement)
        .or_else(confine::ConfineError::unsupported_is_fine)
        .context("failed to confine the validator")?;
    let exports = check(&bytes)?;
    // What passed can be instrumented; should it not, then the file is refused all the same.
    let builds = instrument::builds(&bytes).map_err(|error| ServeError::Refused(error.to_string()))?;
    Ok((exports, builds))
}

/// Read a component's file.
pub fn read(path: &Path) -> Result<Vec<u8>, ServeError> {
    let file = std::fs::File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
    let mut bytes = Vec::new();
    file.take(COMPONENT_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("failed to read {}", path.display()))?;
    if bytes.len() as u64 > COMPONENT_BYTES_MAX {
        return refuse(format!("the component is longer than {} MiB; make it smaller", COMPONENT_BYTES_MAX >> 20));
    }
    Ok(bytes)
}

/// A refusal.
fn refuse<T>(message: String) -> Result<T, ServeError> {
    Err(ServeError::Refused(message))
}

/// Validate a component's bytes.
pub fn check(bytes: &[u8]) -> Result<Exports, ServeError> {
    look(bytes)?;
    let mut validator = Validator::new_with_features(features::ours());
    let mut caps = Caps::default();
    let mut allocations = wasmparser::FuncValidatorAllocations::default();
    let mut composition = Composition::default();
    let mut exports = Exports::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| features::explain(&error))?;
        caps.count(&payload)?;
        let outermost = composition.outermost();
        if outermost {
            world::note(&payload, &mut exports)?;
        }
        composition.check(&payload)?;
        match validator.payload(&payload).map_err(|error| features::explain(&error))? {
            ValidPayload::Func(function, body) => {
                allocations = code::check(function.into_validator(allocations), &body)?;
            }
            ValidPayload::End(types) if outermost => world::check_types(types.as_ref(), &exports)?,
            _ => {}
        }
    }
    world::some_export(exports)
}

/// What the first bytes say already, with the help that fits.
fn look(bytes: &[u8]) -> Result<(), ServeError> {
    if bytes.is_empty() {
        return refuse("the file is empty; build the component again".into());
    }
    if !bytes.starts_with(b"\0asm") {
        return refuse("the file is no WebAssembly: it does not begin with \"\\0asm\"; give the .wasm file that `fallow build` writes".into());
    }
    match Parser::new(0).parse_all(bytes).next() {
        Some(Ok(Payload::Version { encoding: Encoding::Component, .. })) => Ok(()),
        Some(Ok(Payload::Version { encoding: Encoding::Module, .. })) => refuse(core_module(bytes)),
        Some(Err(error)) => Err(features::explain(&error)),
        _ => Err(anyhow!("the file has no version").into()),
    }
}

/// Help for those who give a core module: what it is, and what makes a component of it.
fn core_module(bytes: &[u8]) -> String {
    let payloads = Parser::new(0).parse_all(bytes).map_while(Result::ok);
    let mut imports = payloads.filter_map(|payload| match payload {
        Payload::ImportSection(section) => Some(section),
        _ => None,
    });
    let preview1 = imports.any(|section| {
        section.into_imports().map_while(Result::ok).any(|import| import.module == "wasi_snapshot_preview1")
    });
    let kind = if preview1 { "a core module for WASI preview 1" } else { "a core module" };
    format!("the file is {kind}, not a component; run `fallow build`, which adapts it, and submit what that writes")
}
