//! `fallow retry`: the one step by which a phase falls, as a new version of the job.

use fallow_protocol::api::{JobPhase, UnitCounts};
use fallow_protocol::unit::{STAGE_RUN, STAGE_SPLIT};

use super::job::JobLife;
use super::unit::LifeError;

/// What a retry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The job's phase from now on.
    pub phase: JobPhase,
    /// The stage whose failed and left-out units get fresh attempts (`Unit::retry`).
    pub stage: u16,
    /// How many these are.
    pub units: u64,
}

/// Whether and how a job is retried; `counts` are those of `job.stage`.
pub fn retry_job(job: &JobLife, counts: &UnitCounts) -> Result<Retry, LifeError> {
    let units = counts.failed + counts.left_out;
    match job.phase {
        JobPhase::Done => Err(LifeError::NoRetry("the job is done and its result stands: submit it again")),
        JobPhase::Cancelled => Err(LifeError::NoRetry("the job was cancelled: submit it again")),
        JobPhase::Assembling => Err(LifeError::NoRetry("the job's result is being put together: wait for it")),
        JobPhase::Failed if units == 0 => Err(LifeError::NoRetry(
            "the job failed without a failed unit: correct what its error says and submit again",
        )),
        _ if units == 0 => Err(LifeError::NoRetry("no unit has finally failed: there is nothing to retry")),
        JobPhase::Splitting | JobPhase::Running | JobPhase::Failed => {
            Ok(Retry { phase: phase_of(job), stage: job.stage, units })
        }
    }
}

/// The phase in which the units of the job's stage run.
fn phase_of(job: &JobLife) -> JobPhase {
    let splitting = job.stage == STAGE_SPLIT || (job.stage == STAGE_RUN && !job.split_done);
    if splitting { JobPhase::Splitting } else { JobPhase::Running }
}
