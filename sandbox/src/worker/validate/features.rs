//! The WebAssembly that we accept: what is deterministic, wide-spread and needed. Everything else is refused by name.

use wasmparser::{BinaryReaderError, WasmFeatures};

use super::super::ServeError;
use crate::instrument;

/// Features of modules and components.
pub fn ours() -> WasmFeatures {
    instrument::accepted() | WasmFeatures::COMPONENT_MODEL
}

/// Words by which the parser names what we leave out, and what to do about it.
const LEFT_OUT: &[(&str, &str)] = &[
    ("shared memor", "shared memories and threads are not deterministic; build without threads"),
    ("threads", "threads are not deterministic; build without them"),
    ("relaxed SIMD", "relaxed SIMD differs between processors; build with simd128 only"),
    ("memory64", "memories are 32-bit; build for wasm32"),
    ("exceptions", "exceptions are not supported; build with panic = \"abort\" or without exceptions"),
    ("tail call", "tail calls are not supported; build without them"),
    ("multi-memory", "a module has one memory"),
    ("multiple memories", "a module has one memory"),
    ("garbage", "garbage-collected types are not supported"),
    ("gc ", "garbage-collected types are not supported"),
    ("async", "the component model's async is not supported; build for wasm32-wasip2 or wasm32-wasip1"),
];

/// A parser's error as a refusal.
pub fn explain(error: &BinaryReaderError) -> ServeError {
    let message = error.message();
    let help = LEFT_OUT.iter().find(|(word, _)| message.contains(word)).map(|(_, help)| *help);
    let help = match help {
        Some(help) => format!("; {help}"),
        None if message.contains("unexpected end") => "; the file is cut short: build or upload it again".into(),
        None => String::new(),
    };
    ServeError::Refused(format!("the component is not valid at byte {:#x}: {message}{help}", error.offset()))
}
