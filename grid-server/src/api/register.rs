//! Everything that goes through a mail: registering, confirming, forgotten passwords.

use axum::Json;
use axum::extract::State;
use axum::http::header::HeaderName;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use fallow_protocol::api::{Forgotten, LinkToken, Me, NewPerson, PasswordReset};

use super::accounts::me_of;
use super::extract::ApiJson;
use super::session::enter;
use super::{ApiError, ApiState};
use crate::auth::Visitor;
use crate::people::register::{self, Confirmed};
use crate::store::accounts;

/// Register: a link goes to the address, and the account is made when it is followed. The answer is the same whether
/// the address is known or not.
#[utoipa::path(post, path = "/api/v1/register", tag = "people", request_body = NewPerson,
    responses((status = 202), (status = 403, description = "`registration-closed`"),
        (status = 409, description = "`name-taken`")))]
pub async fn register(
    State(state): State<ApiState>,
    visitor: Visitor,
    ApiJson(new): ApiJson<NewPerson>,
) -> Result<StatusCode, ApiError> {
    register::register(&state, &visitor, new).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Follow the link of a registration, which begins a session, or of another address, which does not.
#[utoipa::path(post, path = "/api/v1/confirm", tag = "people", request_body = LinkToken,
    responses((status = 200, body = Me), (status = 400, description = "`bad-link`"),
        (status = 409, description = "`name-taken`")))]
pub async fn confirm(
    State(state): State<ApiState>,
    visitor: Visitor,
    ApiJson(link): ApiJson<LinkToken>,
) -> Result<Response, ApiError> {
    match register::confirm(&state, &visitor, &link.token).await? {
        Confirmed::Account(id) => Ok(enter(&state, &visitor, id).await?.into_response()),
        // Whoever reads that mailbox need not know the password or have the second factor.
        Confirmed::Email(id) => {
            let account = accounts::by_id(state.app.store.reader(), id).await?;
            let account = account.ok_or_else(|| ApiError::not_found("such account"))?;
            let none: [(HeaderName, HeaderValue); 0] = [];
            Ok((none, Json(me_of(account, &[], false))).into_response())
        }
    }
}

/// Ask for a link for a new password. The answer is the same whether the address is known or not.
#[utoipa::path(post, path = "/api/v1/password/forgot", tag = "people", request_body = Forgotten,
    responses((status = 202)))]
pub async fn forgot(
    State(state): State<ApiState>,
    visitor: Visitor,
    ApiJson(forgotten): ApiJson<Forgotten>,
) -> Result<StatusCode, ApiError> {
    let (_, email_key) = register::address(&forgotten.email)?;
    state.rates.login(visitor.address)?;
    if state.rates.mail(&email_key).is_ok() {
        let app = state.app.clone();
        // Nobody waits for it, so that the time tells nothing either.
        tokio::spawn(async move {
            if register::forgotten(&app, &forgotten.email).await.is_err() {
                tracing::warn!("failed to send a link for a new password");
            }
        });
    }
    Ok(StatusCode::ACCEPTED)
}

/// Choose a new password by the link of a mail; all sessions end.
#[utoipa::path(post, path = "/api/v1/password/reset", tag = "people", request_body = PasswordReset,
    responses((status = 204), (status = 400, description = "`bad-link`")))]
pub async fn reset(
    State(state): State<ApiState>,
    visitor: Visitor,
    ApiJson(new): ApiJson<PasswordReset>,
) -> Result<StatusCode, ApiError> {
    register::reset(&state, &visitor, new).await?;
    Ok(StatusCode::NO_CONTENT)
}
