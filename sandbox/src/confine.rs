//! The operating system's second wall around a worker, behind the engine's own. Once up, it never comes down.
//!
//! In two halves, because threads are made between them: `files` (and what only the first thread can do), then `calls`
//! for all threads. One file a system; elsewhere it says that it cannot.

use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::{calls, compile, files};

#[cfg(not(target_os = "linux"))]
mod unsupported;
#[cfg(not(target_os = "linux"))]
pub use unsupported::{calls, compile, files};

/// What a process is for, which says what it still needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs guests: no threads, no files beyond those that are open, and its scratch directory.
    Run,
    /// Compiles: threads, and one directory.
    Compile,
}

/// What a process keeps.
#[derive(Clone, Debug)]
pub struct Confinement {
    pub role: Role,
    /// The one directory that it may use.
    pub directory: Option<PathBuf>,
    /// Writable private memory; address space is not limited, because guests reserve much more than they use.
    pub data_bytes: Option<u64>,
    /// Address space, where no guest runs.
    pub address_bytes: Option<u64>,
    /// CPU time.
    pub cpu_secs: Option<u64>,
}

impl Confinement {
    /// For running units.
    pub fn run(scratch: Option<PathBuf>) -> Self {
        Self { role: Role::Run, directory: scratch, data_bytes: None, address_bytes: None, cpu_secs: None }
    }

    /// For compiling into `cache`.
    pub fn compile(cache: &Path) -> Self {
        let directory = Some(cache.to_owned());
        Self { role: Role::Compile, directory, data_bytes: None, address_bytes: None, cpu_secs: None }
    }
}

/// Why a process could not be confined.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// The system has no such thing.
    #[error("the system has no {0}")]
    Unsupported(&'static str),
    /// It has, and it failed.
    #[error("{step}: {message}")]
    Failed { step: &'static str, message: String },
}

impl ConfineError {
    fn failed(step: &'static str, error: impl std::fmt::Display) -> Self {
        Self::Failed { step, message: error.to_string() }
    }

    /// For processes that run no guest: they are confined where that is possible.
    pub fn unsupported_is_fine(self) -> Result<(), Self> {
        match self {
            Self::Unsupported(_) => Ok(()),
            failed => Err(failed),
        }
    }
}
