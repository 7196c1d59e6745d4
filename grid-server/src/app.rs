//! Everything that handlers, the node link and the workers share, behind one `Arc`.

use std::sync::Arc;

use fallow_protocol::Digest;

use crate::anchor::Anchor;
use crate::blobs::BlobStore;
use crate::config::Config;
use crate::devices::Recorder;
use crate::groups::Groups;
use crate::jobs::Active;
use crate::keys::GridKeys;
use crate::link::Registry;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::people::People;
use crate::pulse::Pulse;
use crate::store::{Store, StoreError, blobs, retention};
use crate::suspensions::Suspensions;
use crate::trust::Trust;
use crate::wakes::Wakes;

/// The running server.
pub struct App {
    /// Settings, read once.
    pub config: Config,
    /// The database.
    pub store: Store,
    /// Blobs on disk.
    pub blobs: BlobStore,
    /// The grid's keys.
    pub keys: GridKeys,
    /// The server's own worker.
    pub anchor: Anchor,
    /// Nodes that are connected.
    pub nodes: Registry,
    /// What nodes do, on its way to the database.
    pub recorder: Recorder,
    /// Jobs that have not ended, as the workers keep them in memory.
    pub active: Active,
    /// Who watches what.
    pub live: Live,
    /// Who is in which group.
    pub groups: Groups,
    /// What operators stopped.
    pub suspensions: Suspensions,
    /// When each worker looked last.
    pub pulse: Pulse,
    /// What is remembered of nodes.
    pub trust: Arc<Trust>,
    /// Passwords, mails, and what else people need.
    pub people: People,
    /// What cuts the workers' latency.
    pub wakes: Wakes,
    /// Counters for `/metrics`.
    pub metrics: Metrics,
}

impl App {
    /// Put the parts together; nothing runs yet, see [`crate::workers::start`].
    pub fn new(
        config: Config,
        store: Store,
        blobs: BlobStore,
        keys: GridKeys,
        people: People,
        metrics: Metrics,
    ) -> Arc<Self> {
        let anchor = Anchor::new(&config);
        let trust = Arc::new(Trust::new(config.policy()));
        Arc::new(Self {
            config,
            store,
            blobs,
            keys,
            anchor,
            nodes: Registry::default(),
            recorder: Recorder::default(),
            active: Active::default(),
            live: Live::default(),
            groups: Groups::default(),
            suspensions: Suspensions::default(),
            pulse: Pulse::default(),
            trust,
            people,
            wakes: Wakes::default(),
            metrics,
        })
    }
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

impl App {
    /// Remove a blob, unless an account owns it or a unit uses it.
    pub async fn remove_blob(&self, digest: Digest) -> anyhow::Result<()> {
        // Nobody who found the file or brings the same bytes may come between the row's going and the file's.
        let _closed = self.blobs.gate().write().await;
        if self.store.write(move |db| Box::pin(forget_blob(db, digest))).await? {
            self.blobs.remove(&digest).await?;
        }
        Ok(())
    }
}

/// False where a job still uses it.
async fn forget_blob(db: &sea_orm::DatabaseTransaction, digest: Digest) -> Result<bool, StoreError> {
    Ok(!retention::is_used(db, &digest).await? && blobs::forget(db, &digest).await?)
}
