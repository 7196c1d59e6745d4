//! Who pays for what: how much fuel of each attempt of an ended unit is paid, and by whom.
//!
//! | how it ended | who pays | how much fuel |
//! | --- | --- | --- |
//! | done | the author, for one run | as verified |
//! | guest error, trap, limit | the author, also for the run that confirmed it | as verified |
//! | a check of a done unit | the grid, from its fees | as verified |
//! | time limit, on two nodes | the author, for both | the smaller of the two claims, at most the unit's limit |
//! | a back-up attempt that ended as well | the author; it counts as a check | as verified |
//! | cancelled | the author | at the last heartbeat, at most the unit's limit and its verified fuel |
//! | host fault, lost, wrong, a single time limit | nobody | none |
//! | anything on the author's own nodes | nobody | none |
//!
//! A run that went on from a checkpoint gets at most what a run from zero takes.

use fallow_protocol::outcome::Outcome;

use crate::ids::{AccountNo, NodeNo};

/// What an attempt was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// To have the unit's result; also a second try after a trouble.
    Work,
    /// To check, confirm or decide what another one said.
    Check,
    /// To be there sooner, beside an attempt that was still running.
    Backup,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It gave a result that is the same on every computer: done, guest error, trap or limit.
    Result {
        /// Fuel that it claims.
        fuel: u64,
        /// Whether it is the result that stands.
        right: bool,
        /// Whether it went on from a checkpoint.
        resumed: bool,
    },
    /// It took longer than its wall time.
    TimeLimit {
        /// Fuel that it claims.
        fuel: u64,
    },
    /// It was not wanted any more.
    Cancelled {
        /// Fuel at its last heartbeat.
        fuel: u64,
    },
    /// Host fault, or nobody answers for it.
    Nothing,
}

impl End {
    /// From a result's outcome.
    pub fn of(outcome: &Outcome, fuel: u64, right: bool, resumed: bool) -> Self {
        match outcome {
            Outcome::TimeLimit => End::TimeLimit { fuel },
            Outcome::HostFault { .. } | Outcome::Lost => End::Nothing,
            _ => End::Result { fuel, right, resumed },
        }
    }
}

/// An attempt that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number within the unit, from 1.
    pub attempt: u32,
    /// Who ran it.
    pub node: NodeNo,
    /// Whose node that is.
    pub owner: AccountNo,
    /// What for.
    pub role: Role,
    /// How it ended.
    pub end: End,
}

/// What a unit came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is done.
    Done,
    /// It failed as it would everywhere: guest error, trap or limit, whether or not anybody could confirm it.
    Failed,
    /// It ran into its time limit twice.
    TimeLimit,
    /// It was given up, or its job ended before: no result stands.
    Nothing,
}

/// A unit with all its attempts.
#[derive(Clone, Copy, Debug)]
pub struct Unit<'a> {
    /// Whose job it is.
    pub author: AccountNo,
    /// Most fuel that it may use.
    pub fuel_limit: u64,
    /// What it came to.
    pub ended: Ended,
    /// Its attempts, by number.
    pub attempts: &'a [Attempt],
}

/// Who pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payer {
    /// The author, from the job's escrow, with the fee.
    Author,
    /// The grid, from the fees it took, as far as they go.
    Grid,
}

/// Fuel of one attempt that is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pay {
    /// The attempt.
    pub attempt: u32,
    /// Who ran it.
    pub node: NodeNo,
    /// Who is paid.
    pub owner: AccountNo,
    /// By whom.
    pub payer: Payer,
    /// For how much fuel; never zero.
    pub fuel: u64,
}

/// What is paid for a unit, by attempt.
pub fn settle(unit: &Unit<'_>) -> Vec<Pay> {
    let verified = verified_fuel(unit);
    let first = unit.attempts.iter().find(|attempt| is_right(unit, attempt)).map(|attempt| attempt.attempt);
    let paid = |attempt: &Attempt| {
        let (payer, fuel) = pay(unit, attempt, first, verified)?;
        let charged = attempt.owner != unit.author && fuel > 0;
        let Attempt { attempt, node, owner, .. } = *attempt;
        charged.then_some(Pay { attempt, node, owner, payer, fuel })
    };
    unit.attempts.iter().filter_map(paid).collect()
}

/// Who pays an attempt of a stranger, and for how much fuel.
fn pay(unit: &Unit<'_>, attempt: &Attempt, first: Option<u32>, verified: Option<u64>) -> Option<(Payer, u64)> {
    let most = unit.fuel_limit.min(verified.unwrap_or(u64::MAX));
    match attempt.end {
        End::Result { fuel, .. } if is_right(unit, attempt) => {
            let check = unit.ended == Ended::Done && first != Some(attempt.attempt) && attempt.role != Role::Backup;
            let payer = if check { Payer::Grid } else { Payer::Author };
            Some((payer, fuel.min(most)))
        }
        End::TimeLimit { .. } if unit.ended == Ended::TimeLimit => {
            Some((Payer::Author, smaller_claim(unit)?.min(most)))
        }
        End::Cancelled { fuel } => Some((Payer::Author, fuel.min(most))),
        End::Result { .. } | End::TimeLimit { .. } | End::Nothing => None,
    }
}

fn is_right(unit: &Unit<'_>, attempt: &Attempt) -> bool {
    let stands = matches!(unit.ended, Ended::Done | Ended::Failed);
    stands && matches!(attempt.end, End::Result { right: true, .. })
}

/// What a run from zero takes, where one is right. All of them claim the same, for fuel is part of what is compared.
fn verified_fuel(unit: &Unit<'_>) -> Option<u64> {
    let from_zero =
        |attempt: &&Attempt| is_right(unit, attempt) && matches!(attempt.end, End::Result { resumed: false, .. });
    unit.attempts.iter().filter(from_zero).filter_map(claimed).min()
}

/// The smaller claim of nodes of two owners that ran into the time limit; none where only one owner's did.
fn smaller_claim(unit: &Unit<'_>) -> Option<u64> {
    let late = || unit.attempts.iter().filter(|attempt| matches!(attempt.end, End::TimeLimit { .. }));
    let first = late().next()?;
    late().any(|other| other.owner != first.owner).then(|| late().filter_map(claimed).min())?
}

fn claimed(attempt: &Attempt) -> Option<u64> {
    match attempt.end {
        End::Result { fuel, .. } | End::TimeLimit { fuel } | End::Cancelled { fuel } => Some(fuel),
        End::Nothing => None,
    }
}

#[cfg(test)]
mod tests;
