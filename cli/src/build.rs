//! `fallow build`: from a project to one component.
//!
//! Cargo decides what is fresh; this finds the toolchain, calls it, adapts what it wrote, and puts the component
//! beside cargo's own output, in `target/fallow/`. Signing is part of submitting.

mod cargo;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use fallow_protocol::digest::Digest;
use fallow_protocol::limits::COMPONENT_BYTES_MAX;
use serde::Serialize;

use crate::failure::Failure;
use crate::fallow_toml::{Lang, ProjectFile};
use crate::toolchain::{Note, Toolchain, adapt};

/// How to build.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// Where a sysroot is kept, see [`crate::toolchain::default_cache_dir`].
    pub cache_dir: PathBuf,
    /// Tell cargo to be quiet.
    pub quiet: bool,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self { cache_dir: crate::toolchain::default_cache_dir(), quiet: false }
    }
}

/// A component that was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Built {
    /// The file.
    pub component: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its BLAKE3.
    pub digest: Digest,
    /// Which compiler made it, for people.
    pub toolchain: String,
    /// Time that it took, milliseconds.
    pub wall_ms: u64,
}

/// Build the project in the folder `project`. `note` is told what takes long.
pub async fn build(project: &Path, options: &BuildOptions, note: Note<'_>) -> anyhow::Result<Built> {
    let file = ProjectFile::load(project)?;
    // Everything here waits for other programs.
    tokio::task::block_in_place(|| build_blocking(project, &file, options, note))
}

fn build_blocking(project: &Path, file: &ProjectFile, options: &BuildOptions, note: Note<'_>) -> anyhow::Result<Built> {
    let begun = Instant::now();
    let (core, toolchain) = match (&file.task.lang, &file.build.wasm) {
        (Lang::Wasm, Some(wasm)) => (project.join(wasm), "built elsewhere".to_owned()),
        _ => {
            let toolchain = Toolchain::find(project, &options.cache_dir, note)?;
            note(&format!("building {} with {}", file.task.name, toolchain.description));
            (cargo::build(project, file, &toolchain, options.quiet)?, toolchain.description)
        }
    };
    let place = output_folder(project, &core, file.task.lang);
    let stem = core.file_stem().context("the file has no name")?.to_string_lossy().into_owned();
    let component = place.join(format!("{stem}.wasm"));
    finish(&core, component, toolchain, begun, file.task.lang == Lang::Rust)
}

/// Make a component of a file that was built elsewhere (`--component FILE.wasm`): a component as it is, a core module
/// adapted, put into `folder` under the same name.
pub async fn adapt_file(wasm: &Path, folder: &Path) -> anyhow::Result<Built> {
    let name = wasm.file_name().context("the file has no name")?;
    finish(wasm, folder.join(name), "built elsewhere".into(), Instant::now(), false)
}

fn finish(
    wasm: &Path,
    component: PathBuf,
    toolchain: String,
    begun: Instant,
    compiled_here: bool,
) -> anyhow::Result<Built> {
    let bytes = adapt::to_component(read(wasm)?, compiled_here).with_context(|| format!("in {}", wasm.display()))?;
    write_if_changed(&component, &bytes)?;
    Ok(Built {
        component,
        bytes: bytes.len() as u64,
        digest: Digest::of(&bytes),
        toolchain,
        wall_ms: begun.elapsed().as_millis() as u64,
    })
}

fn read(wasm: &Path) -> anyhow::Result<Vec<u8>> {
    let step = || format!("cannot read {}", wasm.display());
    let len = std::fs::metadata(wasm).with_context(step)?.len();
    if len > COMPONENT_BYTES_MAX {
        return Err(Failure::new(format!("{} has {} MiB", wasm.display(), len >> 20))
            .place(format!("a component may have {} MiB", COMPONENT_BYTES_MAX >> 20))
            .help("move data into `shared` files of the job, and strip debug information")
            .into());
    }
    std::fs::read(wasm).with_context(step)
}

/// `target/fallow` of the workspace that cargo built in, or of the project.
fn output_folder(project: &Path, core: &Path, lang: Lang) -> PathBuf {
    // TARGET_DIR/wasm32-…/release/NAME.wasm
    let target_dir = core.ancestors().nth(3).filter(|_| lang == Lang::Rust);
    target_dir.map_or_else(|| project.join("target"), Path::to_owned).join("fallow")
}

fn write_if_changed(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if std::fs::read(file).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let folder = file.parent().context("the component has no folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // Beside its place and renamed, so that nobody reads half of it.
    let part = file.with_extension(format!("part-{}", std::process::id()));
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, file));
    written.with_context(|| format!("cannot write {}", file.display()))?;
    Ok(())
}
