//! The lives of units and jobs: which steps are possible, what a result is worth, and when a job goes on.
//!
//! A unit's row is a [`Unit`]; the shell loads it, asks for a step, and writes what came out with the counters of
//! [`Change`], all in one transaction. Nothing here knows how rows are kept.

mod avoid;
mod job;
mod judge;
mod mask;
mod merge;
mod retry;
mod troubles;
mod unit;

#[cfg(test)]
mod properties;

pub use avoid::Avoid;
pub use job::{AfterFailure, Ended, JobFailure, JobLife, JobStep, after_failure, job_step, past_deadline, rise};
pub use judge::{About, Basis, Others, Report, Scene, UNKNOWN_ARCH, Verdict, build_of, judge, judge_alone, views};
pub use mask::Mask;
pub use merge::{MergeLevel, merge_level};
pub use retry::{Retry, retry_job};
pub use troubles::{DECLINES_A_LOSS, FAULTS_MAX, LOSSES_MAX, TIMEOUTS_MAX, Troubles};
pub use unit::{Change, Claim, LifeError, Unit, count};
