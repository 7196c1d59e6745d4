//! A job's life: phases only rise, and what follows when units end.

use fallow_protocol::api::{JobPhase, UnitCounts, UnitState};
use fallow_protocol::job::{Assemble, OnFailed};
use fallow_protocol::limits::MERGE_FAN_IN;
use fallow_protocol::unit::{STAGE_MERGE, STAGE_RUN, STAGE_SPLIT};

use super::merge::{MergeLevel, merge_level};
use super::unit::LifeError;

/// The part of a job's row that its life depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobLife {
    /// Where it is.
    pub phase: JobPhase,
    /// Stage whose units run now: split, work, or a level of the merge.
    pub stage: u16,
    /// Whether all units of the work exist.
    pub split_done: bool,
    /// What to do about failed units.
    pub on_failed: OnFailed,
    /// How to join the outputs.
    pub assemble: Assemble,
}

/// What the shell does next with a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobStep {
    /// Nothing: units still run, or the job has ended.
    Wait,
    /// The guest's split has ended: make the units of its output.
    CutUnits,
    /// Make the units of this merge stage.
    Merge {
        /// The stage to make.
        stage: u16,
        /// Its units and what each joins.
        level: MergeLevel,
    },
    /// Join the outputs, or take the last merge's output: the phase becomes `Assembling`, then `Done`.
    Assemble,
    /// The job fails.
    Fail(JobFailure),
}

/// Why a job fails; the text is shown to the author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobFailure {
    /// `on_failed = "stop"`.
    #[error("a unit finally failed, and the job stops at the first: see `fallow logs --failed`, then `fallow retry`")]
    Stopped,
    /// More left out than allowed.
    #[error(
        "{left_out} of {total} units finally failed, over the {permille_max} per mille that may be left out: \
         see `fallow logs --failed`, then `fallow retry`"
    )]
    TooManyLeftOut {
        /// Units left out or failed.
        left_out: u64,
        /// All units of the stage.
        total: u64,
        /// Largest share, in thousandths.
        permille_max: u32,
    },
    /// The guest's split failed.
    #[error("the task's own split failed: see `fallow logs --failed`")]
    Split,
    /// A merge failed.
    #[error("the task's own merge failed: see `fallow logs --failed`")]
    Merge,
    /// Nothing is left to join.
    #[error("no unit gave an output: see `fallow logs --failed`")]
    NothingLeft,
}

/// How a job ends without its units' doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// Its author stopped it.
    #[error("cancelled by its author")]
    Cancelled,
    /// Its deadline passed.
    #[error("cancelled because its deadline passed before it ended")]
    Deadline,
}

/// What one finally failed unit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AfterFailure {
    /// The unit's state from now on: failed or left out.
    pub unit: UnitState,
    /// The job fails with it.
    pub job: Option<JobFailure>,
}

/// What to do about a unit of `stage` that finally failed. `counts` are those of its stage and already count it as
/// failed; while the split goes on the share is not looked at, because the total still grows.
pub fn after_failure(job: &JobLife, stage: u16, counts: &UnitCounts) -> AfterFailure {
    let stop = |failure| AfterFailure { unit: UnitState::Failed, job: Some(failure) };
    match (stage, job.on_failed) {
        (STAGE_SPLIT, _) => stop(JobFailure::Split),
        (STAGE_RUN, OnFailed::Stop) => stop(JobFailure::Stopped),
        (STAGE_RUN, OnFailed::LeaveOut { permille_max }) => match too_many(job, counts, permille_max) {
            Some(failure) => stop(failure),
            None => AfterFailure { unit: UnitState::LeftOut, job: None },
        },
        _ => stop(JobFailure::Merge),
    }
}

fn too_many(job: &JobLife, counts: &UnitCounts, permille_max: u32) -> Option<JobFailure> {
    let (left_out, total) = (counts.failed + counts.left_out, counts.total());
    let over = u128::from(left_out) * 1_000 > u128::from(permille_max) * u128::from(total);
    (job.split_done && over).then_some(JobFailure::TooManyLeftOut { left_out, total, permille_max })
}

/// What follows now that the units of `job.stage` are as `counts` says. Asked again at any time, it says the same.
pub fn job_step(job: &JobLife, counts: &UnitCounts) -> JobStep {
    let all_ended = counts.total() > 0 && counts.ended() == counts.total();
    if job.phase >= JobPhase::Assembling || !all_ended {
        return JobStep::Wait;
    }
    match job.stage {
        STAGE_SPLIT if counts.failed > 0 => JobStep::Fail(JobFailure::Split),
        STAGE_SPLIT => JobStep::CutUnits,
        STAGE_RUN => after_work(job, counts),
        _ if counts.failed > 0 => JobStep::Fail(JobFailure::Merge),
        stage => after_merge(stage, counts),
    }
}

fn after_work(job: &JobLife, counts: &UnitCounts) -> JobStep {
    if !job.split_done {
        return JobStep::Wait;
    }
    match job.on_failed {
        OnFailed::Stop if counts.failed > 0 => return JobStep::Fail(JobFailure::Stopped),
        OnFailed::LeaveOut { permille_max } => {
            if let Some(failure) = too_many(job, counts, permille_max) {
                return JobStep::Fail(failure);
            }
        }
        OnFailed::Stop => {}
    }
    match job.assemble {
        _ if counts.done == 0 => JobStep::Fail(JobFailure::NothingLeft),
        Assemble::Merge => JobStep::Merge { stage: STAGE_MERGE, level: merge_level(counts.total(), MERGE_FAN_IN) },
        Assemble::Archive | Assemble::Concat => JobStep::Assemble,
    }
}

/// A level with one unit was the last.
fn after_merge(stage: u16, counts: &UnitCounts) -> JobStep {
    match counts.total() {
        1 => JobStep::Assemble,
        parts => JobStep::Merge { stage: stage + 1, level: merge_level(parts, MERGE_FAN_IN) },
    }
}

/// The phase `to`, where it is above `from`.
pub fn rise(from: JobPhase, to: JobPhase) -> Result<JobPhase, LifeError> {
    if to > from && !from.is_final() { Ok(to) } else { Err(LifeError::PhaseFalls { from, to }) }
}

/// Whether the job's deadline ends it now.
pub fn past_deadline(phase: JobPhase, deadline_ms: Option<u64>, now_ms: u64) -> bool {
    !phase.is_final() && deadline_ms.is_some_and(|deadline| now_ms >= deadline)
}
