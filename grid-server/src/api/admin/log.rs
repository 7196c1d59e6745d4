//! The audit log of the whole grid, and what people say of programs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fallow_protocol::api::{AuditEvent, Page, Report};
use serde::Deserialize;

use super::SearchQuery;
use crate::api::ApiError;
use crate::api::accounts::next;
use crate::api::extract::{ApiQuery, page_limit, page_number};
use crate::app::App;
use crate::auth::{Admin, Auth};
use crate::store::audit::{self, Wanted};
use crate::store::{accounts, admin as rows};

/// Which events.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only what this account did: its id or its name.
    pub actor: Option<String>,
    /// Only events with this word, as `user.suspended`.
    pub action: Option<String>,
    /// Where the page begins: `next` of the one before.
    pub cursor: Option<String>,
    /// Rows, 1 to 1,000; 100 where missing.
    pub limit: Option<u64>,
}

/// What people and operators did, newest first. Scope `admin`.
#[utoipa::path(get, path = "/api/v1/admin/audit", tag = "operators", security(("bearer" = [])), params(AuditQuery),
    responses((status = 200, body = Page<AuditEvent>), (status = 404, description = "No such account")))]
pub async fn list_audit(
    State(app): State<Arc<App>>,
    _caller: Auth<Admin>,
    ApiQuery(query): ApiQuery<AuditQuery>,
) -> Result<Json<Page<AuditEvent>>, ApiError> {
    let limit = page_limit(query.limit)?;
    let before = query.cursor.as_deref().map(page_number).transpose()?;
    let actor = match &query.actor {
        Some(actor) => Some(account(&app, actor).await?),
        None => None,
    };
    let wanted = Wanted { of: None, actor, action: query.action.as_deref() };
    let found = audit::list(app.store.reader(), wanted, before, limit).await?;
    let next = next(found.len(), limit, found.last().map(|event| event.id));
    let items = found.into_iter().map(|event| AuditEvent {
        at_ms: event.at_ms,
        actor: event.actor,
        action: event.action,
        object: event.object,
        address: event.address,
        details: event.details,
    });
    Ok(Json(Page { items: items.collect(), next }))
}

/// What lenders and authors say of programs, newest first. Scope `admin`.
#[utoipa::path(get, path = "/api/v1/admin/reports", tag = "operators", security(("bearer" = [])),
    params(SearchQuery), responses((status = 200, body = Page<Report>)))]
pub async fn list_reports(
    State(app): State<Arc<App>>,
    _caller: Auth<Admin>,
    ApiQuery(query): ApiQuery<SearchQuery>,
) -> Result<Json<Page<Report>>, ApiError> {
    let part = query.part()?;
    let items = rows::reports(app.store.reader(), part, part.query.parse().ok()).await?;
    let next = next(items.len(), part.limit, items.last().map(|report| report.id as i64));
    Ok(Json(Page { items, next }))
}

/// The internal id of an account by its id or its name.
pub(super) async fn account(app: &App, text: &str) -> Result<i64, ApiError> {
    let db = app.store.reader();
    let found = match text.parse() {
        Ok(id) => accounts::by_public_id(db, &id).await?,
        Err(_) if text.contains('\0') => None,
        Err(_) => accounts::by_name(db, text).await?,
    };
    let missing = || ApiError::not_found(format!("account {:?}", text.chars().take(60).collect::<String>()));
    Ok(found.ok_or_else(missing)?.id)
}
