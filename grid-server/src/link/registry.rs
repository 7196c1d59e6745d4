//! Nodes that are connected, or hold leases: what they are, what they hold, what they may read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use fallow_protocol::link::{Cancel, Machine, NodeState, RefusedReason, ToNode};
use fallow_protocol::{Digest, JobId};
use grid_core::matching::{NodeView, Worth};

use tokio::sync::mpsc;

use super::node::{Inner, Node, Outgoing};
use crate::store::leases::LeaseRow;
use crate::workers::results::Incoming;

/// All such nodes.
#[derive(Debug, Default)]
pub struct Registry {
    nodes: Mutex<HashMap<i64, Arc<Node>>>,
    sessions: Mutex<HashMap<String, Arc<Node>>>,
    connections: AtomicU64,
    results: OnceLock<mpsc::Sender<Incoming>>,
}

/// A node's connection as the blob handlers see it.
#[derive(Clone, Debug)]
pub struct Session(Arc<Node>);

/// What a connected node is and does.
#[derive(Clone, Debug)]
pub struct Presence {
    /// Whether it takes work.
    pub state: NodeState,
    /// Units that it runs at once.
    pub slots: u32,
    /// Units that it holds.
    pub units_held: u64,
    /// Whether it takes work of other accounts.
    pub takes_strangers: bool,
    /// What the computer is.
    pub machine: Machine,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    /// The connection that a bearer token of `Welcome` belongs to.
    pub fn session(&self, token: &str) -> Option<Session> {
        lock(&self.sessions).get(token).cloned().map(Session)
    }

    /// A node by its internal id, while it is connected.
    pub fn presence(&self, node: i64) -> Option<Presence> {
        self.node(node)?.presence()
    }

    /// Nodes that are connected.
    pub fn online(&self) -> usize {
        lock(&self.sessions).len()
    }

    /// End the connection of a node that was removed.
    pub fn remove(&self, node: i64) {
        let Some(node) = self.node(node) else { return };
        if let Some(connection) = node.lock().connection.take() {
            lock(&self.sessions).remove(&connection.session);
            let text = "this node was removed from the grid; join again with a new token".to_owned();
            let _ = connection.outgoing.try_send(Outgoing::Close(RefusedReason::Unauthorised, text));
        }
    }

    /// Where frames of results go; set once, by the workers.
    pub(crate) fn set_results(&self, results: mpsc::Sender<Incoming>) {
        let _ = self.results.set(results);
    }

    /// Where frames of results go; none before the workers run.
    pub(crate) fn results(&self) -> Option<&mpsc::Sender<Incoming>> {
        self.results.get()
    }

    /// A node, connected or not.
    pub fn node(&self, id: i64) -> Option<Arc<Node>> {
        lock(&self.nodes).get(&id).cloned()
    }

    /// All nodes, connected or not.
    pub fn all(&self) -> Vec<Arc<Node>> {
        lock(&self.nodes).values().cloned().collect()
    }

    /// Snapshots of the nodes that are connected.
    pub fn views(&self, worth: impl Fn(i64, i64) -> Worth) -> Vec<NodeView> {
        let view = |node: &Arc<Node>| node.view(worth(node.id, node.account));
        let mut views: Vec<_> = self.all().iter().filter_map(view).collect();
        views.sort_unstable_by_key(|view| view.id);
        views
    }

    /// Change the node that is already there, else this one, which is there from now on. Nothing is pruned between:
    /// what `change` gives the node keeps it here.
    pub fn enter<T>(&self, node: Arc<Node>, change: impl FnOnce(&mut Inner) -> T) -> (Arc<Node>, T) {
        let mut nodes = lock(&self.nodes);
        let node = nodes.entry(node.id).or_insert(node).clone();
        let changed = change(&mut node.lock());
        (node, changed)
    }

    /// A number for a new connection.
    pub fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// Let a session's token be found.
    pub fn open_session(&self, token: &str, node: &Arc<Node>) {
        lock(&self.sessions).insert(token.to_owned(), node.clone());
    }

    /// The session has ended.
    pub fn close_session(&self, token: &str) {
        lock(&self.sessions).remove(token);
    }

    /// Forget nodes that are neither connected nor hold anything.
    pub fn prune(&self) {
        lock(&self.nodes).retain(|_, node| {
            let inner = node.lock();
            inner.connection.is_some() || !inner.leases.is_empty()
        });
    }

    /// A job has ended: nobody holds or may read anything of it, and its units stop.
    pub fn forget_job(&self, job: i64, cancel: &ToNode) {
        for node in self.all() {
            let known = {
                let mut inner = node.lock();
                let gone: Vec<u64> =
                    inner.leases.iter().filter(|held| held.row.job == job).map(|held| held.row.id).collect();
                for id in &gone {
                    inner.leases.remove(*id);
                }
                inner.jobs.remove(&job).is_some_and(|_| !gone.is_empty())
            };
            if known {
                node.send(vec![cancel.clone()]);
            }
        }
    }

    /// Nothing of a job runs any more, for now: nodes that know it hear `word`, and are told of it anew before they get
    /// more. The leases that they had.
    pub fn stop_job(&self, job: i64, word: &ToNode) -> Vec<LeaseRow> {
        let mut rows = Vec::new();
        for node in self.all() {
            let known = {
                let mut inner = node.lock();
                let gone: Vec<LeaseRow> =
                    inner.leases.iter().filter(|held| held.row.job == job).map(|held| held.row.clone()).collect();
                for row in &gone {
                    inner.leases.remove(row.id);
                }
                let known = inner.jobs.remove(&job).is_some() || !gone.is_empty();
                rows.extend(gone);
                known
            };
            if known {
                node.send(vec![word.clone()]);
            }
        }
        rows
    }

    /// A node gets no work any more, for now: its units stop and its connection ends. The leases that it had.
    pub fn stop_node(&self, node: &Node, why: &str, name: impl Fn(i64) -> Option<JobId>) -> Vec<LeaseRow> {
        let (rows, jobs) = {
            let mut inner = node.lock();
            let rows: Vec<LeaseRow> = inner.leases.iter().map(|held| held.row.clone()).collect();
            for row in &rows {
                inner.leases.remove(row.id);
            }
            (rows, inner.jobs.drain().map(|(job, _)| job).collect::<Vec<_>>())
        };
        let cancel = |job| ToNode::Cancel(Cancel { job, units: Vec::new() });
        node.send(jobs.into_iter().filter_map(name).map(cancel).collect());
        if let Some(connection) = node.lock().connection.take() {
            lock(&self.sessions).remove(&connection.session);
            let _ = connection.outgoing.try_send(Outgoing::Close(RefusedReason::Suspended, suspended(why)));
        }
        rows
    }

    /// Tell all nodes something.
    pub fn tell_all(&self, message: &ToNode) {
        for node in self.all() {
            node.send(vec![message.clone()]);
        }
    }
}

/// What a suspended node is told.
pub(crate) fn suspended(why: &str) -> String {
    format!("the grid's operator suspended this node: {why}")
}

impl Session {
    /// Whether a lease or a job of this node names the blob.
    pub fn may_read(&self, digest: &Digest) -> bool {
        let inner = self.0.lock();
        inner.jobs.values().any(|share| share.blobs.contains(digest))
            || inner.leases.iter().any(|held| held.blobs.as_ref().is_some_and(|blobs| blobs.contains(digest)))
    }

    /// Largest blob that it may upload: the most that one of its jobs allows, bytes.
    pub fn upload_limit(&self) -> u64 {
        self.0.lock().jobs.values().map(|share| share.upload_bytes_max).max().unwrap_or(0)
    }

    /// The node's internal id.
    pub fn node(&self) -> i64 {
        self.0.id
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use fallow_protocol::PublicKey;

    use super::*;
    use crate::link::held::Held;

    fn node() -> Arc<Node> {
        Arc::new(Node::new(7, fallow_protocol::NodeId::random(), 1, PublicKey([0; 32])))
    }

    #[test]
    fn a_node_that_was_pruned_comes_back_with_its_lease() {
        let registry = Registry::default();
        let (node, ()) = registry.enter(node(), |_| ());
        registry.prune();
        assert!(registry.all().is_empty());
        let row = LeaseRow { id: 1, node: 7, job: 2, stage: 1, first_seq: 0, last_seq: 9, expires_at_ms: 0 };
        let held = Held { row, fresh: (0, 10), picked: HashSet::new(), left: 10, expires_at_ms: 0, blobs: None };
        registry.enter(node.clone(), |inner| inner.leases.insert(held));
        registry.prune();
        let all = registry.all();
        assert!(all.len() == 1 && Arc::ptr_eq(&all[0], &node), "{all:?}");
    }

    #[test]
    fn a_lease_goes_to_the_node_that_logged_in_meanwhile() {
        let registry = Registry::default();
        let (before, ()) = registry.enter(node(), |_| ());
        registry.prune();
        let (after, ()) = registry.enter(node(), |_| ());
        let (found, ()) = registry.enter(before.clone(), |_| ());
        assert!(Arc::ptr_eq(&found, &after) && !Arc::ptr_eq(&found, &before));
    }
}
