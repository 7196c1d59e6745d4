//! The server's own work: split, dispatch, take results, expire, finish, tidy. Each loads, decides, commits, wakes.
//!
//! A wake-up only cuts latency: every worker also looks by itself once in a while. All that they keep in memory can be
//! rebuilt from the database.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use crate::app::App;

mod alone;
mod archive;
pub(crate) mod assemble;
mod conclude;
pub(crate) mod cut;
mod dispatch;
pub(crate) mod due;
pub(crate) mod end;
mod expire;
mod finish;
mod gather;
pub(crate) mod lease;
mod load;
pub(crate) mod pay;
mod presence;
pub(crate) mod records;
pub(crate) mod results;
mod rewind;
mod settle;
pub(crate) mod split;
mod suspend;
mod sweep;
pub mod tidy;
mod verdict;

pub(crate) use conclude::{Ending, Endings, How, conclude};
pub(crate) use dispatch::{snapshot, view};
pub(crate) use load::{activate, money};

/// Rebuild what is kept in memory from the database, and start all workers. They stop with `app.wakes.stop`.
pub async fn start(app: Arc<App>) -> anyhow::Result<Vec<JoinHandle<()>>> {
    load::everything(&app).await?;
    let (frames, waiting) = mpsc::channel(results::WAITING_MAX);
    app.nodes.set_results(frames);
    Ok(vec![
        tokio::spawn(split::run(app.clone())),
        tokio::spawn(dispatch::run(app.clone())),
        tokio::spawn(results::run(app.clone(), waiting)),
        tokio::spawn(expire::run(app.clone())),
        tokio::spawn(finish::run(app.clone())),
        tokio::spawn(settle::run(app.clone())),
        tokio::spawn(presence::run(app.clone())),
        tokio::spawn(tidy::run(app)),
    ])
}

/// Run a turn of a worker so that a panic in it is an error like others, and the worker goes on.
async fn guarded<T>(turn: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let ended = AssertUnwindSafe(turn).catch_unwind().await;
    ended.unwrap_or_else(|_| Err(anyhow::anyhow!("a rule was broken; see the panic above")))
}

/// Workers that look by themselves once in a while, by name.
pub const NAMES: [&str; 7] = ["split", "dispatch", "expire", "finish", "settle", "presence", "tidy"];

/// Wait for the bell or the period, after a turn of the worker of this name. False once the server stops.
async fn pause(app: &App, worker: &'static str, bell: &Notify, period: Duration) -> bool {
    app.pulse.beat(worker, period);
    tokio::select! {
        biased;
        () = app.wakes.stop.cancelled() => false,
        () = bell.notified() => true,
        () = tokio::time::sleep(period) => true,
    }
}
