//! The clock, the queue, and who works on what in a round.

use std::collections::VecDeque;

use fastrand::Rng;
use grid_core::trust::{Door, Policy, Standing, units_max};

use super::Setup;
use super::attack::Attack;
use super::jobs::Jobs;
use super::seat::{Kind, PLOT, Seat, liar};
use super::tally::Tally;
use super::units::{Cases, Claim, Unit};

/// A round lasts this long, milliseconds: the time of one unit.
const ROUND_MS: i64 = 60_000;
const BEGIN_MS: i64 = 1_800_000_000_000;
/// Honest computers that break at random, parts per million of all.
const FLAKY_PPM: u64 = 5_000;
/// Computers that join a running grid, parts per million of all, and in which share of its rounds.
const LATE_PPM: u64 = 20_000;
const LATE_AFTER_PPM: u64 = 300_000;

/// A unit whose result was void.
#[derive(Clone, Copy, Debug)]
pub struct Again {
    pub unit: Unit,
    pub seat: u32,
    pub name: u32,
    pub value: u32,
}

/// Everything.
pub struct World {
    pub setup: Setup,
    pub policy: Policy,
    pub rng: Rng,
    pub round: u64,
    pub now_ms: i64,
    pub seats: Vec<Seat>,
    pub cases: Cases,
    /// Cases that wait for a copy.
    pub open: Vec<u32>,
    pub again: VecDeque<Again>,
    pub jobs: Jobs,
    pub door: Door,
    /// Newcomers before the door, and how many are behind it.
    pub queue: VecDeque<u32>,
    pub inside: u32,
    pub units: u64,
    pub tally: Tally,
}

impl World {
    pub fn new(setup: &Setup) -> Self {
        let policy = setup.rule.policy();
        Self {
            setup: *setup,
            policy,
            rng: Rng::with_seed(setup.seed),
            round: 0,
            now_ms: BEGIN_MS,
            seats: seats(setup),
            cases: Cases::default(),
            open: Vec::new(),
            again: VecDeque::new(),
            jobs: Jobs::new(setup.job_units),
            door: Door::default(),
            queue: VecDeque::new(),
            inside: 0,
            units: 0,
            tally: Tally::default(),
        }
    }

    pub fn run(mut self) -> Tally {
        let rounds_max = 10 * self.setup.units / u64::from(self.setup.computers) + 10_000;
        while self.tally.finals < self.setup.units && self.round < rounds_max {
            self.step();
        }
        self.tally.end(&self.seats, self.round);
        self.tally
    }

    /// Copies first, then new units; what was opened in this round waits for the next.
    fn step(&mut self) {
        self.round += 1;
        self.now_ms += ROUND_MS;
        self.let_in();
        let mut waiting = std::mem::take(&mut self.open);
        for case in waiting.drain(..) {
            match self.pick(case) {
                Some(seat) => self.copy(case, seat),
                None => self.open.push(case),
            }
        }
        let (seats, offset) = (self.seats.len() - 1, self.rng.usize(..self.seats.len() - 1));
        for step in 0..seats {
            let seat = (step + offset) % seats;
            if self.is_free(seat) && self.may_begin(seat) {
                self.work(seat);
            }
        }
    }

    pub fn is_free(&self, seat: usize) -> bool {
        self.seats[seat].busy < self.round && self.seats[seat].joins <= self.round
    }

    /// Newcomers wait before the door in the order in which they came.
    fn may_begin(&mut self, seat: usize) -> bool {
        if !self.setup.rule.looks_back() {
            return true;
        }
        let standing = self.standing(seat);
        let it = &mut self.seats[seat];
        if Door::is_for(&self.policy, &it.record) && !it.is_inside {
            if !std::mem::replace(&mut it.is_queued, true) {
                self.queue.push_back(seat as u32);
            }
            return false;
        }
        units_max(&self.policy, standing, true).is_none_or(|max| it.waiting < max)
    }

    fn let_in(&mut self) {
        while self.door.admits(&self.policy, self.inside, 1) {
            let Some(seat) = self.queue.pop_front() else { break };
            let it = &mut self.seats[seat as usize];
            (it.is_queued, it.is_inside) = (false, true);
            self.inside += 1;
        }
    }

    /// It is no longer new, or not the same any more.
    pub fn leave_door(&mut self, seat: usize) {
        self.inside -= u32::from(std::mem::take(&mut self.seats[seat].is_inside));
    }

    pub fn standing(&self, seat: usize) -> Standing {
        let seat = &self.seats[seat];
        self.setup.rule.standing(&seat.record, &seat.owner, self.now_ms)
    }

    /// A new unit, or one whose result was void.
    fn work(&mut self, seat: usize) {
        let is_own = |again: &Again| again.seat as usize == seat;
        if self.again.front().is_some_and(|again| !is_own(again)) {
            let again = self.again.pop_front().expect("there is one");
            let value = self.run_unit(seat, again.unit, false);
            self.review(&again, value);
            self.first(seat, again.unit, value);
        } else {
            let unit = Unit { draw: self.rng.u32(..), job: self.jobs.begin(self.units) };
            self.units += 1;
            let value = self.run_unit(seat, unit, false);
            self.first(seat, unit, value);
        }
    }

    fn copy(&mut self, index: u32, seat: usize) {
        let case = *self.cases.at(index);
        let value = self.run_unit(seat, case.unit, case.says(PLOT));
        let claim = self.claim(seat, value);
        self.cases.at(index).push(claim);
        self.conclude(index);
    }

    /// Its result is numbered as it comes in.
    pub fn claim(&mut self, seat: usize, value: u32) -> Claim {
        let it = &mut self.seats[seat];
        it.owner.result(self.now_ms);
        let position = it.record.result(self.now_ms);
        Claim { seat: seat as u32, name: it.name, position, value }
    }

    fn run_unit(&mut self, seat: usize, unit: Unit, plotted: bool) -> u32 {
        self.tally.runs += 1;
        self.seats[seat].busy = self.round;
        let attack: Attack = self.setup.attack;
        self.seats[seat].says(unit, plotted, &attack, &mut self.rng)
    }
}

/// Liars first, then those who break, then those who join late; the anchor last.
fn seats(setup: &Setup) -> Vec<Seat> {
    let all = u64::from(setup.computers);
    let of = |ppm: u64| (all * ppm).div_ceil(1_000_000);
    let (liars, flaky, late) = (all * u64::from(setup.liars_ppm) / 1_000_000, of(FLAKY_PPM), of(LATE_PPM));
    let joins = setup.units * LATE_AFTER_PPM / 1_000_000 / all;
    let kind = |index: u64| match index {
        index if index < liars => Seat::new(liar(&setup.attack, index as u32), 0),
        index if index < liars + flaky => Seat::new(Kind::Flaky, 0),
        index if index < liars + flaky + late => Seat::new(Kind::Honest, joins),
        _ => Seat::new(Kind::Honest, 0),
    };
    (0..all).map(kind).chain([Seat::new(Kind::Anchor, 0)]).collect()
}
