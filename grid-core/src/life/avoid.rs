//! Where a unit's next attempt should not run.

use fallow_protocol::api::UnitState;

use super::unit::Unit;
use crate::ids::{AccountNo, NodeNo};

/// Nodes and owners that the next attempt keeps away from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Avoid {
    /// Nodes that had the unit.
    pub nodes: Vec<NodeNo>,
    /// Their owners, where another owner is wanted as well: as far as the grid has one.
    pub owners: Vec<AccountNo>,
    /// Whether these nodes are out of the question (a check), or merely worse than others.
    pub must: bool,
}

impl Unit {
    /// What a ready unit avoids; none where any eligible node may have it, as nearly always. `last` is the node of its
    /// newest attempt. A unit that was merely lost avoids nobody: its node is away, or back and as good as another.
    pub fn avoid(&self, last: Option<NodeNo>) -> Option<Avoid> {
        match self.state {
            UnitState::Checking => Some(Avoid {
                nodes: self.claims.iter().map(|claim| claim.node).collect(),
                owners: self.claims.iter().map(|claim| claim.owner).collect(),
                must: true,
            }),
            UnitState::Again if self.troubles.faults > 0 || self.troubles.timeouts > 0 => {
                Some(Avoid { nodes: vec![last?], owners: Vec::new(), must: false })
            }
            _ => None,
        }
    }
}
