//! Accounts, made and seen by operators.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use fallow_protocol::api::{AccountCreated, Me, NewAccount, Page, Suspended};
use serde::Deserialize;

use super::extract::{ApiJson, ApiQuery, page_after, page_limit};
use super::{ApiError, names};
use crate::app::App;
use crate::audit;
use crate::auth::{Admin, Auth, FirstError, Scope, create_account};
use crate::store::accounts::{self, Account};

/// Which page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Where the page begins: `next` of the one before.
    pub cursor: Option<String>,
    /// Rows, 1 to 1,000; 100 where missing.
    pub limit: Option<u64>,
}

impl From<FirstError> for ApiError {
    fn from(error: FirstError) -> Self {
        let detail = error.to_string();
        match error {
            FirstError::NameTaken(_) => ApiError::new(StatusCode::CONFLICT, "name-taken", detail).field("name"),
            FirstError::TooManyTokens => ApiError::new(StatusCode::CONFLICT, "too-many-tokens", detail),
            FirstError::Store(source) => source.into(),
        }
    }
}

/// Make an account; the answer holds its first token. Scope `admin`.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", security(("bearer" = [])),
    request_body = NewAccount, responses((status = 201, body = AccountCreated)))]
pub async fn create_account_of(
    State(app): State<Arc<App>>,
    caller: Auth<Admin>,
    ApiJson(new): ApiJson<NewAccount>,
) -> Result<(StatusCode, Json<AccountCreated>), ApiError> {
    names::check("name", &new.name)?;
    let quota = new.fuel_quota.unwrap_or(app.config.limits.fuel_quota);
    if i64::try_from(quota).is_err() {
        return Err(ApiError::invalid("fuel_quota", format!("at most {} fuel", i64::MAX)));
    }
    let made = create_account(&app.store, &new.name, false, quota, app.config.first_credits()).await?;
    tracing::info!(account = %made.id, name = new.name, "account made");
    audit::note(&app, &*caller, None, "account.created", made.id.as_str(), "by an operator").await;
    Ok((StatusCode::CREATED, Json(AccountCreated { id: made.id, name: new.name, token: made.token })))
}

/// All accounts, without scopes. Scope `admin`.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", security(("bearer" = [])), params(PageQuery),
    responses((status = 200, body = Page<Me>)))]
pub async fn list_accounts(
    State(app): State<Arc<App>>,
    _caller: Auth<Admin>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<Me>>, ApiError> {
    let (after, limit) = (page_after(query.cursor.as_deref())?, page_limit(query.limit)?);
    let rows = accounts::list(app.store.reader(), after, limit).await?;
    let next = next(rows.len(), limit, rows.last().map(|row| row.id));
    let items = rows.into_iter().map(|account| me_of(account, &[], false));
    Ok(Json(Page { items: items.collect(), next }))
}

/// Where the next page begins, if this one was full.
pub(super) fn next(rows: usize, limit: u64, last: Option<i64>) -> Option<String> {
    last.filter(|_| rows as u64 == limit).map(|id| id.to_string())
}

/// An account as its owner and operators see it.
pub(super) fn me_of(account: Account, scopes: &[Scope], session: bool) -> Me {
    Me {
        id: account.public_id,
        name: account.name,
        role: account.role,
        scopes: scopes.iter().map(|scope| scope.name().to_owned()).collect(),
        fuel_quota: account.fuel_quota,
        fuel_used: account.fuel_used,
        email: account.email,
        email_confirmed: account.email_confirmed,
        totp: account.has_totp,
        has_password: account.has_password,
        session,
        suspended: account.suspended.map(|reason| Suspended { reason }),
    }
}
