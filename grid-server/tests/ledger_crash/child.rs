//! The process that is killed: it does the whole plan, each batch in a transaction, and tells of each that is committed.

use std::io::Write;
use std::sync::Arc;

use grid_core::ledger::{Applied, LedgerError};
use grid_server::store::holdings::{self, State};
use grid_server::store::ledger::{apply, open_account};
use grid_server::store::{Store, StoreError};
use sea_orm::DatabaseTransaction;

use crate::plan::{self, Batch};

/// Where it ends by itself: at this place of a transaction, in the so-many-th new batch or the next one that has it.
#[derive(Clone)]
struct Point {
    place: String,
    batch: usize,
}

impl Point {
    fn parse(text: &str) -> Option<Self> {
        let (place, batch) = text.split_once(':')?;
        Some(Self { place: place.into(), batch: batch.parse().expect("a number") })
    }

    fn end_at(&self, place: &str, new: usize) {
        if self.place == place && self.batch <= new {
            // As hard as a kill: nothing is flushed, rolled back or closed.
            std::process::abort();
        }
    }
}

pub fn run(url: &str, point: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(write_all(url, Point::parse(point))).unwrap();
}

async fn write_all(url: &str, point: Option<Point>) -> Result<(), StoreError> {
    let store = Store::open(url).await.expect("a database");
    open_accounts(&store).await?;
    let mut new = 0;
    for (number, batch) in plan::batches().into_iter().enumerate() {
        let (batch, point) = (Arc::new(batch), point.clone());
        let write = store.write(move |db| {
            let (batch, point) = (batch.clone(), point.clone());
            Box::pin(async move { write_one(db, &batch, number as u64, new + 1, point.as_ref()).await })
        });
        let applied = write.await?.expect("the plan goes through");
        let is_new = applied.contains(&Applied::New);
        new += usize::from(is_new);
        let mut out = std::io::stdout().lock();
        writeln!(out, "{number} {}", if is_new { "new" } else { "exists" }).expect("somebody listens");
        out.flush().expect("somebody listens");
    }
    Ok(())
}

async fn open_accounts(store: &Store) -> Result<(), StoreError> {
    let opened = store.write(|db| {
        Box::pin(async move {
            for account in plan::accounts() {
                open_account(db, account).await?;
            }
            Ok(())
        })
    });
    opened.await
}

/// The rows of the frame, and its transfers, in one transaction. Times are those of the plan, so that runs can be
/// compared.
async fn write_one(
    db: &DatabaseTransaction,
    batch: &Batch,
    now_ms: u64,
    new: usize,
    point: Option<&Point>,
) -> Result<Result<Vec<Applied>, LedgerError>, StoreError> {
    let end_at = |place| point.iter().for_each(|point| point.end_at(place, new));
    let first = match batch.held.clone() {
        Some(held) => holdings::insert(db, &[held]).await?[0].is_some(),
        None => settle(db, batch).await?,
    };
    if first {
        end_at("half");
    }
    let applied = apply(db, &batch.transfers, now_ms).await?;
    if applied.iter().flatten().any(|applied| *applied == Applied::New) {
        end_at("applied");
    }
    Ok(applied)
}

async fn settle(db: &DatabaseTransaction, batch: &Batch) -> Result<bool, StoreError> {
    let Some((job, frame, to)) = batch.settled else { return Ok(false) };
    let held = holdings::of_job(db, job, State::Held, 0, 10_000).await?;
    let ids: Vec<i64> = held.iter().filter(|held| held.frame == frame).map(|held| held.id).collect();
    Ok(!holdings::set_states(db, &ids, State::Held, to).await?.is_empty())
}
