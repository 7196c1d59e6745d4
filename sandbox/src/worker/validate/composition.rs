//! How a component may be put together: core code stands in the outermost component only, where it is metered, and
//! takes no name that metering needs; and nothing in it makes the host keep what no limit counts.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentType, ComponentTypeRef,
    Encoding, Payload,
};

use super::super::ServeError;
use super::{features, refuse};
use crate::instrument::{METER_EXPORT, METER_MODULE};

/// What is open around the payload at hand, outermost first.
#[derive(Debug, Default)]
pub struct Composition {
    open: Vec<Encoding>,
}

impl Composition {
    /// Whether the payload at hand belongs to the outermost component itself.
    pub fn outermost(&self) -> bool {
        self.open.is_empty()
    }

    /// Look at a payload, and follow it inwards or outwards.
    pub fn check(&mut self, payload: &Payload<'_>) -> Result<(), ServeError> {
        let nested = self.open.contains(&Encoding::Component);
        match payload {
            Payload::ModuleSection { unchecked_range, .. } => {
                if nested {
                    return nested_core("contains a core module", unchecked_range.start);
                }
                self.open.push(Encoding::Module);
            }
            Payload::ComponentSection { .. } => self.open.push(Encoding::Component),
            Payload::End(_) => drop(self.open.pop()),
            Payload::InstanceSection(section) if nested && section.count() > 0 => {
                return nested_core("makes core instances", section.range().start);
            }
            Payload::ImportSection(section) => return core_imports(section.clone()),
            Payload::ComponentImportSection(section) => return imports(section.clone()),
            Payload::ComponentExportSection(section) => return exports(section.clone()),
            Payload::ComponentAliasSection(section) => return aliases(section.clone()),
            Payload::ComponentInstanceSection(section) => return instances(section.clone()),
            Payload::ComponentTypeSection(section) => return types(section.clone()),
            _ => {}
        }
        Ok(())
    }
}

fn nested_core<T>(what: &str, offset: usize) -> Result<T, ServeError> {
    refuse(format!(
        "a component within the component {what} (at byte {offset:#x}), where it cannot be metered; compose into one \
         module before submitting: link the libraries statically and build one component of them"
    ))
}

fn passed_on<T>(what: &str, offset: usize) -> Result<T, ServeError> {
    refuse(format!(
        "the component {what} a core module (at byte {offset:#x}), where it cannot be metered; compose into one module \
         before submitting, and instantiate core modules where they are defined"
    ))
}

fn core_imports(section: wasmparser::ImportSectionReader<'_>) -> Result<(), ServeError> {
    let offset = section.range().start;
    for import in section.into_imports() {
        let import = import.map_err(|error| features::explain(&error))?;
        if import.module == METER_MODULE {
            return refuse(format!(
                "a core module imports {:?} from {METER_MODULE:?} (at byte {offset:#x}), which is reserved for the \
                 metering of fuel; import it under another module's name",
                import.name
            ));
        }
    }
    Ok(())
}

fn imports(section: wasmparser::ComponentImportSectionReader<'_>) -> Result<(), ServeError> {
    let offset = section.range().start;
    for import in section {
        let import = import.map_err(|error| features::explain(&error))?;
        if matches!(import.ty, ComponentTypeRef::Module(_)) {
            return passed_on("imports", offset);
        }
    }
    Ok(())
}

fn exports(section: wasmparser::ComponentExportSectionReader<'_>) -> Result<(), ServeError> {
    let offset = section.range().start;
    for export in section {
        if export.map_err(|error| features::explain(&error))?.kind == ComponentExternalKind::Module {
            return passed_on("exports", offset);
        }
    }
    Ok(())
}

fn aliases(section: wasmparser::SectionLimited<'_, ComponentAlias<'_>>) -> Result<(), ServeError> {
    let offset = section.range().start;
    for alias in section {
        match alias.map_err(|error| features::explain(&error))? {
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, .. } => {
                return nested_core("takes a core module from around it", offset);
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Module, .. } => {
                return passed_on("takes from an instance", offset);
            }
            _ => {}
        }
    }
    Ok(())
}

fn instances(section: wasmparser::SectionLimited<'_, ComponentInstance<'_>>) -> Result<(), ServeError> {
    let offset = section.range().start;
    for instance in section {
        let passes_module = match instance.map_err(|error| features::explain(&error))? {
            ComponentInstance::Instantiate { args, .. } => {
                args.iter().any(|arg| arg.kind == ComponentExternalKind::Module)
            }
            ComponentInstance::FromExports(exports) => {
                exports.iter().any(|export| export.kind == ComponentExternalKind::Module)
            }
        };
        if passes_module {
            return passed_on("passes on", offset);
        }
    }
    Ok(())
}

/// Handles of a guest's own resources lie in the host's memory, where no limit of the guest's counts them.
fn types(section: wasmparser::ComponentTypeSectionReader<'_>) -> Result<(), ServeError> {
    let offset = section.range().start;
    for ty in section {
        if matches!(ty.map_err(|error| features::explain(&error))?, ComponentType::Resource { .. }) {
            return refuse(format!(
                "the component defines a resource type of its own (at byte {offset:#x}), which nothing around a task \
                 can use; export functions of plain data only"
            ));
        }
    }
    Ok(())
}

/// Whether a name at the outermost component's edge is the one that metering adds. Names of one component differ in
/// more than upper and lower case.
pub fn is_reserved(name: &str) -> bool {
    name.eq_ignore_ascii_case(METER_EXPORT)
}

/// Refuse a reserved name.
pub fn refuse_reserved(name: &str) -> Result<(), ServeError> {
    refuse(format!("the name {name:?} is reserved for the metering of fuel; give the import or export another one"))
}
