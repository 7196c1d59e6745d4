//! The owner's rules as data: what the node offers now and which jobs it takes.
//!
//! Pure: no clock, no IO. [`Lender`] holds all that the owner says and sees what the computer tells; what follows from
//! it is this [`Policy`], which the agent asks.

mod gauge;
mod lender;
mod observation;

pub use lender::{Lender, Means, Offer, OwnPause, Pause};
pub use observation::Observation;

use fallow_protocol::link::{JobGrant, NodeState};
use fallow_protocol::manifest::Limits;

/// What the owner allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Units at once, at least 1.
    pub slots: u32,
    /// Memory of all units together, bytes.
    pub memory_bytes: u64,
    /// Whether strangers' jobs are taken.
    pub takes_strangers: bool,
    /// The pause in force, in the words that the grid shows.
    pub paused: Option<String>,
    /// The pause that begins once the units have ended that have begun.
    pub finishing: Option<String>,
    /// Whether the node is about to leave.
    pub draining: bool,
}

/// Why a job is not taken, in words for the author's `explain`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Its author is a stranger.
    #[error("this node takes only its owner's jobs")]
    Stranger,
    /// A unit needs more than all that the owner gives.
    #[error("a unit may use {wanted} bytes of memory, this node gives {given}")]
    Memory {
        /// Limit of one unit.
        wanted: u64,
        /// All that the node gives.
        given: u64,
    },
    /// The node is about to leave.
    #[error("this node is shutting down")]
    Draining,
    /// The node is about to pause.
    #[error("this node finishes what it has and then pauses")]
    Finishing,
}

impl Policy {
    /// What the server is told.
    pub fn state(&self) -> NodeState {
        match &self.paused {
            _ if self.draining => NodeState::Draining,
            Some(reason) => NodeState::Paused { reason: reason.clone() },
            None if self.finishing.is_some() => NodeState::Draining,
            None => NodeState::Active,
        }
    }

    /// Whether units may begin now.
    pub fn may_run(&self) -> bool {
        self.paused.is_none() && self.finishing.is_none() && !self.draining
    }

    /// Whether units of this job are taken at all.
    pub fn admits(&self, grant: &JobGrant) -> Result<(), NotTaken> {
        let Limits { memory_bytes: wanted, .. } = grant.limits;
        if self.draining {
            Err(NotTaken::Draining)
        } else if self.finishing.is_some() {
            Err(NotTaken::Finishing)
        } else if !grant.own && !self.takes_strangers {
            Err(NotTaken::Stranger)
        } else if wanted > self.memory_bytes {
            Err(NotTaken::Memory { wanted, given: self.memory_bytes })
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy {
            slots: 2,
            memory_bytes: 1 << 30,
            takes_strangers: true,
            paused: None,
            finishing: None,
            draining: false,
        }
    }

    #[test]
    fn leaving_outranks_a_pause() {
        assert_eq!(policy().state(), NodeState::Active);
        let paused = Policy { paused: Some("by its owner".into()), ..policy() };
        assert_eq!(paused.state(), NodeState::Paused { reason: "by its owner".into() });
        assert!(!paused.may_run());
        assert_eq!(Policy { draining: true, ..paused }.state(), NodeState::Draining);
    }

    #[test]
    fn strangers_and_large_units_are_turned_away() {
        let grant = crate::agent::samples::grant(true);
        assert_eq!(policy().admits(&grant), Ok(()));
        let stranger = JobGrant { own: false, ..grant.clone() };
        assert_eq!(policy().admits(&stranger), Ok(()));
        assert_eq!(Policy { takes_strangers: false, ..policy() }.admits(&stranger), Err(NotTaken::Stranger));
        assert_eq!(Policy { takes_strangers: false, ..policy() }.admits(&grant), Ok(()));
        let small = Policy { memory_bytes: 1 << 20, ..policy() };
        assert!(matches!(small.admits(&grant), Err(NotTaken::Memory { given: 1_048_576, .. })));
    }
}
