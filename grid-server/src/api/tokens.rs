//! API tokens of the caller's account. The secret is told once, at the making.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use fallow_protocol::api::{NewToken, Page, TokenInfo};

use super::accounts::{PageQuery, next};
use super::extract::{ApiJson, ApiPath, ApiQuery, page_after, page_limit};
use super::{ApiError, names};
use crate::app::{App, now_ms};
use crate::audit::note;
use crate::auth::{AnyScope, Auth, Caller, Scope, issue};
use crate::store::tokens;

const DAY_MS: u64 = 86_400_000;
const DAYS_MAX: u32 = 3_650;

fn info(token: tokens::Token, secret: Option<String>) -> TokenInfo {
    TokenInfo {
        id: token.public_id,
        name: token.name,
        scopes: token.scopes.split(' ').map(str::to_owned).collect(),
        expires_at_ms: token.expires_at_ms,
        token: secret,
    }
}

/// Wished scopes: known, at least one, and no more than the caller has.
fn wished(caller: &Caller, names: &[String]) -> Result<Vec<Scope>, ApiError> {
    let known = Scope::ALL.map(Scope::name).join(", ");
    let scopes = Scope::ALL.into_iter().filter(|scope| names.iter().any(|name| name == scope.name()));
    let scopes: Vec<Scope> = scopes.collect();
    if let Some(unknown) = names.iter().find(|name| Scope::parse(name).is_none()) {
        return Err(ApiError::invalid("scopes", format!("there is no scope {unknown:.40?}; there are {known}")));
    }
    if scopes.is_empty() {
        return Err(ApiError::invalid("scopes", format!("name at least one of {known}")));
    }
    match scopes.iter().find(|scope| !caller.scopes.contains(scope)) {
        Some(scope) => {
            let detail = format!("this token cannot give the scope {}, which it has not", scope.name());
            Err(ApiError::new(StatusCode::FORBIDDEN, "missing-scope", detail).field("scopes"))
        }
        None => Ok(scopes),
    }
}

/// A token that may not do everything must not make itself live longer.
fn check_days(caller: &Caller, days: u32) -> Result<(), ApiError> {
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(ApiError::invalid("days", format!("a token lives 1 to {DAYS_MAX} days, not {days}")));
    }
    let full = Scope::USER.iter().all(|scope| caller.scopes.contains(scope));
    if !full && now_ms() + u64::from(days) * DAY_MS > caller.expires_at_ms {
        let detail = "a token with some scopes only cannot make one that outlives it";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "outlives-maker", detail).field("days"));
    }
    Ok(())
}

/// Make a token with no more scopes than the one in use.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "accounts", security(("bearer" = [])),
    request_body = NewToken, responses((status = 201, body = TokenInfo)))]
pub async fn create_token(
    State(app): State<Arc<App>>,
    caller: Auth<AnyScope>,
    ApiJson(new): ApiJson<NewToken>,
) -> Result<(StatusCode, Json<TokenInfo>), ApiError> {
    names::check("name", &new.name)?;
    let scopes = wished(&caller, &new.scopes)?;
    check_days(&caller, new.days)?;
    let (row, secret) = issue(&app.store, caller.account_id, &new.name, &scopes, new.days).await?;
    tracing::info!(account = %caller.account, token = row.public_id, "token made");
    note(&app, &*caller, Some(caller.account_id), "token.created", &row.public_id, &Scope::join(&scopes)).await;
    let answer = TokenInfo {
        id: row.public_id,
        name: row.name,
        scopes: scopes.iter().map(|scope| scope.name().to_owned()).collect(),
        expires_at_ms: row.expires_at_ms,
        token: Some(secret),
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The account's tokens, without their secrets.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "accounts", security(("bearer" = [])), params(PageQuery),
    responses((status = 200, body = Page<TokenInfo>)))]
pub async fn list_tokens(
    State(app): State<Arc<App>>,
    caller: Auth<AnyScope>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<TokenInfo>>, ApiError> {
    let (after, limit) = (page_after(query.cursor.as_deref())?, page_limit(query.limit)?);
    let rows = tokens::list(app.store.reader(), caller.account_id, after, limit).await?;
    let next = next(rows.len(), limit, rows.last().map(|row| row.id));
    Ok(Json(Page { items: rows.into_iter().map(|row| info(row, None)).collect(), next }))
}

/// End a token at once. It must not have scopes that the one in use lacks.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "accounts", security(("bearer" = [])),
    params(("id" = String, Path, description = "The token's id, as `tok-…`")), responses((status = 204)))]
pub async fn delete_token(
    State(app): State<Arc<App>>,
    caller: Auth<AnyScope>,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    let none = || ApiError::not_found("such token");
    let token = tokens::by_public_id(app.store.reader(), caller.account_id, &id).await?.ok_or_else(none)?;
    // Whoever is logged in ends any of his tokens, also one from the time when he was an operator.
    let lacks = |scope: &&Scope| caller.session.is_none() && !caller.scopes.contains(scope);
    if let Some(scope) = Scope::split(&token.scopes).iter().find(lacks) {
        let detail = format!("that token has the scope {}, which this one lacks", scope.name());
        return Err(ApiError::new(StatusCode::FORBIDDEN, "missing-scope", detail));
    }
    let (account_id, public_id) = (caller.account_id, token.public_id);
    let deleted = app
        .store
        .write(move |transaction| {
            let public_id = public_id.clone();
            Box::pin(async move { tokens::delete(transaction, account_id, &public_id).await })
        })
        .await?;
    if !deleted {
        return Err(none());
    }
    note(&app, &*caller, Some(account_id), "token.removed", &id, "").await;
    Ok(StatusCode::NO_CONTENT)
}
