//! The nodes that work for a job now. Strangers' have pseudonyms, which tell them apart within the job.

use fallow_protocol::JobId;
use fallow_protocol::api::{JobNode, JobNodes};

use super::JobError;
use super::lists::{own, pseudonym};
use crate::app::App;
use crate::store::nodes;

/// Nodes that are told.
const NODES_MAX: usize = 500;

/// Who works for it.
pub async fn at_work(app: &App, account: i64, id: &JobId) -> Result<JobNodes, JobError> {
    let job = own(app, account, id).await?;
    let mut found = Vec::new();
    for node in app.nodes.all() {
        let inner = node.lock();
        let units: u64 = inner.leases.iter().filter(|held| held.row.job == job).map(|held| held.left).sum();
        let share = inner.jobs.get(&job);
        let done = share.map_or(0, |share| share.done);
        if units > 0 || done > 0 && inner.connection.is_some() {
            let since_ms = share.map_or(0, |share| share.since_ms);
            drop(inner);
            found.push((node, units, done, since_ms));
        }
    }
    found.sort_unstable_by_key(|(node, units, done, _)| (std::cmp::Reverse((*units, *done)), node.id));
    found.truncate(NODES_MAX);
    let mine: Vec<i64> = found.iter().filter(|(node, ..)| node.account == account).map(|(node, ..)| node.id).collect();
    let names = nodes::names(app.store.reader(), &mine).await?;
    let shown = |(node, units, done, since_ms): (std::sync::Arc<crate::link::node::Node>, u64, u64, u64)| {
        let own = node.account == account;
        let name = names.get(&node.id).filter(|_| own).cloned();
        let name = name.unwrap_or_else(|| pseudonym(id, node.public_id.as_str()));
        JobNode { name, own, units, done, since_ms }
    };
    Ok(JobNodes { items: found.into_iter().map(shown).collect() })
}
