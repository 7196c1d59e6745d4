//! Caps on the size of a component in every direction, so that no file is a bomb to whoever compiles it.

use wasmparser::Payload;

use super::super::ServeError;
use super::refuse;

/// Largest memory that a module may begin with, bytes.
const MEMORY_MIN_MAX: u64 = 2 << 30;

/// Sums over the whole component.
#[derive(Debug, Default)]
pub struct Caps {
    counts: [u64; Kind::Last as usize],
}

#[derive(Clone, Copy)]
enum Kind {
    Modules,
    Components,
    Functions,
    Types,
    Data,
    Elements,
    Globals,
    Imports,
    Exports,
    Instances,
    Aliases,
    Canonicals,
    Last,
}

impl Kind {
    /// Word for people, and the cap.
    fn cap(self) -> (&'static str, u64) {
        match self {
            Kind::Modules => ("core modules", 32),
            Kind::Components => ("nested components", 100),
            Kind::Functions => ("functions", 20_000),
            Kind::Types => ("types", 10_000),
            Kind::Data => ("data segments", 10_000),
            Kind::Elements => ("element segments", 10_000),
            Kind::Globals => ("globals", 10_000),
            Kind::Imports => ("imports", 1_000),
            Kind::Exports => ("exports", 1_000),
            Kind::Instances => ("instances", 1_000),
            Kind::Aliases => ("aliases", 10_000),
            Kind::Canonicals => ("canonical functions", 10_000),
            Kind::Last => ("items", 0),
        }
    }
}

impl Caps {
    /// Count a part of the component.
    pub fn count(&mut self, payload: &Payload<'_>) -> Result<(), ServeError> {
        match payload {
            Payload::ModuleSection { unchecked_range, .. } => self.section(Kind::Modules, 1, unchecked_range.clone()),
            Payload::ComponentSection { unchecked_range, .. } => {
                self.section(Kind::Components, 1, unchecked_range.clone())
            }
            Payload::FunctionSection(section) => self.section(Kind::Functions, section.count(), section.range()),
            Payload::TypeSection(section) => self.section(Kind::Types, section.count(), section.range()),
            Payload::ComponentTypeSection(section) => self.section(Kind::Types, section.count(), section.range()),
            Payload::CoreTypeSection(section) => self.section(Kind::Types, section.count(), section.range()),
            Payload::DataSection(section) => self.section(Kind::Data, section.count(), section.range()),
            Payload::ElementSection(section) => self.section(Kind::Elements, section.count(), section.range()),
            Payload::GlobalSection(section) => self.section(Kind::Globals, section.count(), section.range()),
            Payload::ImportSection(section) => self.section(Kind::Imports, section.count(), section.range()),
            Payload::ComponentImportSection(section) => self.section(Kind::Imports, section.count(), section.range()),
            Payload::ExportSection(section) => self.section(Kind::Exports, section.count(), section.range()),
            Payload::ComponentExportSection(section) => self.section(Kind::Exports, section.count(), section.range()),
            Payload::InstanceSection(section) => self.section(Kind::Instances, section.count(), section.range()),
            Payload::ComponentInstanceSection(section) => {
                self.section(Kind::Instances, section.count(), section.range())
            }
            Payload::ComponentAliasSection(section) => self.section(Kind::Aliases, section.count(), section.range()),
            Payload::ComponentCanonicalSection(section) => {
                self.section(Kind::Canonicals, section.count(), section.range())
            }
            Payload::MemorySection(section) => memories(section.clone()),
            _ => Ok(()),
        }
    }

    fn section(&mut self, kind: Kind, count: u32, range: std::ops::Range<usize>) -> Result<(), ServeError> {
        self.add(kind, count.into(), range.start)
    }

    fn add(&mut self, kind: Kind, count: u64, offset: usize) -> Result<(), ServeError> {
        let sum = &mut self.counts[kind as usize];
        *sum += count;
        let (word, max) = kind.cap();
        if *sum <= max {
            return Ok(());
        }
        refuse(format!("the component has more than {max} {word} (at byte {offset:#x}); split or shrink the program"))
    }
}

fn memories(section: wasmparser::MemorySectionReader<'_>) -> Result<(), ServeError> {
    for memory in section.into_iter().map_while(Result::ok) {
        let bytes = memory.initial.saturating_mul(64 << 10);
        if bytes > MEMORY_MIN_MAX {
            return refuse(format!(
                "a memory begins with {} MiB, more than the {} MiB that a unit can have; lower its initial size",
                bytes >> 20,
                MEMORY_MIN_MAX >> 20
            ));
        }
    }
    Ok(())
}
