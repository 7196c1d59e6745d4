//! Writes what devices do: changes soon, how long states last once in a while, all of it when the server stops.

use std::sync::Arc;
use std::time::Duration;

use fallow_protocol::api::Interval;

use crate::app::{App, now_ms};
use crate::devices::{self, Unwritten};
use crate::store::{StoreError, earnings, intervals};

/// How often changes are written.
const PERIOD: Duration = Duration::from_secs(1);
/// So often, in periods, all states are written: what a crash loses at most.
const ALL_EVERY: u64 = 20;
/// Rows of one statement.
const ROWS: usize = 2_000;
/// Old rows that are deleted in one turn.
const FORGET_ROWS: u64 = 2_000;
const DAY_MS: u64 = 24 * 3_600_000;

/// Serve until the server stops.
pub async fn run(app: Arc<App>) {
    let never = tokio::sync::Notify::new();
    let mut turn = 0u64;
    while super::pause(&app, "presence", &never, PERIOD).await {
        turn += 1;
        let all = turn.is_multiple_of(ALL_EVERY);
        write(&app, all).await;
        if all && let Err(error) = forget(&app, now_ms()).await {
            tracing::warn!(%error, "failed to forget old states of nodes");
        }
    }
    write(&app, true).await;
}

async fn write(app: &App, all: bool) {
    let Unwritten { intervals, words, connected } = app.recorder.take(all);
    let intervals = Arc::new(intervals);
    if let Err(error) = write_all(app, &intervals, connected).await {
        tracing::error!(%error, "failed to write what nodes do; trying again");
        app.recorder.put_back(Unwritten { intervals: intervals.to_vec(), ..Unwritten::default() });
    }
    for (node, word) in words {
        if let Err(error) = devices::note_word(app, node, word.clone()).await {
            tracing::error!(%error, node, "failed to keep what an owner chose; trying again");
            app.recorder.put_back(Unwritten { words: vec![(node, word)], ..Unwritten::default() });
        }
    }
}

async fn write_all(app: &App, all: &Arc<Vec<(i64, Interval)>>, connected: Vec<i64>) -> Result<(), StoreError> {
    for from in (0..all.len()).step_by(ROWS) {
        let all = all.clone();
        app.store
            .write(move |db| {
                let all = all.clone();
                Box::pin(async move { intervals::put(db, &all[from..all.len().min(from + ROWS)]).await })
            })
            .await?;
    }
    if connected.is_empty() {
        return Ok(());
    }
    let (connected, now) = (Arc::new(connected), now_ms());
    let write = app.store.write(move |db| {
        let connected = connected.clone();
        Box::pin(async move { intervals::seen(db, &connected, now).await })
    });
    write.await
}

async fn forget(app: &App, now_ms: u64) -> Result<(), StoreError> {
    let before = now_ms.saturating_sub(grid_core::presence::KEPT_DAYS * DAY_MS);
    let write = app.store.write(move |db| {
        Box::pin(async move {
            intervals::forget(db, before, FORGET_ROWS).await?;
            earnings::forget(db, before, FORGET_ROWS).await
        })
    });
    write.await.map(drop)
}
