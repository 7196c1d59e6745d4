//! Once an hour: drop uploads that nobody goes on with, and renew the online key while the root is here.

use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, now_ms};

const HOUR: Duration = Duration::from_secs(3600);

/// Until the server stops.
pub async fn run(app: Arc<App>) {
    loop {
        tidy(&app).await;
        tokio::select! {
            () = tokio::time::sleep(HOUR) => {}
            () = app.wakes.stop.cancelled() => return,
        }
    }
}

async fn tidy(app: &App) {
    let age = HOUR * app.config.limits.upload_hours;
    match app.blobs.uploads().sweep(age).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "dropped uploads that nobody went on with"),
        Err(error) => tracing::warn!(%error, "failed to look through unfinished uploads"),
    }
    match app.keys.renew(app.config.keys.online_days, now_ms()) {
        Ok(false) => {}
        Ok(true) => tracing::info!(serial = app.keys.cert().serial, "online key renewed"),
        Err(error) => tracing::error!(%error, "the online key ends soon and could not be renewed"),
    }
}
