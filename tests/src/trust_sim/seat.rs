//! One computer: what it does, and who it is for the grid at the moment.

use std::collections::VecDeque;

use fastrand::Rng;
use grid_core::trust::{OwnerRecord, Record};

use super::attack::{Attack, Mix};
use super::units::Unit;

/// Share of wrong results of a computer that breaks at random, parts per million.
const FLAKY_PPM: u32 = 10_000;
/// What a right result says.
pub const RIGHT: u32 = 0;
/// What liars who conspire say.
pub const PLOT: u32 = 1;

/// What a computer is in truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Honest,
    Flaky,
    Liar,
    /// Lies only for others.
    Voucher,
    Anchor,
}

/// An unchecked result that is held.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    pub position: u64,
    pub unit: Unit,
    pub value: u32,
}

/// One computer.
#[derive(Debug)]
pub struct Seat {
    pub kind: Kind,
    /// Rises when it comes back as somebody else.
    pub name: u32,
    pub record: Record,
    pub owner: OwnerRecord,
    /// Unchecked results, oldest first.
    pub held: VecDeque<Held>,
    /// Checked units that rest on its word and one other's: position and index.
    pub pairs: VecDeque<(u64, u32)>,
    /// First results that wait for a check.
    pub waiting: u32,
    /// Round in which it works or worked last.
    pub busy: u64,
    /// First results that it gave, and how many of the first 1,600 were checked.
    pub firsts: u64,
    pub checked: u64,
    /// It stands before the door, or is in probation behind it.
    pub is_queued: bool,
    pub is_inside: bool,
    /// It joins in this round.
    pub joins: u64,
}

impl Seat {
    pub fn new(kind: Kind, joins: u64) -> Self {
        Self {
            kind,
            name: 0,
            record: Record { anchor: kind == Kind::Anchor, ..Record::default() },
            owner: OwnerRecord::default(),
            held: VecDeque::new(),
            pairs: VecDeque::new(),
            waiting: 0,
            busy: 0,
            firsts: 0,
            checked: 0,
            is_queued: false,
            is_inside: false,
            joins,
        }
    }

    pub fn is_against(&self) -> bool {
        matches!(self.kind, Kind::Liar | Kind::Voucher)
    }

    /// It was caught, and comes back as somebody whom nobody knows.
    pub fn rename(&mut self) {
        self.name += 1;
        self.record = Record::default();
        self.owner = OwnerRecord::default();
        self.held.clear();
        self.pairs.clear();
        self.waiting = 0;
    }

    /// What it says about `unit`; `plotted` when somebody of the plot has said it already.
    pub fn says(&self, unit: Unit, plotted: bool, attack: &Attack, rng: &mut Rng) -> u32 {
        let noise = |rng: &mut Rng| rng.u32(2..);
        match self.kind {
            Kind::Honest | Kind::Anchor => RIGHT,
            Kind::Flaky if rng.u32(..1_000_000) < FLAKY_PPM => noise(rng),
            Kind::Flaky => RIGHT,
            Kind::Liar | Kind::Voucher if attack.collude && plotted => PLOT,
            Kind::Voucher => RIGHT,
            Kind::Liar if self.record.passes < attack.sleep => RIGHT,
            Kind::Liar if attack.collude => {
                if unit.draw < share(attack.rate_ppm) {
                    PLOT
                } else {
                    RIGHT
                }
            }
            Kind::Liar if rng.u32(..1_000_000) < attack.rate_ppm => noise(rng),
            Kind::Liar => RIGHT,
        }
    }
}

/// The kind of the computer at `index` of all liars.
pub fn liar(attack: &Attack, index: u32) -> Kind {
    if attack.mix == Mix::Vouching && index % 2 == 1 { Kind::Voucher } else { Kind::Liar }
}

/// A share of all numbers.
fn share(ppm: u32) -> u32 {
    (u64::from(ppm) * u64::from(u32::MAX) / 1_000_000) as u32
}
