//! Jobs and leases that come, units that are cancelled or given back.

use std::sync::Arc;

use fallow_protocol::JobId;
use fallow_protocol::limits::{LEASES_PER_NODE_MAX, MERGE_FAN_IN};
use fallow_protocol::link::{Cancel, Decline, JobGrant, Lease, ToServer};
use fallow_protocol::unit::{Input, UnitKey};

use super::io::{Action, Now, Unit};
use super::jobs::{Held, Job, Place, Prep};
use super::{Agent, JOBS_MAX, UNITS_MAX};
use crate::events::Event;
use crate::grants;

impl Agent {
    pub(super) fn on_job(&mut self, now: Now, mut grant: Box<JobGrant>, actions: &mut Vec<Action>) {
        let (id, parts) = (grant.job.clone(), std::mem::take(&mut grant.parts));
        self.meet(now, grant, actions);
        let Some(job) = self.jobs.get(&id) else { return };
        let policy = &self.setup.policy;
        let works = matches!(job.prep, Prep::Preparing | Prep::Ready) && policy.may_run();
        if !parts.is_empty() && parts.len() as u64 <= MERGE_FAN_IN && works && policy.admits(&job.grant).is_ok() {
            actions.push(Action::Gather(parts));
        }
    }

    fn meet(&mut self, now: Now, grant: Box<JobGrant>, actions: &mut Vec<Action>) {
        let checked = grants::check(&grant, &self.setup.root, now.unix_ms, self.setup.seen_serial);
        let prep = match checked {
            Err(error) => Prep::Refused(error.to_string()),
            Ok(_) => Prep::Preparing,
        };
        if let Some(job) = self.jobs.get_mut(&grant.job) {
            job.touched_ms = now.ms;
            // Said again after a reconnection: what is prepared stays so, unless the word is another one now.
            let is_usable = !matches!(job.prep, Prep::Failed { .. } | Prep::Refused(_));
            if job.grant == grant && is_usable && prep == Prep::Preparing {
                return;
            }
            if !job.held.is_empty() {
                return;
            }
        }
        self.forget_jobs(actions);
        let prep = match (prep, self.setup.policy.admits(&grant)) {
            (Prep::Preparing, Ok(())) => {
                actions.push(Action::Prepare(grant.clone()));
                Prep::Preparing
            }
            // It is prepared with its first lease, where it is taken by then.
            (Prep::Preparing, Err(why)) => Prep::Failed { retry_ms: now.ms, reason: why.to_string() },
            (prep, _) => prep,
        };
        self.jobs.insert(grant.job.clone(), Job::new(grant, prep, now.ms));
    }

    pub(super) fn forget_jobs(&mut self, actions: &mut Vec<Action>) {
        while self.jobs.len() >= JOBS_MAX {
            let free = self.jobs.iter().filter(|(id, job)| job.held.is_empty() && !self.in_a_slot(id));
            let Some(id) = free.min_by_key(|(_, job)| job.touched_ms).map(|(id, _)| id.clone()) else { return };
            self.jobs.remove(&id);
            actions.push(Action::Release(id));
        }
    }

    pub(super) fn on_lease(&mut self, now: Now, lease: Lease, actions: &mut Vec<Action>) {
        if let Err(reason) = self.takes(now, &lease, actions) {
            let units = lease.units.iter().map(|unit| (unit.key, unit.attempt)).collect();
            return self.decline(lease.job, units, reason, actions);
        }
        let is_preparing = self.jobs.get(&lease.job).is_some_and(|job| job.prep == Prep::Preparing);
        let soon = if is_preparing { self.slots.len() } else { 0 };
        for (index, unit) in lease.units.into_iter().enumerate() {
            let unit = Arc::new(Unit {
                key: unit.key,
                attempt: unit.attempt,
                floats: unit.floats,
                lease: lease.id,
                call: lease.call,
                input: unit.input,
                checkpoint: unit.checkpoint,
            });
            if index < soon && matches!(unit.input, Input::Ranges(_)) {
                actions.push(Action::Prefetch(unit.clone()));
            }
            self.take_unit(now, &lease.job, unit, actions);
        }
        self.assign(now, actions);
    }

    /// Whether a lease is taken; else the reason for its author.
    pub(super) fn takes(&mut self, now: Now, lease: &Lease, actions: &mut Vec<Action>) -> Result<(), String> {
        let held = self.units_held();
        let Some(job) = self.jobs.get_mut(&lease.job) else {
            return Err("the job was not announced on this connection".into());
        };
        job.touched_ms = now.ms;
        self.setup.policy.admits(&job.grant).map_err(|why| why.to_string())?;
        if self.setup.policy.paused.is_some() && self.paused_since_ms.is_none() {
            // What it held was given back already; nobody would come for this.
            return Err("this node is paused".into());
        }
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

    pub(super) fn take_unit(&mut self, now: Now, id: &JobId, unit: Arc<Unit>, actions: &mut Vec<Action>) {
        let known = self.jobs.get(id).and_then(|job| job.held.get(&unit.key)).map(|held| held.attempt);
        match known {
            Some(attempt) if attempt >= unit.attempt => return,
            Some(_) => self.drop_units(now, id, &[(unit.key, None)], actions),
            None => {}
        }
        if let Some(job) = self.jobs.get_mut(id) {
            self.leases.hold(unit.lease, 1);
            job.hold(unit);
        }
    }

    pub(super) fn on_cancel(&mut self, now: Now, cancel: Cancel, actions: &mut Vec<Action>) {
        let Some(job) = self.jobs.get(&cancel.job) else { return };
        let units: Vec<(UnitKey, Option<u32>)> = if cancel.units.is_empty() {
            job.units(|_| true).into_iter().map(|(key, attempt)| (key, Some(attempt))).collect()
        } else {
            cancel.units.into_iter().map(|(key, attempt)| (key, Some(attempt))).collect()
        };
        self.drop_units(now, &cancel.job, &units, actions);
        self.assign(now, actions);
    }

    /// What the job runs is stopped: nothing of it runs here, or is taken, until the job is said again.
    pub(super) fn on_suspended(&mut self, now: Now, id: &JobId, reason: String, actions: &mut Vec<Action>) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.prep = Prep::Refused(format!("its module is suspended: {reason}"));
        let units: Vec<(UnitKey, Option<u32>)> =
            job.units(|_| true).into_iter().map(|(key, attempt)| (key, Some(attempt))).collect();
        self.drop_units(now, id, &units, actions);
        self.stop_slots_of(id, actions);
        actions.push(Action::Tell(Event::Suspended { job: id.clone(), reason }));
        self.assign(now, actions);
    }

    pub(super) fn drop_leases(&mut self, now: Now, unknown: &[u64], actions: &mut Vec<Action>) {
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
    pub(super) fn drop_units(
        &mut self,
        now: Now,
        id: &JobId,
        units: &[(UnitKey, Option<u32>)],
        actions: &mut Vec<Action>,
    ) {
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
    pub(super) fn give_back(
        &mut self,
        id: &JobId,
        which: impl Fn(&Held) -> bool,
        reason: &str,
        actions: &mut Vec<Action>,
    ) {
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

    pub(super) fn decline(
        &mut self,
        job: JobId,
        units: Vec<(UnitKey, u32)>,
        reason: String,
        actions: &mut Vec<Action>,
    ) {
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
}
