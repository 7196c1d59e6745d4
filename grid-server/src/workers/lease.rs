//! A lease on its way to its node: what the node is told of the job, what it may read, and the frame.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use fallow_protocol::Digest;
use fallow_protocol::link::{CheckpointRef, JobGrant, Lease, LeaseUnit, ToNode};
use fallow_protocol::unit::UnitKey;
use grid_core::life::build_of;

use super::dispatch::{Filled, Order};
use crate::app::{App, now_ms};
use crate::jobs::ActiveJob;
use crate::link::held::Held;
use crate::link::node::{JobShare, Node};

static LAST_ID: AtomicU64 = AtomicU64::new(0);

/// A number that no lease had: the clock in microseconds, one higher each time, so that restarts need no counter.
pub fn next_id() -> u64 {
    let clock = now_ms().saturating_mul(1_000);
    let previous = LAST_ID.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(clock.max(last + 1)));
    clock.max(previous.unwrap_or_default() + 1)
}

/// Keep the lease with its node and send it. Where the node has gone meanwhile, it is known again until the lease has
/// run out like any other.
pub fn give(app: &App, order: &Order, filled: Filled) {
    if filled.units.is_empty() {
        return;
    }
    let mut checkpoints: HashMap<u64, CheckpointRef> = filled.checkpoints.iter().cloned().collect();
    let held = held(order, &filled);
    let (node, ()) = app.nodes.enter(order.node.clone(), |inner| inner.leases.insert(held));
    let units = filled.units.into_iter().map(|unit| {
        let key = UnitKey { stage: order.stage, seq: unit.seq };
        LeaseUnit {
            key,
            attempt: order.job.mask.shown(key, unit.attempt),
            input: unit.input,
            floats: build_of(order.claims.get(&unit.seq).copied().unwrap_or_default()),
            checkpoint: checkpoints.remove(&unit.seq),
        }
    });
    let call = order.job.call(order.stage, order.last_merge);
    let lease = Lease { id: order.row.id, job: order.job.public_id.clone(), call, units: units.collect() };
    introduce(app, &node, &order.job);
    node.send(vec![ToNode::Lease(lease)]);
}

/// Tell a node of a job, unless this connection was told.
pub fn introduce(app: &App, node: &Node, job: &ActiveJob) {
    if is_news(node, job) {
        node.send(vec![ToNode::Job(Box::new(grant(app, job, node)))]);
    }
}

fn held(order: &Order, filled: &Filled) -> Held {
    let inputs = filled.units.iter().flat_map(|unit| unit.input.blobs());
    let blobs: HashSet<Digest> =
        inputs.chain(filled.checkpoints.iter().map(|(_, checkpoint)| checkpoint.blob)).collect();
    Held {
        row: order.row.clone(),
        fresh: order.fresh,
        picked: filled.units.iter().filter(|unit| unit.attempt > 1).map(|unit| unit.seq).collect(),
        left: filled.units.len() as u64,
        expires_at_ms: order.row.expires_at_ms,
        blobs: Some(blobs),
    }
}

/// The same without a lease. Where the job has ended meanwhile, the node has nothing more to do with it.
pub fn introduce_ahead(app: &App, node: &Node, job: &ActiveJob) {
    introduce(app, node, job);
    if job.lock().ended {
        node.lock().jobs.remove(&job.id);
    }
}

/// Tell a node which outputs of a job it may be asked to join, and let it read them.
pub fn introduce_parts(app: &App, node: &Node, job: &ActiveJob, parts: Vec<(Digest, u64)>) {
    introduce_ahead(app, node, job);
    {
        let mut inner = node.lock();
        let Some(share) = inner.jobs.get_mut(&job.id) else { return };
        share.blobs.extend(parts.iter().map(|(digest, _)| *digest));
    }
    node.send(vec![ToNode::Job(Box::new(JobGrant { parts, ..grant(app, job, node) }))]);
}

/// Whether this connection of the node has to be told of the job first.
fn is_news(node: &Node, job: &ActiveJob) -> bool {
    let mut inner = node.lock();
    let share = inner.jobs.entry(job.id).or_insert_with(|| share(job));
    !std::mem::replace(&mut share.sent, true)
}

/// What a node may read and upload for a job.
pub fn share(job: &ActiveJob) -> JobShare {
    let shared = job.submission.shared.iter().map(|file| file.blob);
    JobShare {
        blobs: shared.chain([job.module.component]).collect(),
        upload_bytes_max: job.upload_bytes_max(),
        since_ms: now_ms(),
        ..JobShare::default()
    }
}

fn grant(app: &App, job: &ActiveJob, node: &Node) -> JobGrant {
    JobGrant {
        job: job.public_id.clone(),
        name: job.submission.name.clone(),
        own: job.account == node.account,
        manifest: app.keys.refresh(job.module.signed.clone()),
        module_bytes: job.module.bytes,
        floats: job.submission.floats,
        exports: job.module.exports,
        args: job.submission.args.clone(),
        limits: *job.limits(),
        seed: job.seed,
        epoch_ms: job.epoch_ms,
        shared: job.submission.shared.iter().cloned().zip(job.shared_lens.iter().copied()).collect(),
        parts: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn lease_numbers_rise() {
        let ids: Vec<u64> = (0..1_000).map(|_| super::next_id()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
