//! What happened in a simulated grid.

use super::seat::{Kind, PLOT, RIGHT, Seat};

/// First results of a newcomer that are looked at.
pub const NEWCOMER_UNITS: u64 = 1_600;

/// Counts of one simulated grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Units with a final result.
    pub finals: u64,
    /// Units with an unchecked one.
    pub held: u64,
    /// Final results that are wrong.
    pub wrong: u64,
    /// Those of them that two computers confirmed.
    pub wrong_confirmed: u64,
    /// Unchecked wrong results when their job was done.
    pub wrong_delivered: u64,
    /// Units run, copies included.
    pub runs: u64,
    /// Units that were given up.
    pub given_up: u64,
    /// Strikes.
    pub strikes: u64,
    /// Checks at jobs' ends.
    pub swept: u64,
    /// Falsified first results of liars who conspire.
    pub plots: u64,
    /// Honest computers that do not break, and those of them that were banned or sent away.
    pub healthy: u64,
    pub healthy_banned: u64,
    /// Computers that break at random, and those of them that were sent away and banned.
    pub flaky: u64,
    pub flaky_banned: u64,
    pub flaky_quarantined: u64,
    /// The first results of computers that joined later, and how many of them were checked.
    pub newcomer_units: u64,
    pub newcomer_checks: u64,
    /// Rounds it took.
    pub rounds: u64,
}

impl Seat {
    /// One of its first results is checked.
    pub fn count_check(&mut self) {
        self.checked += u64::from(self.firsts <= NEWCOMER_UNITS);
    }
}

impl Tally {
    pub fn accept(&mut self, value: u32) {
        self.finals += 1;
        self.wrong += u64::from(value != RIGHT);
    }

    pub fn accept_checked(&mut self, value: u32) {
        self.accept(value);
        self.wrong_confirmed += u64::from(value != RIGHT);
    }

    pub fn take_back(&mut self, value: u32) {
        self.finals -= 1;
        self.wrong -= u64::from(value != RIGHT);
        self.wrong_confirmed -= u64::from(value != RIGHT);
    }

    pub fn count_try(&mut self, kind: Kind, value: u32) {
        self.plots += u64::from(kind == Kind::Liar && value == PLOT);
    }

    pub fn end(&mut self, seats: &[Seat], rounds: u64) {
        self.rounds = rounds;
        for seat in seats {
            self.held += seat.held.len() as u64;
            let (banned, away) = (seat.record.banned, seat.record.quarantined_until_ms > 0);
            match seat.kind {
                Kind::Honest => {
                    self.healthy += 1;
                    self.healthy_banned += u64::from(banned || away);
                }
                Kind::Flaky => {
                    self.flaky += 1;
                    self.flaky_banned += u64::from(banned);
                    self.flaky_quarantined += u64::from(away && !banned);
                }
                Kind::Liar | Kind::Voucher | Kind::Anchor => {}
            }
            if seat.joins > 0 {
                self.newcomer_units += seat.firsts.min(NEWCOMER_UNITS);
                self.newcomer_checks += seat.checked;
            }
        }
    }

    /// Share of final results that are wrong.
    pub fn wrong_share(&self) -> f64 {
        self.wrong as f64 / self.finals.max(1) as f64
    }

    /// Wrong unchecked results that a finished job was delivered with, of all.
    pub fn delivered_share(&self) -> f64 {
        self.wrong_delivered as f64 / self.finals.max(1) as f64
    }

    /// Copies beyond the first for each unit.
    pub fn overhead(&self) -> f64 {
        let units = self.finals + self.held;
        self.runs as f64 / units.max(1) as f64 - 1.0
    }

    /// Share of a newcomer's first results that were checked.
    pub fn newcomer_overhead(&self) -> f64 {
        self.newcomer_checks as f64 / self.newcomer_units.max(1) as f64
    }

    /// Share of honest, healthy computers that were banned or sent away.
    pub fn banned_share(&self) -> f64 {
        self.healthy_banned as f64 / self.healthy.max(1) as f64
    }

    /// Of what liars who conspire falsified, the share that two of them got accepted.
    pub fn plot_share(&self) -> f64 {
        self.wrong_confirmed as f64 / self.plots.max(1) as f64
    }
}
