//! From what a compiler wrote to a component: a core module of WASI preview 1 gets wasmtime's adapter, in this
//! process, before anything is signed. A component that was built elsewhere stays as it is. All others get wide
//! products, which no compiler makes rightly yet (decision 14).

use anyhow::{Context, bail};
use fallow_sandbox::widen;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Encoding, Parser, Payload};
use wit_component::ComponentEncoder;

use crate::failure::Failure;

/// What a core module offers, as far as it decides how to adapt it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    has_start: bool,
    has_world: bool,
    foreign_import: Option<String>,
}

/// Make a component of `wasm`, which is a component already, or a core module; `compiled_here` says whether it comes
/// from a compiler that was called for it, and may be changed.
pub fn to_component(wasm: Vec<u8>, compiled_here: bool) -> anyhow::Result<Vec<u8>> {
    match encoding(&wasm)? {
        Encoding::Component if compiled_here => widened(wasm),
        Encoding::Component => Ok(wasm),
        Encoding::Module => widened(adapt(&wasm)?),
    }
}

fn widened(component: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    Ok(widen::component(&component)?.unwrap_or(component))
}

fn encoding(wasm: &[u8]) -> anyhow::Result<Encoding> {
    match Parser::new(0).parse_all(wasm).next() {
        Some(Ok(Payload::Version { encoding, .. })) => Ok(encoding),
        _ => Err(Failure::new("the file is no WebAssembly")
            .kind("not-wasm")
            .help("give a .wasm file, a component or a core module")
            .into()),
    }
}

fn adapt(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    let shape = shape(module)?;
    if let Some(import) = shape.foreign_import.filter(|_| !shape.has_world) {
        return Err(Failure::new("the module imports what no host of Fallow has")
            .place(import)
            .help("build it for wasm32-wasip1 or wasm32-wasip2; other imports need a component")
            .kind("foreign-import")
            .into());
    }
    if !shape.has_start && !shape.has_world {
        let help = "a task needs `fallow::task!(run = my_function);`, a plain program its `main`";
        return Err(Failure::new("the module exports no task and no program").help(help).kind("no-export").into());
    }
    let adapter =
        if shape.has_start { WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER } else { WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER };
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter))
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| anyhow::anyhow!("{error:#}"))
        .context("the module cannot be made a component")
}

fn shape(module: &[u8]) -> anyhow::Result<Shape> {
    let mut shape = Shape::default();
    for payload in Parser::new(0).parse_all(module) {
        match payload.context("the module is broken")? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.context("the module's imports are broken")?;
                    if import.module != WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME && shape.foreign_import.is_none() {
                        shape.foreign_import = Some(format!("import `{}` from `{}`", import.name, import.module));
                    }
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    shape.has_start |= export.context("the module's exports are broken")?.name == "_start";
                }
            }
            Payload::CustomSection(section) => shape.has_world |= section.name().starts_with("component-type"),
            _ => {}
        }
    }
    if shape.has_start && shape.has_world {
        bail!("the module is a task and a program at once: remove `main`, or build the library only");
    }
    Ok(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(module)` with one export section entry or import, written by hand.
    fn module(sections: &[&[u8]]) -> Vec<u8> {
        [b"\0asm\x01\0\0\0".as_slice()].into_iter().chain(sections.iter().copied()).flatten().copied().collect()
    }

    const TYPE: &[u8] = &[1, 4, 1, 0x60, 0, 0];
    const FUNCTION: &[u8] = &[3, 2, 1, 0];
    const MEMORY: &[u8] = &[5, 3, 1, 0, 1];
    const EXPORTS: &[u8] = b"\x07\x13\x02\x06_start\x00\x00\x06memory\x02\x00";
    const CODE: &[u8] = &[10, 4, 1, 2, 0, 0x0b];

    #[test]
    fn a_plain_program_becomes_a_command() {
        let core = module(&[TYPE, FUNCTION, MEMORY, EXPORTS, CODE]);
        let component = to_component(core, true).unwrap();
        assert!(matches!(encoding(&component).unwrap(), Encoding::Component));
        assert!(component.windows(12).any(|bytes| bytes == b"wasi:cli/run"));
        for compiled_here in [false, true] {
            assert_eq!(to_component(component.clone(), compiled_here).unwrap(), component);
        }
    }

    #[test]
    fn what_is_no_task_is_refused_with_a_reason() {
        let kind = |wasm: Vec<u8>| {
            let error = to_component(wasm, false).unwrap_err();
            error.downcast_ref::<Failure>().map(|failure| failure.kind.clone())
        };
        assert_eq!(kind(b"hello".to_vec()).as_deref(), Some("not-wasm"));
        assert_eq!(kind(Vec::new()).as_deref(), Some("not-wasm"));
        assert_eq!(kind(module(&[])).as_deref(), Some("no-export"));
        let import = b"\x02\x09\x01\x03env\x01f\x00\x00";
        assert_eq!(kind(module(&[TYPE, import])).as_deref(), Some("foreign-import"));
        assert!(to_component(module(&[&[7, 200, 1]]), false).is_err());
    }
}
