//! Jobs of an account: thin handlers over `crate::jobs`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use fallow_protocol::JobId;
use fallow_protocol::api::{Explanation, JobInfo, JobPhase, Page, UnitInfo, UnitLog, UnitState};
use fallow_protocol::job::{Assemble, JobSubmission};
use serde::Deserialize;

use super::extract::{ApiJson, ApiPath, ApiQuery, page_limit};
use super::{ApiError, download};
use crate::app::App;
use crate::auth::{Auth, JobsRead, JobsWrite};
use crate::jobs::{self, LogsFilter, UnitsFilter, WAIT_MAX};
use crate::store::jobs::Which;

/// Longest idempotency key.
const KEY_BYTES_MAX: usize = 128;

/// A job in a path.
#[derive(Debug, Deserialize)]
pub struct JobPath {
    /// The job.
    pub(super) id: JobId,
}

/// Which jobs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobsQuery {
    /// Only those of this project.
    pub project: Option<String>,
    /// Only those in this phase.
    pub phase: Option<JobPhase>,
    /// Where the page begins: `next` of the one before.
    pub cursor: Option<String>,
    /// Rows, 1 to 1,000; 100 where missing.
    pub limit: Option<u64>,
}

/// How long to wait for a change.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobQuery {
    /// Answer once the job's version is higher than this, or the time is up.
    pub after: Option<u64>,
    /// Milliseconds to wait, at most 30,000.
    pub wait_ms: Option<u64>,
}

/// Which units.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UnitsQuery {
    /// Only those in this state.
    pub state: Option<UnitState>,
    /// Only those of this stage: 0 split, 1 work, 2 and on merge.
    pub stage: Option<u16>,
    /// Where the page begins: `next` of the one before.
    pub cursor: Option<String>,
    /// Rows, 1 to 1,000; 100 where missing.
    pub limit: Option<u64>,
}

/// Which logs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogsQuery {
    /// Only those of attempts that failed.
    #[serde(default)]
    pub failed: bool,
    /// Only those of this unit of the work.
    pub seq: Option<u64>,
    /// Where the page begins: `next` of the one before.
    pub cursor: Option<String>,
    /// Rows, 1 to 1,000; 100 where missing.
    pub limit: Option<u64>,
}

/// How long to wait for the result.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ResultQuery {
    /// Milliseconds to wait, at most 30,000.
    pub wait_ms: Option<u64>,
}

fn wait(wait_ms: Option<u64>) -> Result<Duration, ApiError> {
    let wait = Duration::from_millis(wait_ms.unwrap_or(0));
    if wait > WAIT_MAX {
        let detail = format!("a request waits at most {} ms", WAIT_MAX.as_millis());
        return Err(ApiError::invalid("wait_ms", detail));
    }
    Ok(wait)
}

/// The idempotency key: visible ASCII, not long.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| !text.is_empty() && text.len() <= KEY_BYTES_MAX);
    let wrong = || ApiError::invalid("idempotency-key", format!("1 to {KEY_BYTES_MAX} visible ASCII characters"));
    text.map(Some).ok_or_else(wrong)
}

/// Submit a job: 201, or 200 where the same key brought the same submission before.
#[utoipa::path(post, path = "/api/v1/jobs", tag = "jobs", security(("bearer" = [])),
    params(("idempotency-key" = Option<String>, Header, description = "Makes a repeat harmless; 1 to 128 characters")),
    request_body = JobSubmission,
    responses((status = 201, body = JobInfo), (status = 200, description = "Seen before", body = JobInfo),
        (status = 403, description = "`quota-exhausted`"), (status = 409, description = "`idempotency-conflict`"),
        (status = 422, description = "`invalid`")))]
pub async fn submit_job(
    State(app): State<Arc<App>>,
    caller: Auth<JobsWrite>,
    headers: HeaderMap,
    ApiJson(submission): ApiJson<JobSubmission>,
) -> Result<(StatusCode, Json<JobInfo>), ApiError> {
    let key = idempotency_key(&headers)?;
    let (info, created) = jobs::submit(&app, caller.account_id, submission, key).await?;
    Ok((if created { StatusCode::CREATED } else { StatusCode::OK }, Json(info)))
}

/// The account's jobs, newest first.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", security(("bearer" = [])), params(JobsQuery),
    responses((status = 200, body = Page<JobInfo>)))]
pub async fn list_jobs(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiQuery(query): ApiQuery<JobsQuery>,
) -> Result<Json<Page<JobInfo>>, ApiError> {
    let limit = page_limit(query.limit)?;
    let which = Which { project: query.project, phase: query.phase };
    Ok(Json(jobs::list(&app, caller.account_id, &which, query.cursor.as_deref(), limit).await?))
}

/// One job; with `after` and `wait_ms` it answers when something has changed.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`"), JobQuery),
    responses((status = 200, body = JobInfo)))]
pub async fn job(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiPath(JobPath { id }): ApiPath<JobPath>,
    ApiQuery(query): ApiQuery<JobQuery>,
) -> Result<Json<JobInfo>, ApiError> {
    let wait = wait(query.wait_ms)?;
    Ok(Json(jobs::info(&app, caller.account_id, &id, query.after, wait).await?))
}

/// Units of a job in order.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/units", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`"), UnitsQuery),
    responses((status = 200, body = Page<UnitInfo>)))]
pub async fn job_units(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiPath(JobPath { id }): ApiPath<JobPath>,
    ApiQuery(query): ApiQuery<UnitsQuery>,
) -> Result<Json<Page<UnitInfo>>, ApiError> {
    let filter = UnitsFilter { state: query.state, stage: query.stage };
    let limit = page_limit(query.limit)?;
    let page = jobs::units(&app, caller.account_id, &id, filter, query.cursor.as_deref(), limit).await?;
    Ok(Json(page))
}

/// Logs and messages of a job's units.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/logs", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`"), LogsQuery),
    responses((status = 200, body = Page<UnitLog>)))]
pub async fn job_logs(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiPath(JobPath { id }): ApiPath<JobPath>,
    ApiQuery(query): ApiQuery<LogsQuery>,
) -> Result<Json<Page<UnitLog>>, ApiError> {
    let filter = LogsFilter { failed: query.failed, seq: query.seq };
    let limit = page_limit(query.limit)?;
    let page = jobs::logs(&app, caller.account_id, &id, filter, query.cursor.as_deref(), limit).await?;
    Ok(Json(page))
}

/// Why a job's units wait.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/explain", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`")),
    responses((status = 200, body = Explanation)))]
pub async fn explain_job(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiPath(JobPath { id }): ApiPath<JobPath>,
) -> Result<Json<Explanation>, ApiError> {
    Ok(Json(jobs::explain(&app, caller.account_id, &id).await?))
}

/// The result's bytes; ranges are supported.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/result", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`"), ResultQuery,
        ("range" = Option<String>, Header, description = "As `bytes=0-1023`")),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 409, description = "`no-result-yet`"), (status = 410, description = "`no-result`")))]
pub async fn job_result(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiPath(JobPath { id }): ApiPath<JobPath>,
    ApiQuery(query): ApiQuery<ResultQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wait = wait(query.wait_ms)?;
    let result = jobs::result(&app, caller.account_id, &id, wait).await?;
    let ending = if result.assemble == Assemble::Archive { ".tar" } else { "" };
    let name = format!("{}-{id}{ending}", result.name);
    download::blob(&app, &result.digest, result.len, &headers, &name).await
}

/// Stop a job. One that has ended stays as it is.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/cancel", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`")),
    responses((status = 200, body = JobInfo)))]
pub async fn cancel_job(
    State(app): State<Arc<App>>,
    caller: Auth<JobsWrite>,
    ApiPath(JobPath { id }): ApiPath<JobPath>,
) -> Result<Json<JobInfo>, ApiError> {
    Ok(Json(jobs::cancel(&app, caller.account_id, &id).await?))
}

/// Give finally failed and left-out units fresh attempts; a failed job goes back to work.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retry", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`")),
    responses((status = 200, body = JobInfo), (status = 409, description = "`conflict`")))]
pub async fn retry_job(
    State(app): State<Arc<App>>,
    caller: Auth<JobsWrite>,
    ApiPath(JobPath { id }): ApiPath<JobPath>,
) -> Result<Json<JobInfo>, ApiError> {
    Ok(Json(jobs::retry(&app, caller.account_id, &id).await?))
}
