//! What each message of a node does.

use std::collections::BTreeMap;
use std::sync::Arc;

use fallow_protocol::api::IntervalState;
use fallow_protocol::keys::Purpose;
use fallow_protocol::limits::{FRAME_BYTES_MAX, LEASE_UNITS_MAX, LEASES_PER_NODE_MAX, RESULTS_PER_FRAME_MAX};
use fallow_protocol::link::{Decline, NodeState, ResultsFrame, SignedResults, Status, ToServer, UnitProgress};
use fallow_protocol::unit::UnitKey;
use fallow_protocol::wire;

use super::node::Node;
use super::{LinkError, checkpoint};
use crate::app::{App, now_ms};
use crate::store::leases::LeaseRow;
use crate::workers::pay::next_number;
use crate::workers::results::Incoming;
use crate::workers::{Ending, Endings, How, conclude};

/// Progress of so many units a status.
const PROGRESS_MAX: usize = 64;
/// Slots that a computer may say to have.
const SLOTS_MAX: u32 = 4_096;
/// Letters of a reason that a node gives.
const REASON_BYTES_MAX: usize = 500;

/// Hear one message.
pub async fn hear(app: &Arc<App>, node: &Arc<Node>, message: ToServer) -> Result<(), LinkError> {
    match message {
        ToServer::Login(_) => Err(LinkError::protocol("a second login on one connection")),
        ToServer::Status(status) => hear_status(app, node, status),
        ToServer::Results(signed) => hear_results(app, node, signed).await,
        ToServer::Checkpoint(note) => checkpoint::hear(app, node, note).await,
        ToServer::Decline(decline) => hear_decline(app, node, decline).await,
    }
}

/// Heartbeats touch memory only.
fn hear_status(app: &App, node: &Node, mut status: Status) -> Result<(), LinkError> {
    if status.progress.len() > PROGRESS_MAX || status.leases.len() > 4 * LEASES_PER_NODE_MAX {
        return Err(LinkError::protocol("a status with more progress or leases than a node can have"));
    }
    status.slots = status.slots.min(SLOTS_MAX);
    if let NodeState::Paused { reason } = &mut status.state {
        let end = reason.floor_char_boundary(REASON_BYTES_MAX);
        reason.truncate(end);
    }
    for progress in std::mem::take(&mut status.progress) {
        hear_progress(app, node, &progress);
    }
    let word = status.owner.take();
    let mut inner = node.lock();
    let now = now_ms();
    inner.seen_at_ms = now;
    for id in &status.leases {
        if let Some(held) = inner.leases.get_mut(*id) {
            held.expires_at_ms = (now + app.config.work.lease_ms).min(latest_end(app, &held.row));
        }
    }
    let news = inner.status.as_ref().is_none_or(|old| old.state != status.state || old.slots != status.slots);
    let works = status.units_held > 0 || inner.leases.iter().any(|held| held.left > 0);
    record(app, node, now, &status.state, works);
    inner.status = Some(status);
    if let Some(word) = word.filter(|word| word.preferences.check().is_ok() && inner.word != **word) {
        inner.word = (*word).clone();
        app.recorder.hear_word(node.id, *word);
    }
    drop(inner);
    if news {
        app.wakes.dispatch.notify_one();
    }
    Ok(())
}

/// What it does, for its owner.
fn record(app: &App, node: &Node, now: u64, state: &NodeState, works: bool) {
    let (state, reason) = match state {
        NodeState::Paused { reason } => (IntervalState::Paused, Some(reason.as_str())),
        NodeState::Active | NodeState::Draining if works => (IntervalState::Working, None),
        NodeState::Active | NodeState::Draining => (IntervalState::Idle, None),
    };
    app.recorder.hear(node.id, now, state, reason);
}

/// Only who holds a unit knows how far it is. An honest node can be late, too: its lease may have ended meanwhile.
fn hear_progress(app: &App, node: &Node, progress: &UnitProgress) {
    let Some(job) = app.active.find(&progress.job) else { return };
    let UnitProgress { key, done, total, .. } = *progress;
    if !node.lock().leases.holds_unit(job.id, key.stage, key.seq) {
        app.metrics.progress_ignored.inc();
        return;
    }
    job.lock().note_progress(key, done, total);
    job.touch();
}

/// A lease is renewed by naming it, but not for ever: a node that stands still, or lies, keeps units for twice their wall
/// time at most. Ids of leases are microseconds since 1970, see `workers::lease`.
fn latest_end(app: &App, row: &LeaseRow) -> u64 {
    let wall_ms = app.active.get(row.job).map_or(0, |job| job.limits().wall_ms);
    (row.id / 1_000).saturating_add(app.config.work.lease_ms).saturating_add(wall_ms.saturating_mul(2))
}

/// One signature a frame. The frame is read here, so that connections share the work; it is written by its worker.
async fn hear_results(app: &App, node: &Arc<Node>, signed: SignedResults) -> Result<(), LinkError> {
    if node.key.verify(Purpose::Results, &signed.bytes, &signed.signature).is_err() {
        return Err(LinkError::protocol("a frame of results with a wrong signature"));
    }
    let frame: ResultsFrame =
        wire::decode(&signed.bytes, FRAME_BYTES_MAX).map_err(|error| LinkError::protocol(error.to_string()))?;
    if frame.node != node.public_id || frame.results.len() > RESULTS_PER_FRAME_MAX {
        return Err(LinkError::protocol("a frame of another node, or with too many results"));
    }
    node.lock().seen_at_ms = now_ms();
    let Some(results) = app.nodes.results() else { return Ok(()) };
    results.send(Incoming { node: node.clone(), frame }).await.map_err(|_| LinkError::Gone)
}

async fn hear_decline(app: &App, node: &Node, decline: Decline) -> Result<(), LinkError> {
    if decline.units.len() > LEASE_UNITS_MAX * LEASES_PER_NODE_MAX {
        return Err(LinkError::protocol("more units declined than a node can hold"));
    }
    let Some(job) = app.active.find(&decline.job) else { return Ok(()) };
    let reason: String = decline.reason.chars().filter(|letter| !letter.is_control()).take(REASON_BYTES_MAX).collect();
    tracing::info!(node = %node.public_id, job = %job.public_id, units = decline.units.len(), reason, "declined");
    let mut by_stage: BTreeMap<u16, Vec<(UnitKey, u32)>> = BTreeMap::new();
    for (key, attempt) in decline.units {
        by_stage.entry(key.stage).or_default().push((key, attempt));
    }
    let mut all = Vec::new();
    for (stage, mut units) in by_stage {
        let total = job.lock().find_mut(stage).map_or(0, |stage| stage.total);
        units.retain(|(key, _)| key.seq < total);
        units.iter_mut().for_each(|(key, attempt)| *attempt = job.mask.attempt(*key, *attempt));
        units.sort_unstable_by_key(|(key, attempt)| (key.seq, std::cmp::Reverse(*attempt)));
        units.dedup_by_key(|(key, _)| key.seq);
        let ending = |(key, attempt)| Ending {
            node: node.id,
            owner: node.account,
            key,
            attempt,
            held: false,
            frame: next_number(),
            how: How::Declined,
        };
        if !units.is_empty() {
            all.push(Endings { job: job.clone(), stage, list: units.into_iter().map(ending).collect() });
        }
    }
    if all.is_empty() {
        return Ok(());
    }
    conclude(app, all).await.map_err(LinkError::Internal)
}
