//! Whether a node may run a job at all. The only place where this is decided: the plan and the explanation both ask it.

use fallow_protocol::job::RunOn;

use super::view::{JobView, Mood, NodeView, Snapshot, Worth};
use crate::ids::NodeNo;
use crate::life::Others;
use crate::trust::Standing;

/// Why a node does not run a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The job runs only on its author's nodes, and this is not one.
    OwnOnly,
    /// The job runs only on nodes of this group's members, and this is not one.
    GroupOnly(String),
    /// The job runs only on nodes of this group's members, and its author is not one (any more).
    NotInGroup(String),
    /// The node takes no strangers' work.
    NoStrangers,
    /// The node takes only its owner's and his groups' work.
    GroupsOnly,
    /// Its owner takes no work of this author.
    NotAuthor,
    /// Its owner takes no work of this module.
    NotModule,
    /// A unit asks for more memory than the node gives.
    Memory {
        /// What the node gives, bytes.
        has: u64,
    },
    /// It is new, and as many new nodes work as may at once.
    AtDoor,
    /// Its workers run another semantics profile.
    Profile,
    /// It gave wrong results: no stranger's work for it.
    Untrusted(String),
    /// It declined the job lately.
    Declined,
    /// It finishes what it has.
    Draining,
    /// Its owner's rules say no for now.
    Paused(String),
}

impl Refusal {
    /// Whether it passes on its own.
    pub fn is_passing(&self) -> bool {
        matches!(self, Refusal::Paused(_) | Refusal::Declined | Refusal::AtDoor)
    }
}

/// Whether `node` may run units of `job`: what never changes first, what passes last.
pub fn eligible(node: &NodeView, job: &JobView) -> Result<(), Refusal> {
    if node.owner != job.owner {
        match &job.run_on {
            RunOn::Own => return Err(Refusal::OwnOnly),
            RunOn::Group(name) => in_group(node, job, name)?,
            RunOn::Anyone if !node.takes_strangers => return Err(Refusal::NoStrangers),
            RunOn::Anyone => {}
        }
        node.takes.check(job)?;
        if let Some(why) = barred(&node.worth) {
            return Err(Refusal::Untrusted(why.to_owned()));
        }
        if node.worth.at_door {
            return Err(Refusal::AtDoor);
        }
    }
    if node.profile != job.profile {
        return Err(Refusal::Profile);
    }
    if node.memory_bytes < job.limits.memory_bytes {
        return Err(Refusal::Memory { has: node.memory_bytes });
    }
    if job.avoid.contains(&node.id) {
        return Err(Refusal::Declined);
    }
    match &node.mood {
        Mood::Active if node.slots == 0 => Err(Refusal::Paused("because it gives no slots".into())),
        Mood::Active => Ok(()),
        Mood::Draining => Err(Refusal::Draining),
        Mood::Paused { reason } => Err(Refusal::Paused(reason.clone())),
    }
}

/// Members of a group run each other's jobs; who is in no group with the author is a stranger.
fn in_group(node: &NodeView, job: &JobView, name: &str) -> Result<(), Refusal> {
    if !job.members.contains(&job.owner) {
        return Err(Refusal::NotInGroup(name.to_owned()));
    }
    if !job.members.contains(&node.owner) {
        return Err(Refusal::GroupOnly(name.to_owned()));
    }
    if node.takes_strangers { Ok(()) } else { Err(Refusal::NoStrangers) }
}

fn barred(worth: &Worth) -> Option<&'static str> {
    match worth.standing {
        _ if worth.frozen => {
            Some("gives other results than computers of other kinds, which the operator has to look at")
        }
        Standing::Quarantined { .. } => Some("gave wrong results as broken hardware does"),
        Standing::Banned { .. } => Some("gave wrong results again and again"),
        _ => None,
    }
}

/// Why no node at all runs a job, where it is so.
pub fn job_refusal(job: &JobView) -> Option<&'static str> {
    match job.budget_left {
        _ if job.suspended.is_some() => Some("suspended"),
        _ if job.fuel_left == 0 => Some("quota-exhausted"),
        Some(0) => Some("budget-exhausted"),
        _ => None,
    }
}

/// Whether a node other than `node` could confirm a unit of `job`. Paused nodes do not count: they may stay so.
pub fn others_for(snapshot: &Snapshot, job: &JobView, node: NodeNo) -> Others {
    match snapshot.anchor || snapshot.nodes.iter().any(|other| other.id != node && eligible(other, job).is_ok()) {
        true => Others::Online,
        false => Others::None,
    }
}
