//! What is written: batches that go through in this order, the same every time.

use grid_core::ledger::{Account, Amount, Book, Cause, Transfer, Work};
use grid_core::{AccountNo, JobNo, NodeNo};
use grid_server::store::holdings::{Holding, State};

const BATCHES: usize = 400;
const PEOPLE: i64 = 4;
const JOBS: i64 = 3;

/// What one transaction does.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its transfers.
    pub transfers: Vec<Transfer>,
    /// A holding that comes with them.
    pub held: Option<Holding>,
    /// A holding that they settle: its job and frame, and what becomes of it.
    pub settled: Option<(JobNo, u64, State)>,
}

/// A small generator, so that a failing run can be repeated from its seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn seed(&self) -> u64 {
        self.0
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

/// All accounts that take part.
pub fn accounts() -> Vec<Account> {
    let people = (1..=PEOPLE).map(|n| Account::user(AccountNo(n)));
    Account::SYSTEM.into_iter().chain(people).chain((1..=JOBS).map(|n| Account::escrow(JobNo(n)))).collect()
}

/// The batches. The book says which go through.
pub fn batches() -> Vec<Batch> {
    let (mut random, mut book, mut batches) = (Random::new(42), Book::default(), Vec::new());
    accounts().into_iter().for_each(|account| book.open(account));
    let mut open: Vec<Holding> = Vec::new();
    while batches.len() < BATCHES {
        let batch = candidate(&mut random, batches.len() as u64, &open);
        if book.apply(&batch.transfers, batches.len() as u64).is_err() {
            continue;
        }
        if let Some((job, frame, _)) = batch.settled {
            open.retain(|held| (held.job, held.frame) != (job, frame));
        }
        open.extend(batch.held.clone());
        batches.push(batch);
    }
    batches
}

fn micro(n: u64) -> Amount {
    Amount::saturating(n.into())
}

fn candidate(random: &mut Random, n: u64, open: &[Holding]) -> Batch {
    let who = AccountNo(1 + random.below(PEOPLE as u64) as i64);
    let job = JobNo(1 + random.below(JOBS as u64) as i64);
    let plain = |transfers| Batch { transfers, held: None, settled: None };
    let old = open.get(random.below(open.len() as u64 + 1) as usize);
    match (random.below(5), old) {
        (0, _) => plain(vec![Transfer::grant(who, n + 1, micro(1 + random.below(500)))]),
        (1, _) => plain(vec![Transfer::fund(who, job, n, micro(1 + random.below(400)))]),
        (2, Some(old)) => {
            let [pay, fee] = reservations(old);
            settle(old, vec![pay.void(), fee.void()], State::Void)
        }
        (3, Some(old)) => {
            let [pay, fee] = reservations(old);
            settle(old, vec![pay.post(micro(1 + random.below(10))), fee.post(fee.amount)], State::Posted)
        }
        _ => hold(who, job, n, random),
    }
}

fn hold(who: AccountNo, job: JobNo, frame: u64, random: &mut Random) -> Batch {
    let node = NodeNo(who.0);
    let held = Holding {
        id: 0,
        job,
        stage: 1,
        node,
        owner: who,
        frame,
        position: frame,
        units: vec![frame, frame + 1],
        fuel: 5,
        amount: micro(10 + random.below(20)),
        fee: micro(1 + random.below(3)),
        made_at_ms: frame,
        state: State::Held,
    };
    Batch { transfers: reservations(&held).to_vec(), held: Some(held), settled: None }
}

fn settle(held: &Holding, transfers: Vec<Transfer>, to: State) -> Batch {
    Batch { transfers, held: None, settled: Some((held.job, held.frame, to)) }
}

fn reservations(held: &Holding) -> [Transfer; 2] {
    let transfers = Transfer::hold(held.work(), held.owner, held.amount, held.fee);
    assert!(matches!(transfers[0].cause, Cause::Hold(Work::Frame { .. })));
    transfers.try_into().expect("pay and fee")
}
