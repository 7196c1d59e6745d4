//! The agent: what the node does about each thing that happens, as a pure state machine.
//!
//! Owns leases, jobs, which unit is in which slot, open frames of results, and the node's state. Every entry point is
//! synchronous and returns actions; the shell performs them. There is no IO, no clock and no randomness here.

use std::collections::BTreeMap;
use std::sync::Arc;

use fallow_protocol::keys::PublicKey;
use fallow_protocol::limits::LEASES_PER_NODE_MAX;
use fallow_protocol::link::{Cancel, Decline, JobGrant, Lease, NodeState, ToNode, ToServer, Welcome};
use fallow_protocol::manifest::PROFILE;
use fallow_protocol::unit::{UnitKey, UnitResult};
use fallow_protocol::{JobId, NodeId};

use crate::events::Event;
use crate::grants;
use crate::policy::Policy;

mod ends;
mod frames;
pub mod io;
mod jobs;
mod leases;
pub mod report;
#[cfg(test)]
pub mod samples;
mod slots;
#[cfg(test)]
mod tests;

use frames::{Frames, Open};
use io::{Action, Now, OwnerCommand, Parked, PrepareError, Unit};
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
    heartbeat_ms: u64,
    status_due_ms: u64,
    checkpoint_ms: u64,
    /// Declines that wait for a connection.
    declines: Vec<Decline>,
    drain_since_ms: Option<u64>,
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
            heartbeat_ms: 10_000,
            status_due_ms: 0,
            checkpoint_ms: 0,
            declines: Vec::new(),
            drain_since_ms: None,
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
            ToNode::Committed { frame } => {
                if self.leases.committed(frame) {
                    actions.push(Action::Forget { frame });
                    self.assign(now, &mut actions);
                }
            }
            // The link deals with the others: they begin and end a connection.
            ToNode::Hello(_) | ToNode::Welcome(_) | ToNode::Refused(_) | ToNode::Closing => {}
        }
        self.leave_when_empty(now, &mut actions);
        actions
    }

    /// The server let the node in.
    pub fn on_online(&mut self, now: Now, welcome: &Welcome, cert_serial: u64) -> Vec<Action> {
        let mut actions = vec![Action::Tell(Event::Online)];
        self.online = true;
        self.setup.seen_serial = self.setup.seen_serial.max(cert_serial);
        self.heartbeat_ms = welcome.heartbeat_ms.clamp(50, 60_000);
        self.checkpoint_ms = welcome.checkpoint_ms;
        self.drop_leases(now, &welcome.unknown_leases, &mut actions);
        self.send_status(now, &mut actions);
        actions.push(Action::Resend);
        actions
            .extend(std::mem::take(&mut self.declines).into_iter().map(|note| Action::Send(ToServer::Decline(note))));
        self.assign(now, &mut actions);
        actions
    }

    /// The connection is gone. Work goes on; results are kept.
    pub fn on_offline(&mut self, reason: String) -> Vec<Action> {
        self.online = false;
        vec![Action::Tell(Event::Offline { reason })]
    }

    /// A job's module was made ready, or could not be.
    pub fn on_prepared(&mut self, now: Now, id: &JobId, outcome: Result<(), PrepareError>) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some(job) = self.jobs.get_mut(id) {
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

    /// The owner, or a signal, asks for something.
    pub fn on_owner_command(&mut self, now: Now, command: OwnerCommand) -> Vec<Action> {
        let mut actions = Vec::new();
        match command {
            OwnerCommand::Pause { reason } => {
                self.setup.policy.paused = Some(reason.clone());
                actions.extend([Action::PauseWorkers, Action::Tell(Event::Paused { reason })]);
            }
            OwnerCommand::Resume => {
                if self.setup.policy.paused.take().is_some() {
                    actions.extend([Action::ResumeWorkers, Action::Tell(Event::Resumed)]);
                }
                self.assign(now, &mut actions);
            }
            OwnerCommand::Drain => self.drain(now, &mut actions),
        }
        self.send_status(now, &mut actions);
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
        self.stop_idle_workers(now, &mut actions);
        if self.drain_since_ms.is_some_and(|since| now.ms >= since + DRAIN_RUNNING_MS) {
            self.abandon_all("this node is shutting down", &mut actions);
        }
        if self.online && now.ms >= self.status_due_ms {
            self.send_status(now, &mut actions);
        }
        self.leave_when_empty(now, &mut actions);
        actions
    }

    /// When the next tick is due, milliseconds since the node's start.
    pub fn due_ms(&self) -> Option<u64> {
        let status = self.online.then_some(self.status_due_ms);
        let drain =
            self.drain_since_ms.map(|since| since + if self.holds_nothing() { DRAIN_MS } else { DRAIN_RUNNING_MS });
        [status, drain, self.frames.due_ms(), self.slots_due_ms()].into_iter().flatten().min()
    }

    fn on_job(&mut self, now: Now, grant: Box<JobGrant>, actions: &mut Vec<Action>) {
        let checked = grants::check(&grant, &self.setup.root, now.unix_ms, self.setup.seen_serial);
        let prep = match checked {
            Err(error) => Prep::Refused(error.to_string()),
            Ok(_) => Prep::Preparing,
        };
        if let Some(job) = self.jobs.get_mut(&grant.job) {
            job.touched_ms = now.ms;
            // Said again after a reconnection: what is prepared stays so, unless the word is another one now.
            if job.grant == grant && !matches!(job.prep, Prep::Failed { .. }) && prep == Prep::Preparing {
                return;
            }
            if !job.held.is_empty() {
                return;
            }
        }
        self.forget_jobs(actions);
        if prep == Prep::Preparing && self.setup.policy.admits(&grant).is_ok() {
            actions.push(Action::Prepare(grant.clone()));
        }
        self.jobs.insert(grant.job.clone(), Job::new(grant, prep, now.ms));
    }

    fn forget_jobs(&mut self, actions: &mut Vec<Action>) {
        while self.jobs.len() >= JOBS_MAX {
            let free = self.jobs.iter().filter(|(id, job)| job.held.is_empty() && !self.in_a_slot(id));
            let Some(id) = free.min_by_key(|(_, job)| job.touched_ms).map(|(id, _)| id.clone()) else { return };
            self.jobs.remove(&id);
            actions.push(Action::Release(id));
        }
    }

    fn on_lease(&mut self, now: Now, lease: Lease, actions: &mut Vec<Action>) {
        if let Err(reason) = self.takes(now, &lease, actions) {
            let units = lease.units.iter().map(|unit| (unit.key, unit.attempt)).collect();
            return self.decline(lease.job, units, reason, actions);
        }
        for unit in lease.units {
            let unit = Unit {
                key: unit.key,
                attempt: unit.attempt,
                lease: lease.id,
                call: lease.call,
                input: unit.input,
                checkpoint: unit.checkpoint,
            };
            self.take_unit(now, &lease.job, unit, actions);
        }
        self.assign(now, actions);
    }

    /// Whether a lease is taken; else the reason for its author.
    fn takes(&mut self, now: Now, lease: &Lease, actions: &mut Vec<Action>) -> Result<(), String> {
        let held = self.units_held();
        let Some(job) = self.jobs.get_mut(&lease.job) else {
            return Err("the job was not announced on this connection".into());
        };
        job.touched_ms = now.ms;
        self.setup.policy.admits(&job.grant).map_err(|why| why.to_string())?;
        if held + lease.units.len() > UNITS_MAX || self.leases.len() >= 2 * LEASES_PER_NODE_MAX {
            return Err(format!("this node holds {held} units already"));
        }
        match &job.prep {
            Prep::Preparing | Prep::Ready => Ok(()),
            Prep::Refused(reason) => Err(reason.clone()),
            Prep::Failed { retry_ms, reason } if now.ms < *retry_ms => Err(reason.clone()),
            Prep::Failed { .. } => {
                job.prep = Prep::Preparing;
                job.start_failures = 0;
                actions.push(Action::Prepare(job.grant.clone()));
                Ok(())
            }
        }
    }

    fn take_unit(&mut self, now: Now, id: &JobId, unit: Unit, actions: &mut Vec<Action>) {
        let known = self.jobs.get(id).and_then(|job| job.held.get(&unit.key)).map(|held| held.attempt);
        match known {
            Some(attempt) if attempt >= unit.attempt => return,
            Some(_) => self.drop_units(now, id, &[(unit.key, None)], actions),
            None => {}
        }
        if let Some(job) = self.jobs.get_mut(id) {
            self.leases.hold(unit.lease, 1);
            job.hold(Arc::new(unit));
        }
    }

    fn on_cancel(&mut self, now: Now, cancel: Cancel, actions: &mut Vec<Action>) {
        let Some(job) = self.jobs.get(&cancel.job) else { return };
        let units: Vec<(UnitKey, Option<u32>)> = if cancel.units.is_empty() {
            job.units(|_| true).into_iter().map(|(key, attempt)| (key, Some(attempt))).collect()
        } else {
            cancel.units.into_iter().map(|(key, attempt)| (key, Some(attempt))).collect()
        };
        self.drop_units(now, &cancel.job, &units, actions);
        self.assign(now, actions);
    }

    fn drop_leases(&mut self, now: Now, unknown: &[u64], actions: &mut Vec<Action>) {
        let all: Vec<(JobId, Vec<(UnitKey, Option<u32>)>)> = self
            .jobs
            .iter()
            .map(|(id, job)| {
                let units = job.units(|held| unknown.contains(&held.lease));
                (id.clone(), units.into_iter().map(|(key, attempt)| (key, Some(attempt))).collect())
            })
            .collect();
        for (id, units) in all {
            self.drop_units(now, &id, &units, actions);
        }
    }

    /// Stop holding these units (only this attempt, where one is given), wherever they are.
    fn drop_units(&mut self, now: Now, id: &JobId, units: &[(UnitKey, Option<u32>)], actions: &mut Vec<Action>) {
        for (key, attempt) in units {
            let Some(job) = self.jobs.get_mut(id) else { return };
            if !job.held.get(key).is_some_and(|held| attempt.is_none_or(|attempt| held.attempt == attempt)) {
                continue;
            }
            let Some(held) = job.drop_unit(*key) else { continue };
            self.leases.release(held.lease);
            if let Place::Slot(slot) = held.place {
                self.drop_in_slot(slot, *key, held.attempt);
            }
        }
        self.stop_slots_of_dropped(now, actions);
    }

    /// Give units back with a reason.
    fn give_back(&mut self, id: &JobId, which: impl Fn(&jobs::Held) -> bool, reason: &str, actions: &mut Vec<Action>) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        let units = job.units(which);
        for (key, _) in &units {
            let Some(held) = job.drop_unit(*key) else { continue };
            self.leases.release(held.lease);
            if let Place::Slot(slot) = held.place {
                self.slots[slot].drop_unit(*key, held.attempt);
            }
        }
        self.decline(id.clone(), units, reason.to_owned(), actions);
    }

    fn decline(&mut self, job: JobId, units: Vec<(UnitKey, u32)>, reason: String, actions: &mut Vec<Action>) {
        if units.is_empty() {
            return;
        }
        let told = Event::Declined { job: job.clone(), units: units.len(), reason: reason.clone() };
        actions.push(Action::Tell(told));
        for units in units.chunks(fallow_protocol::limits::LEASE_UNITS_MAX) {
            let note = Decline { job: job.clone(), units: units.to_vec(), reason: reason.clone() };
            match self.online {
                true => actions.push(Action::Send(ToServer::Decline(note))),
                false => self.declines.push(note),
            }
        }
    }

    fn drain(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.drain_since_ms.is_some() {
            return;
        }
        self.setup.policy.draining = true;
        self.drain_since_ms = Some(now.ms);
        actions.push(Action::Tell(Event::Draining));
        if self.setup.policy.paused.is_some() {
            return self.abandon_all("this node is shutting down", actions);
        }
        let jobs: Vec<JobId> = self.jobs.keys().cloned().collect();
        for id in jobs {
            let begun = self.begun(&id);
            let unbegun = self.jobs[&id].units(|held| held.place != Place::Parked);
            let keys: Vec<UnitKey> =
                unbegun.into_iter().map(|(key, _)| key).filter(|key| !begun.contains(key)).collect();
            self.give_back_keys(&id, &keys, "this node is shutting down", actions);
        }
        self.stop_slots_of_dropped(now, actions);
    }

    fn give_back_keys(&mut self, id: &JobId, keys: &[UnitKey], reason: &str, actions: &mut Vec<Action>) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        let mut units = Vec::new();
        for key in keys {
            let Some(held) = job.drop_unit(*key) else { continue };
            units.push((*key, held.attempt));
            self.leases.release(held.lease);
            if let Place::Slot(slot) = held.place {
                self.slots[slot].drop_unit(*key, held.attempt);
            }
        }
        self.decline(id.clone(), units, reason.to_owned(), actions);
    }

    /// Stop every worker and give everything back that has no result.
    fn abandon_all(&mut self, reason: &str, actions: &mut Vec<Action>) {
        let jobs: Vec<JobId> = self.jobs.keys().cloned().collect();
        for id in jobs {
            self.give_back(&id, |held| held.place != Place::Parked, reason, actions);
        }
        for slot in 0..self.slots.len() {
            self.stop(slot, actions);
        }
    }

    fn holds_nothing(&self) -> bool {
        self.jobs.values().all(|job| job.held.is_empty())
    }

    fn leave_when_empty(&mut self, now: Now, actions: &mut Vec<Action>) {
        let Some(since) = self.drain_since_ms else { return };
        if self.holds_nothing() {
            let open: Vec<JobId> = self.frames.jobs().cloned().collect();
            for job in open {
                self.flush(&job, actions);
            }
            // Without a connection there is nobody to wait for: the spool keeps what is not committed.
            if self.leases.frames_uncommitted() == 0 || !self.online || now.ms >= since + DRAIN_MS {
                actions.push(Action::Exit);
            }
        } else if now.ms >= since + DRAIN_MS {
            actions.push(Action::Exit);
        }
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
            actions.push(Action::Send(ToServer::Status(self.status())));
        }
    }

    /// The state that the server and the owner see.
    pub fn state(&self) -> NodeState {
        self.setup.policy.state()
    }
}
