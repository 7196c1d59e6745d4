//! Sessions of browsers: log in, log out, list, end; and the operator's one-time link.

use axum::Json;
use axum::extract::State;
use axum::http::header::{HeaderName, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode};
use fallow_protocol::api::{LinkToken, Me, NewSession, Page, SessionInfo};

use super::accounts::{PageQuery, me_of, next};
use super::extract::{ApiJson, ApiPath, ApiQuery, page_after, page_limit};
use super::{ApiError, ApiState};
use crate::app::now_ms;
use crate::audit;
use crate::auth::{AnyPerson, Auth, Person, Scope, Visitor, cookie};
use crate::people::login;
use crate::store::{accounts, sessions};

/// An answer that begins or ends a session.
pub type WithCookie<T> = ([(HeaderName, HeaderValue); 1], T);

/// Begin a session of an account, and say who it is.
pub(super) async fn enter(state: &ApiState, visitor: &Visitor, id: i64) -> Result<WithCookie<Json<Me>>, ApiError> {
    let account = accounts::by_id(state.app.store.reader(), id).await?;
    let account = account.ok_or_else(|| ApiError::not_found("such account"))?;
    let cookie = login::open_session(&state.app, id, visitor).await?;
    let scopes = Scope::of_role(account.role == "operator");
    Ok(([(SET_COOKIE, cookie)], Json(me_of(account, scopes, true))))
}

/// Log in; the answer sets the cookie.
#[utoipa::path(post, path = "/api/v1/session", tag = "people", request_body = NewSession,
    responses((status = 200, body = Me),
        (status = 401, description = "`wrong-credentials`, `second-factor`, `not-confirmed`"),
        (status = 403, description = "`suspended`, `csrf`"), (status = 429, description = "`rate-limited`")))]
pub async fn log_in(
    State(state): State<ApiState>,
    visitor: Visitor,
    ApiJson(new): ApiJson<NewSession>,
) -> Result<WithCookie<Json<Me>>, ApiError> {
    let person = login::log_in(&state, &visitor, new).await?;
    enter(&state, &visitor, person.account.id).await
}

/// Begin a session by the operator's one-time link.
#[utoipa::path(post, path = "/api/v1/session/link", tag = "people", request_body = LinkToken,
    responses((status = 200, body = Me), (status = 400, description = "`bad-link`")))]
pub async fn follow_link(
    State(state): State<ApiState>,
    visitor: Visitor,
    ApiJson(link): ApiJson<LinkToken>,
) -> Result<WithCookie<Json<Me>>, ApiError> {
    let account = login::follow_link(&state, &visitor, &link.token).await?;
    enter(&state, &visitor, account).await
}

/// Log out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "people", security(("cookie" = [])),
    responses((status = 204)))]
pub async fn log_out(
    State(state): State<ApiState>,
    caller: Auth<AnyPerson>,
) -> Result<WithCookie<StatusCode>, ApiError> {
    let (account, id) = (caller.account_id, caller.session);
    let work = state.app.store.write(move |db| Box::pin(async move { sessions::delete_one(db, account, id).await }));
    work.await?;
    audit::note(&state.app, &*caller, Some(account), "session.ended", "", "logged out").await;
    let cookie = cookie::clear(state.app.config.tls.encrypted());
    Ok(([(SET_COOKIE, cookie)], StatusCode::NO_CONTENT))
}

/// The account's sessions.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "people", security(("cookie" = [])), params(PageQuery),
    responses((status = 200, body = Page<SessionInfo>)))]
pub async fn list_sessions(
    State(state): State<ApiState>,
    caller: Auth<Person>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<SessionInfo>>, ApiError> {
    let (after, limit) = (page_after(query.cursor.as_deref())?, page_limit(query.limit)?);
    let (db, now) = (state.app.store.reader(), now_ms());
    let heard_after = now.saturating_sub(state.app.config.accounts.idle_ms());
    let rows = sessions::list(db, caller.account_id, after, limit, now, heard_after).await?;
    let next = next(rows.len(), limit, rows.last().map(|row| row.id));
    let items = rows.into_iter().map(|row| SessionInfo {
        current: caller.session == Some(row.id),
        id: row.public_id,
        created_at_ms: row.created_at_ms,
        seen_at_ms: row.seen_at_ms,
        address: row.address,
        agent: row.agent,
    });
    Ok(Json(Page { items: items.collect(), next }))
}

/// End one of the account's sessions.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "people", security(("cookie" = [])),
    params(("id" = String, Path, description = "The session, as `ses-…`")), responses((status = 204)))]
pub async fn end_session(
    State(state): State<ApiState>,
    caller: Auth<Person>,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    let (account, public_id) = (caller.account_id, id.clone());
    let work = state.app.store.write(move |db| {
        let public_id = public_id.clone();
        Box::pin(async move { sessions::delete(db, account, &public_id).await })
    });
    if !work.await? {
        return Err(ApiError::not_found("such session"));
    }
    audit::note(&state.app, &*caller, Some(account), "session.ended", &id, "").await;
    Ok(StatusCode::NO_CONTENT)
}

/// End all sessions of the account but the one that asks.
#[utoipa::path(delete, path = "/api/v1/sessions", tag = "people", security(("cookie" = [])),
    responses((status = 204)))]
pub async fn end_sessions(State(state): State<ApiState>, caller: Auth<Person>) -> Result<StatusCode, ApiError> {
    let (account, but) = (caller.account_id, caller.session);
    let work =
        state.app.store.write(move |db| Box::pin(async move { sessions::delete_others(db, account, but).await }));
    let ended = work.await?;
    audit::note(&state.app, &*caller, Some(account), "session.ended", "", &format!("{ended} others")).await;
    Ok(StatusCode::NO_CONTENT)
}
