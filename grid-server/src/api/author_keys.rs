//! Public keys of the caller's account, by which its modules are signed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use fallow_protocol::PublicKey;
use fallow_protocol::api::{NewAuthorKey, Page};
use serde::Deserialize;

use super::accounts::{PageQuery, next};
use super::extract::{ApiJson, ApiPath, ApiQuery, page_after, page_limit};
use super::{ApiError, names};
use crate::app::{App, now_ms};
use crate::audit::note;
use crate::auth::{Auth, JobsRead, JobsWrite};
use crate::store::author_keys;

/// Keys of one account.
const KEYS_MAX: u64 = 100;

/// Register a key: 201, or 200 where the account has it already.
#[utoipa::path(post, path = "/api/v1/keys", tag = "accounts", security(("bearer" = [])),
    request_body = NewAuthorKey,
    responses((status = 201, body = NewAuthorKey), (status = 200, description = "Known", body = NewAuthorKey)))]
pub async fn create_key(
    State(app): State<Arc<App>>,
    caller: Auth<JobsWrite>,
    ApiJson(new): ApiJson<NewAuthorKey>,
) -> Result<(StatusCode, Json<NewAuthorKey>), ApiError> {
    names::check("name", &new.name)?;
    if author_keys::known(app.store.reader(), caller.account_id, &new.key).await? {
        return Ok((StatusCode::OK, Json(new)));
    }
    if author_keys::count(app.store.reader(), caller.account_id).await? >= KEYS_MAX {
        let detail = format!("an account has at most {KEYS_MAX} keys; remove some first");
        return Err(ApiError::new(StatusCode::CONFLICT, "too-many-keys", detail));
    }
    let (account_id, kept) = (caller.account_id, new.clone());
    let made = app
        .store
        .write(move |transaction| {
            let new = kept.clone();
            Box::pin(async move { author_keys::insert(transaction, account_id, &new.key, &new.name, now_ms()).await })
        })
        .await?;
    if made {
        note(&app, &*caller, Some(account_id), "key.added", &new.key.to_string(), "").await;
    }
    Ok((if made { StatusCode::CREATED } else { StatusCode::OK }, Json(new)))
}

/// The account's keys.
#[utoipa::path(get, path = "/api/v1/keys", tag = "accounts", security(("bearer" = [])), params(PageQuery),
    responses((status = 200, body = Page<NewAuthorKey>)))]
pub async fn list_keys(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<NewAuthorKey>>, ApiError> {
    let (after, limit) = (page_after(query.cursor.as_deref())?, page_limit(query.limit)?);
    let rows = author_keys::list(app.store.reader(), caller.account_id, after, limit).await?;
    let next = next(rows.len(), limit, rows.last().map(|row| row.id));
    let items = rows.into_iter().map(|row| NewAuthorKey { key: row.key, name: row.name }).collect();
    Ok(Json(Page { items, next }))
}

/// A key in a path.
#[derive(Debug, Deserialize)]
pub struct KeyPath {
    key: PublicKey,
}

/// Forget a key. Modules that it signed before stay.
#[utoipa::path(delete, path = "/api/v1/keys/{key}", tag = "accounts", security(("bearer" = [])),
    params(("key" = String, Path, description = "The public key, 64 hexadecimal letters")),
    responses((status = 204)))]
pub async fn delete_key(
    State(app): State<Arc<App>>,
    caller: Auth<JobsWrite>,
    ApiPath(KeyPath { key }): ApiPath<KeyPath>,
) -> Result<StatusCode, ApiError> {
    let account_id = caller.account_id;
    let deleted = app
        .store
        .write(move |transaction| Box::pin(async move { author_keys::delete(transaction, account_id, &key).await }))
        .await?;
    if !deleted {
        return Err(ApiError::not_found("such key"));
    }
    note(&app, &*caller, Some(account_id), "key.removed", &key.to_string(), "").await;
    Ok(StatusCode::NO_CONTENT)
}
