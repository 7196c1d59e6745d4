//! The agent: what the node does about each thing that happens, as a pure state machine.
//!
//! Owns leases, jobs, which unit is in which slot, open frames of results, and the node's state. Every entry point is
//! synchronous and returns actions; the shell performs them. There is no IO, no clock and no randomness here.

use std::collections::BTreeMap;

use fallow_protocol::keys::PublicKey;
use fallow_protocol::limits::LEASES_PER_NODE_MAX;
use fallow_protocol::link::{Decline, NodeState, OwnerWord, Status, ToNode, ToServer, Welcome};
use fallow_protocol::manifest::PROFILE;
use fallow_protocol::unit::UnitResult;
use fallow_protocol::{JobId, NodeId};

use crate::events::Event;
use crate::policy::Policy;

mod contact;
mod ends;
mod frames;
pub mod io;
mod jobs;
mod leases;
mod leasing;
mod leaving;
mod owner;
pub mod report;
#[cfg(test)]
pub mod samples;
mod slots;
#[cfg(test)]
mod tests;

use contact::Contact;
use frames::{Frames, Open};
use io::{Action, Now, Parked, PrepareError};
use jobs::{Job, Place, Prep};
use leases::Leases;
use report::Totals;
use slots::Slot;

/// Units that a node holds at most: all that its leases may bring.
pub const UNITS_MAX: usize = LEASES_PER_NODE_MAX * fallow_protocol::limits::LEASE_UNITS_MAX;
/// Jobs that are remembered; beyond, those without units are forgotten, oldest first.
const JOBS_MAX: usize = 4_096;
/// A module that could not be prepared is tried again after this long.
const PREPARE_RETRY_MS: u64 = 10_000;
/// Units that run when the node drains get this long to end.
const DRAIN_RUNNING_MS: u64 = 1_500;
/// A paused node gives its units back after so long, where nothing is said.
const GIVE_BACK_MS: u64 = 5 * 60_000;
/// A draining node waits this long for its last commits.
const DRAIN_MS: u64 = 4_000;

/// What an agent starts from.
#[derive(Clone, Debug)]
pub struct AgentSetup {
    /// Who it is.
    pub node: NodeId,
    /// The pinned root key.
    pub root: PublicKey,
    /// The owner's rules.
    pub policy: Policy,
    /// Highest serial of the grid's online key seen so far.
    pub seen_serial: u64,
    /// Number of the next frame.
    pub next_frame: u64,
    /// Whether programs want to hear of every unit.
    pub tells_units: bool,
}

/// The state machine.
#[derive(Debug)]
pub struct Agent {
    setup: AgentSetup,
    jobs: BTreeMap<JobId, Job>,
    leases: Leases,
    slots: Vec<Slot>,
    frames: Frames,
    next_tag: u64,
    online: bool,
    contact: Contact,
    heartbeat_ms: u64,
    status_due_ms: u64,
    checkpoint_ms: u64,
    /// Declines that wait for a connection.
    declines: Vec<Decline>,
    drain_since_ms: Option<u64>,
    /// Since when it has been paused with units that it could give back.
    paused_since_ms: Option<u64>,
    give_back_ms: u64,
    word: OwnerWord,
    /// Whether the server was told of `word`.
    word_told: bool,
    totals: Totals,
}

impl Agent {
    /// A node with nothing to do.
    pub fn new(setup: AgentSetup) -> Self {
        let slots = (0..setup.policy.slots.max(1)).map(|_| Slot::default()).collect();
        Self {
            setup,
            jobs: BTreeMap::new(),
            leases: Leases::default(),
            slots,
            frames: Frames::default(),
            next_tag: 1,
            online: false,
            contact: Contact::default(),
            heartbeat_ms: 10_000,
            status_due_ms: 0,
            checkpoint_ms: 0,
            declines: Vec::new(),
            drain_since_ms: None,
            paused_since_ms: None,
            give_back_ms: GIVE_BACK_MS,
            word: OwnerWord::default(),
            word_told: false,
            totals: Totals::default(),
        }
    }

    /// What an earlier run of the node left in its spool: frames with their leases, and results whose outputs were
    /// still to be uploaded.
    pub fn restore(&mut self, frames: Vec<(u64, Vec<(u64, u32)>)>, parked: &[Parked]) {
        for (frame, leases) in frames {
            self.setup.next_frame = self.setup.next_frame.max(frame + 1);
            self.leases.restored(frame, leases);
        }
        for parked in parked {
            self.leases.hold(parked.lease, 1);
        }
    }

    /// Leases to name at login.
    pub fn lease_ids(&self) -> Vec<u64> {
        self.leases.ids()
    }

    /// The server said something.
    pub fn on_message(&mut self, now: Now, message: ToNode) -> Vec<Action> {
        let mut actions = Vec::new();
        match message {
            ToNode::Job(grant) => self.on_job(now, grant, &mut actions),
            ToNode::Lease(lease) => self.on_lease(now, lease, &mut actions),
            ToNode::Cancel(cancel) => self.on_cancel(now, cancel, &mut actions),
            ToNode::Suspended { job, reason } => self.on_suspended(now, &job, reason, &mut actions),
            ToNode::Committed { frame } => {
                if self.leases.committed(frame) {
                    actions.push(Action::Forget { frame });
                    self.assign(now, &mut actions);
                }
            }
            // The shell and the link deal with the others: the owner's wishes, how a connection begins and ends.
            ToNode::Owner(_) | ToNode::Hello(_) | ToNode::Welcome(_) | ToNode::Refused(_) | ToNode::Closing => {}
        }
        self.pause_when_finished(now, &mut actions);
        self.leave_when_empty(now, &mut actions);
        actions
    }

    /// The server let the node in.
    pub fn on_online(&mut self, now: Now, welcome: &Welcome, cert_serial: u64) -> Vec<Action> {
        let mut actions = vec![Action::Tell(Event::Online)];
        self.online = true;
        self.word_told = false;
        self.setup.seen_serial = self.setup.seen_serial.max(cert_serial);
        self.heartbeat_ms = welcome.heartbeat_ms.clamp(50, 60_000);
        self.checkpoint_ms = welcome.checkpoint_ms;
        self.drop_leases(now, &welcome.unknown_leases, &mut actions);
        self.regain_contact(welcome.lease_ms, &mut actions);
        self.send_status(now, &mut actions);
        actions.push(Action::Resend);
        actions
            .extend(std::mem::take(&mut self.declines).into_iter().map(|note| Action::Send(ToServer::Decline(note))));
        self.assign(now, &mut actions);
        actions
    }

    /// The connection is gone. Work goes on until its leases end; results are kept.
    pub fn on_offline(&mut self, now: Now, reason: String) -> Vec<Action> {
        self.online = false;
        self.contact.lost(now.ms);
        vec![Action::Tell(Event::Offline { reason })]
    }

    /// A job's module was made ready, or could not be.
    pub fn on_prepared(&mut self, now: Now, id: &JobId, outcome: Result<(), PrepareError>) -> Vec<Action> {
        let mut actions = Vec::new();
        // What was stopped meanwhile stays so.
        if let Some(job) = self.jobs.get_mut(id).filter(|job| job.prep == Prep::Preparing) {
            job.touched_ms = now.ms;
            job.prep = match outcome {
                Ok(()) => Prep::Ready,
                Err(PrepareError::Refused(reason)) => Prep::Refused(reason),
                Err(PrepareError::Host(reason)) => Prep::Failed { retry_ms: now.ms + PREPARE_RETRY_MS, reason },
            };
            if let Prep::Refused(reason) | Prep::Failed { reason, .. } = &job.prep {
                let reason = reason.clone();
                self.give_back(id, |held| held.place == Place::Ready, &reason, &mut actions);
            }
            self.assign(now, &mut actions);
        }
        self.leave_when_empty(now, &mut actions);
        actions
    }

    /// Time passed: call at the latest at [`Agent::due_ms`].
    pub fn on_tick(&mut self, now: Now) -> Vec<Action> {
        let mut actions = Vec::new();
        while let Some((job, open)) = self.frames.take_aged(now.ms) {
            self.close(job, open, &mut actions);
        }
        self.due_checkpoints(now, &mut actions);
        self.stand_still_out_of_contact(now, &mut actions);
        self.stop_idle_workers(now, &mut actions);
        self.give_back_when_long_paused(now, &mut actions);
        if self.drain_since_ms.is_some_and(|since| now.ms >= since + DRAIN_RUNNING_MS) {
            self.abandon_all("this node is shutting down", &mut actions);
        }
        if self.online && now.ms >= self.status_due_ms {
            self.send_status(now, &mut actions);
        }
        self.pause_when_finished(now, &mut actions);
        self.leave_when_empty(now, &mut actions);
        actions
    }

    /// When the next tick is due, milliseconds since the node's start.
    pub fn due_ms(&self) -> Option<u64> {
        let status = self.online.then_some(self.status_due_ms);
        let drain =
            self.drain_since_ms.map(|since| since + if self.holds_nothing() { DRAIN_MS } else { DRAIN_RUNNING_MS });
        let give_back = self.paused_since_ms.map(|since| since + self.give_back_ms);
        [status, drain, give_back, self.contact.due_ms(), self.frames.due_ms(), self.slots_due_ms()]
            .into_iter()
            .flatten()
            .min()
    }

    fn push_result(&mut self, now: Now, job: &JobId, lease: u64, result: UnitResult, actions: &mut Vec<Action>) {
        self.leases.reported(lease);
        self.totals.count(&result);
        if self.setup.tells_units {
            actions.push(Action::Tell(Event::unit_ended(job.clone(), result.key, &result.outcome)));
        }
        if let Some(open) = self.frames.push(now.ms, job, lease, result) {
            self.close(job.clone(), open, actions);
        }
    }

    fn flush(&mut self, job: &JobId, actions: &mut Vec<Action>) {
        if let Some(open) = self.frames.take(job) {
            self.close(job.clone(), open, actions);
        }
    }

    fn close(&mut self, job: JobId, open: Open, actions: &mut Vec<Action>) {
        let frame = self.setup.next_frame;
        self.setup.next_frame += 1;
        let leases: Vec<(u64, u32)> = open.leases.into_iter().collect();
        self.leases.framed(frame, leases.clone());
        let frame = fallow_protocol::link::ResultsFrame {
            node: self.setup.node.clone(),
            frame,
            job,
            profile: PROFILE.to_owned(),
            results: open.results,
        };
        actions.push(Action::Frame { frame, leases });
    }

    fn units_held(&self) -> usize {
        self.jobs.values().map(|job| job.held.len()).sum()
    }

    fn send_status(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.online {
            self.status_due_ms = now.ms + self.heartbeat_ms;
            let owner = (!std::mem::replace(&mut self.word_told, true)).then(|| Box::new(self.word.clone()));
            actions.push(Action::Send(ToServer::Status(Status { owner, ..self.status() })));
        }
    }

    /// Whether it is about to leave.
    pub fn is_draining(&self) -> bool {
        self.drain_since_ms.is_some()
    }

    /// The state that the server and the owner see.
    pub fn state(&self) -> NodeState {
        self.setup.policy.state()
    }
}
