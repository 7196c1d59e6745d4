//! Takes frames of results, as many as have arrived, into one transaction, and tells their nodes once it is committed.

use std::collections::HashSet;
use std::sync::Arc;

use fallow_protocol::limits::{INLINE_BYTES_MAX, LOG_BYTES_KEPT, MEMORY_BYTES_MAX, MESSAGE_BYTES_KEPT};
use fallow_protocol::link::{Refused, RefusedReason, ResultsFrame, ToNode};
use fallow_protocol::manifest::Limits;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Output, STAGE_SPLIT, UnitKey, UnitResult};
use tokio::sync::mpsc;

use super::conclude::{Ending, Endings, How, conclude};
use super::pay;
use crate::app::App;
use crate::jobs::ActiveJob;
use crate::link::node::Node;

/// Frames in one transaction.
const FRAMES_MAX: usize = 32;
/// Frames that wait; more make their connections wait, which is what nodes then feel.
pub const WAITING_MAX: usize = 128;

/// A frame whose signature was checked.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Who sent it.
    pub node: Arc<Node>,
    /// What it says.
    pub frame: ResultsFrame,
}

/// Serve until the server stops and the last frame is written.
pub async fn run(app: Arc<App>, mut waiting: mpsc::Receiver<Incoming>) {
    let mut frames = Vec::with_capacity(FRAMES_MAX);
    loop {
        tokio::select! {
            count = waiting.recv_many(&mut frames, FRAMES_MAX) => if count == 0 { return },
            () = app.wakes.stop.cancelled() => return,
        }
        let batch = std::mem::take(&mut frames);
        let heads: Vec<_> = batch.iter().map(|incoming| (incoming.node.clone(), incoming.frame.frame)).collect();
        if write(&app, &batch).await {
            heads.into_iter().for_each(committed);
            continue;
        }
        // One frame's fault is its own: the others are written alone.
        for (head, alone) in heads.into_iter().zip(batch) {
            if write(&app, std::slice::from_ref(&alone)).await {
                committed(head);
            } else {
                // It keeps the frame and sends it again when it comes back.
                head.0.send(vec![ToNode::Refused(busy())]);
            }
        }
    }
}

fn committed((node, frame): (Arc<Node>, u64)) {
    node.send(vec![ToNode::Committed { frame }]);
}

fn busy() -> Refused {
    let message = "the server failed to write your results; keep them and try again".to_owned();
    Refused { reason: RefusedReason::Busy, message }
}

/// Whether the frames are written now. A panic is an error like others: nothing that a node says ends this worker.
async fn write(app: &App, batch: &[Incoming]) -> bool {
    let taken = super::guarded(take(app, batch.to_vec())).await;
    taken.inspect_err(|error| tracing::error!(error = format!("{error:#}"), "failed to write results")).is_ok()
}

async fn take(app: &App, batch: Vec<Incoming>) -> anyhow::Result<()> {
    // What is found among the blobs here is still there when it is written.
    let _open = app.blobs.gate().read().await;
    let mut all: Vec<Endings> = Vec::new();
    let mut named: HashSet<(i64, UnitKey)> = HashSet::new();
    for Incoming { node, frame } in batch {
        let Some(job) = app.active.find(&frame.job) else { continue };
        if frame.profile != *job.profile {
            app.metrics.node_faults.inc();
            continue;
        }
        // Frames are settled under numbers of the server's own: a node's are its own word.
        let number = pay::next_number();
        let mut told: HashSet<UnitKey> = HashSet::new();
        for mut result in frame.results {
            result.attempt = job.mask.attempt(result.key, result.attempt);
            if !exists(&job, result.key) {
                app.metrics.node_faults.inc();
                continue;
            }
            let (key, attempt) = (result.key, result.attempt);
            let held = node.lock().leases.holds(job.id, key.stage, key.seq, attempt);
            // No unit twice in one list: a rightful result behind a stale one gets a list of its own.
            let again = !named.insert((job.id, key));
            if !told.insert(key) || again && !held {
                continue;
            }
            let how = How::Result(Box::new(sound(app, &job, result).await));
            let number = if again { pay::next_number() } else { number };
            let ending = Ending { node: node.id, owner: node.account, key, attempt, held, frame: number, how };
            if again {
                all.push(Endings { job: job.clone(), stage: key.stage, list: vec![ending] });
                continue;
            }
            match all.iter_mut().find(|endings| endings.job.id == job.id && endings.stage == key.stage) {
                Some(endings) => endings.list.push(ending),
                None => all.push(Endings { job: job.clone(), stage: key.stage, list: vec![ending] }),
            }
        }
    }
    if all.is_empty() { Ok(()) } else { conclude(app, all).await }
}

/// Whether the unit was made. Statements rely on it.
fn exists(job: &ActiveJob, key: UnitKey) -> bool {
    let mut state = job.lock();
    state.find_mut(key.stage).is_some_and(|stage| key.seq < stage.total)
}

/// The result, cut to what is kept; one that cannot be true is the computer's fault.
async fn sound(app: &App, job: &ActiveJob, mut result: UnitResult) -> UnitResult {
    let limits = job.limits();
    cut(&mut result, limits);
    if result.outcome != Outcome::Done {
        return result;
    }
    let lie = match &result.output {
        _ if result.fuel > limits.fuel => Some("more fuel than the unit's limit was reported for a done unit"),
        None => Some("a done unit came without an output"),
        Some(output) => wrong_output(app, job, result.key, output).await,
    };
    if let Some(what) = lie {
        app.metrics.node_faults.inc();
        result.outcome = Outcome::HostFault { message: what.into() };
        (result.output, result.fuel) = (None, 0);
    }
    result
}

/// Cut a result to what is kept, whoever it is from, so that equal ones stay equal.
pub(crate) fn cut(result: &mut UnitResult, limits: &Limits) {
    let kept = LOG_BYTES_KEPT.min(usize::try_from(limits.log_bytes).unwrap_or(usize::MAX));
    let tail = result.log.len().saturating_sub(kept);
    result.log.drain(..tail);
    shorten(&mut result.outcome);
    // Evidence only, but counted with: no more than can be.
    result.wall_us = result.wall_us.min(limits.wall_ms.saturating_mul(2_000));
    result.memory_bytes = result.memory_bytes.min(MEMORY_BYTES_MAX);
    if result.outcome != Outcome::Done {
        result.output = None;
        result.fuel = result.fuel.min(limits.fuel);
    }
}

async fn wrong_output(app: &App, job: &ActiveJob, key: UnitKey, output: &Output) -> Option<&'static str> {
    let max = if key.stage == STAGE_SPLIT { job.upload_bytes_max() } else { job.limits().output_bytes };
    if output.len() > max {
        return Some("the output is over the unit's limit");
    }
    match output {
        Output::Inline(bytes) => (bytes.len() > INLINE_BYTES_MAX).then_some("an output too long to be inline"),
        Output::Blob { digest, len } => match app.blobs.len(digest).await {
            Ok(found) => (found != *len).then_some("the output's length is not that of its blob"),
            Err(_) => Some("the output was not uploaded"),
        },
    }
}

fn shorten(outcome: &mut Outcome) {
    let (Outcome::GuestError { message }
    | Outcome::Trap { message }
    | Outcome::Limit { message, .. }
    | Outcome::HostFault { message }) = outcome
    else {
        return;
    };
    let end = message.floor_char_boundary(MESSAGE_BYTES_KEPT);
    message.truncate(end);
}
