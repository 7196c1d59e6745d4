//! Nodes that are connected: what they are, what they hold, what they may read.

use std::sync::Arc;

use fallow_protocol::Digest;
use fallow_protocol::link::{Machine, NodeState};

/// All connected nodes.
#[derive(Debug, Default)]
pub struct Registry {}

/// A node's connection as the blob handlers see it.
#[derive(Clone, Debug)]
pub struct Session(Arc<()>);

/// What a connected node is and does.
#[derive(Clone, Debug)]
pub struct Presence {
    /// Whether it takes work.
    pub state: NodeState,
    /// Units that it runs at once.
    pub slots: u32,
    /// Units that it holds.
    pub units_held: u64,
    /// What the computer is.
    pub machine: Machine,
}

impl Registry {
    /// The connection that a bearer token of `Welcome` belongs to.
    pub fn session(&self, _token: &str) -> Option<Session> {
        None
    }

    /// A node by its internal id, while it is connected.
    pub fn presence(&self, _node: i64) -> Option<Presence> {
        None
    }

    /// Nodes that are connected.
    pub fn online(&self) -> usize {
        0
    }

    /// End the connection of a node that was removed.
    pub fn remove(&self, _node: i64) {}
}

impl Session {
    /// Whether a lease or a grant of this connection names the blob.
    pub fn may_read(&self, _digest: &Digest) -> bool {
        false
    }

    /// Largest blob that it may upload: the most that one of its jobs allows, bytes.
    pub fn upload_limit(&self) -> u64 {
        0
    }

    /// The node's internal id.
    pub fn node(&self) -> i64 {
        0
    }
}
