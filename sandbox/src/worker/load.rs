//! Loads compiled components. The one place that trusts compiled code, and why it may.
#![allow(unsafe_code)]

use std::path::Path;

use wasmtime::Engine;
use wasmtime::component::Component;

/// Load a file that this computer compiled.
pub fn compiled(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file is native code, so it must be the engine's own. Only the compile child writes the cache, under
    // a temporary name until it is whole, in a directory of this program's user; it never comes over the network; and
    // its name says component, engine, settings and processor. The engine checks its own header besides.
    unsafe { Component::deserialize_file(engine, path) }
}

/// Load bytes of such a file, from the parent that read it.
pub fn compiled_bytes(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: as above; the parent is the process that the compile child answered, and the pipe is ours alone.
    unsafe { Component::deserialize(engine, bytes) }
}
