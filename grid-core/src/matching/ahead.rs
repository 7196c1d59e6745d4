//! Which nodes hear of a job before they are given units of it, so that its module is compiled when these come.

use super::eligible::{eligible, job_refusal};
use super::view::{JobView, NodeView};
use crate::ids::NodeNo;

/// Nodes that are told ahead: a job with few units should not keep a large grid busy.
pub const AHEAD_NODES_MAX: usize = 32;
/// A split that is over sooner is not worth it, and the node that runs it should not have to share its computer with
/// others that compile. Milliseconds.
pub const AHEAD_AFTER_MS: u64 = 1_000;

/// Nodes that may run the job, those with the least work first.
pub fn ahead(nodes: &[NodeView], job: &JobView) -> Vec<NodeNo> {
    if job_refusal(job).is_some() {
        return Vec::new();
    }
    let mut fit: Vec<&NodeView> = nodes.iter().filter(|node| eligible(node, job).is_ok()).collect();
    fit.sort_unstable_by_key(|node| (node.units_held(), node.id));
    fit.into_iter().take(AHEAD_NODES_MAX).map(|node| node.id).collect()
}

/// Nodes that may fetch the outputs of a job before they are given its merge: only its author's. Strangers may still be
/// asked to check the units that gave these, and must not know what others said.
pub fn gatherers(nodes: &[NodeView], job: &JobView) -> Vec<NodeNo> {
    let is_own = |id: &NodeNo| nodes.iter().any(|node| node.id == *id && node.owner == job.owner);
    ahead(nodes, job).into_iter().filter(is_own).collect()
}

#[cfg(test)]
mod tests {
    use fallow_protocol::job::RunOn;
    use fallow_protocol::manifest::Limits;

    use super::*;
    use crate::ids::{AccountNo, JobNo};
    use crate::matching::{Mood, NodeWork};

    fn node(id: i64, units: u64) -> NodeView {
        NodeView {
            id: NodeNo(id),
            owner: AccountNo(1),
            mood: Mood::Active,
            slots: 1,
            memory_bytes: 8 << 30,
            takes_strangers: true,
            takes: Default::default(),
            profile: "p".into(),
            leases: 0,
            worth: Default::default(),
            work: vec![NodeWork { job: JobNo(9), units, unit_us: None }],
        }
    }

    fn job() -> JobView {
        JobView {
            id: JobNo(1),
            owner: AccountNo(1),
            run_on: RunOn::Anyone,
            module: fallow_protocol::Digest([0; 32]),
            members: Default::default(),
            suspended: None,
            limits: Limits::default(),
            profile: "p".into(),
            ready: 0,
            picky: Vec::new(),
            avoid: Default::default(),
            prefers: None,
            unit_us: None,
            unit_fuel: None,
            fuel_left: 1,
            budget_left: None,
            weight: 1_000,
        }
    }

    #[test]
    fn the_idlest_that_may_run_it_are_told() {
        let paused = NodeView { mood: Mood::Paused { reason: "no".into() }, ..node(1, 0) };
        let nodes = [paused, node(2, 5), node(3, 0), NodeView { profile: "q".into(), ..node(4, 0) }];
        assert_eq!(ahead(&nodes, &job()), [NodeNo(3), NodeNo(2)]);
        assert_eq!(ahead(&nodes, &JobView { fuel_left: 0, ..job() }), []);
        let stranger = NodeView { owner: AccountNo(2), ..node(6, 0) };
        let both = [stranger, node(7, 9)];
        assert_eq!((ahead(&both, &job()).len(), gatherers(&both, &job())), (2, vec![NodeNo(7)]));
        let many: Vec<NodeView> = (0..100).map(|id| node(id, 0)).collect();
        assert_eq!(ahead(&many, &job()).len(), AHEAD_NODES_MAX);
    }
}
