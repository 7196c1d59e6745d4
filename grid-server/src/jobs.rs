//! What an account does with its jobs: the functions behind the API's handlers.
//!
//! Checks, one transaction, a wake-up; the work itself is the workers'. Nothing here knows HTTP.

use std::time::Duration;

use fallow_protocol::api::{Explanation, JobInfo, JobPhase, Page, UnitInfo, UnitLog, UnitState};
use fallow_protocol::job::{Assemble, JobSubmission};
use fallow_protocol::{Digest, JobId};

use crate::app::App;
use crate::store::StoreError;

mod active;

pub use active::Active;

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
    Internal(#[from] StoreError),
}

impl JobError {
    /// Stable word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            JobError::NotFound(_) => "not-found",
            JobError::Invalid { .. } => "invalid",
            JobError::IdempotencyConflict => "idempotency-conflict",
            JobError::QuotaExhausted { .. } => "quota-exhausted",
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
            JobError::Invalid { .. } => 422,
            JobError::IdempotencyConflict | JobError::NoResultYet { .. } | JobError::Conflict(_) => 409,
            JobError::QuotaExhausted { .. } => 403,
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

/// Accept a job. True when it was made, false when the key was seen with the same submission before.
pub async fn submit(
    _app: &App,
    _account: i64,
    _submission: JobSubmission,
    _idempotency_key: Option<&str>,
) -> Result<(JobInfo, bool), JobError> {
    Err(JobError::Internal(StoreError::Closed))
}

/// The account's jobs, newest first.
pub async fn list(_app: &App, _account: i64, _cursor: Option<&str>, _limit: u64) -> Result<Page<JobInfo>, JobError> {
    Err(JobError::Internal(StoreError::Closed))
}

/// One job; where `after` is given, waits until its version is higher or `wait` is over.
pub async fn info(
    _app: &App,
    _account: i64,
    _id: &JobId,
    _after: Option<u64>,
    _wait: Duration,
) -> Result<JobInfo, JobError> {
    Err(JobError::Internal(StoreError::Closed))
}

/// Its units in order.
pub async fn units(
    _app: &App,
    _account: i64,
    _id: &JobId,
    _filter: UnitsFilter,
    _cursor: Option<&str>,
    _limit: u64,
) -> Result<Page<UnitInfo>, JobError> {
    Err(JobError::Internal(StoreError::Closed))
}

/// Logs and messages of its units' attempts.
pub async fn logs(
    _app: &App,
    _account: i64,
    _id: &JobId,
    _filter: LogsFilter,
    _cursor: Option<&str>,
    _limit: u64,
) -> Result<Page<UnitLog>, JobError> {
    Err(JobError::Internal(StoreError::Closed))
}

/// Why its units wait.
pub async fn explain(_app: &App, _account: i64, _id: &JobId) -> Result<Explanation, JobError> {
    Err(JobError::Internal(StoreError::Closed))
}

/// Stop it; a job that has ended stays as it is.
pub async fn cancel(_app: &App, _account: i64, _id: &JobId) -> Result<JobInfo, JobError> {
    Err(JobError::Internal(StoreError::Closed))
}

/// Give finally failed and left-out units fresh attempts.
pub async fn retry(_app: &App, _account: i64, _id: &JobId) -> Result<JobInfo, JobError> {
    Err(JobError::Internal(StoreError::Closed))
}

/// Where its result is; waits up to `wait` for it.
pub async fn result(_app: &App, _account: i64, _id: &JobId, _wait: Duration) -> Result<ResultBlob, JobError> {
    Err(JobError::Internal(StoreError::Closed))
}
