//! What an account does with its jobs: the functions behind the API's handlers.
//!
//! Checks, one transaction, a wake-up; the work itself is the workers'. Nothing here knows HTTP.

use std::time::Duration;

use fallow_protocol::api::{JobPhase, UnitState};
use fallow_protocol::job::Assemble;
use fallow_protocol::{Digest, JobId};
use grid_core::ledger::Amount;

use crate::store::StoreError;

pub(crate) mod active;
mod control;
mod explain;
mod fund;
mod lists;
mod look;
mod submit;

pub use active::{Active, ActiveJob};
pub use control::{cancel, retry};
pub use explain::explain;
pub use fund::fund;
pub use lists::{logs, units};
pub use look::{info, list, result};
pub use submit::submit;

/// Why a request about a job is refused.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// There is none, or it is another account's.
    #[error("there is no job {0}")]
    NotFound(JobId),
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
            JobError::NotFound(_) => "not-found",
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
            JobError::NotFound(_) => 404,
            JobError::NotEnoughCredits { .. } => 402,
            JobError::Invalid { .. } => 422,
            JobError::IdempotencyConflict | JobError::NoResultYet { .. } | JobError::Conflict(_) => 409,
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
