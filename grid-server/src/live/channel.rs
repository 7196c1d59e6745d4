//! One stage of one watched job: its map, its last changes, and the task that keeps them and tells all watchers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::Bytes;
use fallow_protocol::api::MapChange;
use fallow_protocol::unit_map::{Run, encode};
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::Instant;

use super::dirty::{Dirty, Wanted};
use super::map::{Ring, UnitMap};
use super::{Watched, sse};
use crate::app::{App, now_ms};
use crate::jobs;
use crate::store::{StoreError, unit_map};

/// Between two changes of a map: 20 a second.
const TICK: Duration = Duration::from_millis(50);
/// Between two tellings of a job: 2 a second.
const JOB_TICK: Duration = Duration::from_millis(500);
/// How often a job is told where nothing changes: rates fall, likely ends move.
const LOOK: Duration = Duration::from_secs(5);
/// A map is kept so long after its last watcher, milliseconds: most come back.
const GRACE_MS: u64 = 30_000;
/// Messages that a slow watcher may be behind before it has to catch up from the ring.
const BEHIND_MAX: usize = 256;
/// Runs of one change; with more, watchers fetch the whole map, which is smaller.
const RUNS_MAX: usize = 20_000;
/// Units of a range that are read as rows; longer ones are read as texts.
const ROWS_MAX: u64 = 2_048;

/// What all watchers get.
#[derive(Clone, Debug)]
struct Message {
    /// The map's version that it leads to; none where it is not about the map.
    version: Option<u64>,
    bytes: Bytes,
}

#[derive(Debug)]
struct Inner {
    map: UnitMap,
    ring: Ring,
    dirty: Dirty,
    encoded: Option<(u64, Bytes)>,
    job: Option<Bytes>,
}

/// A watched stage of a job.
#[derive(Debug)]
pub struct Channel {
    job: Watched,
    stage: u16,
    inner: Mutex<Inner>,
    bell: Notify,
    ready: watch::Sender<bool>,
    out: broadcast::Sender<Message>,
    used_at_ms: AtomicU64,
}

impl Channel {
    /// Read the map, and keep it for as long as somebody watches.
    pub(super) fn start(app: &Arc<App>, job: Watched, stage: u16) -> Arc<Self> {
        // Higher than any that was told before a restart, as long as the clock does not go back; below 2^53.
        let version = now_ms() << 10;
        let channel = Arc::new(Self {
            job,
            stage,
            inner: Mutex::new(Inner {
                map: UnitMap::default(),
                ring: Ring::new(version),
                dirty: Dirty::everything(),
                encoded: None,
                job: None,
            }),
            bell: Notify::new(),
            ready: watch::Sender::new(false),
            out: broadcast::Sender::new(BEHIND_MAX),
            used_at_ms: AtomicU64::new(now_ms()),
        });
        tokio::spawn(run(app.clone(), channel.clone()));
        channel
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        super::lock(&self.inner)
    }

    /// These ranges of units are to be read again.
    pub(super) fn mark(&self, ranges: impl IntoIterator<Item = (u64, u64)>) {
        let mut inner = self.lock();
        ranges.into_iter().for_each(|(first, past)| inner.dirty.mark(first, past));
        drop(inner);
        self.bell.notify_one();
    }

    /// Everything is to be read again.
    pub(super) fn mark_all(&self) {
        self.lock().dirty.mark_all();
        self.bell.notify_one();
    }

    pub(super) fn used(&self) {
        self.used_at_ms.store(now_ms(), Ordering::Relaxed);
    }

    pub(super) fn bytes(&self) -> usize {
        self.lock().map.states().len()
    }

    pub(super) fn is_watched(&self) -> bool {
        self.out.receiver_count() > 0
    }

    pub(super) fn is_idle(&self) -> bool {
        !self.is_watched() && now_ms().saturating_sub(self.used_at_ms.load(Ordering::Relaxed)) > GRACE_MS
    }

    /// Wait until the map has been read once. False where that takes longer than `patience`.
    pub(super) async fn ready(&self, patience: Duration) -> bool {
        let mut ready = self.ready.subscribe();
        matches!(tokio::time::timeout(patience, ready.wait_for(|ready| *ready)).await, Ok(Ok(_)))
    }

    /// The whole map, encoded once a version.
    pub(super) fn encoded(&self) -> Bytes {
        let mut inner = self.lock();
        let version = inner.ring.version();
        match &inner.encoded {
            Some((known, bytes)) if *known == version => bytes.clone(),
            _ => {
                let bytes = Bytes::from(encode(version, inner.map.states()));
                inner.encoded = Some((version, bytes.clone()));
                bytes
            }
        }
    }

    /// Tell a change of the map. None of `runs` where no runs can say it.
    fn publish(&self, inner: &mut Inner, runs: Option<Vec<Run>>) {
        let message = match runs {
            Some(runs) if runs.is_empty() => return,
            Some(runs) if runs.len() <= RUNS_MAX => {
                let (version, total) = (inner.ring.next(), inner.map.states().len() as u64);
                let bytes = sse::event("map", Some(version), &MapChange::new(version, total, &runs));
                inner.ring.push(bytes.clone());
                bytes
            }
            _ => {
                inner.ring.skip();
                sse::reset()
            }
        };
        let version = Some(inner.ring.version());
        // Nobody may be there to hear it.
        let _ = self.out.send(Message { version, bytes: message });
    }
}

/// A watcher of a stage.
#[derive(Debug)]
pub struct Watch {
    channel: Arc<Channel>,
    receiver: broadcast::Receiver<Message>,
    waiting: VecDeque<Bytes>,
    /// The version that this watcher has.
    has: u64,
}

impl Watch {
    /// What came after the version `after`, else a reset, then what comes.
    pub(super) fn new(channel: Arc<Channel>, after: Option<u64>) -> Self {
        let inner = channel.lock();
        let receiver = channel.out.subscribe();
        let mut watch =
            Self { receiver, waiting: inner.job.iter().cloned().collect(), has: 0, channel: channel.clone() };
        watch.catch_up(&inner, after);
        drop(inner);
        watch
    }

    fn catch_up(&mut self, inner: &Inner, after: Option<u64>) {
        match after.and_then(|after| inner.ring.after(after)) {
            Some(missed) => self.waiting.extend(missed.into_iter().map(|(_, bytes)| bytes)),
            None => self.waiting.push_back(sse::reset()),
        }
        self.has = inner.ring.version();
    }
}

impl sse::Source for Watch {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.waiting.pop_front() {
                return Some(bytes);
            }
            match self.receiver.recv().await {
                Ok(Message { version: None, bytes }) => return Some(bytes),
                Ok(Message { version: Some(version), bytes }) if version > self.has => {
                    self.has = version;
                    return Some(bytes);
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    let channel = self.channel.clone();
                    let has = self.has;
                    self.catch_up(&channel.lock(), Some(has));
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// What was last told of the job.
#[derive(Debug, Default)]
struct Told {
    /// Its version, and whether it had ended.
    what: Option<(u64, bool)>,
    at: Option<Instant>,
}

/// Keep the channel until nobody watches it any more, or the server stops.
async fn run(app: Arc<App>, channel: Arc<Channel>) {
    let mut told = Told::default();
    let key = (channel.job.id, channel.stage);
    loop {
        let began = Instant::now();
        let turned = turn(&app, &channel, &mut told).await;
        let pause = match turned {
            Ok(()) => TICK,
            Err(error) => {
                tracing::error!(job = %channel.job.public_id, %error, "failed to read what is watched");
                channel.lock().dirty.mark_all();
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            biased;
            () = app.wakes.stop.cancelled() => return,
            () = tokio::time::sleep_until(began + pause) => {}
        }
        tokio::select! {
            biased;
            () = app.wakes.stop.cancelled() => return,
            () = channel.bell.notified() => {}
            () = news(&app, &channel, &told) => {}
        }
        if app.live.leave(key, &channel) {
            return;
        }
    }
}

/// Wait until there is something to tell of the job.
async fn news(app: &App, channel: &Channel, told: &Told) {
    let last = told.at.unwrap_or_else(Instant::now);
    match app.active.get(channel.job.id) {
        Some(job) => {
            let seen = told.what.filter(|(_, ended)| !ended).map(|(version, _)| version);
            let mut changes = job.changed.subscribe();
            let changed = async {
                if changes.wait_for(|version| Some(*version) != seen).await.is_ok() {
                    tokio::time::sleep_until(last + JOB_TICK).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            let _ = tokio::time::timeout_at(last + LOOK, changed).await;
        }
        None => tokio::time::sleep(LOOK).await,
    }
}

async fn turn(app: &Arc<App>, channel: &Channel, told: &mut Told) -> anyhow::Result<()> {
    refresh(app, channel).await?;
    if !*channel.ready.borrow() {
        channel.ready.send_replace(true);
    }
    tell(app, channel, told).await
}

/// Read what may have changed, and tell what has.
async fn refresh(app: &App, channel: &Channel) -> Result<(), StoreError> {
    let (db, job, stage) = (app.store.reader(), channel.job.id, channel.stage);
    let wanted = channel.lock().dirty.take();
    let found = match wanted {
        Wanted::Nothing => return Ok(()),
        Wanted::All => {
            let states = unit_map::states(db, job, stage, 0, u64::MAX).await?;
            let mut inner = channel.lock();
            let runs = inner.map.replace(states);
            channel.publish(&mut inner, runs);
            return Ok(());
        }
        Wanted::Ranges(ranges) => {
            let (long, short): (Vec<_>, Vec<_>) = ranges.into_iter().partition(|(first, past)| past - first > ROWS_MAX);
            let mut found = unit_map::of_ranges(db, job, stage, &short).await?;
            for (first, past) in long {
                found.push((first, unit_map::states(db, job, stage, first, past).await?));
            }
            found
        }
    };
    let mut inner = channel.lock();
    let mut runs = Vec::new();
    for (first, states) in found {
        runs.extend(inner.map.set(first, &states));
    }
    channel.publish(&mut inner, Some(runs));
    Ok(())
}

/// Tell the job as it is, where it has changed, not too often.
async fn tell(app: &Arc<App>, channel: &Channel, told: &mut Told) -> anyhow::Result<()> {
    let now = Instant::now();
    let active = app.active.get(channel.job.id);
    let version = active.as_ref().map(|job| *job.changed.borrow());
    let age = told.at.map(|at| now.saturating_duration_since(at));
    let due = match (told.what, version) {
        (None, _) => true,
        (Some((_, true)), None) => false,
        (Some((_, false)), None) | (Some((_, true)), Some(_)) => true,
        (Some((last, false)), Some(version)) => age.is_none_or(|age| age >= LOOK || last != version && age >= JOB_TICK),
    };
    if !due {
        return Ok(());
    }
    let job = &channel.job;
    let info = match jobs::info(app, job.account, &job.public_id, None, Duration::ZERO).await {
        Ok(info) => info,
        // It was forgotten: nothing more will be told of it.
        Err(jobs::JobError::NotFound(_)) => {
            *told = Told { what: Some((0, true)), at: Some(now) };
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    *told = Told { what: Some((version.unwrap_or(info.version), info.ended_at_ms.is_some())), at: Some(now) };
    let bytes = sse::event("job", None, &jobs::without_submission(info));
    channel.lock().job = Some(bytes.clone());
    let _ = channel.out.send(Message { version: None, bytes });
    Ok(())
}
