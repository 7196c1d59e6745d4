//! What the matcher sees of nodes and jobs. Plain structs: the shell fills them, tests write them down.

use std::collections::BTreeSet;
use std::sync::Arc;

use fallow_protocol::Digest;
use fallow_protocol::job::RunOn;
use fallow_protocol::manifest::Limits;
use fallow_protocol::unit::UnitKey;

use super::takes::Takes;
use crate::ids::{AccountNo, JobNo, NodeNo};
use crate::trust::{Candidate, ClaimView, Policy, Standing};

/// Everything that one plan depends on.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Nodes that are connected.
    pub nodes: Vec<NodeView>,
    /// Jobs that have not ended.
    pub jobs: Vec<JobView>,
    /// The grid's rules of trust.
    pub policy: Policy,
    /// Whether the server's own worker can take a check now.
    pub anchor: bool,
    /// Whether there is such a worker at all.
    pub has_anchor: bool,
}

/// What a node is worth as one that gives results and checks others'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worth {
    /// What it is worth now.
    pub standing: Standing,
    /// Whether its owner has been here for long.
    pub seasoned: bool,
    /// Checks that it passed since its last fault.
    pub passes: u32,
    /// Where it is, as in [`Candidate`].
    pub network: u64,
    /// Its processor's family, as in [`Candidate`].
    pub arch: u32,
    /// Its engine's version, as in [`Candidate`].
    pub engine: u32,
    /// Computers of its kind gave other results than the rest, and the operator has not looked at it yet.
    pub frozen: bool,
    /// It is new: see [`crate::trust::Door`].
    pub new: bool,
    /// It waits at the door: others that are new work already, see [`super::mind_the_door`].
    pub at_door: bool,
}

impl Default for Worth {
    /// A node that nobody knows.
    fn default() -> Self {
        Self {
            standing: Standing::Probation,
            seasoned: false,
            passes: 0,
            network: 0,
            arch: 0,
            engine: 0,
            frozen: false,
            new: true,
            at_door: false,
        }
    }
}

/// Whether a node takes work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It does.
    Active,
    /// Its owner's rules say no for now.
    Paused {
        /// The rule, in words.
        reason: String,
    },
    /// It finishes what it has.
    Draining,
}

/// A connected node.
#[derive(Clone, Debug)]
pub struct NodeView {
    /// Which.
    pub id: NodeNo,
    /// Whose.
    pub owner: AccountNo,
    /// Whether it takes work.
    pub mood: Mood,
    /// Units that it runs at once.
    pub slots: u32,
    /// Memory that its units may use together, bytes.
    pub memory_bytes: u64,
    /// Whether it takes strangers' jobs, as it says itself.
    pub takes_strangers: bool,
    /// Whose work it takes, as its owner said on the portal.
    pub takes: Arc<Takes>,
    /// Semantics profile that its workers run.
    pub profile: Arc<str>,
    /// Leases that it holds.
    pub leases: u32,
    /// What it is worth.
    pub worth: Worth,
    /// Units that it holds and has not reported, by job. A job without held units may be named for its time alone.
    pub work: Vec<NodeWork>,
}

impl Picky {
    /// Whether it is a check.
    pub fn is_check(&self) -> bool {
        !self.claims.is_empty()
    }

    /// Whether its claims differ, so that the next to run it decides.
    pub fn is_disputed(&self) -> bool {
        self.claims.iter().any(|claim| !claim.agrees(&self.claims[0]))
    }
}

impl NodeView {
    /// Units that it holds, all jobs together.
    pub fn units_held(&self) -> u64 {
        self.work.iter().map(|work| work.units).sum()
    }

    /// As one that could run a copy.
    pub fn candidate(&self) -> Candidate {
        let Worth { standing, seasoned, passes, network, arch, engine, .. } = self.worth;
        Candidate { node: self.id, owner: self.owner, network, standing, seasoned, passes, arch, engine }
    }

    /// What is known of it with one job.
    pub fn work_of(&self, job: JobNo) -> Option<&NodeWork> {
        self.work.iter().find(|work| work.job == job)
    }
}

/// One node with one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeWork {
    /// The job.
    pub job: JobNo,
    /// Units held.
    pub units: u64,
    /// Average wall time of this job's units on this node, microseconds, where any has ended.
    pub unit_us: Option<u64>,
}

/// A job with units.
#[derive(Clone, Debug)]
pub struct JobView {
    /// Which; older jobs have smaller numbers and go first where all else is equal.
    pub id: JobNo,
    /// Its author.
    pub owner: AccountNo,
    /// Who may run it.
    pub run_on: RunOn,
    /// What it runs.
    pub module: Digest,
    /// Where it runs on a group's nodes: accounts that are in that group now. Empty where its author is not, or where
    /// there is no such group any more.
    pub members: Arc<BTreeSet<AccountNo>>,
    /// The operator stopped it: nothing of it runs.
    pub suspended: Option<Suspension>,
    /// Limits a unit.
    pub limits: Limits,
    /// Profile of its module.
    pub profile: Arc<str>,
    /// Ready units that any eligible node may take.
    pub ready: u64,
    /// Ready units that not every node may take, at most [`super::PICKY_MAX`] are looked at. Not counted in `ready`.
    pub picky: Vec<Picky>,
    /// Nodes that declined it lately.
    pub avoid: Vec<NodeNo>,
    /// The node that has fetched what its only ready unit reads, and so is given it where it has room.
    pub prefers: Option<NodeNo>,
    /// Average wall time of its units on all nodes, microseconds, where any of the stage that runs now has ended.
    pub unit_us: Option<u64>,
    /// Average fuel of its units, where any has ended.
    pub unit_fuel: Option<u64>,
    /// Fuel that is left of its account's quota.
    pub fuel_left: u64,
    /// Fuel that what is left of its budget buys; none where others' nodes cost it nothing.
    pub budget_left: Option<u64>,
    /// Share among jobs, thousandths: 1,000 is ordinary, 2,000 gets twice as much; 0 counts as 1.
    pub weight: u32,
}

/// Why the operator lets nothing of a job run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suspension {
    /// Its author's account is suspended, for this reason.
    Author(String),
    /// What its units run is suspended, for this reason.
    Module(String),
}

/// A ready unit that must or should run elsewhere than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picky {
    /// Which.
    pub key: UnitKey,
    /// Nodes that had it, and are worse than others (a host fault, a time limit).
    pub avoid: Vec<NodeNo>,
    /// What was said of it, where somebody else has to say so too: a check.
    pub claims: Vec<ClaimView>,
    /// Whether the server's own worker could run it.
    pub by_server: bool,
    /// How long it has been ready, milliseconds.
    pub waiting_ms: u64,
}
