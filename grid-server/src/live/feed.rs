//! What happens to one account: rows of its lists of jobs and nodes that change, and its credits. One task an account,
//! however many pages it has open.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use fallow_protocol::api::NodeInfo;
use tokio::sync::broadcast;

use super::sse;
use crate::app::App;
use crate::{credits, devices, jobs};

/// How often jobs are looked at, in memory only.
const PERIOD: Duration = Duration::from_secs(1);
/// How many of these go by between two looks at nodes and credits.
const SLOW: u64 = 3;
/// Nodes of an account that are looked at.
const NODES_MAX: u64 = 1_000;
/// Events that a slow reader may be behind.
const BEHIND_MAX: usize = 256;

/// Events of an account.
#[derive(Debug)]
pub struct Feed {
    out: broadcast::Sender<Bytes>,
}

/// A reader of them.
#[derive(Debug)]
pub struct Follow {
    receiver: broadcast::Receiver<Bytes>,
    begun: bool,
}

/// What was last told.
#[derive(Debug, Default)]
struct Told {
    jobs: HashMap<i64, u64>,
    nodes: HashMap<String, NodeInfo>,
    credits: Option<String>,
    turns: u64,
}

impl Feed {
    /// Look for changes for as long as somebody follows.
    pub(super) fn start(app: &Arc<App>, account: i64) -> Arc<Self> {
        let feed = Arc::new(Self { out: broadcast::Sender::new(BEHIND_MAX) });
        tokio::spawn(run(app.clone(), feed.clone(), account));
        feed
    }

    pub(super) fn follow(&self) -> Follow {
        Follow { receiver: self.out.subscribe(), begun: false }
    }

    pub(super) fn is_followed(&self) -> bool {
        self.out.receiver_count() > 0
    }

    fn tell(&self, bytes: Bytes) {
        // Nobody may be there to hear it.
        let _ = self.out.send(bytes);
    }
}

impl sse::Source for Follow {
    async fn next(&mut self) -> Option<Bytes> {
        // What happened before is in the lists, which the page fetches now.
        if !std::mem::replace(&mut self.begun, true) {
            return Some(sse::reset());
        }
        match self.receiver.recv().await {
            Ok(bytes) => Some(bytes),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(sse::reset()),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

async fn run(app: Arc<App>, feed: Arc<Feed>, account: i64) {
    let mut told = Told::default();
    loop {
        if let Err(error) = turn(&app, &feed, account, &mut told).await {
            tracing::error!(error = format!("{error:#}"), "failed to look at what an account is told");
        }
        tokio::select! {
            () = app.wakes.stop.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
        if app.live.leave_feed(account) {
            return;
        }
    }
}

async fn turn(app: &App, feed: &Feed, account: i64, told: &mut Told) -> anyhow::Result<()> {
    let first = told.turns == 0;
    let moved = tell_jobs(app, feed, account, told, first).await?;
    let slow = told.turns.is_multiple_of(SLOW);
    told.turns += 1;
    if slow {
        tell_nodes(app, feed, account, told, first).await?;
    }
    if app.config.grid.takes_credits() && (moved || slow) {
        tell_credits(app, feed, account, told).await?;
    }
    Ok(())
}

/// Jobs whose version rose, and those that have ended since.
async fn tell_jobs(app: &App, feed: &Feed, account: i64, told: &mut Told, first: bool) -> anyhow::Result<bool> {
    let active: HashMap<i64, u64> = app
        .active
        .all()
        .iter()
        .filter(|job| job.account == account)
        .map(|job| (job.id, *job.changed.borrow()))
        .collect();
    let ended = told.jobs.keys().filter(|id| !active.contains_key(id)).copied();
    let moved = active.iter().filter(|(id, version)| told.jobs.get(id) != Some(version)).map(|(id, _)| *id);
    let changed: Vec<i64> = ended.chain(moved).collect();
    if first || changed.is_empty() {
        told.jobs = active;
        return Ok(false);
    }
    for info in jobs::some(app, account, &changed).await? {
        feed.tell(sse::event("job", None, &info));
    }
    told.jobs = active;
    Ok(true)
}

async fn tell_nodes(app: &App, feed: &Feed, account: i64, told: &mut Told, first: bool) -> anyhow::Result<()> {
    let rows = crate::store::nodes::list(app.store.reader(), account, 0, NODES_MAX).await?;
    let mut known = HashMap::with_capacity(rows.len());
    for info in devices::infos(app, rows).await? {
        // That it is still heard of is no news.
        let quiet = NodeInfo { seen_at_ms: 0, ..info.clone() };
        let same = told.nodes.get(info.id.as_str()).is_some_and(|before| same(before, &quiet));
        if !first && !same {
            feed.tell(sse::event("node", None, &info));
        }
        known.insert(info.id.as_str().to_owned(), quiet);
    }
    told.nodes = known;
    Ok(())
}

fn same(one: &NodeInfo, other: &NodeInfo) -> bool {
    serde_json::to_value(one).ok() == serde_json::to_value(other).ok()
}

async fn tell_credits(app: &App, feed: &Feed, account: i64, told: &mut Told) -> anyhow::Result<()> {
    let credits = credits::balance(app, account).await?;
    let text = serde_json::to_string(&credits)?;
    if told.credits.as_ref().is_some_and(|before| *before != text) {
        feed.tell(sse::event("credits", None, &credits));
    }
    told.credits = Some(text);
    Ok(())
}
