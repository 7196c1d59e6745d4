//! A job made ready: its module fetched and compiled in a child, its shared files on disk.
//!
//! Owns the folder of compiled modules and its size. Signatures were checked before (`grants`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Instant, SystemTime};

use fallow_protocol::link::JobGrant;
use fallow_protocol::manifest::Manifest;
use fallow_sandbox::client::{Module, SandboxError, WorkerSetup};

use crate::agent::io::PrepareError;
use crate::blobs::TransferError;
use crate::cache::{Cache, Entry};
use crate::http::micros;

/// A job that workers can be given.
#[derive(Debug)]
pub struct Prepared {
    /// What its workers are told; scratch is per worker.
    pub setup: WorkerSetup,
    /// Seed of its units' random streams.
    pub seed: u64,
    /// Its component, from which the canonical build is made where it is asked for, kept from eviction.
    _module: Arc<Entry>,
    /// Its shared files, kept from eviction.
    _shared: Vec<Arc<Entry>>,
}

/// What preparing needs.
#[derive(Debug)]
pub struct Preparer {
    /// The executable that becomes worker and compiler.
    pub exe: PathBuf,
    /// Blobs.
    pub cache: Arc<Cache>,
    /// Compiled modules.
    pub compiled_dir: PathBuf,
    /// Their size at most, bytes.
    pub compiled_bytes_max: u64,
    /// Strangers' jobs run without the operating system's sandbox where it cannot be set up.
    pub allow_unconfined: bool,
    /// Why the operating system's sandbox cannot be set up, where it cannot.
    pub unconfined: Option<String>,
    /// Compiled files in use.
    pub in_use: Mutex<HashMap<PathBuf, Weak<Prepared>>>,
}

impl Preparer {
    /// Make a job ready. Its manifest is trusted by now.
    pub async fn prepare(&self, grant: &JobGrant, manifest: &Manifest) -> Result<Arc<Prepared>, PrepareError> {
        let began = Instant::now();
        let module =
            self.cache.whole(&manifest.component, grant.module_bytes).await.map_err(of_transfer("the module"))?;
        let of = Module {
            exe: self.exe.clone(),
            component: module.path.clone(),
            digest: manifest.component,
            builds: manifest.executed,
            cache_dir: self.compiled_dir.clone(),
        };
        tracing::debug!(job = %grant.job, took_us = micros(began), "module fetched");
        let began = Instant::now();
        let compiled = of.compile(grant.floats).await.map_err(of_sandbox)?;
        tracing::debug!(job = %grant.job, took_us = micros(began), "module compiled");
        if let Some(reason) = &self.unconfined {
            // Strangers' jobs come here only where the owner allowed it.
            tracing::warn!(job = %grant.job, own = grant.own, reason, "runs without the operating system's sandbox");
        }
        let mut shared = Vec::with_capacity(grant.shared.len());
        let mut named = Vec::with_capacity(grant.shared.len());
        for (file, len) in &grant.shared {
            let entry = self.cache.whole(&file.blob, *len).await.map_err(of_transfer("a shared file"))?;
            named.push((file.name.clone(), entry.path.clone()));
            shared.push(entry);
        }
        let setup = WorkerSetup {
            module: of,
            compiled: compiled.clone(),
            floats: grant.floats,
            exports: grant.exports,
            args: grant.args.clone(),
            limits: grant.limits,
            epoch_ms: grant.epoch_ms,
            shared: named,
            scratch_dir: None,
            require_confinement: !grant.own && !self.allow_unconfined,
        };
        let prepared = Arc::new(Prepared { setup, seed: grant.seed, _module: module, _shared: shared });
        self.use_compiled(compiled, &prepared);
        Ok(prepared)
    }

    fn use_compiled(&self, path: PathBuf, prepared: &Arc<Prepared>) {
        if let Ok(file) = std::fs::File::options().append(true).open(&path) {
            let _ = file.set_modified(SystemTime::now());
        }
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.retain(|_, prepared| prepared.strong_count() > 0);
        in_use.insert(path, Arc::downgrade(prepared));
        let keep: Vec<PathBuf> = in_use.keys().cloned().collect();
        drop(in_use);
        if let Err(error) = evict(&self.compiled_dir, self.compiled_bytes_max, &keep) {
            tracing::warn!(%error, "compiled modules could not be tidied up");
        }
    }
}

/// Remove the files that were longest not used, until the rest fits.
fn evict(dir: &Path, bytes_max: u64, keep: &[PathBuf]) -> std::io::Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() {
            files.push((metadata.modified()?, metadata.len(), entry.path()));
        }
    }
    files.sort();
    let mut total: u64 = files.iter().map(|(_, len, _)| len).sum();
    for (_, len, path) in files {
        if total <= bytes_max {
            break;
        }
        if !keep.contains(&path) {
            std::fs::remove_file(&path)?;
            total -= len;
        }
    }
    Ok(())
}

fn of_transfer(what: &'static str) -> impl Fn(TransferError) -> PrepareError {
    move |error| match error {
        TransferError::Refused(_) | TransferError::Tampered(..) => PrepareError::Host(format!("{what}: {error}")),
        TransferError::Failed(_) | TransferError::NoRoom(_) | TransferError::Disk(_) => {
            PrepareError::Host(format!("{what} could not be fetched: {error}"))
        }
    }
}

fn of_sandbox(error: SandboxError) -> PrepareError {
    match error {
        SandboxError::Refused(reason) => PrepareError::Refused(format!("module refused: {reason}")),
        error @ SandboxError::Host { .. } => PrepareError::Host(crate::http::chain(&error)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_longest_unused_compiled_files_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = (0..4u64)
            .map(|age| {
                let path = folder.path().join(format!("m{age}"));
                std::fs::write(&path, [0; 100]).unwrap();
                let file = std::fs::File::options().append(true).open(&path).unwrap();
                file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 + age)).unwrap();
                path
            })
            .collect();
        evict(folder.path(), 200, &[paths[0].clone()]).unwrap();
        let there: Vec<bool> = paths.iter().map(|path| path.exists()).collect();
        assert_eq!(there, [true, false, false, true]);
    }
}
