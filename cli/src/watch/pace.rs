//! When a line of progress is due where lines stay: at steps of five percent, at a new phase, else once in a while.

use std::time::{Duration, Instant};

use fallow_protocol::api::{JobInfo, JobPhase};

use super::line::percent;

const STEP_PERCENT: u64 = 5;
/// Least time between two lines of one phase.
const EVERY_MIN: Duration = Duration::from_secs(1);
/// A line comes at least this often while something changes.
const EVERY_MAX: Duration = Duration::from_secs(30);

/// What was shown last.
#[derive(Debug, Default)]
pub struct Pace {
    last: Option<(JobPhase, u64, Instant)>,
}

impl Pace {
    /// Whether to show this job now; if so, it counts as shown.
    pub fn is_due(&mut self, job: &JobInfo, now: Instant) -> bool {
        let percent = percent(job);
        let due = self.last.is_none_or(|(phase, before, at)| {
            let waited = now.duration_since(at);
            let stepped = percent / STEP_PERCENT != before / STEP_PERCENT;
            phase != job.phase || (stepped && waited >= EVERY_MIN) || waited >= EVERY_MAX
        });
        if due {
            self.last = Some((job.phase, percent, now));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tests::job;

    #[test]
    fn lines_come_at_steps_and_not_too_often() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let mut info = job("job-7f3b00000000", "cells", 0);
        info.counts.waiting = 100;
        let mut due = |done: u64, phase, after_ms| {
            info.counts.waiting = 100 - done;
            info.counts.done = done;
            info.phase = phase;
            pace.is_due(&info, start + Duration::from_millis(after_ms))
        };
        assert!(due(0, JobPhase::Running, 0));
        assert!(!due(4, JobPhase::Running, 2_000));
        assert!(due(5, JobPhase::Running, 2_000));
        assert!(!due(10, JobPhase::Running, 2_500));
        assert!(due(11, JobPhase::Running, 32_000));
        assert!(due(11, JobPhase::Assembling, 32_001));
        assert!(!due(11, JobPhase::Assembling, 62_000));
        assert!(due(11, JobPhase::Assembling, 62_002));
    }
}
