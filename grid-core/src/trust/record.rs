//! What is remembered of one node and of one owner: plain numbers, one row each.

use serde::{Deserialize, Serialize};

use super::policy::Policy;

/// Passed checks whose places are remembered.
pub const RECENT: usize = 5;

/// What is remembered of one node. A new node's is the default, whoever owns it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The operator vouches for this node: what it says is right.
    pub anchor: bool,
    /// Results that it handed in, checked or not: the position of its newest one. Never falls.
    pub position: u64,
    /// Checks passed since its last fault (k).
    pub passes: u32,
    /// Positions of the results that passed the last checks since its last fault, ascending; 0 for none.
    pub recent: [u64; RECENT],
    /// When its first result came, Unix milliseconds; 0 before that.
    pub first_ms: i64,
    /// When its newest result came, Unix milliseconds; 0 before that.
    pub last_ms: i64,
    /// Checks that it ever passed.
    pub passed_total: u64,
    /// Its results that were ever found wrong, those of the look-back included.
    pub wrong_total: u64,
    /// Strikes it ever got. Never falls.
    pub strikes: u32,
    /// When it got the last one, Unix milliseconds; 0 for never.
    pub strike_ms: i64,
    /// Its position when its last fault was found. What was found wrong of earlier results is the same strike.
    pub fault_position: u64,
    /// It does not work before this time, Unix milliseconds.
    pub quarantined_until_ms: i64,
    /// It never works again.
    pub banned: bool,
}

impl Record {
    /// A result came in: its position. Every result of the node counts, first ones and copies alike.
    pub fn result(&mut self, now_ms: i64) -> u64 {
        self.position += 1;
        self.last_ms = self.last_ms.max(now_ms);
        if self.first_ms == 0 {
            self.first_ms = now_ms;
        }
        self.position
    }

    /// An independent copy confirmed its result at `position` (see [`Decision`](super::Decision)'s `credited`). Results
    /// from before its last fault say nothing any more about the trust it earns.
    pub fn passed(&mut self, position: u64) {
        self.passed_total += 1;
        if position <= self.fault_position {
            return;
        }
        self.passes = self.passes.saturating_add(1);
        if position > self.recent[0] {
            self.recent[0] = position;
            self.recent.sort_unstable();
        }
    }

    /// A result of its look-back window was run again and was `right`, or not.
    pub fn reviewed(&mut self, right: bool) {
        match right {
            true => self.passed_total += 1,
            false => self.wrong_total += 1,
        }
    }

    /// Of the last remembered passed checks, those of results at `position` or later.
    pub fn passes_from(&self, position: u64) -> u32 {
        self.recent.iter().filter(|recent| **recent >= position.max(1)).count() as u32
    }

    /// Position of its last result that passed a check since its last fault; 0 for none.
    pub fn passed_position(&self) -> u64 {
        self.recent[RECENT - 1]
    }

    /// Whether it got a strike that still counts.
    pub fn has_strike(&self, policy: &Policy, now_ms: i64) -> bool {
        self.strikes > 0 && now_ms.saturating_sub(self.strike_ms) < policy.strike_memory_ms
    }

    /// Share of wrong ones among its results that anybody looked at, parts per million.
    pub fn wrong_ppm(&self) -> u32 {
        let looked_at = self.passed_total.saturating_add(self.wrong_total).max(1);
        (u128::from(self.wrong_total) * u128::from(super::PPM) / u128::from(looked_at)) as u32
    }
}

/// What is remembered of one owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnerRecord {
    /// When the first result of any of his nodes came, Unix milliseconds; 0 before that.
    pub first_ms: i64,
    /// Strikes of all his nodes that follow each other within the time that strikes count.
    pub strikes: u32,
    /// When the last one was, Unix milliseconds; 0 for never.
    pub strike_ms: i64,
    /// Nodes of his that were banned. Never falls.
    pub banned_nodes: u32,
    /// None of his nodes, old or new, ever works again.
    pub banned: bool,
}

impl OwnerRecord {
    /// A result of one of his nodes came in.
    pub fn result(&mut self, now_ms: i64) {
        if self.first_ms == 0 {
            self.first_ms = now_ms;
        }
    }

    /// Strikes that still count.
    pub fn strikes_now(&self, policy: &Policy, now_ms: i64) -> u32 {
        match now_ms.saturating_sub(self.strike_ms) < policy.strike_memory_ms {
            true => self.strikes,
            false => 0,
        }
    }
}
