//! When an unchecked result is final, and what is checked before a job is done or after a node has gone.
//!
//! Unchecked results lie in holdings, one for each job, node and frame, with the node's position after it. A holding
//! becomes final as a whole.

use super::policy::Policy;
use super::record::Record;

impl Record {
    /// Holdings up to this position are final: a whole window of the node's results lies behind them, and one of a
    /// later result passed a check.
    pub fn final_position(&self, policy: &Policy) -> u64 {
        self.position.saturating_sub(policy.window).min(self.passed_position())
    }
}

/// Whether a holding is final. `position` is the node's after it, `age_ms` how long it is held. An old one is final
/// earlier, when enough later results were checked: a slow node's pay does not wait for ever.
pub fn is_final(policy: &Policy, record: &Record, position: u64, age_ms: i64) -> bool {
    let is_old = age_ms >= policy.stale_after_ms;
    position <= record.final_position(policy) || is_old && record.passes_from(position) >= policy.sweep
}

/// How many of a node's `provisional` unchecked results in a job are checked before the job is done: as many as the
/// node lacks in its recent passed checks, whichever jobs these were in.
pub fn sweep_size(policy: &Policy, record: &Record, provisional: u32) -> u32 {
    if record.anchor {
        return 0;
    }
    let recent = record.passes_from((record.position + 1).saturating_sub(policy.sweep_window));
    policy.sweep.saturating_sub(recent).min(provisional)
}

/// How many of the `left` unchecked results that a node left are checked, `silent_ms` after its last result; none
/// before it counts as gone. When all are right, the shell makes what remains final.
pub fn stale_sample(policy: &Policy, left: u32, silent_ms: i64) -> Option<u32> {
    (silent_ms >= policy.stale_after_ms).then(|| policy.stale_sample.min(left))
}
