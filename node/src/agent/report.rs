//! What the node says about itself: statuses for the server, a report for its owner.

use fallow_protocol::link::{NodeState, Status, UnitProgress};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::UnitResult;
use serde::{Deserialize, Serialize};

use super::Agent;

/// Units whose progress one status tells.
const PROGRESS_MAX: usize = 64;

/// What was done since the node's start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Units that ended well.
    pub units_done: u64,
    /// Units that ended otherwise.
    pub units_failed: u64,
    /// Fuel of all of them.
    pub fuel: u64,
}

impl Totals {
    /// Count one more.
    pub fn count(&mut self, result: &UnitResult) {
        match result.outcome {
            Outcome::Done => self.units_done += 1,
            _ => self.units_failed += 1,
        }
        self.fuel = self.fuel.saturating_add(result.fuel);
    }
}

/// One job in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobReport {
    /// Its id.
    pub job: String,
    /// Its name.
    pub name: String,
    /// Units that run.
    pub running: usize,
    /// Units that wait for a slot here.
    pub waiting: usize,
    /// Whether its author owns this node.
    pub own: bool,
}

/// One unit that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitReport {
    /// Name of its job.
    pub job_name: String,
    /// Whether its author owns this node.
    pub own: bool,
    /// Its stage.
    pub stage: u16,
    /// Its number.
    pub seq: u64,
    /// How far it is, thousandths, where it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_milli: Option<u64>,
    /// When it began, milliseconds since 1970; here since the node's start.
    pub started_at_ms: u64,
}

/// What the owner sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Whether it takes work.
    pub state: NodeState,
    /// Whether the grid is reached.
    pub online: bool,
    /// Units at once.
    pub slots: u32,
    /// Slots that run a unit.
    pub slots_busy: usize,
    /// Memory of all units together, bytes.
    pub memory_bytes: u64,
    /// Whether strangers' jobs are taken.
    pub takes_strangers: bool,
    /// Jobs with units here.
    pub jobs: Vec<JobReport>,
    /// Units that run.
    #[serde(default)]
    pub units: Vec<UnitReport>,
    /// Frames of results that the server has not confirmed.
    pub frames_uncommitted: usize,
    /// Since the node's start.
    pub since_start: Totals,
}

impl Agent {
    pub(super) fn status(&self) -> Status {
        Status {
            state: self.state(),
            slots: self.setup.policy.slots,
            memory_bytes: self.setup.policy.memory_bytes,
            takes_strangers: self.setup.policy.takes_strangers,
            leases: self.leases.ids(),
            units_held: self.units_held() as u64,
            progress: self.progress(),
            owner: None,
        }
    }

    fn progress(&self) -> Vec<UnitProgress> {
        let mut told: Vec<(u64, UnitProgress)> = Vec::new();
        for slot in &self.slots {
            let Some(job) = slot.job() else { continue };
            for unit in slot.queue.iter().filter(|unit| !unit.dropped) {
                if let Some((at_ms, done, total)) = unit.progress {
                    told.push((at_ms, UnitProgress { job: job.clone(), key: unit.unit.key, done, total }));
                }
            }
        }
        told.sort_by_key(|(at_ms, _)| std::cmp::Reverse(*at_ms));
        told.into_iter().take(PROGRESS_MAX).map(|(_, progress)| progress).collect()
    }

    fn running(&self) -> Vec<UnitReport> {
        let mut units = Vec::new();
        for slot in &self.slots {
            let Some(job) = slot.job().and_then(|id| self.jobs.get(id)) else { continue };
            let begun = slot.queue.iter().filter(|unit| !unit.dropped);
            units.extend(begun.filter_map(|unit| {
                let progress = unit.progress.filter(|(_, _, total)| *total > 0);
                Some(UnitReport {
                    job_name: job.grant.name.clone(),
                    own: job.grant.own,
                    stage: unit.unit.key.stage,
                    seq: unit.unit.key.seq,
                    progress_milli: progress
                        .map(|(_, done, total)| (u128::from(done) * 1_000 / u128::from(total)).min(1_000) as u64),
                    started_at_ms: unit.started_ms?,
                })
            }));
        }
        units
    }

    /// What the owner sees.
    pub fn report(&self) -> Report {
        let jobs = self.jobs.iter().filter(|(_, job)| !job.held.is_empty()).map(|(id, job)| JobReport {
            job: id.to_string(),
            name: job.grant.name.clone(),
            running: self.slots.iter().filter(|slot| slot.job() == Some(id) && !slot.queue.is_empty()).count(),
            waiting: job.ready_count(),
            own: job.grant.own,
        });
        Report {
            state: self.state(),
            online: self.online,
            slots: self.setup.policy.slots,
            slots_busy: self.slots.iter().filter(|slot| !slot.queue.is_empty()).count(),
            memory_bytes: self.setup.policy.memory_bytes,
            takes_strangers: self.setup.policy.takes_strangers,
            jobs: jobs.collect(),
            units: self.running(),
            frames_uncommitted: self.leases.frames_uncommitted(),
            since_start: self.totals.clone(),
        }
    }
}
