//! Who watches what, now: one task a watched job prepares each message once, and all its watchers get the same bytes.
//!
//! The workers only say which units they changed, after the commit; where nobody watches the job, that is all there is
//! to it. The task reads those units' states again, so that what it shows is what was committed, in whatever order the
//! workers told of it. What it keeps is bounded and can be made again at any time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use fallow_protocol::JobId;

use crate::app::App;

mod channel;
mod dirty;
pub mod feed;
mod map;
pub mod sse;
pub mod streams;

pub use channel::{Channel, Watch};
use feed::Feed;
use streams::Streams;

/// States of units in memory, all watched jobs together, bytes.
const MAPS_BYTES_MAX: usize = 256 << 20;
/// Watched jobs.
const CHANNELS_MAX: usize = 1_024;
/// Watched accounts.
const FEEDS_MAX: usize = 4_096;
/// A map is read within this time, or the request is told to come again.
const READY: Duration = Duration::from_secs(20);

/// Why something cannot be watched now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// Too much is watched already.
    #[error("too many jobs are being watched now; try again in a moment")]
    Full,
    /// The database did not give the map in time.
    #[error("the map of units could not be read; try again in a moment")]
    NotReady,
}

/// A job that somebody may watch.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Internal id.
    pub id: i64,
    /// Public id.
    pub public_id: JobId,
    /// Its author's account.
    pub account: i64,
}

/// All that is watched.
#[derive(Debug, Default)]
pub struct Live {
    channels: Mutex<HashMap<(i64, u16), Arc<Channel>>>,
    feeds: Mutex<HashMap<i64, Arc<Feed>>>,
    /// Open streams.
    pub streams: Streams,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    /// These units of a job have changed, and that is committed.
    pub fn changed(&self, job: i64, stage: u16, seqs: impl IntoIterator<Item = u64>) {
        if let Some(channel) = lock(&self.channels).get(&(job, stage)) {
            channel.mark(seqs.into_iter().map(|seq| (seq, seq + 1)));
        }
    }

    /// Units were made: those from `first` to before `past`.
    pub fn grew(&self, job: i64, stage: u16, first: u64, past: u64) {
        if let Some(channel) = lock(&self.channels).get(&(job, stage)) {
            channel.mark([(first, past)]);
        }
    }

    /// Anything of a job may have changed: it began, ended, or went back.
    pub fn upset(&self, job: i64) {
        for channel in lock(&self.channels).iter().filter(|((id, _), _)| *id == job).map(|(_, channel)| channel) {
            channel.mark_all();
        }
    }

    /// Watch a stage of a job, from the version `after` on.
    pub fn watch(&self, app: &Arc<App>, job: Watched, stage: u16, after: Option<u64>) -> Result<Watch, LiveError> {
        let mut channels = lock(&self.channels);
        let channel = enter(&mut channels, app, job, stage)?;
        Ok(Watch::new(channel, after))
    }

    /// The whole map of a stage, encoded.
    pub async fn map(&self, app: &Arc<App>, job: Watched, stage: u16) -> Result<Bytes, LiveError> {
        let channel = enter(&mut lock(&self.channels), app, job, stage)?;
        channel.ready(READY).await.then(|| channel.encoded()).ok_or(LiveError::NotReady)
    }

    /// What happens to an account's jobs, nodes and credits.
    pub fn feed(&self, app: &Arc<App>, account: i64) -> Result<feed::Follow, LiveError> {
        let mut feeds = lock(&self.feeds);
        if feeds.len() >= FEEDS_MAX && !feeds.contains_key(&account) {
            return Err(LiveError::Full);
        }
        let feed = feeds.entry(account).or_insert_with(|| Feed::start(app, account));
        Ok(feed.follow())
    }

    /// Forget a job's channel where nobody watches it any more; true where it is gone, or another one has its place.
    fn leave(&self, key: (i64, u16), channel: &Arc<Channel>) -> bool {
        let mut channels = lock(&self.channels);
        let is_there = channels.get(&key).is_some_and(|there| Arc::ptr_eq(there, channel));
        let idle = !is_there || channel.is_idle();
        if is_there && idle {
            channels.remove(&key);
        }
        idle
    }

    /// Forget an account's feed where nobody follows it any more; true where it is gone.
    fn leave_feed(&self, account: i64) -> bool {
        let mut feeds = lock(&self.feeds);
        let idle = feeds.get(&account).is_none_or(|feed| !feed.is_followed());
        if idle {
            feeds.remove(&account);
        }
        idle
    }
}

/// The channel of a stage, started where there is none.
fn enter(
    channels: &mut HashMap<(i64, u16), Arc<Channel>>,
    app: &Arc<App>,
    job: Watched,
    stage: u16,
) -> Result<Arc<Channel>, LiveError> {
    let key = (job.id, stage);
    if let Some(channel) = channels.get(&key) {
        channel.used();
        return Ok(channel.clone());
    }
    let is_full = |channels: &HashMap<_, Arc<Channel>>| {
        let bytes: usize = channels.values().map(|channel| channel.bytes()).sum();
        channels.len() >= CHANNELS_MAX || bytes >= MAPS_BYTES_MAX
    };
    if is_full(channels) {
        channels.retain(|_, channel| channel.is_watched());
    }
    if is_full(channels) {
        return Err(LiveError::Full);
    }
    let channel = Channel::start(app, job, stage);
    channels.insert(key, channel.clone());
    Ok(channel)
}
