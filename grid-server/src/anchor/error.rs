//! Why the server's own worker gives no result.

use std::io;

use fallow_protocol::Digest;
use fallow_protocol::manifest::ManifestError;
use fallow_protocol::unit::UnitKey;
use fallow_sandbox::client::SandboxError;

use crate::store::StoreError;

/// Why the server's own worker gives no result. None of these says anything about the unit.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The operator has switched it off.
    #[error("the server's own worker is switched off (anchor.share_permille is 0)")]
    Off,
    /// It has as much to do as it may have at once.
    #[error("the server's own worker runs as many units as it may; ask again when one has ended")]
    Busy,
    /// It has used its share of the time.
    #[error("the server's own worker has used its share of the last hour; ask again in {again_in_ms} ms")]
    OverBudget {
        /// When there is room again, milliseconds from now.
        again_in_ms: u64,
    },
    /// The unit needs more than the server lends.
    #[error("the unit needs more than the server's own worker gives: anchor.unit.{limit} is {most}")]
    TooLarge {
        /// Which limit.
        limit: &'static str,
        /// What it is.
        most: u64,
    },
    /// The module may not run here: its signature, its profile, or what compiling it said.
    #[error("the module is refused: {0}")]
    Module(String),
    /// The operator stopped the module.
    #[error("the module is suspended: {0}")]
    Suspended(String),
    /// A file that the unit needs is not kept any more.
    #[error("the blob {0}, which the unit needs, is not here or too short")]
    Missing(Digest),
    /// There is no such unit.
    #[error("the job {job} has no unit {} of stage {}", key.seq, key.stage)]
    Unknown {
        /// Internal id of the job.
        job: i64,
        /// The unit.
        key: UnitKey,
    },
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
    /// This computer could not.
    #[error("failed to {step}")]
    Host {
        /// What was being done.
        step: &'static str,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// The database.
    #[error("failed to use the store")]
    Store(#[from] StoreError),
}

impl From<ManifestError> for AnchorError {
    fn from(error: ManifestError) -> Self {
        Self::Module(error.to_string())
    }
}

impl From<SandboxError> for AnchorError {
    fn from(error: SandboxError) -> Self {
        match error {
            SandboxError::Refused(why) => Self::Module(why),
            SandboxError::Host { step, source } => Self::Host { step, source },
        }
    }
}

/// As the source of an error of this computer, at a step.
pub(super) fn host(step: &'static str) -> impl FnOnce(io::Error) -> AnchorError {
    move |source| AnchorError::Host { step, source }
}
