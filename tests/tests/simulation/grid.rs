//! The toy store and server: keeps rows and leases, asks `grid-core` for every decision, and steps
//! through everything that follows.

use std::collections::BTreeMap;

use fallow_protocol::api::{JobPhase, UnitState};
use fallow_protocol::manifest::Floats;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{STAGE_RUN, STAGE_SPLIT, UnitKey};
use grid_core::life::{
    AfterFailure, Basis, Change, JobStep, Others, Report, Unit, Verdict, after_failure, job_step, past_deadline,
    retry_job, rise,
};
use grid_core::matching::{NodeView, NodeWork, Snapshot, others_for, plan};
use grid_core::{AccountNo, JobNo, NodeNo};

use crate::job::{Job, scene};
use crate::tally::Tally;

/// A lease ends this long after its node was last heard of.
const LEASE_MS: u64 = 15_000;
/// Units made in one step, so that jobs run while they are still being split.
const UNITS_A_STEP: u64 = 100;
/// A node that declined a job is left alone this long.
const DECLINED_MS: u64 = 30_000;

#[derive(Debug, Clone)]
pub struct Lease {
    pub node: NodeNo,
    pub job: JobNo,
    pub units: Vec<(UnitKey, u32)>,
    expires_ms: u64,
}

/// A result on its way.
#[derive(Debug, Clone)]
pub struct Message {
    pub node: NodeNo,
    pub owner: AccountNo,
    pub job: JobNo,
    pub key: UnitKey,
    pub attempt: u32,
    pub outcome: Outcome,
    pub lie: u8,
    pub us: u64,
}

#[derive(Debug, Default)]
pub struct Grid {
    pub jobs: Vec<Job>,
    pub leases: BTreeMap<u64, Lease>,
    pub tally: Tally,
    /// The one end of each unit, with the job's retries at that time.
    ends: BTreeMap<(JobNo, UnitKey, u32), UnitState>,
    next_lease: u64,
}

impl Grid {
    pub fn new(jobs: Vec<Job>) -> Self {
        Self { jobs, ..Self::default() }
    }

    pub fn job(&mut self, no: JobNo) -> &mut Job {
        &mut self.jobs[no.0 as usize]
    }

    /// What the matcher sees; `nodes` come without their work, which is the server's own knowledge.
    pub fn snapshot(&self, mut nodes: Vec<NodeView>, now_ms: u64) -> Snapshot {
        let mut held: BTreeMap<NodeNo, (u32, BTreeMap<JobNo, u64>)> = BTreeMap::new();
        for lease in self.leases.values() {
            let entry = held.entry(lease.node).or_default();
            entry.0 += 1;
            *entry.1.entry(lease.job).or_default() += lease.units.len() as u64;
        }
        for node in &mut nodes {
            let Some((leases, work)) = held.remove(&node.id) else { continue };
            node.leases = leases;
            node.work = work.into_iter().map(|(job, units)| NodeWork { job, units, unit_us: None }).collect();
        }
        let jobs = self.jobs.iter().filter(|job| !job.life.phase.is_final()).map(|job| job.view(now_ms)).collect();
        Snapshot { nodes, jobs, ..Snapshot::default() }
    }

    /// Plan and hand out; returns the new leases.
    pub fn hand_out(&mut self, snapshot: &Snapshot, now_ms: u64) -> Vec<u64> {
        let plan = plan(snapshot);
        let first = self.next_lease;
        for grant in plan.grants {
            let job = self.job(grant.job);
            let stage = job.life.stage;
            let plain = job.stage().plain.iter().take(grant.units as usize);
            let plain: Vec<_> = plain.map(|seq| UnitKey { stage, seq: *seq }).collect();
            assert_eq!(plain.len() as u64, grant.units, "more was granted than is ready");
            let keys = plain.into_iter().chain(grant.picked);
            let units = keys.map(|key| (key, self.lease(grant.job, key, grant.node, now_ms))).collect();
            let lease = Lease { node: grant.node, job: grant.job, units, expires_ms: now_ms + LEASE_MS };
            self.leases.insert(self.next_lease, lease);
            self.next_lease += 1;
        }
        for (job, key) in plan.alone {
            self.tally.alone += 1;
            let scene = scene(self.job(job).owner, Others::None);
            self.step(job, key, now_ms, |unit| {
                let step = unit.nobody_else(&scene).expect("the matcher names only checks that wait");
                step.expect("where all are trusted nobody waits for ever")
            });
        }
        (first..self.next_lease).collect()
    }

    fn lease(&mut self, job: JobNo, key: UnitKey, node: NodeNo, now_ms: u64) -> u32 {
        self.tally.leased += 1;
        let before = self.job(job).row(key).unit.attempt;
        self.step(job, key, now_ms, |unit| (Verdict::Again, unit.lease(node).expect("a granted unit is ready")));
        let row = &mut self.job(job).stage_mut(key.stage).rows[key.seq as usize];
        row.last = Some(node);
        assert!(row.unit.attempt > before, "S6: a lease of {key:?} is no new attempt");
        row.unit.attempt
    }

    /// The node is alive and works on these leases.
    pub fn renew(&mut self, node: NodeNo, leases: &[u64], now_ms: u64) {
        for lease in leases {
            if let Some(lease) = self.leases.get_mut(lease).filter(|lease| lease.node == node) {
                lease.expires_ms = now_ms + LEASE_MS;
            }
        }
    }

    /// Units of leases that nobody renewed are lost.
    pub fn expire(&mut self, now_ms: u64) {
        let old: Vec<u64> =
            self.leases.iter().filter(|(_, lease)| lease.expires_ms <= now_ms).map(|(id, _)| *id).collect();
        for id in old {
            let lease = self.leases.remove(&id).expect("just listed");
            for (key, attempt) in lease.units {
                self.tally.expired += 1;
                let scene = scene(self.job(lease.job).owner, Others::None);
                self.step(lease.job, key, now_ms, |unit| unit.lost(lease.node, attempt, &scene));
            }
        }
    }

    pub fn decline(&mut self, id: u64, now_ms: u64) {
        let Some(lease) = self.leases.remove(&id) else { return };
        self.job(lease.job).declined_by.insert(lease.node, now_ms + DECLINED_MS);
        for (key, attempt) in lease.units {
            self.tally.declined += 1;
            let scene = scene(self.job(lease.job).owner, Others::None);
            self.step(lease.job, key, now_ms, |unit| unit.declined(lease.node, attempt, &scene));
        }
    }

    pub fn report(&mut self, message: &Message, snapshot: &Snapshot, now_ms: u64) {
        let job = &mut self.jobs[message.job.0 as usize];
        let view = snapshot.jobs.iter().find(|view| view.id == message.job);
        let others = view.map(|view| others_for(snapshot, view, message.node)).unwrap_or_default();
        let scene = scene(job.owner, others);
        let digest = job.digest(message.key, &message.outcome, message.lie);
        let Message { node, owner, attempt, outcome, .. } = message;
        let report = Report {
            node: *node,
            owner: *owner,
            attempt: *attempt,
            outcome,
            digest,
            essence: digest,
            fuel: 1,
            floats: Floats::Plain,
            resumed_from: None,
            position: 1,
        };
        let is_lie = message.lie > 0 || outcome.is_deterministic() && *outcome != job.truth(message.key);
        if is_lie {
            job.stage_mut(message.key.stage).rows[message.key.seq as usize].liars.insert(*node);
        } else if *outcome == Outcome::Done {
            job.saw(message.us);
        }
        let is_own = job.owner == *owner;
        let was_leased = self.is_leased(message);
        let before = self.job(message.job).row(message.key).unit.clone();
        let verdict = self.step(message.job, message.key, now_ms, |unit| unit.result(&report, &scene));
        if !was_leased {
            let after = &self.job(message.job).row(message.key).unit;
            assert_eq!(&before, after, "S6: {message:?} is of no lease and changed something");
        }
        self.check_verdict(message, verdict, is_lie, is_own);
        for lease in self.leases.values_mut().filter(|lease| lease.node == *node && lease.job == message.job) {
            lease.units.retain(|unit| *unit != (message.key, *attempt));
        }
        self.leases.retain(|_, lease| !lease.units.is_empty());
    }

    /// One step of one unit's life with everything that follows; checks that what is stale or ended stays as it is.
    fn step(
        &mut self,
        no: JobNo,
        key: UnitKey,
        now_ms: u64,
        act: impl FnOnce(&mut Unit) -> (Verdict, Change),
    ) -> Verdict {
        let job = self.job(no);
        if job.life.phase.is_final() {
            return Verdict::Stale;
        }
        let stage = job.stage_mut(key.stage);
        let row = &mut stage.rows[key.seq as usize];
        let before = row.unit.clone();
        let (verdict, change) = act(&mut row.unit);
        change.apply(&mut stage.counts);
        if verdict == Verdict::Stale || before.has_ended() {
            assert_eq!(before, row.unit, "S2, S6: something stale changed {key:?} of {no:?}");
        }
        row.ready_since_ms = now_ms;
        stage.index(key.seq);
        self.count(verdict, before.on.is_some());
        if let Verdict::Failed(_) = verdict {
            self.unit_failed(no, key);
        }
        self.note_end(no, key, before.has_ended());
        self.advance(no, now_ms);
        verdict
    }

    fn count(&mut self, verdict: Verdict, was_on: bool) {
        let tally = &mut self.tally;
        let counter = match verdict {
            Verdict::Stale => &mut tally.stale,
            Verdict::Accepted(_) => &mut tally.accepted,
            Verdict::Failed(Basis::Unconfirmed | Basis::Disputed) => &mut tally.failed_unconfirmed,
            Verdict::Failed(_) => &mut tally.failed_confirmed,
            Verdict::Check { .. } => &mut tally.checks,
            Verdict::Again if was_on => &mut tally.agains,
            Verdict::Again => return,
        };
        *counter += 1;
    }

    fn unit_failed(&mut self, no: JobNo, key: UnitKey) {
        let job = self.job(no);
        let AfterFailure { unit, job: failure } = after_failure(&job.life, key.stage, &job.stages[&key.stage].counts);
        if unit == UnitState::LeftOut {
            let stage = job.stage_mut(key.stage);
            let change = stage.rows[key.seq as usize].unit.leave_out().expect("a failed unit can be left out");
            change.apply(&mut stage.counts);
            self.tally.left_out += 1;
        }
        if let Some(failure) = failure {
            self.end(no, JobPhase::Failed, failure.to_string());
        }
    }

    /// S2: a unit ends once between two retries.
    fn note_end(&mut self, no: JobNo, key: UnitKey, had_ended: bool) {
        let job = self.job(no);
        let (state, retries) = (job.row(key).unit.state, job.retries);
        if !had_ended && matches!(state, UnitState::Done | UnitState::Failed | UnitState::LeftOut) {
            let before = self.ends.insert((no, key, retries), state);
            assert_eq!(before, None, "S2: {key:?} of {no:?} ended twice");
        }
    }

    /// Do what the rules say comes next, until they say wait.
    fn advance(&mut self, no: JobNo, now_ms: u64) {
        loop {
            let job = self.job(no);
            if job.life.phase.is_final() {
                return;
            }
            match job_step(&job.life, &job.stage().counts) {
                JobStep::Wait => return,
                JobStep::CutUnits => {
                    job.life.stage = STAGE_RUN;
                    job.stage_mut(STAGE_RUN);
                    return;
                }
                JobStep::Merge { stage, level } => {
                    job.life.stage = stage;
                    job.stage_mut(stage).add(level.groups(), now_ms);
                    self.tally.merges += level.groups();
                }
                JobStep::Assemble => {
                    job.life.phase = rise(job.life.phase, JobPhase::Assembling).expect("phases rise");
                    self.end(no, JobPhase::Done, String::new());
                }
                JobStep::Fail(failure) => self.end(no, JobPhase::Failed, failure.to_string()),
            }
        }
    }

    /// Units of splits that go on are made; jobs past their deadline end.
    pub fn tend(&mut self, now_ms: u64) {
        for index in 0..self.jobs.len() {
            let job = &mut self.jobs[index];
            if past_deadline(job.life.phase, job.deadline_ms, now_ms) {
                let no = job.no;
                self.end(no, JobPhase::Cancelled, "deadline".into());
            } else if job.life.phase == JobPhase::Splitting {
                self.make_units(index, now_ms);
            }
        }
    }

    fn make_units(&mut self, index: usize, now_ms: u64) {
        let job = &mut self.jobs[index];
        let stage = job.stage();
        let made = stage.rows.len() as u64;
        if job.life.stage == STAGE_SPLIT {
            if made == 0 {
                job.stage_mut(STAGE_SPLIT).add(1, now_ms);
            }
            return;
        }
        let units = UNITS_A_STEP.min(job.work_units - made);
        job.stage_mut(STAGE_RUN).add(units, now_ms);
        if made + units == job.work_units {
            job.life.split_done = true;
            job.life.phase = rise(job.life.phase, JobPhase::Running).expect("phases rise");
            let no = job.no;
            self.advance(no, now_ms);
        }
    }

    /// The job ends: nothing of it is wanted any more.
    pub fn end(&mut self, no: JobNo, phase: JobPhase, error: String) {
        let job = self.job(no);
        let Ok(phase) = rise(job.life.phase, phase) else { return };
        job.life.phase = phase;
        job.error = Some(error);
        for stage in job.stages.values_mut() {
            for seq in 0..stage.rows.len() {
                stage.rows[seq].unit.cancel().apply(&mut stage.counts);
                stage.index(seq as u64);
            }
        }
        self.leases.retain(|_, lease| lease.job != no);
    }

    /// The author asks for a retry; whether there was something to retry.
    pub fn retry(&mut self, no: JobNo) -> bool {
        let job = self.job(no);
        let Ok(retry) = retry_job(&job.life, &job.stage().counts) else { return false };
        job.life.phase = retry.phase;
        job.retries += 1;
        let mut fresh = 0;
        let stage = job.stage_mut(retry.stage);
        for seq in 0..stage.rows.len() {
            if let Ok(change) = stage.rows[seq].unit.retry() {
                change.apply(&mut stage.counts);
                stage.index(seq as u64);
                fresh += 1;
            }
        }
        assert_eq!(fresh, retry.units, "the counters know how many are retried");
        self.tally.retried += fresh;
        true
    }
}
