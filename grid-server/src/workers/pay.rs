//! Who is paid for what was decided: sums by lender and frame, held or paid at once, in the transaction that decides.

use std::collections::BTreeMap;

use fallow_protocol::manifest::Limits;
use grid_core::ledger::{Account, Amount, BATCH_MAX, Cause, LedgerError, Reason, Transfer, Work};
use grid_core::pricing::{Price, cost, split_fee};
use grid_core::settle::{Pay, Payer};
use grid_core::{AccountNo, JobNo, NodeNo};
use sea_orm::ConnectionTrait;

use crate::app::now_ms;
use crate::store::holdings::{self, Holding, State};
use crate::store::{StoreError, ledger};
use crate::trust::SERVER;

/// A number for what is settled together, as what one frame brings. It is the server's: a node's is its own word.
pub fn next_number() -> u64 {
    super::lease::next_id()
}

/// Whose work, settled by whose frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slip {
    /// Who is paid.
    pub node: i64,
    /// Whose node that is.
    pub owner: i64,
    /// Whose frame settled it.
    pub by: i64,
    /// Number of that frame.
    pub frame: u64,
}

/// What one transaction settles of one stage of one job.
#[derive(Debug, Default)]
pub struct Bill {
    held: BTreeMap<Slip, (Vec<u64>, u64, u64)>,
    author: BTreeMap<Slip, (Vec<u64>, u64)>,
    grid: BTreeMap<Slip, u64>,
}

/// What the job's escrow came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// What is left: neither spent nor held. None where the job has no price.
    pub left: Option<Amount>,
    /// Whether something could not be paid.
    pub unpaid: bool,
}

/// Transfers that are due, by what they are for.
#[derive(Debug)]
struct Due {
    author: Vec<(Slip, Vec<Transfer>)>,
    checks: Vec<(Slip, Transfer)>,
}

impl Bill {
    /// A result that is believed for now: its unit, fuel, and its node's position.
    pub fn hold(&mut self, slip: Slip, seq: u64, fuel: u64, position: u64) {
        let (units, sum, last) = self.held.entry(slip).or_default();
        units.push(seq);
        *sum = sum.saturating_add(fuel);
        *last = (*last).max(position);
    }

    /// Fuel of a unit that is paid now.
    pub fn pay(&mut self, slip: Slip, seq: u64, pay: &Pay) {
        let sum = match pay.payer {
            Payer::Author => {
                let (units, sum) = self.author.entry(slip).or_default();
                units.push(seq);
                sum
            }
            Payer::Grid => self.grid.entry(slip).or_default(),
        };
        *sum = sum.saturating_add(pay.fuel);
    }

    /// Whether there is nothing to settle.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty() && self.author.is_empty() && self.grid.is_empty()
    }

    /// What is believed for now, with what its lenders are to get.
    fn holdings(&self, job: JobNo, stage: u16, price: Option<&Price>, limits: &Limits, now: u64) -> Vec<Holding> {
        let holding = |(slip, (units, fuel, position)): (&Slip, &(Vec<u64>, u64, u64))| {
            let mut units = units.clone();
            units.sort_unstable();
            let (amount, fee) = price.map_or((Amount::ZERO, Amount::ZERO), |price| shares(slip, *fuel, price, limits));
            Holding {
                frame: slip.frame,
                position: *position,
                units,
                fuel: *fuel,
                amount,
                fee,
                state: State::Held,
                ..unpaid(job, stage, slip, now)
            }
        };
        self.held.iter().map(holding).collect()
    }

    /// What is to be paid now.
    fn due(&self, job: JobNo, stage: u16, price: &Price, limits: &Limits) -> Due {
        let work =
            |slip: &Slip| Work::Frame { job, stage, node: NodeNo(slip.node), by: NodeNo(slip.by), frame: slip.frame };
        let of_author = |(slip, (_, fuel)): (&Slip, &(Vec<u64>, u64))| {
            let (pay, fee) = shares(slip, *fuel, price, limits);
            (*slip, Transfer::pay(work(slip), AccountNo(slip.owner), pay, fee))
        };
        let of_grid = |(slip, fuel): (&Slip, &u64)| {
            let (pay, _) = shares(slip, *fuel, price, limits);
            (*slip, Transfer::check(work(slip), AccountNo(slip.owner), pay))
        };
        Due { author: self.author.iter().map(of_author).collect(), checks: self.grid.iter().map(of_grid).collect() }
    }

    /// Write holdings and transfers.
    pub async fn write(
        self,
        db: &impl ConnectionTrait,
        job: JobNo,
        stage: u16,
        price: Option<&Price>,
        limits: &Limits,
        known: impl Fn(i64) -> bool,
    ) -> Result<Settled, StoreError> {
        let now = now_ms();
        let mut holdings = self.holdings(job, stage, price, limits, now);
        let mut settled = Settled::default();
        let Some(price) = price else {
            holdings::insert(db, &holdings).await?;
            return Ok(settled);
        };
        let due = self.due(job, stage, price, limits);
        let held = holdings.iter().flat_map(|it| Transfer::hold(it.work(), it.owner, it.amount, it.fee));
        let checks = due.checks.iter().map(|(_, check)| *check).filter(|check| !check.amount.is_zero());
        let all: Vec<Transfer> =
            due.author.iter().flat_map(|(_, transfers)| transfers.clone()).chain(held).chain(checks).collect();
        // Nearly always all of it can be paid: then it is one batch.
        if all.len() > BATCH_MAX || !apply(db, &all, now).await? {
            for (slip, transfers) in &due.author {
                if !apply(db, transfers, now).await? {
                    // What nobody can pay now is held open until the budget is raised.
                    settled.unpaid = true;
                    let (units, fuel) = &self.author[slip];
                    let (amount, fee) = shares(slip, *fuel, price, limits);
                    let units = units.clone();
                    holdings.push(Holding { units, fuel: *fuel, amount, fee, ..unpaid(job, stage, slip, now) });
                }
            }
            for holding in holdings.iter_mut().filter(|holding| holding.state == State::Held) {
                let transfers = Transfer::hold(holding.work(), holding.owner, holding.amount, holding.fee);
                if !apply(db, &transfers, now).await? {
                    settled.unpaid = true;
                    holding.state = State::Unpaid;
                }
            }
            for (slip, transfer) in due.checks {
                check(db, transfer, known(slip.node), now).await?;
            }
        }
        holdings::insert(db, &holdings).await?;
        settled.left = Some(left(db, job).await?);
        Ok(settled)
    }
}

/// What the author pays for fuel: the lender's pay, and the grid's fee. What the server's own worker did is the grid's.
fn shares(slip: &Slip, fuel: u64, price: &Price, limits: &Limits) -> (Amount, Amount) {
    let paid = cost(fuel, price, limits.memory_bytes);
    if slip.node == SERVER { (Amount::ZERO, paid) } else { split_fee(paid, price) }
}

/// Pay that is due at once and that the escrow has not got; its position makes it final as soon as it is held.
fn unpaid(job: JobNo, stage: u16, slip: &Slip, now: u64) -> Holding {
    Holding {
        id: 0,
        job,
        stage,
        node: NodeNo(slip.node),
        owner: AccountNo(slip.owner),
        frame: next_number(),
        position: 0,
        units: Vec::new(),
        fuel: 0,
        amount: Amount::ZERO,
        fee: Amount::ZERO,
        made_at_ms: now,
        state: State::Unpaid,
    }
}

/// What a job may still spend.
pub async fn left(db: &impl ConnectionTrait, job: JobNo) -> Result<Amount, StoreError> {
    let balance = ledger::balance(db, Account::escrow(job)).await?;
    Ok(balance.map_or(Amount::ZERO, |balance| balance.available()))
}

/// Apply transfers; false where the payer has not enough, and then nothing moved.
pub async fn apply(db: &impl ConnectionTrait, transfers: &[Transfer], now: u64) -> Result<bool, StoreError> {
    match ledger::apply(db, transfers, now).await? {
        Ok(_) => Ok(true),
        Err(LedgerError { reason: Reason::Insufficient { .. }, .. }) => Ok(false),
        Err(error) => {
            tracing::error!(%error, "the ledger refused what the rules asked for");
            Err(StoreError::Corrupt("the ledger"))
        }
    }
}

/// Pay for a check: from the fees, and where they are not enough yet, from new credits. Those are for nodes whose word
/// counts only: else two strangers could have credits made by checking each other.
async fn check(db: &impl ConnectionTrait, pay: Transfer, known: bool, now: u64) -> Result<(), StoreError> {
    if pay.amount.is_zero() || apply(db, &[pay], now).await? {
        return Ok(());
    }
    if !known {
        tracing::info!(credits = %pay.amount, "a check by a new node was not paid: the fees do not suffice");
        return Ok(());
    }
    let name = format!("check {}", pay.id());
    let endow = Transfer::endow(Cause::number_of(&name), pay.amount);
    if apply(db, &[endow, pay], now).await? {
        Ok(())
    } else {
        Err(StoreError::Corrupt("the grid's account for checks"))
    }
}
