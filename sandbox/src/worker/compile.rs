//! A process that compiles one component into the cache, under limits, and is the only writer there.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow};
use fallow_protocol::digest::Digest;
use fallow_protocol::manifest::Floats;
use wasmtime::component::Component;

use super::engine::{self, Purpose, Settings};
use super::{ServeError, job, validate};
use crate::confine::{self, Confinement};
use crate::instrument;

/// Address space of a compile: Cranelift takes about 35 bytes for each byte of a large component.
const ADDRESS_BYTES: u64 = 4 << 30;
/// CPU seconds of a compile.
const CPU_SECS: u64 = 300;

/// What to compile.
pub struct Wanted {
    /// Digest of the component.
    pub digest: Digest,
    /// Digest of the build, as author and grid signed it.
    pub build: Digest,
    /// The build.
    pub floats: Floats,
}

/// Compile a build of `component` unless it is there; the name of its file within `cache_dir`.
pub fn serve(component: &Path, wanted: Wanted, cache_dir: &Path) -> Result<String, ServeError> {
    let engine = engine::engine(Settings::PROFILE, Purpose::Compile).map_err(|error| anyhow!("{error:#}"))?;
    let digest = wanted.digest;
    let name = format!("{}-{}", wanted.build, engine::file_suffix(&engine));
    let path = cache_dir.join(&name);
    if path.exists() {
        return Ok(name);
    }
    let bytes = validate::read(component)?;
    if Digest::of(&bytes) != digest {
        return Err(anyhow!("{} is not what its digest says: fetch it again", component.display()).into());
    }
    let temporary = cache_dir.join(format!(".{name}.{}", std::process::id()));
    let mut file = File::create(&temporary).with_context(|| format!("failed to create {}", temporary.display()))?;
    confine::compile(&Confinement {
        address_bytes: Some(ADDRESS_BYTES),
        cpu_secs: Some(CPU_SECS),
        ..Confinement::compile(cache_dir)
    })
    .or_else(confine::ConfineError::unsupported_is_fine)
    .context("failed to confine the compiler")?;
    let written = compile(&engine, &bytes, &wanted).and_then(|compiled| {
        file.write_all(&compiled).and_then(|()| file.sync_all()).context("failed to write the compiled file")?;
        std::fs::rename(&temporary, &path).context("failed to name the compiled file")?;
        Ok(name)
    });
    written.inspect_err(|_| drop(std::fs::remove_file(&temporary)))
}

/// Validate, instrument, compile, and compare the types of imports and exports with the world's.
fn compile(engine: &wasmtime::Engine, bytes: &[u8], wanted: &Wanted) -> Result<Vec<u8>, ServeError> {
    validate::check(bytes)?;
    let build = instrument::component(bytes, wanted.floats).map_err(|error| ServeError::Refused(error.to_string()))?;
    if Digest::of(&build) != wanted.build {
        return Err(ServeError::Refused(
            "the instrumented component is not the one that author and grid signed; sign it again with a tool of this \
             version"
                .into(),
        ));
    }
    let refused = |what: &str, error: wasmtime::Error| ServeError::Refused(format!("{what}: {error:#}"));
    let component = Component::new(engine, &build).map_err(|error| refused("the component does not compile", error))?;
    job::linked(engine, &component)
        .map_err(|error| refused("the component does not fit the world of a task", error))?;
    component.serialize().map_err(|error| anyhow!("failed to write the compiled component: {error:#}").into())
}
