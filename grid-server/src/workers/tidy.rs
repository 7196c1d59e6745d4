//! Forgets jobs that ended long ago, with the inputs that only they named, and blobs that nobody owns or uses any more.

use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, now_ms};
use crate::store::{blobs, retention};

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(600);
/// Rows deleted in one transaction.
const ROWS: u64 = 2_000;
/// Jobs and blobs looked at in one turn.
const TURN_MAX: u64 = 200;
const HOUR_MS: u64 = 3_600_000;

/// Serve until the server stops.
pub async fn run(app: Arc<App>) {
    let never = tokio::sync::Notify::new();
    while super::pause(&app, "tidy", &never, PERIOD).await {
        if let Err(error) = super::guarded(tidy(&app, now_ms())).await {
            tracing::error!(error = format!("{error:#}"), "failed to tidy");
        }
    }
}

/// One turn at `now_ms`.
pub async fn tidy(app: &App, now_ms: u64) -> anyhow::Result<()> {
    let before = now_ms.saturating_sub(u64::from(app.config.work.keep_days) * 24 * HOUR_MS);
    for job in retention::ended_before(app.store.reader(), before, TURN_MAX).await? {
        while !app.store.write(move |db| Box::pin(retention::forget_some(db, job, ROWS))).await? {}
    }
    let before = now_ms.saturating_sub(u64::from(app.config.work.orphan_hours) * HOUR_MS);
    for digest in blobs::orphans(app.store.reader(), before, TURN_MAX).await? {
        app.remove_blob(digest).await?;
    }
    Ok(())
}
