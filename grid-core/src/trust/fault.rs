//! What follows from a wrong result. Trust falls to nothing at once; a second strike ends the node's work.

use super::policy::Policy;
use super::record::{OwnerRecord, RECENT, Record};

/// What becomes of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sanction {
    /// It begins anew: each of its results is checked.
    Probation,
    /// It breaks at random, too often. It may come back, in probation.
    Quarantined {
        /// When, Unix milliseconds.
        until_ms: i64,
    },
    /// It never works again.
    Banned,
}

/// What follows from a wrong result. Whatever is held for the node is void and run again: its holdings after
/// `recheck_after`, and as far back the checked units that rest on its word and that of only one other node.
/// [`Record::reviewed`] is told how they ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// It is a new strike, not one more wrong result of an old one.
    pub strike: bool,
    /// What becomes of the node.
    pub sanction: Sanction,
    /// Holdings at higher positions are void, and are run again. None where an earlier fault did that.
    pub recheck_after: Option<u64>,
}

impl Record {
    /// Its result at `position` was found wrong.
    pub fn fault(&mut self, policy: &Policy, position: u64, now_ms: i64) -> Fault {
        self.wrong_total += 1;
        if position <= self.fault_position {
            // Handed in before its last fault was found: punished already, and what it earned since is its own.
            return Fault { strike: false, sanction: self.sanction(now_ms), recheck_after: None };
        }
        let recheck_after = Some(self.final_position(policy));
        let is_second = self.has_strike(policy, now_ms);
        self.strikes = self.strikes.saturating_add(1);
        self.strike_ms = self.strike_ms.max(now_ms);
        self.fault_position = self.position.max(position);
        if is_second {
            self.punish(policy, now_ms);
        }
        self.passes = 0;
        self.recent = [0; RECENT];
        Fault { strike: true, sanction: self.sanction(now_ms), recheck_after }
    }

    /// All results of a look-back are in: a node that was thought to break at random may turn out to mean it.
    pub fn review_ended(&mut self, policy: &Policy, now_ms: i64) -> Sanction {
        if self.quarantined_until_ms > now_ms && self.wrong_ppm() > policy.flaky_ppm_max {
            self.banned = true;
        }
        self.sanction(now_ms)
    }

    fn punish(&mut self, policy: &Policy, now_ms: i64) {
        match self.wrong_ppm() <= policy.flaky_ppm_max {
            true => self.quarantined_until_ms = now_ms.saturating_add(policy.quarantine_ms),
            false => self.banned = true,
        }
    }

    fn sanction(&self, now_ms: i64) -> Sanction {
        if self.banned {
            Sanction::Banned
        } else if self.quarantined_until_ms > now_ms {
            Sanction::Quarantined { until_ms: self.quarantined_until_ms }
        } else {
            Sanction::Probation
        }
    }
}

impl OwnerRecord {
    /// A node of his was at fault: true when he is banned now.
    pub fn fault(&mut self, policy: &Policy, fault: &Fault, now_ms: i64) -> bool {
        if fault.strike {
            self.strikes = self.strikes_now(policy, now_ms).saturating_add(1);
            self.strike_ms = self.strike_ms.max(now_ms);
        }
        self.banned
    }

    /// A node of his was banned, once for each node: true when he is banned now.
    pub fn node_banned(&mut self, policy: &Policy) -> bool {
        self.banned_nodes = self.banned_nodes.saturating_add(1);
        self.banned |= self.banned_nodes >= policy.owner_banned_nodes_max;
        self.banned
    }
}
