//! The plan.

use fallow_protocol::unit::UnitKey;

use super::view::Snapshot;
use crate::ids::{JobNo, NodeNo};

/// Work for one node: one lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// To whom.
    pub node: NodeNo,
    /// Of which job.
    pub job: JobNo,
    /// Number of ordinary ready units, taken in order.
    pub units: u64,
    /// Picky units, by name, besides.
    pub picked: Vec<UnitKey>,
}

/// What to hand out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The grants; at most `LEASE_UNITS_MAX` units each.
    pub grants: Vec<Grant>,
    /// Units whose check nobody online can make for [`super::ALONE_MS`]: `life::Unit::nobody_else`.
    pub alone: Vec<(JobNo, UnitKey)>,
}

/// Share the ready units among the nodes.
pub fn plan(snapshot: &Snapshot) -> Plan {
    let _ = snapshot;
    Plan::default()
}
