//! What a component may import, and what it must export.

use fallow_protocol::manifest::Exports;
use wasmparser::component_types::{ComponentDefinedType, ComponentEntityType, ComponentValType};
use wasmparser::types::TypesRef;
use wasmparser::{Payload, PrimitiveValType};

use super::super::ServeError;
use super::super::job::{COMMAND, MERGE, RUN, SPLIT};
use super::super::world::{EMIT, HOST, PARTS};
use super::{composition, features, refuse};

/// WASI packages and interfaces that are linked, any version 0.2.x.
const WASI: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// Note imports and exports of the outermost component.
pub fn note(payload: &Payload<'_>, exports: &mut Exports) -> Result<(), ServeError> {
    match payload {
        Payload::ComponentImportSection(section) => {
            for import in section.clone() {
                may_import(import.map_err(|error| features::explain(&error))?.name.name)?;
            }
        }
        Payload::ComponentExportSection(section) => {
            for export in section.clone() {
                note_export(export.map_err(|error| features::explain(&error))?.name.name, exports)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn note_export(name: &str, exports: &mut Exports) -> Result<(), ServeError> {
    match name {
        _ if composition::is_reserved(name) => return composition::refuse_reserved(name),
        _ if name == RUN.0 => exports.run = true,
        _ if name == SPLIT.0 => exports.split = true,
        _ if name == MERGE.0 => exports.merge = true,
        _ if name.starts_with(COMMAND.0) => exports.command = true,
        _ => {}
    }
    Ok(())
}

fn may_import(name: &str) -> Result<(), ServeError> {
    if composition::is_reserved(name) {
        return composition::refuse_reserved(name);
    }
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    if [HOST, EMIT, PARTS].contains(&name) || (WASI.contains(&interface) && version.starts_with("0.2.")) {
        return Ok(());
    }
    let why = if interface.starts_with("wasi:sockets") {
        "tasks have no network; give the data as input or as shared files"
    } else if interface.starts_with("wasi:http") {
        "tasks make no requests; give the data as input or as shared files"
    } else if WASI.contains(&interface) {
        "only version 0.2 of WASI is offered; build for wasm32-wasip2, or for wasm32-wasip1 with `fallow build`"
    } else if interface.starts_with("fallow:task/") {
        "this grid offers fallow:task/host, emit and parts at version 1.0.0; build with the SDK of that version"
    } else {
        "a task may import fallow:task and WASI 0.2 without network, nothing else"
    };
    refuse(format!("the component imports {name:?}: {why}"))
}

/// The exports, where there is one to call.
pub fn some_export(exports: Exports) -> Result<Exports, ServeError> {
    if exports.run || exports.command {
        return Ok(exports);
    }
    refuse(format!(
        "the component exports neither {:?} nor a WASI command (wasi:cli/run@0.2): write a task with the SDK, or a program with a main function",
        RUN.0
    ))
}

/// Compare the types of the exports with the world's, so that no unit fails for them.
pub fn check_types(types: TypesRef<'_>, exports: &Exports) -> Result<(), ServeError> {
    let bytes = |ty: &ComponentValType| is_bytes(&types, ty);
    let params_bytes = |params: &[ComponentValType]| params.len() == 1 && bytes(&params[0]);
    let params_merge = |params: &[ComponentValType]| {
        let [count, last] = params else { return false };
        is_primitive(&types, count, PrimitiveValType::U32) && is_primitive(&types, last, PrimitiveValType::Bool)
    };
    let expected: [(bool, (&str, &str), &dyn Fn(&[ComponentValType]) -> bool, bool, &str); 3] = [
        (exports.run, RUN, &params_bytes, true, "run: func(input: list<u8>) -> result<list<u8>, list<u8>>"),
        (exports.split, SPLIT, &params_bytes, false, "split: func(input: list<u8>) -> result<_, list<u8>>"),
        (
            exports.merge,
            MERGE,
            &params_merge,
            true,
            "merge: func(count: u32, last: bool) -> result<list<u8>, list<u8>>",
        ),
    ];
    for (exported, (interface, function), params, gives, wanted) in expected {
        if exported && !fits(&types, interface, function, params, gives) {
            return refuse(format!("the export {interface:?} is not as the world says: expected {wanted}"));
        }
    }
    Ok(())
}

fn fits(
    types: &TypesRef<'_>,
    interface: &str,
    function: &str,
    params: &dyn Fn(&[ComponentValType]) -> bool,
    gives_bytes: bool,
) -> bool {
    let Some(item) = types.component_item_for_export(interface) else { return false };
    let ComponentEntityType::Instance(instance) = item.ty else { return false };
    let Some(item) = types[instance].exports.get(function) else { return false };
    let ComponentEntityType::Func(function) = item.ty else { return false };
    let function = &types[function];
    let given: Vec<ComponentValType> = function.params.iter().map(|(_, ty)| *ty).collect();
    let Some(ComponentValType::Type(result)) = function.result else { return false };
    let ComponentDefinedType::Result { ok, err, .. } = &types[result] else { return false };
    let ok = if gives_bytes { ok.is_some_and(|ty| is_bytes(types, &ty)) } else { ok.is_none() };
    !function.async_ && params(&given) && ok && err.is_some_and(|ty| is_bytes(types, &ty))
}

fn is_primitive(types: &TypesRef<'_>, ty: &ComponentValType, wanted: PrimitiveValType) -> bool {
    match ty {
        ComponentValType::Primitive(primitive) => *primitive == wanted,
        ComponentValType::Type(id) => {
            matches!(&types[*id], ComponentDefinedType::Primitive(primitive) if *primitive == wanted)
        }
    }
}

fn is_bytes(types: &TypesRef<'_>, ty: &ComponentValType) -> bool {
    let ComponentValType::Type(id) = ty else { return false };
    match &types[*id] {
        ComponentDefinedType::List { element, .. } => is_primitive(types, element, PrimitiveValType::U8),
        _ => false,
    }
}
