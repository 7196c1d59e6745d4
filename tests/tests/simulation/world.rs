//! One simulated grid: computers, jobs, time, and everything that goes wrong, from one seed.

use fallow_protocol::api::JobPhase;
use grid_core::matching::{Mood, explain};
use grid_core::{AccountNo, JobNo};

use crate::chance::Chance;
use crate::computer::{Computer, Kind};
use crate::grid::{Grid, Message};
use crate::job::Job;
use crate::tally::Tally;

const STEP_MS: u64 = 500;
/// Old results that are kept.
const GHOSTS: usize = 64;
/// How long things go wrong.
const TROUBLE_MS: u64 = 180_000;
/// Within this time after the last fault every job ends: the largest, alone on one good computer, takes some hours.
const RECOVERY_MS: u64 = 12 * 3_600_000;

#[derive(Debug)]
pub struct World {
    chance: Chance,
    now_ms: u64,
    accounts: u64,
    computers: Vec<Computer>,
    grid: Grid,
    /// Results of before, which somebody may send again at any time.
    ghosts: Vec<Message>,
    /// How often things go wrong here, in thousandths a step; each seed has its own mixture.
    permille: Faults,
}

#[derive(Debug)]
struct Faults {
    die: u64,
    leave: u64,
    pause: u64,
    decline: u64,
    hold_back: u64,
    repeat: u64,
    meddle: u64,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let accounts = chance.between(1, 5);
        let computers = (0..chance.one_of(&[1, 2, 3, 8, 25])).map(|no| Computer::random(no, accounts, &mut chance));
        let computers = computers.collect();
        let jobs = (0..chance.between(1, 6) as i64).map(|no| Job::random(no, accounts, &mut chance)).collect();
        let permille = Faults {
            die: chance.one_of(&[0, 2, 20]),
            leave: chance.one_of(&[0, 5, 50]),
            pause: chance.one_of(&[0, 5, 20]),
            decline: chance.one_of(&[0, 5, 100]),
            hold_back: chance.one_of(&[0, 100, 500]),
            repeat: chance.one_of(&[0, 20, 300]),
            meddle: chance.one_of(&[0, 1, 5]),
        };
        Self { chance, now_ms: STEP_MS, accounts, computers, grid: Grid::new(jobs), ghosts: Vec::new(), permille }
    }

    /// Anything may happen.
    pub fn suffer(&mut self) {
        while self.now_ms < TROUBLE_MS {
            self.break_things();
            self.meddle();
            self.step();
        }
    }

    /// Nothing goes wrong any more, each owner has a good computer, and so every job must end.
    pub fn recover(&mut self) {
        for account in 0..self.accounts as i64 {
            let no = self.computers.len() as i64;
            self.computers.push(Computer::good(no, AccountNo(account)));
        }
        for computer in &mut self.computers {
            (computer.online, computer.mood) = (true, Mood::Active);
        }
        self.grid.jobs.iter_mut().for_each(|job| job.has_quota = true);
        self.permille = Faults { die: 0, leave: 0, pause: 0, decline: 0, hold_back: 0, repeat: 0, meddle: 0 };
        let end_ms = self.now_ms + RECOVERY_MS;
        while self.grid.jobs.iter().any(|job| !job.life.phase.is_final()) {
            assert!(self.now_ms < end_ms, "liveness: {}", self.why_not());
            self.step();
        }
        self.grid.check();
        assert!(self.grid.leases.is_empty(), "L2: every lease ends with its job");
    }

    pub fn into_tally(self) -> Tally {
        let mut tally = self.grid.tally;
        for job in &self.grid.jobs {
            match job.life.phase {
                JobPhase::Done => tally.jobs_done += 1,
                JobPhase::Failed => tally.jobs_failed += 1,
                _ => tally.jobs_cancelled += 1,
            }
        }
        tally.simulated_s = self.now_ms / 1_000;
        tally
    }

    fn step(&mut self) {
        self.now_ms += STEP_MS;
        let now_ms = self.now_ms;
        self.grid.tend(now_ms);
        for computer in &mut self.computers {
            computer.work(&self.grid.jobs, now_ms, STEP_MS, &mut self.chance);
        }
        self.deliver();
        self.haunt();
        for computer in self.computers.iter_mut().filter(|computer| computer.online) {
            computer.forget_ended(&self.grid.jobs);
            self.grid.renew(computer.no, &computer.leases(), now_ms);
        }
        self.grid.expire(now_ms);
        self.hand_out();
        if self.now_ms / STEP_MS % 16 == 0 {
            self.grid.check();
        }
    }

    fn snapshot(&self) -> grid_core::matching::Snapshot {
        let online = self.computers.iter().filter(|computer| computer.online);
        self.grid.snapshot(online.map(Computer::view).collect(), self.now_ms)
    }

    /// Results arrive, some late, some twice, some in another order.
    fn deliver(&mut self) {
        let snapshot = self.snapshot();
        for index in 0..self.computers.len() {
            if !self.computers[index].online || self.chance.permille(self.permille.hold_back) {
                continue;
            }
            let mut messages = std::mem::take(&mut self.computers[index].outbox);
            if self.chance.permille(self.permille.repeat) {
                messages.extend(messages.clone());
                messages.reverse();
            }
            for mut message in messages {
                self.grid.report(&message, &snapshot, self.now_ms);
                if self.chance.permille(50) {
                    self.remember(message.clone());
                }
                if self.chance.permille(self.permille.repeat) {
                    // Somebody else claims it, or an attempt that never was.
                    message.node.0 = self.chance.below(self.computers.len() as u64) as i64;
                    message.attempt += self.chance.below(2) as u32;
                    self.report_forged(&message, &snapshot);
                }
            }
        }
    }

    /// Keep a few old results, of all ages.
    fn remember(&mut self, message: Message) {
        if self.ghosts.len() < GHOSTS {
            self.ghosts.push(message);
        } else {
            let place = self.chance.below(GHOSTS as u64) as usize;
            self.ghosts[place] = message;
        }
    }

    /// Old results come back, from nodes that may by now work on the same unit again.
    fn haunt(&mut self) {
        let snapshot = self.snapshot();
        for index in 0..self.ghosts.len() {
            if self.chance.permille(self.permille.repeat / 4) {
                let ghost = self.ghosts[index].clone();
                self.report_forged(&ghost, &snapshot);
            }
        }
    }

    /// The link checks who speaks, so a forged report reaches the rules only in the forger's own name.
    fn report_forged(&mut self, message: &Message, snapshot: &grid_core::matching::Snapshot) {
        if !self.grid.is_leased(message) {
            self.grid.report(message, snapshot, self.now_ms);
        }
    }

    fn hand_out(&mut self) {
        let snapshot = self.snapshot();
        for id in self.grid.hand_out(&snapshot, self.now_ms) {
            let Some(lease) = self.grid.leases.get(&id).cloned() else { continue };
            if self.chance.permille(self.permille.decline) {
                self.grid.decline(id, self.now_ms);
            } else {
                self.computers[lease.node.0 as usize].take(id, lease.job, &lease.units);
            }
        }
    }

    fn break_things(&mut self) {
        let (faults, chance) = (&self.permille, &mut self.chance);
        for computer in &mut self.computers {
            let fickle = if computer.kind == Kind::Fickle { 5 } else { 1 };
            if !computer.online {
                computer.online = chance.permille(40);
            } else if chance.permille(faults.die) {
                computer.die(chance);
            } else if chance.permille(faults.leave * fickle) {
                computer.online = false;
            }
            if chance.permille(faults.pause) {
                let paused = Mood::Paused { reason: "on battery".into() };
                computer.mood = chance.one_of(&[0, 1, 2]).eq(&0).then_some(paused).unwrap_or(Mood::Active);
            }
            if chance.permille(faults.pause / 5) {
                computer.mood = Mood::Draining;
            }
        }
    }

    /// What authors do meanwhile.
    fn meddle(&mut self) {
        for index in 0..self.grid.jobs.len() {
            let (no, phase, retries) = {
                let job = &self.grid.jobs[index];
                (JobNo(index as i64), job.life.phase, job.retries)
            };
            if self.chance.permille(self.permille.meddle) {
                self.grid.end(no, JobPhase::Cancelled, "author".into());
            }
            let wish = if phase == JobPhase::Failed { 50 } else { self.permille.meddle };
            if retries < 3 && self.chance.permille(wish) {
                self.grid.retry(no);
            }
        }
    }

    /// For the message of a job that does not end: what its author would be told.
    fn why_not(&self) -> String {
        let snapshot = self.snapshot();
        let jobs = snapshot.jobs.iter().map(|job| format!("{:?}: {:?}", job.id, explain(&snapshot, job)));
        jobs.collect::<Vec<_>>().join("; ")
    }
}
