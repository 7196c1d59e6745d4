//! Works for as long as its input says, step by step, and can go on from a checkpoint with the same result.
//!
//! Input: `{"steps": 100, "work": 1000000, "checkpoint_every": 10}`: so many steps, each of so many rounds of a hash,
//! a checkpoint after so many steps (0 or missing: none). Output: `{"steps": 100, "hash": …}`. The log says from which
//! step a run went on, which is no part of the result.

use fallow::{Json, Postcard, Result};
use serde::{Deserialize, Serialize};

/// How long to work.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Steps in all.
    pub steps: u64,
    /// Rounds a step; a million takes about a millisecond.
    #[serde(default)]
    pub work: u64,
    /// Steps between checkpoints.
    #[serde(default)]
    pub checkpoint_every: u64,
}

/// What is left of the work, and the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Steps done.
    pub steps: u64,
    /// Depends on every round.
    pub hash: u64,
}

/// One unit.
pub fn steps(Json(plan): Json<Plan>) -> Result<Json<State>> {
    let mut state = State::default();
    if let Some(Postcard(kept)) = fallow::restore::<Postcard<State>>()? {
        state = kept;
        fallow::log!("resumed at step {}", state.steps);
    }
    while state.steps < plan.steps {
        state.hash = (0..plan.work).fold(state.hash ^ state.steps, round);
        state.steps += 1;
        fallow::progress(state.steps, plan.steps);
        if plan.checkpoint_every > 0 && state.steps.is_multiple_of(plan.checkpoint_every) {
            fallow::checkpoint(Postcard(state))?;
        }
    }
    Ok(Json(state))
}

fallow::task!(run = steps);

/// One round of a multiplicative hash: each needs the one before, so that none can be left out.
fn round(hash: u64, number: u64) -> u64 {
    (hash ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}

#[cfg(test)]
mod tests {
    use fallow::testing::Host;

    use super::*;

    #[test]
    fn every_checkpoint_leads_to_the_same_end() {
        let input = r#"{"steps": 9, "work": 100, "checkpoint_every": 2}"#;
        let mut whole = Host::new();
        let Json(expected) = whole.run(steps, input).unwrap();
        assert_eq!((expected.steps, whole.progress().len(), whole.checkpoints().len()), (9, 9, 4));
        for (index, state) in whole.checkpoints().iter().enumerate() {
            let mut resumed = Host::new().checkpoint(state);
            assert_eq!(resumed.run(steps, input).unwrap().0, expected);
            assert_eq!(resumed.log(), [format!("resumed at step {}", 2 * (index + 1))]);
        }
    }
}
