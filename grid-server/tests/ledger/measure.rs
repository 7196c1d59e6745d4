//! How long the check takes: a ledger of many frames' pay is made, then checked.

use std::time::Instant;

use grid_core::ledger::{Account, Amount, Transfer};
use grid_core::{AccountNo, JobNo, NodeNo};
use grid_server::store::Store;
use grid_server::store::holdings::{self, Holding, State};
use grid_server::store::ledger::check::check;
use grid_server::store::ledger::{apply, open_account};

/// Frames in one transaction; each makes four transfers.
const FRAMES: u64 = 400;
const PEOPLE: u64 = 1_000;
const JOBS: u64 = 1_000;
const BUDGET: Amount = Amount::saturating(100_000_000_000);

pub fn run(transfers: u64, url: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite://{}", folder.path().join("measured.db").display());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure(transfers, url.unwrap_or(&sqlite)));
}

async fn measure(transfers: u64, url: &str) {
    let store = Store::open(url).await.unwrap();
    begin(&store).await;
    let begun = Instant::now();
    for first in (0..transfers / 4).step_by(FRAMES as usize) {
        frames(&store, first).await;
    }
    let made = begun.elapsed();
    let report = check(store.reader(), 1).await.unwrap();
    let (seen, took) = (report.audit.transfers(), report.took);
    assert_eq!(report.audit.findings(), &[]);
    println!("{seen} transfers of {} holdings: made in {made:.1?}, checked in {took:.1?}", report.holdings);
}

async fn begin(store: &Store) {
    let opened = store.write(|db| {
        Box::pin(async move {
            let mut budgets = Vec::new();
            for n in 1..=PEOPLE {
                open_account(db, Account::user(AccountNo(n as i64))).await?;
            }
            for n in 1..=JOBS {
                let (author, job) = (AccountNo(n as i64), JobNo(n as i64));
                open_account(db, Account::escrow(job)).await?;
                budgets.extend([Transfer::grant(author, 1, BUDGET), Transfer::fund(author, job, 0, BUDGET)]);
            }
            apply(db, &budgets, 0).await
        })
    });
    assert!(opened.await.unwrap().is_ok());
}

fn holding(n: u64) -> Holding {
    let (node, owner) = (NodeNo((n * 7 % 5_000) as i64), AccountNo((1 + n % PEOPLE) as i64));
    Holding {
        id: 0,
        job: JobNo((1 + n / 100 % JOBS) as i64),
        stage: 1,
        node,
        owner,
        frame: n,
        position: n,
        units: (n * 100..n * 100 + 100).collect(),
        fuel: 5,
        amount: Amount::saturating(950),
        fee: Amount::saturating(50),
        made_at_ms: n,
        state: State::Posted,
    }
}

/// Pay is held and posted, a part of it only where the number says so.
async fn frames(store: &Store, first: u64) {
    let write = store.write(move |db| {
        Box::pin(async move {
            let holdings: Vec<Holding> = (first..first + FRAMES).map(holding).collect();
            holdings::insert(db, &holdings).await?;
            let mut transfers = Vec::with_capacity(4 * FRAMES as usize);
            for held in &holdings {
                let pay = Transfer::hold(held.work(), held.owner, held.amount, held.fee);
                let posted = Amount::saturating(if held.frame % 10 == 0 { 400 } else { 950 });
                transfers.extend([pay[0], pay[1], pay[0].post(posted), pay[1].post(held.fee)]);
            }
            apply(db, &transfers, first).await
        })
    });
    write.await.unwrap().expect("the budgets are enough");
}
