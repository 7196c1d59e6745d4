//! Credits: the account's balance and statement, more budget for its jobs; grants, trial and disputes for operators.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use fallow_protocol::AccountId;
use fallow_protocol::api::{Credits, Dispute, Granted, JobInfo, Movement, NewBudget, NewGrant, Page, Trial};
use serde::Deserialize;

use super::accounts::PageQuery;
use super::extract::{ApiJson, ApiPath, ApiQuery, page_limit};
use super::jobs::{JobPath, idempotency_key};
use super::{ApiError, names};
use crate::app::App;
use crate::audit;
use crate::auth::{Admin, Auth, JobsRead, JobsWrite};
use crate::credits::{self, CreditsError, Wanted};
use crate::jobs;
use crate::store::{accounts, disputes};

/// Which part of a statement.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatementQuery {
    /// From this time on, milliseconds since 1970.
    pub from: Option<u64>,
    /// Before this time, milliseconds since 1970.
    pub to: Option<u64>,
    /// Where the page begins: `next` of the one before.
    pub cursor: Option<String>,
    /// Rows, 1 to 1,000; 100 where missing.
    pub limit: Option<u64>,
}

/// An account in a path.
#[derive(Debug, Deserialize)]
pub struct AccountPath {
    id: AccountId,
}

impl From<CreditsError> for ApiError {
    fn from(error: CreditsError) -> Self {
        let detail = error.to_string();
        match error {
            CreditsError::Off => ApiError::new(StatusCode::CONFLICT, "no-credits", detail)
                .help("its operator may set `credits = true` under [grid] in the server's settings"),
            CreditsError::NoAccount(account) => ApiError::not_found(format!("account {account}")),
            CreditsError::Amount(_) => ApiError::invalid("amount", detail),
            CreditsError::Cursor => ApiError::invalid("cursor", detail),
            CreditsError::IdempotencyConflict => ApiError::new(StatusCode::CONFLICT, "idempotency-conflict", detail),
            CreditsError::Store(source) => source.into(),
        }
    }
}

/// What moves credits is never done twice, so it needs a key.
fn required_key(headers: &HeaderMap) -> Result<&str, ApiError> {
    let missing = || {
        ApiError::invalid("idempotency-key", "the header Idempotency-Key is missing")
            .help("send a fresh one with each new request, and the same one when you repeat a request")
    };
    idempotency_key(headers)?.ok_or_else(missing)
}

/// What the account has. Scope `jobs:read`.
#[utoipa::path(get, path = "/api/v1/credits", tag = "credits", security(("bearer" = [])),
    responses((status = 200, body = Credits)))]
pub async fn balance(State(app): State<Arc<App>>, caller: Auth<JobsRead>) -> Result<Json<Credits>, ApiError> {
    Ok(Json(credits::balance(&app, caller.account_id).await?))
}

/// What moved on the account, newest first. Scope `jobs:read`.
#[utoipa::path(get, path = "/api/v1/credits/statement", tag = "credits", security(("bearer" = [])),
    params(StatementQuery), responses((status = 200, body = Page<Movement>)))]
pub async fn statement(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiQuery(query): ApiQuery<StatementQuery>,
) -> Result<Json<Page<Movement>>, ApiError> {
    let limit = page_limit(query.limit)?;
    let wanted = Wanted { from_ms: query.from, to_ms: query.to, cursor: query.cursor.as_deref(), limit };
    Ok(Json(credits::statement(&app, caller.account_id, wanted).await?))
}

/// Give an account new credits. Scope `admin`.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/grants", tag = "credits", security(("bearer" = [])),
    params(("id" = String, Path, description = "The account, as `acc-…`"),
        ("idempotency-key" = String, Header, description = "Makes a repeat harmless; 1 to 128 characters")),
    request_body = NewGrant,
    responses((status = 200, body = Granted),
        (status = 409, description = "`idempotency-conflict`, or `no-credits` where work costs nothing"),
        (status = 422, description = "`invalid`")))]
pub async fn grant(
    State(app): State<Arc<App>>,
    caller: Auth<Admin>,
    ApiPath(AccountPath { id }): ApiPath<AccountPath>,
    headers: HeaderMap,
    ApiJson(new): ApiJson<NewGrant>,
) -> Result<Json<Granted>, ApiError> {
    let key = required_key(&headers)?;
    new.note.as_deref().map(|note| names::check("note", note)).transpose()?;
    let granted = credits::grant(&app, caller.account_id, &id, new, key).await?;
    let subject = accounts::by_public_id(app.store.reader(), &id).await?.map(|account| account.id);
    let details = format!("{} micro-credits", granted.amount);
    audit::note(&app, &*caller, subject, "credits.granted", id.as_str(), &details).await;
    Ok(Json(granted))
}

/// Give a job more budget, out of the account's credits. Scope `jobs:write`.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/budget", tag = "credits", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`"),
        ("idempotency-key" = String, Header, description = "Makes a repeat harmless; 1 to 128 characters")),
    request_body = NewBudget,
    responses((status = 200, body = JobInfo), (status = 402, description = "`not-enough-credits`"),
        (status = 409, description = "`conflict` where the job has ended or costs nothing, `idempotency-conflict`"),
        (status = 422, description = "`invalid`")))]
pub async fn fund(
    State(app): State<Arc<App>>,
    caller: Auth<JobsWrite>,
    ApiPath(JobPath { id }): ApiPath<JobPath>,
    headers: HeaderMap,
    ApiJson(new): ApiJson<NewBudget>,
) -> Result<Json<JobInfo>, ApiError> {
    let key = required_key(&headers)?;
    Ok(Json(jobs::fund(&app, caller.account_id, &id, new.amount, key).await?))
}

/// The grid's own accounts, and the last check of the whole ledger. Scope `admin`.
#[utoipa::path(get, path = "/api/v1/ledger/trial", tag = "credits", security(("bearer" = [])),
    responses((status = 200, body = Trial)))]
pub async fn trial(State(app): State<Arc<App>>, _caller: Auth<Admin>) -> Result<Json<Trial>, ApiError> {
    Ok(Json(credits::trial(&app).await?))
}

/// Units of which nodes said different things, newest first, with the evidence. Scope `admin`.
#[utoipa::path(get, path = "/api/v1/disputes", tag = "credits", security(("bearer" = [])), params(PageQuery),
    responses((status = 200, body = Page<Dispute>)))]
pub async fn list_disputes(
    State(app): State<Arc<App>>,
    _caller: Auth<Admin>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<Dispute>>, ApiError> {
    let limit = page_limit(query.limit)?;
    let before = query.cursor.as_deref().map(super::extract::page_number).transpose()?;
    let items = disputes::page(app.store.reader(), before, limit).await?;
    let full = items.len() as u64 == limit;
    let next = items.last().filter(|_| full).map(|dispute| dispute.id.to_string());
    Ok(Json(Page { items, next }))
}
