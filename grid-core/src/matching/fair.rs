//! Fair sharing: the next unit goes to the account that holds least, and there to the job that holds least.
//!
//! What is held is measured in seconds of slots at hand, not in units, so that an author of long units and an author
//! of tiny ones get equal numbers of slots. Jobs that only their author's nodes may run stand apart, so that they cost
//! nothing where those are away.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use fallow_protocol::job::RunOn;

use super::view::{JobView, Snapshot};
use super::window::weight_us;
use crate::ids::AccountNo;
use crate::quota::affordable;

/// Ordered by what is held, then by age.
type Order = BTreeSet<(u64, usize)>;

/// What a node says to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It takes so many units.
    Units(u64),
    /// It does not take this job, or no more of it.
    Not,
    /// It has no room for anything.
    Full,
}

fn try_jobs(jobs: &Order, fits: &impl Fn(usize) -> Fit) -> ControlFlow<Option<(usize, u64)>> {
    for (_, index) in jobs {
        match fits(*index) {
            Fit::Units(units) => return ControlFlow::Break(Some((*index, units))),
            Fit::Full => return ControlFlow::Break(None),
            Fit::Not => {}
        }
    }
    ControlFlow::Continue(())
}

/// A job in the queue.
#[derive(Debug)]
struct Share<'a> {
    job: &'a JobView,
    account: usize,
    /// Ordinary units that are ready.
    ready: u64,
    /// Fuel that the units use which strangers' nodes hold of it, as far as it has a budget.
    fuel_out: u64,
    /// Fuel that a unit is taken to use: what its like have used, before that all that it may.
    price: u64,
    held_us: u64,
}

#[derive(Debug, Default)]
struct Account {
    held_us: u64,
    /// Fuel that is left of its quota, and what the units that nodes hold of all its jobs will use of that.
    fuel_left: u64,
    fuel_out: u64,
    /// Its jobs that anyone may run, and those that only its own nodes may.
    public: Order,
    own: Order,
}

/// What is held counts less where the author offers more.
fn weighed(held_us: u64, job: &JobView) -> u64 {
    (u128::from(held_us) * 1_000 / u128::from(job.weight.max(1))).min(u128::from(u64::MAX)) as u64
}

/// The queue of all jobs with work.
#[derive(Debug)]
pub(super) struct Fair<'a> {
    shares: Vec<Share<'a>>,
    accounts: Vec<Account>,
    /// Accounts with jobs that anyone may run.
    order: Order,
    by_owner: HashMap<AccountNo, usize>,
}

impl<'a> Fair<'a> {
    /// The queue of a snapshot; jobs stand in it under their index in the snapshot.
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        let mut fair = Self { shares: Vec::new(), accounts: Vec::new(), order: Order::new(), by_owner: HashMap::new() };
        for job in &snapshot.jobs {
            let next = fair.accounts.len();
            let account = *fair.by_owner.entry(job.owner).or_insert(next);
            if account == next {
                fair.accounts.push(Account { fuel_left: job.fuel_left, ..Account::default() });
            }
            let price = job.unit_fuel.unwrap_or(job.limits.fuel).max(1);
            fair.shares.push(Share { job, account, ready: job.ready, fuel_out: 0, price, held_us: 0 });
        }
        fair.count_held(snapshot);
        for index in 0..fair.shares.len() {
            fair.enqueue(index);
        }
        fair
    }

    /// Units of job `index` that its account's quota and its own budget still allow, with all that is out.
    pub(super) fn budget(&self, index: usize) -> u64 {
        let share = &self.shares[index];
        let account = &self.accounts[share.account];
        let budget = share.job.budget_left.map_or(u64::MAX, |left| affordable(left, share.fuel_out, share.price));
        affordable(account.fuel_left, account.fuel_out, share.price).min(budget)
    }

    /// Ordinary units of job `index` that may be handed out.
    pub(super) fn left(&self, index: usize) -> u64 {
        self.shares[index].ready.min(self.budget(index))
    }

    /// The job that is due on a node of `owner`, with the units that `fits` gives it. A node that has no room for the
    /// job that is due gets nothing else either: what fits besides must not overtake for ever.
    pub(super) fn pick(&self, owner: AccountNo, fits: impl Fn(usize) -> Fit) -> Option<(usize, u64)> {
        match self.go_through(owner, &fits) {
            ControlFlow::Break(pick) => pick,
            ControlFlow::Continue(()) => None,
        }
    }

    /// The accounts in their order; the owner's private jobs stand where the owner stands.
    fn go_through(&self, owner: AccountNo, fits: &impl Fn(usize) -> Fit) -> ControlFlow<Option<(usize, u64)>> {
        let mut own = self.by_owner.get(&owner).map(|account| &self.accounts[*account]);
        for (held, account) in &self.order {
            if let Some(own) = own.take_if(|own| own.held_us <= *held) {
                try_jobs(&own.own, fits)?;
            }
            try_jobs(&self.accounts[*account].public, fits)?;
        }
        own.map_or(ControlFlow::Continue(()), |own| try_jobs(&own.own, fits))
    }

    /// Hand out `units` ordinary and `picked` picky units of job `index`.
    pub(super) fn take(&mut self, index: usize, units: u64, picked: u64) {
        self.dequeue(index);
        let share = &mut self.shares[index];
        share.ready = share.ready.saturating_sub(units);
        let fuel = (units + picked).saturating_mul(share.price);
        let held = (units + picked).saturating_mul(weight_us(share.job.unit_us));
        let account = share.account;
        let held = weighed(held, share.job);
        share.held_us = share.held_us.saturating_add(held);
        share.fuel_out = share.fuel_out.saturating_add(fuel);
        let account = &mut self.accounts[account];
        account.held_us = account.held_us.saturating_add(held);
        account.fuel_out = account.fuel_out.saturating_add(fuel);
        self.enqueue(index);
    }

    fn count_held(&mut self, snapshot: &Snapshot) {
        let index: HashMap<_, _> = snapshot.jobs.iter().enumerate().map(|(index, job)| (job.id, index)).collect();
        let mut units = vec![0u64; self.shares.len()];
        for work in snapshot.nodes.iter().flat_map(|node| &node.work) {
            let Some(index) = index.get(&work.job) else { continue };
            units[*index] = units[*index].saturating_add(work.units);
        }
        for (share, units) in self.shares.iter_mut().zip(units) {
            let held = units.saturating_mul(weight_us(share.job.unit_us));
            let held = weighed(held, share.job);
            share.held_us = held;
            share.fuel_out = units.saturating_mul(share.price);
            let account = &mut self.accounts[share.account];
            account.held_us = account.held_us.saturating_add(held);
            account.fuel_out = account.fuel_out.saturating_add(units.saturating_mul(share.price));
        }
    }

    fn orders(&mut self, index: usize) -> (&mut Order, (u64, usize)) {
        let share = &self.shares[index];
        let account = &mut self.accounts[share.account];
        let order = if share.job.run_on == RunOn::Own { &mut account.own } else { &mut account.public };
        (order, (share.held_us, index))
    }

    fn enqueue(&mut self, index: usize) {
        if self.left(index) > 0 {
            let (order, key) = self.orders(index);
            order.insert(key);
        }
        let account = self.shares[index].account;
        if !self.accounts[account].public.is_empty() {
            self.order.insert((self.accounts[account].held_us, account));
        }
    }

    fn dequeue(&mut self, index: usize) {
        let account = self.shares[index].account;
        self.order.remove(&(self.accounts[account].held_us, account));
        let (order, key) = self.orders(index);
        order.remove(&key);
    }
}
