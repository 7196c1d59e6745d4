//! A volunteer's computer: honest, broken, lying or hardly ever there.

use std::collections::VecDeque;

use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::UnitKey;
use grid_core::matching::{Mood, NodeView};
use grid_core::{AccountNo, JobNo, NodeNo};

use crate::chance::Chance;
use crate::grid::Message;
use crate::job::Job;

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Honest,
    /// Its units often end in a host fault.
    Broken,
    /// It often says something else than what was.
    Liar,
    /// It is away half of the time.
    Fickle,
}

#[derive(Debug, Clone)]
struct Task {
    job: JobNo,
    key: UnitKey,
    attempt: u32,
    lease: u64,
    ends_ms: Option<u64>,
    us: u64,
}

#[derive(Debug, Clone)]
pub struct Computer {
    pub no: NodeNo,
    pub owner: AccountNo,
    pub kind: Kind,
    pub online: bool,
    pub mood: Mood,
    slots: u32,
    memory_bytes: u64,
    takes_strangers: bool,
    /// Its speed in per cent of an ordinary one.
    speed: u64,
    tasks: VecDeque<Task>,
    /// Results that the server has not had yet.
    pub outbox: Vec<Message>,
}

impl Computer {
    pub fn random(no: i64, accounts: u64, chance: &mut Chance) -> Self {
        Self {
            no: NodeNo(no),
            owner: AccountNo(chance.below(accounts) as i64),
            kind: chance.one_of(&[Kind::Honest, Kind::Honest, Kind::Honest, Kind::Broken, Kind::Liar, Kind::Fickle]),
            online: chance.permille(700),
            mood: Mood::Active,
            slots: chance.between(1, 8) as u32,
            memory_bytes: chance.between(1, 8) << 30,
            takes_strangers: chance.permille(800),
            speed: chance.between(20, 300),
            tasks: VecDeque::new(),
            outbox: Vec::new(),
        }
    }

    /// A computer that can run everything of its owner.
    pub fn good(no: i64, owner: AccountNo) -> Self {
        Self {
            owner,
            kind: Kind::Honest,
            online: true,
            slots: 8,
            memory_bytes: 16 << 30,
            takes_strangers: true,
            speed: 300,
            ..Self::random(no, 1, &mut Chance::new(0))
        }
    }

    pub fn view(&self) -> NodeView {
        NodeView {
            id: self.no,
            owner: self.owner,
            mood: self.mood.clone(),
            slots: self.slots,
            memory_bytes: self.memory_bytes,
            takes_strangers: self.takes_strangers,
            takes: Default::default(),
            profile: "p".into(),
            leases: 0,
            worth: crate::job::worth(self.no),
            work: Vec::new(),
        }
    }

    pub fn take(&mut self, lease: u64, job: JobNo, units: &[(UnitKey, u32)]) {
        let task =
            |(key, attempt): &(UnitKey, u32)| Task { job, key: *key, attempt: *attempt, lease, ends_ms: None, us: 0 };
        self.tasks.extend(units.iter().map(task));
    }

    /// Leases that it works on.
    pub fn leases(&self) -> Vec<u64> {
        let mut leases: Vec<u64> = self.tasks.iter().map(|task| task.lease).collect();
        leases.dedup();
        leases
    }

    /// The process dies: what it held is gone; results that were written down stay.
    pub fn die(&mut self, chance: &mut Chance) {
        self.online = false;
        self.tasks.clear();
        if chance.permille(500) {
            self.outbox.clear();
        }
    }

    /// The server stopped these jobs.
    pub fn forget_ended(&mut self, jobs: &[Job]) {
        self.tasks.retain(|task| !jobs[task.job.0 as usize].life.phase.is_final());
    }

    /// Work up to `now_ms`; results go into the outbox.
    pub fn work(&mut self, jobs: &[Job], now_ms: u64, step_ms: u64, chance: &mut Chance) {
        if self.mood != Mood::Active && self.mood != Mood::Draining {
            return self.stand_still(step_ms);
        }
        // Each slot begins its next unit where the last one ended, also within this step.
        let mut free: Vec<u64> = vec![now_ms - step_ms; (self.slots as usize).saturating_sub(self.running())];
        let mut done = Vec::new();
        for task in &mut self.tasks {
            let slot = free.iter().enumerate().min_by_key(|(_, at)| **at).map(|(slot, _)| slot);
            if task.ends_ms.is_none() {
                let Some(slot) = slot.filter(|slot| free[*slot] < now_ms) else { break };
                task.us = jobs[task.job.0 as usize].unit_us * chance.between(50, 150) / self.speed;
                let ends_ms = free[slot] + task.us.div_ceil(1_000);
                task.ends_ms = Some(ends_ms);
                free[slot] = ends_ms;
            }
            if task.ends_ms.is_some_and(|at| at <= now_ms) {
                done.push(task.clone());
            }
        }
        self.tasks.retain(|task| task.ends_ms.is_none_or(|at| at > now_ms));
        for task in done {
            let message = self.result(&task, &jobs[task.job.0 as usize], chance);
            self.outbox.push(message);
        }
    }

    fn running(&self) -> usize {
        self.tasks.iter().filter(|task| task.ends_ms.is_some()).count()
    }

    fn stand_still(&mut self, step_ms: u64) {
        for task in &mut self.tasks {
            task.ends_ms = task.ends_ms.map(|at| at + step_ms);
        }
    }

    fn result(&self, task: &Task, job: &Job, chance: &mut Chance) -> Message {
        let truth = job.truth(task.key);
        let (outcome, lie) = match self.kind {
            Kind::Broken if chance.permille(200) => (Outcome::HostFault { message: "disk full".into() }, 0),
            _ if chance.permille(3) => (Outcome::HostFault { message: "worker died".into() }, 0),
            // Few different lies, so that liars sometimes agree.
            Kind::Liar if chance.permille(250) => (lie(&truth, chance), chance.between(1, 3) as u8),
            _ => (truth, 0),
        };
        let Task { job, key, attempt, us, .. } = *task;
        Message { node: self.no, owner: self.owner, job, key, attempt, outcome, lie, us }
    }
}

fn lie(truth: &Outcome, chance: &mut Chance) -> Outcome {
    match truth {
        Outcome::Done if chance.permille(700) => Outcome::Trap { message: "lie".into() },
        _ => Outcome::Done,
    }
}
