//! Who gets which work: a snapshot of nodes and jobs goes in, a plan of grants comes out.
//!
//! Eligible first, then shared fairly between accounts and between an account's jobs, in windows that are sized in
//! seconds of work. Nothing is reserved here: the shell carries the plan out and takes a new snapshot. The reasons
//! that [`explain`] gives come from the same [`eligible`] that the plan asks.

mod ahead;
mod desk;
mod door;
mod eligible;
mod explain;
mod fair;
mod picky;
mod plan;
mod takes;
mod view;
mod window;

#[cfg(test)]
mod properties;

pub use ahead::{AHEAD_AFTER_MS, AHEAD_NODES_MAX, ahead, gatherers};
pub use door::mind_the_door;
pub use eligible::{Refusal, eligible, job_refusal, others_for};
pub use explain::explain;
pub use plan::{Grant, Plan, plan};
pub use takes::Takes;
pub use view::{JobView, Mood, NodeView, NodeWork, Picky, Snapshot, Suspension, Worth};
pub use window::{NODE_UNITS_HELD_MAX, WINDOW_US, slots_for, window};

/// Longer than this, a unit whose check nobody can make is given up ([`Plan::alone`]).
pub const ALONE_MS: u64 = 20_000;
/// How long a unit waits for a better node that is busy before a worse one may have it.
pub const PATIENCE_MS: u64 = 5_000;
/// Picky units of one job that a plan looks at.
pub const PICKY_MAX: usize = 256;
