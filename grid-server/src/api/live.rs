//! Jobs while they work: map, events, errors, nodes, timeline, units. Thin handlers over `crate::jobs` and
//! `crate::live`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fallow_protocol::JobId;
use fallow_protocol::api::{ErrorGroups, JobNodes, MapChange, Timeline, UnitDetail};
use fallow_protocol::unit::{Output, STAGE_RUN, UnitKey};
use serde::Deserialize;

use super::extract::{ApiPath, ApiQuery, ClientNetwork};
use super::jobs::JobPath;
use super::{ApiError, download};
use crate::app::{App, now_ms};
use crate::auth::{Auth, Caller, JobsRead};
use crate::jobs;
use crate::live::{LiveError, sse};

const EVENT_STREAM: &str = "text/event-stream";

/// A unit in a path.
#[derive(Debug, Deserialize)]
pub struct UnitPath {
    id: JobId,
    stage: u16,
    seq: u64,
}

impl UnitPath {
    fn key(&self) -> UnitKey {
        // No job has so many units; databases have signed numbers only.
        UnitKey { stage: self.stage, seq: self.seq.min(i64::MAX as u64 - 1) }
    }
}

/// Which stage.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StageQuery {
    /// Stage: 0 split, 1 work (where missing), 2 and on merge.
    pub stage: Option<u16>,
}

/// Which events.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// Stage: 0 split, 1 work (where missing), 2 and on merge.
    pub stage: Option<u16>,
    /// Version of the map that the reader has: only what came after it is told. `Last-Event-ID` wins.
    pub after: Option<u64>,
}

impl From<LiveError> for ApiError {
    fn from(error: LiveError) -> Self {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", error.to_string()).header(header::RETRY_AFTER, "2")
    }
}

/// States of all units of a stage: `version: u64 LE, total: u64 LE`, then runs to the end, each a LEB128 number of
/// `len << 3 | state` (0 waiting, 1 running, 2 checking, 3 done, 4 again, 5 failed, 6 left out).
#[utoipa::path(get, path = "/api/v1/jobs/{id}/map", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`"), StageQuery),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 503, description = "`busy`")))]
pub async fn job_map(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiPath(JobPath { id }): ApiPath<JobPath>,
    ApiQuery(query): ApiQuery<StageQuery>,
) -> Result<Response, ApiError> {
    let job = jobs::watched(&app, caller.account_id, &id).await?;
    let bytes = app.live.map(&app, job, query.stage.unwrap_or(STAGE_RUN)).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

/// A job's changes as they happen (server-sent events): `job` (a `JobInfo` without its submission), `map` (a
/// `MapChange`, whose version is the event's id), `reset` (fetch the map again). A stream ends after some minutes; come
/// again with `Last-Event-ID`.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/events", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`"), EventsQuery,
        ("last-event-id" = Option<String>, Header, description = "Version of the map that the reader has")),
    responses((status = 200, body = MapChange, content_type = "text/event-stream"),
        (status = 429, description = "`too-many-streams`"), (status = 503, description = "`busy`")))]
pub async fn job_events(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ClientNetwork(network): ClientNetwork,
    ApiPath(JobPath { id }): ApiPath<JobPath>,
    ApiQuery(query): ApiQuery<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let job = jobs::watched(&app, caller.account_id, &id).await?;
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let watch = app.live.watch(&app, job, query.stage.unwrap_or(STAGE_RUN), last.or(query.after))?;
    events(&app, &caller, network, watch)
}

/// What happens to the account (server-sent events): `job` (a row of its list of jobs that changed), `node` (a
/// `NodeInfo` that changed), `credits` (its `Credits`), `reset` (fetch the lists again). Scope `jobs:read`.
#[utoipa::path(get, path = "/api/v1/events", tag = "jobs", security(("bearer" = [])),
    responses((status = 200, body = String, content_type = "text/event-stream"),
        (status = 429, description = "`too-many-streams`"), (status = 503, description = "`busy`")))]
pub async fn account_events(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ClientNetwork(network): ClientNetwork,
) -> Result<Response, ApiError> {
    let follow = app.live.feed(&app, caller.account_id)?;
    events(&app, &caller, network, follow)
}

fn events<S: sse::Source + 'static>(
    app: &App,
    caller: &Caller,
    network: IpAddr,
    source: S,
) -> Result<Response, ApiError> {
    let open = app.live.streams.open(caller.account_id, network, app.config.limits.streams_max);
    let open = open.map_err(|_| {
        let detail = "this account or address has too many open streams; close some pages";
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too-many-streams", detail).header(header::RETRY_AFTER, "5")
    })?;
    let left = Duration::from_millis(caller.expires_at_ms.saturating_sub(now_ms()));
    let body = Body::from_stream(sse::stream(source, app.wakes.stop.clone(), left, open));
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    // Proxies must pass events on as they come.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// What went wrong with a job's units, grouped by message.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/errors", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`")),
    responses((status = 200, body = ErrorGroups)))]
pub async fn job_errors(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiPath(JobPath { id }): ApiPath<JobPath>,
) -> Result<Json<ErrorGroups>, ApiError> {
    Ok(Json(jobs::errors(&app, caller.account_id, &id).await?))
}

/// The nodes that work for a job now; strangers' under pseudonyms.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/nodes", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`")),
    responses((status = 200, body = JobNodes)))]
pub async fn job_nodes(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiPath(JobPath { id }): ApiPath<JobPath>,
) -> Result<Json<JobNodes>, ApiError> {
    Ok(Json(jobs::at_work(&app, caller.account_id, &id).await?))
}

/// When a job's units ended, in at most 240 buckets.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/timeline", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`")),
    responses((status = 200, body = Timeline)))]
pub async fn job_timeline(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiPath(JobPath { id }): ApiPath<JobPath>,
) -> Result<Json<Timeline>, ApiError> {
    Ok(Json(jobs::timeline(&app, caller.account_id, &id).await?))
}

/// One unit: its attempts, what was made of them, its log.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/units/{stage}/{seq}", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`"),
        ("stage" = u16, Path, description = "0 split, 1 work, 2 and on merge"),
        ("seq" = u64, Path, description = "Number within the stage")),
    responses((status = 200, body = UnitDetail)))]
pub async fn job_unit(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiPath(path): ApiPath<UnitPath>,
) -> Result<Json<UnitDetail>, ApiError> {
    Ok(Json(jobs::unit(&app, caller.account_id, &path.id, path.key()).await?))
}

/// A unit's output; ranges are supported where it is longer than a kibibyte.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/units/{stage}/{seq}/output", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`"),
        ("stage" = u16, Path, description = "0 split, 1 work, 2 and on merge"),
        ("seq" = u64, Path, description = "Number within the stage"),
        ("range" = Option<String>, Header, description = "As `bytes=0-1023`")),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 409, description = "`no-output`")))]
pub async fn unit_output(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiPath(path): ApiPath<UnitPath>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let name = format!("{}-{}-{}", path.id, path.stage, path.seq);
    match jobs::output(&app, caller.account_id, &path.id, path.key()).await? {
        Output::Blob { digest, len } => download::blob(&app, &digest, len, &headers, &name).await,
        Output::Inline(bytes) => Ok(download::bytes(bytes, &name)),
    }
}
