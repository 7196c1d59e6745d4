//! How every part of the server is, for operators: each with a verdict and its numbers.

use std::path::Path;
use std::time::Instant;

use fallow_protocol::api::HealthPart;

use crate::anchor::AnchorError;
use crate::app::{App, now_ms};
use crate::credits::last_check;
use crate::store::sql;
use crate::workers::NAMES;

/// Free space below which nothing goes well any more, bytes.
const DISK_LOW_BYTES: u64 = 1 << 30;
/// A worker that looks so much later than it should hangs, milliseconds: what they do in one turn takes seconds at most.
const SILENT_MS: u64 = 120_000;
/// The ledger is checked every night; milliseconds.
const CHECK_LATE_MS: u64 = 26 * 3_600_000;
/// The online key should have been renewed by then, milliseconds before its end.
const KEY_LATE_MS: u64 = 7 * 24 * 3_600_000;

/// What is told of a part: its name, whether it is right, and how it is.
type Told = (&'static str, bool, String);

/// Every part.
pub async fn parts(app: &App) -> Vec<HealthPart> {
    let now = now_ms();
    let mut told = vec![database(app).await, blobs(app).await, disk(&app.config.data).await];
    told.extend(NAMES.map(|name| worker(app, name, now)));
    told.extend([anchor(app), mail(app), nodes(app), ledger(app, now), keys(app, now)]);
    let part =
        |(name, ok, text): Told| HealthPart { name: name.into(), ok, text, since_ms: app.pulse.since(name, ok, now) };
    told.into_iter().map(part).collect()
}

async fn database(app: &App) -> Told {
    let began = Instant::now();
    match sql::ping(app.store.reader()).await {
        Ok(()) => ("database", true, format!("answers within {} ms", began.elapsed().as_millis())),
        // The cause may name hosts and paths: the log has it.
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the database does not answer");
            ("database", false, "does not answer; the server's log says why".into())
        }
    }
}

async fn blobs(app: &App) -> Told {
    match app.blobs.probe().await {
        Ok(()) => ("blobs", true, "can be written".into()),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "blobs cannot be written");
            ("blobs", false, "cannot be written; the server's log says why".into())
        }
    }
}

async fn disk(data: &Path) -> Told {
    let data = data.to_owned();
    // Looking at disks blocks.
    let found = tokio::task::spawn_blocking(move || free_bytes(&data)).await.ok().flatten();
    match found {
        Some((free, total)) => {
            let text = format!("{:.1} of {:.1} GiB are free", gib(free), gib(total));
            ("disk", free >= DISK_LOW_BYTES, text)
        }
        None => ("disk", true, "this computer does not tell how much is free".into()),
    }
}

fn gib(bytes: u64) -> f64 {
    bytes as f64 / (1u64 << 30) as f64
}

/// Free and all bytes of the disk that holds the folder.
fn free_bytes(data: &Path) -> Option<(u64, u64)> {
    let data = data.canonicalize().ok()?;
    let disks = sysinfo::Disks::new_with_refreshed_list().ok()?;
    let holding = disks.iter().filter(|disk| data.starts_with(disk.mount_point()));
    let disk = holding.max_by_key(|disk| disk.mount_point().as_os_str().len())?;
    Some((disk.available_space(), disk.total_space()))
}

fn worker(app: &App, name: &'static str, now: u64) -> Told {
    match app.pulse.last(name) {
        Some((at, period)) => {
            let (ago, most) = (now.saturating_sub(at), SILENT_MS.saturating_add(period.as_millis() as u64));
            (name, ago < most, format!("looked {:.1} s ago", ago as f64 / 1_000.0))
        }
        None => (name, false, "has not looked since the server's start".into()),
    }
}

fn anchor(app: &App) -> Told {
    let text = match app.anchor.ready() {
        Ok(()) => "has room for a unit".into(),
        Err(AnchorError::Off) => "is switched off".into(),
        Err(AnchorError::OverBudget { again_in_ms }) => {
            format!("has used its share of the last hour; has time again in {} s", again_in_ms.div_ceil(1_000))
        }
        Err(_) => "runs as many units as it may".into(),
    };
    ("own worker", true, text)
}

fn mail(app: &App) -> Told {
    let (waiting, delivers) = app.people.mail.waiting();
    let text = match delivers {
        true => format!("{waiting} mails wait in the queue"),
        false => "nobody delivers mails".into(),
    };
    ("mail", delivers, text)
}

fn nodes(app: &App) -> Told {
    ("nodes", true, format!("{} are online, {} jobs have not ended", app.nodes.online(), app.active.len()))
}

fn ledger(app: &App, now: u64) -> Told {
    let Some(check) = last_check(&app.metrics) else {
        return ("ledger", true, "was not checked since the server's start; it is every night".into());
    };
    let hours = now.saturating_sub(check.at_ms) / 3_600_000;
    let (ok, text) = match check.found {
        Some(0) => (true, format!("adds up: {} transfers, {hours} h ago", check.transfers)),
        Some(found) => (false, format!("does not add up in {found} places, seen {hours} h ago")),
        None => (false, format!("could not be checked {hours} h ago")),
    };
    ("ledger", ok && now.saturating_sub(check.at_ms) < CHECK_LATE_MS, text)
}

fn keys(app: &App, now: u64) -> Told {
    let cert = app.keys.cert();
    let left = cert.expires_at_ms.saturating_sub(now);
    let text = format!("the online key, serial {}, has {} days left", cert.serial, left / 86_400_000);
    ("keys", left > KEY_LATE_MS.min(u64::from(app.config.keys.online_days) * 86_400_000 / 4), text)
}
