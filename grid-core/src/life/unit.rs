//! One unit's life: its state, its newest attempt, and the steps between states.
//!
//! `Waiting → Running → Done`, and back over `Again` or `Checking` into a new attempt. Ended units stay as they are,
//! except when the author asks for a retry. An attempt is fenced by its number and its node: whoever else reports, or
//! reports twice, changes nothing.

use fallow_protocol::Digest;
use fallow_protocol::api::{UnitCounts, UnitState};
use fallow_protocol::manifest::Floats;
use fallow_protocol::outcome::Outcome;

use super::judge::{Report, Scene, Verdict, after_trouble, judge, judge_alone};
use super::troubles::Troubles;
use crate::ids::{AccountNo, NodeNo};

/// A result that waits for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who ran it.
    pub node: NodeNo,
    /// Whose node that is.
    pub owner: AccountNo,
    /// Which attempt.
    pub attempt: u32,
    /// What results are compared by: class, fuel and output are in it.
    pub digest: Digest,
    /// The same without fuel: what a result that went on from a checkpoint is compared by.
    pub essence: Digest,
    /// Fuel that was reported.
    pub fuel: u64,
    /// How it ended.
    pub class: u8,
    /// The build that ran.
    pub floats: Floats,
    /// Who made the checkpoint that it went on from.
    pub resumed_from: Option<NodeNo>,
    /// Its node's position with this result.
    pub position: u64,
    /// It stood already, and its pay is held: the check came later.
    pub held: bool,
    /// Equal results that the unit needs; what the first claim says counts.
    pub needed: u8,
}

/// The part of a unit's row that its life depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its state.
    pub state: UnitState,
    /// Newest attempt; 0 before the first. Never falls.
    pub attempt: u32,
    /// Who works on the newest attempt; none while nobody does.
    pub on: Option<NodeNo>,
    /// What went wrong so far.
    pub troubles: Troubles,
    /// Results that wait for another one; empty unless checking.
    pub claims: Vec<Claim>,
}

/// What a step did to the state. Counters of the job move from one to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// State before.
    pub from: UnitState,
    /// State after.
    pub to: UnitState,
}

impl Change {
    /// Move one unit between the job's counters. Counters may be a guess (a replayed result is judged before the store
    /// refuses it), so they never go below zero.
    pub fn apply(self, counts: &mut UnitCounts) {
        let from = count(counts, self.from);
        *from = from.saturating_sub(1);
        *count(counts, self.to) += 1;
    }
}

/// The counter of a state.
pub fn count(counts: &mut UnitCounts, state: UnitState) -> &mut u64 {
    match state {
        UnitState::Waiting => &mut counts.waiting,
        UnitState::Running => &mut counts.running,
        UnitState::Checking => &mut counts.checking,
        UnitState::Done => &mut counts.done,
        UnitState::Again => &mut counts.again,
        UnitState::Failed => &mut counts.failed,
        UnitState::LeftOut => &mut counts.left_out,
    }
}

/// A step that is not possible from where the unit is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifeError {
    /// It is on a node, or has ended.
    #[error("a unit that is {0:?} cannot be leased")]
    NotReady(UnitState),
    /// Only finally failed and left-out units are retried.
    #[error("a unit that is {0:?} cannot be retried")]
    NotFailed(UnitState),
    /// Only what is done can be checked again.
    #[error("a unit that is {0:?} cannot be checked again")]
    NotDone(UnitState),
    /// Nothing waits for a check.
    #[error("a unit that is {0:?} waits for no check")]
    NotChecking(UnitState),
    /// A phase never falls.
    #[error("a job that is {from:?} cannot become {to:?}")]
    PhaseFalls {
        /// Phase now.
        from: fallow_protocol::api::JobPhase,
        /// Phase asked for.
        to: fallow_protocol::api::JobPhase,
    },
    /// Nothing to retry.
    #[error("{0}")]
    NoRetry(&'static str),
}

impl Default for Unit {
    fn default() -> Self {
        Self { state: UnitState::Waiting, attempt: 0, on: None, troubles: Troubles::default(), claims: Vec::new() }
    }
}

impl Unit {
    /// Whether it may be leased now.
    pub fn is_ready(&self) -> bool {
        self.on.is_none() && matches!(self.state, UnitState::Waiting | UnitState::Again | UnitState::Checking)
    }

    /// Whether it has ended; only a retry changes it then.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, UnitState::Done | UnitState::Failed | UnitState::LeftOut)
    }

    /// Whether `attempt` on `node` is what the unit waits for.
    pub fn awaits(&self, node: NodeNo, attempt: u32) -> bool {
        self.on == Some(node) && self.attempt == attempt
    }

    /// A new attempt on `node`; its number is then `self.attempt`. A checking unit stays checking.
    pub fn lease(&mut self, node: NodeNo) -> Result<Change, LifeError> {
        if !self.is_ready() {
            return Err(LifeError::NotReady(self.state));
        }
        self.attempt += 1;
        self.on = Some(node);
        Ok(match self.state {
            UnitState::Checking => self.become_state(UnitState::Checking),
            _ => self.become_state(UnitState::Running),
        })
    }

    /// A result arrived: what it is worth, and what it changed. A stale one changes nothing.
    pub fn result(&mut self, report: &Report<'_>, scene: &Scene<'_>) -> (Verdict, Change) {
        let verdict = judge(self, report, scene);
        (verdict, self.settle(verdict, report))
    }

    /// The attempt's lease ran out, or its node is gone for good.
    pub fn lost(&mut self, node: NodeNo, attempt: u32, scene: &Scene<'_>) -> (Verdict, Change) {
        if !self.awaits(node, attempt) {
            return (Verdict::Stale, self.become_state(self.state));
        }
        self.troubles.count(&Outcome::Lost);
        self.step_aside(scene)
    }

    /// The node gave the attempt back unrun.
    pub fn declined(&mut self, node: NodeNo, attempt: u32, scene: &Scene<'_>) -> (Verdict, Change) {
        if !self.awaits(node, attempt) {
            return (Verdict::Stale, self.become_state(self.state));
        }
        self.troubles.count_decline();
        self.step_aside(scene)
    }

    /// Its node has gone or does not want it.
    fn step_aside(&mut self, scene: &Scene<'_>) -> (Verdict, Change) {
        self.on = None;
        let verdict = after_trouble(self, self.troubles, scene);
        let to = match verdict {
            Verdict::Accepted(_) => UnitState::Done,
            Verdict::Failed(_) => UnitState::Failed,
            _ => return (verdict, self.step_back()),
        };
        self.claims.clear();
        (verdict, self.become_state(to))
    }

    /// Its job stops: whatever runs is not wanted any more. Ended units stay as they are.
    pub fn cancel(&mut self) -> Change {
        if self.on.take().is_some() { self.step_back() } else { self.become_state(self.state) }
    }

    /// A check that nobody is left to make; no verdict where the unit has to wait for somebody.
    pub fn nobody_else(&mut self, scene: &Scene<'_>) -> Result<Option<(Verdict, Change)>, LifeError> {
        if self.state != UnitState::Checking || self.on.is_some() {
            return Err(LifeError::NotChecking(self.state));
        }
        let Some(verdict) = judge_alone(self, scene) else { return Ok(None) };
        let to = if matches!(verdict, Verdict::Accepted(_)) { UnitState::Done } else { UnitState::Failed };
        self.claims.clear();
        Ok(Some((verdict, self.become_state(to))))
    }

    /// A unit that is done is checked after all: what stands becomes a claim.
    pub fn recheck(&mut self, claim: Claim) -> Result<Change, LifeError> {
        if self.state != UnitState::Done {
            return Err(LifeError::NotDone(self.state));
        }
        self.claims = vec![claim];
        Ok(self.become_state(UnitState::Checking))
    }

    /// The author wants it tried afresh.
    pub fn retry(&mut self) -> Result<Change, LifeError> {
        if !matches!(self.state, UnitState::Failed | UnitState::LeftOut) {
            return Err(LifeError::NotFailed(self.state));
        }
        self.troubles = Troubles::default();
        self.claims.clear();
        Ok(self.become_state(UnitState::Again))
    }

    /// The job goes on without it.
    pub fn leave_out(&mut self) -> Result<Change, LifeError> {
        if self.state != UnitState::Failed {
            return Err(LifeError::NotFailed(self.state));
        }
        Ok(self.become_state(UnitState::LeftOut))
    }

    /// Carry out a verdict on a report.
    fn settle(&mut self, verdict: Verdict, report: &Report<'_>) -> Change {
        let to = match verdict {
            Verdict::Stale => return self.become_state(self.state),
            Verdict::Accepted(_) => UnitState::Done,
            Verdict::Failed(_) => UnitState::Failed,
            Verdict::Check { .. } => UnitState::Checking,
            Verdict::Again if self.claims.is_empty() => UnitState::Again,
            Verdict::Again => UnitState::Checking,
        };
        self.on = None;
        self.troubles.count(report.outcome);
        match verdict {
            Verdict::Check { needed } => self.claims.push(report.claim(needed)),
            Verdict::Accepted(_) | Verdict::Failed(_) => self.claims.clear(),
            Verdict::Again | Verdict::Stale => {}
        }
        self.become_state(to)
    }

    /// Back to where another attempt can begin.
    fn step_back(&mut self) -> Change {
        match self.state {
            UnitState::Running => self.become_state(UnitState::Again),
            other => self.become_state(other),
        }
    }

    fn become_state(&mut self, to: UnitState) -> Change {
        let change = Change { from: self.state, to };
        self.state = to;
        change
    }
}
