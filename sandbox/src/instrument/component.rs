//! Rewrites a component: one counter for all its core modules, each of them instrumented.

use std::convert::Infallible;

use wasm_encoder::reencode::{self, Reencode, ReencodeComponent, component_utils};
use wasm_encoder::{
    Alias, CanonicalFunctionSection, CanonicalOption, Component, ComponentAliasSection, ComponentExportKind,
    ComponentExportSection, ComponentTypeSection, ComponentValType, ExportKind, InstanceSection, ModuleArg,
    PrimitiveValType, RawSection,
};
use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind, ComponentTypeRef, ExternalKind,
    Instance, Parser, Payload,
};

use super::meter::{BEGIN, METER_EXPORT, METER_MEMORY, METER_MODULE, meter};
use super::{Floats, InstrumentError, module};

/// Section of a core module within a component.
const CORE_MODULE: u8 = 1;

/// Instrument a valid component. Its nested components may not have core modules.
pub fn component(bytes: &[u8], floats: Floats) -> Result<Vec<u8>, InstrumentError> {
    let counts = Counts::of(bytes)?;
    let mut component = Component::new();
    let meter = meter();
    component.section(&RawSection { id: CORE_MODULE, data: &meter });
    let mut instances = InstanceSection::new();
    instances.instantiate(0, std::iter::empty::<(&str, ModuleArg)>());
    component.section(&instances);
    let mut rewriter = Rewriter { floats, depth: 0, problem: None };
    rewriter.parse_component(&mut component, Parser::new(0), bytes)?;
    if let Some(problem) = rewriter.problem {
        return Err(problem);
    }
    export_meter(&mut component, &counts);
    Ok(component.finish())
}

/// Let the host begin, and look at the counter.
fn export_meter(component: &mut Component, counts: &Counts) {
    let mut aliases = ComponentAliasSection::new();
    aliases.alias(Alias::CoreInstanceExport { instance: 0, kind: ExportKind::Func, name: BEGIN });
    aliases.alias(Alias::CoreInstanceExport { instance: 0, kind: ExportKind::Memory, name: METER_MEMORY });
    component.section(&aliases);
    let mut types = ComponentTypeSection::new();
    types.defined_type().list(PrimitiveValType::U64);
    let limit = ComponentValType::Primitive(PrimitiveValType::U64);
    types.function().params([("limit", limit)]).result(Some(ComponentValType::Type(counts.types)));
    component.section(&types);
    let mut functions = CanonicalFunctionSection::new();
    functions.lift(counts.core_functions, counts.types + 1, [CanonicalOption::Memory(counts.core_memories)]);
    component.section(&functions);
    let mut exports = ComponentExportSection::new();
    exports.export(METER_EXPORT, ComponentExportKind::Func, counts.functions, None);
    component.section(&exports);
}

/// Sizes of the outermost component's index spaces.
#[derive(Debug, Default)]
struct Counts {
    types: u32,
    functions: u32,
    core_functions: u32,
    core_memories: u32,
}

impl Counts {
    fn of(bytes: &[u8]) -> Result<Self, InstrumentError> {
        let mut counts = Self::default();
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            match &payload {
                Payload::ModuleSection { .. } => depth += 1,
                Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) if depth > 0 => depth -= 1,
                _ if depth == 0 => counts.note(&payload)?,
                _ => {}
            }
        }
        Ok(counts)
    }

    fn note(&mut self, payload: &Payload<'_>) -> Result<(), InstrumentError> {
        match payload {
            Payload::ComponentTypeSection(section) => self.types += section.count(),
            Payload::ComponentCanonicalSection(section) => {
                for function in section.clone() {
                    match function? {
                        CanonicalFunction::Lift { .. } => self.functions += 1,
                        _ => self.core_functions += 1,
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    match import?.ty {
                        ComponentTypeRef::Func(_) => self.functions += 1,
                        ComponentTypeRef::Type(_) => self.types += 1,
                        _ => {}
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    self.note_kind(export?.kind);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    match alias? {
                        ComponentAlias::InstanceExport { kind, .. } => self.note_kind(kind),
                        ComponentAlias::CoreInstanceExport { kind: ExternalKind::Func, .. } => self.core_functions += 1,
                        ComponentAlias::CoreInstanceExport { kind: ExternalKind::Memory, .. } => {
                            self.core_memories += 1;
                        }
                        ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, .. } => self.types += 1,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn note_kind(&mut self, kind: ComponentExternalKind) {
        match kind {
            ComponentExternalKind::Func => self.functions += 1,
            ComponentExternalKind::Type => self.types += 1,
            _ => {}
        }
    }
}

/// Copies a component, with the meter's module and instance before all others.
struct Rewriter {
    floats: Floats,
    /// Components, modules and types around.
    depth: u32,
    problem: Option<InstrumentError>,
}

impl Rewriter {
    fn shifted(&self, index: u32) -> u32 {
        index + u32::from(self.depth == 0)
    }
}

impl Reencode for Rewriter {
    type Error = Infallible;
}

impl ReencodeComponent for Rewriter {
    fn module_index(&mut self, module: u32) -> u32 {
        self.shifted(module)
    }

    fn instance_index(&mut self, instance: u32) -> u32 {
        self.shifted(instance)
    }

    fn outer_module_index(&mut self, count: u32, module: u32) -> u32 {
        module + u32::from(count == self.depth)
    }

    fn push_depth(&mut self) {
        self.depth += 1;
    }

    fn pop_depth(&mut self) {
        self.depth -= 1;
    }

    fn parse_component_submodule(
        &mut self,
        component: &mut Component,
        _parser: Parser,
        submodule: &[u8],
    ) -> Result<(), reencode::Error<Self::Error>> {
        if self.depth > 0 {
            self.problem = Some(InstrumentError::new("a nested component has a core module"));
            return Ok(());
        }
        match module(submodule, self.floats) {
            Ok(data) => {
                component.section(&RawSection { id: CORE_MODULE, data: &data });
            }
            Err(problem) => self.problem = Some(problem),
        }
        Ok(())
    }

    fn parse_instance(
        &mut self,
        instances: &mut InstanceSection,
        instance: Instance<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        let Instance::Instantiate { module_index, args } = instance else {
            return component_utils::parse_instance(self, instances, instance);
        };
        let module = self.module_index(module_index);
        let given = args.iter().map(|arg| (arg.name, ModuleArg::Instance(self.shifted(arg.index))));
        let meter = (METER_MODULE, ModuleArg::Instance(0));
        instances.instantiate(module, given.chain([meter]).collect::<Vec<_>>());
        Ok(())
    }
}
