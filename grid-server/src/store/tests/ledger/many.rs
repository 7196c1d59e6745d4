//! Many callers at once on few accounts, through several writers.

use std::sync::Arc;

use grid_core::ledger::{Account, Amount, Transfer, Work};
use grid_core::{AccountNo, JobNo, NodeNo};

use super::super::super::ledger::check::check;
use super::super::super::{Store, StoreError};
use super::super::postgres;
use super::{applied, open_accounts};

const TASKS: u64 = 16;
/// Batches of a task.
const ON_SQLITE: u64 = 60;
/// Two writers that lock accounts for a whole group of batches meet in deadlocks, which PostgreSQL ends after a second.
const ON_POSTGRES: u64 = 12;
const HOT: i64 = 5;
/// Times that a batch is tried when another writer was in its way.
const TRIES: u32 = 50;

/// A small generator, so that a failing run can be repeated.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed >> 11
}

/// Some transfers between the hot accounts, in any order. Causes of different tasks overlap.
fn batch(seed: &mut u64) -> Vec<Transfer> {
    let mut transfers = Vec::new();
    for _ in 0..=next(seed) % 4 {
        let (who, job) = (AccountNo(1 + (next(seed) % HOT as u64) as i64), JobNo(1 + (next(seed) % HOT as u64) as i64));
        let amount = Amount::from_micro(1 + (next(seed) % 50) as i64).unwrap();
        let n = next(seed) % 2_000;
        let work = Work::Frame { job, stage: 1, node: NodeNo(who.0), by: NodeNo(who.0), frame: n };
        let [hold] = Transfer::hold(work, who, amount, Amount::ZERO)[..] else { panic!("one transfer") };
        match next(seed) % 6 {
            0 => transfers.push(Transfer::grant(who, 1 + n, amount)),
            1 => transfers.push(Transfer::fund(who, job, n, amount)),
            2 => transfers.push(Transfer::refund(who, job, n, amount)),
            3 => transfers.extend([hold, hold.post(amount)]),
            4 => transfers.extend([hold, hold.void()]),
            _ => transfers.extend(Transfer::pay(work, who, amount, Amount::ZERO)),
        }
    }
    transfers
}

/// Apply, as often as other writers were first: on PostgreSQL two of them may insert the same transfer.
async fn persist(store: &Store, transfers: &[Transfer]) -> bool {
    for _ in 0..TRIES {
        match applied(store, transfers, 1).await {
            Ok(outcome) => return outcome.is_ok(),
            Err(StoreError::Database(_)) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("no try of {TRIES} came through");
}

async fn many_callers(url: &str, batches: u64) {
    let stores = Arc::new([Store::open(url).await.unwrap(), Store::open(url).await.unwrap()]);
    let hot = (1..=HOT).flat_map(|n| [Account::user(AccountNo(n)), Account::escrow(JobNo(n))]);
    open_accounts(&stores[0], &hot.collect::<Vec<_>>()).await;
    let mut first: Vec<Transfer> = Vec::new();
    for n in 1..=HOT {
        first.push(Transfer::grant(AccountNo(n), 0, Amount::CREDIT));
        first.push(Transfer::fund(AccountNo(n), JobNo(n), 9_999, Amount::from_micro(500_000).unwrap()));
    }
    assert!(persist(&stores[0], &first).await);
    let task = |task: u64| {
        let stores = stores.clone();
        tokio::spawn(async move {
            let (mut seed, mut through) = (0x9e37_79b9_7f4a_7c15 ^ (task + 1), 0u64);
            for _ in 0..batches {
                through += u64::from(persist(&stores[(task % 2) as usize], &batch(&mut seed)).await);
            }
            through
        })
    };
    let tasks: Vec<_> = (0..TASKS).map(task).collect();
    let mut through = 0;
    for task in tasks {
        through += task.await.unwrap();
    }
    let report = check(stores[0].reader(), 2).await.unwrap();
    let serious: Vec<_> = report.audit.findings().iter().filter(|finding| finding.invariant() != "I8").collect();
    assert!(serious.is_empty(), "{serious:?}");
    assert!(through > TASKS * batches / 2, "only {through} batches came through");
    assert!(report.audit.transfers() > through, "{} transfers of {through} batches", report.audit.transfers());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    many_callers(&format!("sqlite://{}", folder.path().join("test.db").display()), ON_SQLITE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_on_postgres() {
    let url = tokio::task::spawn_blocking(postgres::new_database).await.unwrap();
    many_callers(&url, ON_POSTGRES).await;
}
