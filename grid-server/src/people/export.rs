//! All that is kept of an account, as one JSON document for its owner.

use serde_json::{Value, json};

use crate::api::ApiError;
use crate::app::{App, now_ms};
use crate::credits::{Wanted, statement};
use crate::jobs;
use crate::store::audit::Wanted as Events;
use crate::store::{accounts, audit, author_keys, nodes, sessions, tokens};

/// Rows of each kind; a larger account is told what was left out.
const ROWS_MAX: usize = 10_000;
const PAGE: u64 = 1_000;

/// The document. Units, logs and files of jobs are not in it: each job's own page gives them.
pub async fn export(app: &App, id: i64) -> Result<Value, ApiError> {
    let db = app.store.reader();
    let account = accounts::by_id(db, id).await?.ok_or_else(|| ApiError::not_found("such account"))?;
    let tokens = tokens::list(db, id, 0, PAGE).await?;
    let keys = author_keys::list(db, id, 0, PAGE).await?;
    let sessions = sessions::list(db, id, 0, PAGE, now_ms(), 0).await?;
    let nodes = nodes::list(db, id, 0, PAGE).await?;
    let mut left_out = Vec::new();
    let jobs = all_jobs(app, id, &mut left_out).await?;
    let movements = all_movements(app, id, &mut left_out).await?;
    let events = audit::list(db, Events { of: Some(id), ..Events::default() }, None, ROWS_MAX as u64).await?;
    Ok(json!({
        "made_at_ms": now_ms(),
        "account": {
            "id": account.public_id, "name": account.name, "role": account.role, "email": account.email,
            "email_confirmed": account.email_confirmed, "second_factor": account.has_totp,
            "fuel_quota": account.fuel_quota, "fuel_used": account.fuel_used, "blob_bytes": account.blob_bytes,
        },
        "tokens": tokens.iter().map(|token| json!({
            "id": token.public_id, "name": token.name, "scopes": token.scopes, "expires_at_ms": token.expires_at_ms,
        })).collect::<Vec<_>>(),
        "author_keys": keys.iter().map(|key| json!({"key": key.key, "name": key.name})).collect::<Vec<_>>(),
        "sessions": sessions.iter().map(|session| json!({
            "id": session.public_id, "address": session.address, "agent": session.agent,
            "created_at_ms": session.created_at_ms, "seen_at_ms": session.seen_at_ms,
        })).collect::<Vec<_>>(),
        "nodes": nodes.iter().map(|node| json!({
            "id": node.public_id, "name": node.name, "machine": node.machine, "units_done": node.units_done,
            "fuel": node.fuel, "seen_at_ms": node.seen_at_ms,
        })).collect::<Vec<_>>(),
        "jobs": jobs,
        "credits": crate::credits::balance(app, id).await?,
        "movements": movements,
        "audit": events.iter().map(|event| json!({
            "at_ms": event.at_ms, "actor": event.actor, "action": event.action, "object": event.object,
            "address": event.address, "details": event.details,
        })).collect::<Vec<_>>(),
        "left_out": left_out,
    }))
}

async fn all_jobs(app: &App, id: i64, left_out: &mut Vec<String>) -> Result<Vec<Value>, ApiError> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = jobs::list(app, id, &Default::default(), cursor.as_deref(), PAGE).await?;
        all.extend(page.items.iter().map(|job| json!(job)));
        cursor = page.next;
        if cursor.is_none() || all.len() >= ROWS_MAX {
            break;
        }
    }
    if cursor.is_some() {
        left_out.push(format!("jobs older than the newest {ROWS_MAX}"));
    }
    Ok(all)
}

async fn all_movements(app: &App, id: i64, left_out: &mut Vec<String>) -> Result<Vec<Value>, ApiError> {
    let (mut all, mut cursor): (Vec<Value>, Option<String>) = (Vec::new(), None);
    loop {
        let wanted = Wanted { cursor: cursor.as_deref(), limit: PAGE, ..Wanted::default() };
        let page = statement(app, id, wanted).await?;
        all.extend(page.items.iter().map(|movement| json!(movement)));
        cursor = page.next;
        if cursor.is_none() || all.len() >= ROWS_MAX {
            break;
        }
    }
    if cursor.is_some() {
        left_out.push(format!("movements older than the newest {ROWS_MAX}"));
    }
    Ok(all)
}
