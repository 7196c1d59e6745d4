//! What an account does with its jobs: the functions behind the API's handlers.
//!
//! Checks, one transaction, a wake-up; the work itself is the workers'. Nothing here knows HTTP.

use std::time::Duration;

use fallow_protocol::api::{JobPhase, UnitState};
use fallow_protocol::job::Assemble;
use fallow_protocol::unit::UnitKey;
use fallow_protocol::{Digest, JobId};
use grid_core::ledger::Amount;

use crate::store::StoreError;

pub(crate) mod active;
mod at_work;
mod control;
mod draft;
mod errors;
mod explain;
mod fund;
mod lists;
mod look;
mod preview;
mod submit;
pub(crate) mod timeline;
mod unit;

pub use active::{Active, ActiveJob};
pub use at_work::at_work;
pub use control::{cancel, retry};
pub use draft::draft;
pub use errors::errors;
pub use explain::explain;
pub use fund::fund;
pub use lists::{logs, units, watched};
pub use look::{info, list, result, some, without_submission};
pub use preview::{Bytes as PreviewBytes, Shown, preview, preview_file};
pub use submit::submit;
pub use timeline::timeline;
pub use unit::{output, unit};

/// Why a request about a job is refused.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// There is none, or it is another account's.
    #[error("there is no job {0}")]
    NotFound(JobId),
    /// The job has no such unit.
    #[error("{job} has no unit {} in stage {}", key.seq, key.stage)]
    NoUnit {
        /// The job.
        job: JobId,
        /// The unit.
        key: UnitKey,
    },
    /// The result has no such file.
    #[error("the result of {job} has no file {index}, or not yet")]
    NoFile {
        /// The job.
        job: JobId,
        /// Which file.
        index: u64,
    },
    /// The file is nothing that is shown.
    #[error("the file is not shown: {0}; download it")]
    NotShown(String),
    /// The unit has no output now.
    #[error("the unit is {state:?} and has no output")]
    NoOutput {
        /// What it is.
        state: UnitState,
    },
    /// A field of the request cannot be accepted.
    #[error("{detail}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        detail: String,
        /// What to do.
        help: Option<String>,
    },
    /// The key was used for another submission.
    #[error("the idempotency key was used for another submission; use a new key")]
    IdempotencyConflict,
    /// No fuel left.
    #[error("the account has used {used} of its {quota} fuel")]
    QuotaExhausted {
        /// Fuel that the account may use.
        quota: u64,
        /// Fuel that it has used.
        used: u64,
    },
    /// Fewer credits than are needed.
    #[error("the account has {available} credits, and {wanted} are needed")]
    NotEnoughCredits {
        /// What the account may spend.
        available: Amount,
        /// What was asked for.
        wanted: Amount,
    },
    /// The operator stopped what the job would run.
    #[error("the grid's operator suspended the module: {0}")]
    ModuleSuspended(String),
    /// The job still works.
    #[error("the job is {phase:?}; its result is not there yet")]
    NoResultYet {
        /// Where it is.
        phase: JobPhase,
    },
    /// The job ended without a result.
    #[error("the job has no result: {reason}")]
    NoResult {
        /// Why.
        reason: String,
    },
    /// The job's phase does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// Our own fault; the cause is for the log only.
    #[error("failed to use the job store")]
    Internal(#[source] anyhow::Error),
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        JobError::Internal(error.into())
    }
}

impl JobError {
    /// Stable word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            JobError::NotFound(_) | JobError::NoUnit { .. } | JobError::NoFile { .. } => "not-found",
            JobError::NotShown(_) => "not-shown",
            JobError::NoOutput { .. } => "no-output",
            JobError::Invalid { .. } => "invalid",
            JobError::IdempotencyConflict => "idempotency-conflict",
            JobError::QuotaExhausted { .. } => "quota-exhausted",
            JobError::NotEnoughCredits { .. } => "not-enough-credits",
            JobError::ModuleSuspended(_) => "module-suspended",
            JobError::NoResultYet { .. } => "no-result-yet",
            JobError::NoResult { .. } => "no-result",
            JobError::Conflict(_) => "conflict",
            JobError::Internal(_) => "internal",
        }
    }

    /// HTTP status that says it best.
    pub fn status(&self) -> u16 {
        match self {
            JobError::NotFound(_) | JobError::NoUnit { .. } | JobError::NoFile { .. } => 404,
            JobError::NotShown(_) => 415,
            JobError::NotEnoughCredits { .. } => 402,
            JobError::Invalid { .. } => 422,
            JobError::IdempotencyConflict
            | JobError::NoResultYet { .. }
            | JobError::NoOutput { .. }
            | JobError::Conflict(_) => 409,
            JobError::QuotaExhausted { .. } | JobError::ModuleSuspended(_) => 403,
            JobError::NoResult { .. } => 410,
            JobError::Internal(_) => 500,
        }
    }
}

/// A job's result, to be streamed from the blobs.
#[derive(Clone, Debug)]
pub struct ResultBlob {
    /// The blob.
    pub digest: Digest,
    /// Its length, bytes.
    pub len: u64,
    /// How it was joined.
    pub assemble: Assemble,
    /// The job's name, for the file.
    pub name: String,
}

/// Which units to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnitsFilter {
    /// Only those in this state.
    pub state: Option<UnitState>,
    /// Only those of this stage.
    pub stage: Option<u16>,
}

/// Which logs to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogsFilter {
    /// Only those of attempts that failed.
    pub failed: bool,
    /// Only those of this unit of the work.
    pub seq: Option<u64>,
}

/// Rows of a page at most.
pub const PAGE_MAX: u64 = 1_000;
/// How long a request may wait for news.
pub const WAIT_MAX: Duration = Duration::from_secs(30);
