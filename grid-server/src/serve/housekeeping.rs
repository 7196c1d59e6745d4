//! Once an hour: drop uploads that nobody goes on with, forget sessions, links and codes that ended and what is old in
//! the audit log, and renew the online key while the root is here.

use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, now_ms};
use crate::store::{StoreError, audit, device_codes, links, registrations, sessions};

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
    if let Err(error) = tidy_people(app).await {
        tracing::warn!(%error, "failed to forget what ended of sessions, links, codes and the audit log");
    }
    match app.keys.renew(app.config.keys.online_days, now_ms()) {
        Ok(false) => {}
        Ok(true) => tracing::info!(serial = app.keys.cert().serial, "online key renewed"),
        Err(error) => tracing::error!(%error, "the online key ends soon and could not be renewed"),
    }
}

/// Events of the audit log that are forgotten in one transaction.
const EVENTS: u64 = 10_000;

async fn tidy_people(app: &App) -> Result<(), StoreError> {
    let (now, accounts) = (now_ms(), &app.config.accounts);
    let (idle, old) = (now.saturating_sub(accounts.idle_ms()), now.saturating_sub(accounts.audit_ms()));
    let work = app.store.write(move |db| {
        Box::pin(async move {
            sessions::tidy(db, now, idle).await?;
            links::tidy(db, now).await?;
            registrations::tidy(db, now).await?;
            device_codes::tidy(db, now).await.map(drop)
        })
    });
    work.await?;
    let forget = || app.store.write(move |db| Box::pin(async move { audit::forget_before(db, old, EVENTS).await }));
    while forget().await? == EVENTS {}
    Ok(())
}
