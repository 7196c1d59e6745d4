//! Why a job waits.

use fallow_protocol::api::Reason;

use super::view::{JobView, Snapshot};

/// The reasons why units of `job` wait, most important first.
pub fn explain(snapshot: &Snapshot, job: &JobView) -> Vec<Reason> {
    let _ = (snapshot, job);
    Vec::new()
}
