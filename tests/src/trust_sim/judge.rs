//! What becomes of results: the rules are asked, and the toy world does what they say.

use grid_core::trust::{Decision, Marks, Sanction, Treatment, decide};

use super::rule::Rule;
use super::seat::{Held, Kind, RIGHT};
use super::units::{Case, Claim, Unit};
use super::world::{Again, World};

impl World {
    /// A first result came in.
    pub fn first(&mut self, seat: usize, unit: Unit, value: u32) {
        let claim = self.claim(seat, value);
        let draw = self.rng.u64(..);
        let it = &mut self.seats[seat];
        self.tally.count_try(it.kind, value);
        it.firsts += 1;
        match self.setup.rule.treat(&it.record, &it.owner, draw, self.now_ms) {
            Treatment::Final => self.settle(unit, value),
            Treatment::Provisional => {
                it.held.push_back(Held { position: claim.position, unit, value });
                self.jobs.held(unit.job, &claim);
                self.pop_final(seat);
                self.go_on(unit);
            }
            Treatment::Check { copies } => {
                it.waiting += 1;
                it.count_check();
                let index = self.cases.add(Case::new(unit, claim, copies, true));
                self.open.push(index);
            }
            Treatment::Refused => unreachable!("whoever may not work is not asked"),
        }
    }

    /// The unit's result stands for good.
    fn settle(&mut self, unit: Unit, value: u32) {
        self.tally.accept(value);
        self.go_on(unit);
    }

    /// What lies far enough behind a computer is final.
    pub fn pop_final(&mut self, seat: usize) {
        let it = &mut self.seats[seat];
        let upto = it.record.final_position(&self.policy);
        while let Some(held) = it.held.pop_front_if(|held| held.position <= upto) {
            self.tally.accept(held.value);
        }
        while let Some((_, case)) = it.pairs.pop_front_if(|(position, _)| *position <= upto) {
            self.cases.let_go(case);
        }
    }

    /// Another claim came in.
    pub fn conclude(&mut self, index: u32) {
        let mut case = *self.cases.at(index);
        let (views, len) = self.views(&case);
        match decide(&self.policy, case.needed, &views[..len]) {
            Decision::Accept { index: at, right, credited, wrong } => {
                case.accepted = case.claims[at].value;
                self.no_longer_waits(&mut case);
                *self.cases.at(index) = case;
                self.tally.accept_checked(case.accepted);
                credited.iter().for_each(|at| self.passed(&case.claims[at]));
                self.keep_pair(index, right);
                self.cases.end(index);
                wrong.iter().for_each(|at| self.fault(&case.claims[at]));
                self.go_on(case.unit);
            }
            Decision::Another { referee, .. } => {
                self.cases.at(index).referee = referee;
                self.open.push(index);
            }
            Decision::GiveUp => {
                self.no_longer_waits(&mut case);
                self.tally.given_up += 1;
                self.cases.end(index);
                self.go_on(case.unit);
            }
            Decision::Frozen(like) => unreachable!("all computers are alike, but {like:?} was found"),
        }
    }

    fn no_longer_waits(&mut self, case: &mut Case) {
        let first = &case.claims[0];
        let seat = &mut self.seats[first.seat as usize];
        if std::mem::take(&mut case.counted) && seat.name == first.name {
            seat.waiting -= 1;
        }
    }

    fn passed(&mut self, claim: &Claim) {
        let seat = &mut self.seats[claim.seat as usize];
        if seat.name == claim.name {
            seat.record.passed(claim.position);
            self.pop_final(claim.seat as usize);
        }
    }

    /// A unit that rests on two words alone is remembered with both.
    fn keep_pair(&mut self, index: u32, right: Marks) {
        let case = *self.cases.at(index);
        let (views, _) = self.views(&case);
        let live = || right.iter().filter(|at| !views[*at].void);
        let has_anchor = live().any(|at| self.seats[case.claims[at].seat as usize].kind == Kind::Anchor);
        if !self.setup.rule.looks_back() || has_anchor || live().count() != 2 {
            return;
        }
        for claim in live().map(|at| case.claims[at]) {
            let pairs = &mut self.seats[claim.seat as usize].pairs;
            if !pairs.iter().rev().take(64).any(|(_, other)| *other == index) {
                pairs.push_back((claim.position, index));
                self.cases.at(index).kept += 1;
            }
        }
    }

    fn fault(&mut self, claim: &Claim) {
        let seat = &mut self.seats[claim.seat as usize];
        if seat.name != claim.name {
            return;
        }
        let Rule::Fallow(policy) = self.setup.rule else {
            seat.record.passes = 0;
            return;
        };
        let was_banned = seat.record.banned;
        let fault = seat.record.fault(&policy, claim.position, self.now_ms);
        seat.owner.fault(&policy, &fault, self.now_ms);
        if fault.sanction == Sanction::Banned && !was_banned {
            seat.owner.node_banned(&policy);
        }
        if fault.recheck_after.is_some() {
            self.tally.strikes += 1;
            self.look_back(claim.seat);
        }
        if self.seats[claim.seat as usize].is_against() {
            self.seats[claim.seat as usize].rename();
        }
    }

    /// Everything that rests on this computer's word is run again.
    fn look_back(&mut self, index: u32) {
        let seat = &mut self.seats[index as usize];
        let (held, pairs, name) = (std::mem::take(&mut seat.held), std::mem::take(&mut seat.pairs), seat.name);
        for Held { unit, value, .. } in held {
            self.jobs.reopen(unit.job);
            self.again.push_back(Again { unit, seat: index, name, value });
        }
        for (_, pair) in pairs {
            let case = self.cases.at(pair);
            if !case.open {
                case.open = true;
                case.needed = 2;
                self.tally.take_back(case.accepted);
                self.jobs.reopen(case.unit.job);
                self.open.push(pair);
            }
            self.cases.let_go(pair);
        }
    }

    /// What was void has been run again.
    pub fn review(&mut self, again: &Again, value: u32) {
        let seat = &mut self.seats[again.seat as usize];
        if seat.name == again.name {
            seat.record.reviewed(value == again.value);
            seat.record.review_ended(&self.policy, self.now_ms);
        }
    }

    /// A unit of a job needs nothing more; where it was the last, the job's end is near.
    fn go_on(&mut self, unit: Unit) {
        if self.jobs.settled(unit.job) {
            self.end_job(unit.job);
        }
    }

    /// Whether what was delivered is right is counted apart.
    pub fn deliver(&mut self, values: impl Iterator<Item = u32>) {
        values.for_each(|value| self.tally.wrong_delivered += u64::from(value != RIGHT));
    }
}
