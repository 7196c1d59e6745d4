//! One node as the server knows it: its connection, its state, what it holds. Outlives its connections, so that leases
//! go on over a reconnection.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fallow_protocol::link::{Machine, NodeState, OwnerWord, RefusedReason, Status, ToNode};
use fallow_protocol::{Digest, NodeId, PublicKey};
use grid_core::matching::{Mood, NodeView, NodeWork, Takes, Worth};
use grid_core::{AccountNo, JobNo, NodeNo};
use tokio::sync::mpsc;

use super::held::Leases;
use super::registry::Presence;
use crate::store::devices::Settings;

/// What the connection's writer is told.
#[derive(Debug)]
pub enum Outgoing {
    /// Send it.
    Message(Box<ToNode>),
    /// Say why, and close.
    Close(RefusedReason, String),
}

/// Messages that wait for a slow node; one more, and it is disconnected.
pub const OUTGOING_MAX: usize = 256;

/// A live connection.
#[derive(Debug)]
pub struct Connection {
    /// Number that no other connection has.
    pub id: u64,
    /// Bearer token for blobs.
    pub session: String,
    /// To its writer.
    pub outgoing: mpsc::Sender<Outgoing>,
}

/// What a node needs of a job, whatever it holds of it.
#[derive(Clone, Debug, Default)]
pub struct JobShare {
    /// Module and shared files.
    pub blobs: HashSet<Digest>,
    /// Largest blob that a unit of it may upload.
    pub upload_bytes_max: u64,
    /// Whether this connection was told of it.
    pub sent: bool,
    /// Since when it works for it, milliseconds since 1970; 0 before the first lease.
    pub since_ms: u64,
    /// Units of it that are done.
    pub done: u64,
    /// Results seen, and the average wall time of these, microseconds.
    pub results: u64,
    /// See above.
    pub unit_us: u64,
}

/// The part of a node that changes.
#[derive(Debug, Default)]
pub struct Inner {
    /// Its connection, while there is one.
    pub connection: Option<Connection>,
    /// When it was last heard of.
    pub seen_at_ms: u64,
    /// Its last status; none before the first of a connection.
    pub status: Option<Status>,
    /// What the computer is.
    pub machine: Machine,
    /// Profile of its workers.
    pub profile: Arc<str>,
    /// Its leases.
    pub leases: Leases,
    /// What its owner chose on the portal.
    pub settings: Settings,
    /// Whose work it takes, which follows from that.
    pub takes: Arc<Takes>,
    /// What he chose at the computer, as it said last.
    pub word: OwnerWord,
    /// Whether it understands what he chose on the portal.
    pub hears_owner: bool,
    /// Jobs that it has worked for.
    pub jobs: HashMap<i64, JobShare>,
}

/// A node.
#[derive(Debug)]
pub struct Node {
    /// Internal id.
    pub id: i64,
    /// Public id.
    pub public_id: NodeId,
    /// Its owner's account.
    pub account: i64,
    /// Its key.
    pub key: PublicKey,
    inner: Mutex<Inner>,
}

impl Node {
    /// A node that is not connected.
    pub fn new(id: i64, public_id: NodeId, account: i64, key: PublicKey) -> Self {
        Self { id, public_id, account, key, inner: Mutex::default() }
    }

    /// The changing part. Never held over an await.
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Send messages in order; a node that does not take them is disconnected. False where it is not connected.
    pub fn send(&self, messages: Vec<ToNode>) -> bool {
        let mut inner = self.lock();
        let Some(connection) = &inner.connection else { return false };
        for message in messages {
            if connection.outgoing.try_send(Outgoing::Message(Box::new(message))).is_err() {
                tracing::info!(node = %self.public_id, "disconnected: it does not read what it is sent");
                inner.connection = None;
                return false;
            }
        }
        true
    }

    /// The matcher's view, while it is connected and has told its status.
    pub fn view(&self, worth: Worth) -> Option<NodeView> {
        let inner = self.lock();
        let status = inner.status.as_ref().filter(|_| inner.connection.is_some())?;
        let mut work: HashMap<i64, NodeWork> = HashMap::new();
        for held in inner.leases.iter() {
            let job = held.row.job;
            work.entry(job).or_insert(NodeWork { job: JobNo(job), units: 0, unit_us: None }).units += held.left;
        }
        for (job, share) in inner.jobs.iter().filter(|(_, share)| share.results > 0) {
            let entry = work.entry(*job).or_insert(NodeWork { job: JobNo(*job), units: 0, unit_us: None });
            entry.unit_us = Some(share.unit_us);
        }
        Some(NodeView {
            id: NodeNo(self.id),
            owner: AccountNo(self.account),
            mood: mood(&status.state),
            slots: status.slots,
            memory_bytes: status.memory_bytes,
            takes_strangers: status.takes_strangers,
            takes: inner.takes.clone(),
            profile: inner.profile.clone(),
            leases: inner.leases.len() as u32,
            worth,
            work: work.into_values().collect(),
        })
    }

    /// What the API shows, while it is connected.
    pub fn presence(&self) -> Option<Presence> {
        let inner = self.lock();
        inner.connection.as_ref()?;
        let status = inner.status.as_ref();
        Some(Presence {
            state: status.map_or(NodeState::Draining, |status| status.state.clone()),
            slots: status.map_or(0, |status| status.slots),
            units_held: inner.leases.iter().map(|held| held.left).sum(),
            takes_strangers: status.is_some_and(|status| status.takes_strangers),
            machine: inner.machine.clone(),
        })
    }

    /// Units that it holds of a job.
    pub fn units_of(&self, job: i64) -> u64 {
        self.lock().leases.iter().filter(|held| held.row.job == job).map(|held| held.left).sum()
    }
}

fn mood(state: &NodeState) -> Mood {
    match state {
        NodeState::Active => Mood::Active,
        NodeState::Paused { reason } => Mood::Paused { reason: reason.clone() },
        NodeState::Draining => Mood::Draining,
    }
}

impl JobShare {
    /// Count results with their average time: later ones weigh more.
    pub fn count(&mut self, results: u64, wall_us: u64) {
        let (seen, new) = (self.results.min(1_000), results.max(1));
        self.done = self.done.saturating_add(results);
        // Times are a node's own word: a wild one must not overflow.
        self.unit_us = self.unit_us.saturating_mul(seen).saturating_add(wall_us) / (seen + new);
        self.results = seen + new;
    }
}
