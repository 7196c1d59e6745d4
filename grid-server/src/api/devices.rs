//! A lender's devices: one in detail, its past, what its owner chooses from here; reports of programs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use fallow_protocol::api::{
    Availability, EarningsDay, EarningsReport, Interval, Items, NOT_AUTHORS_MAX, NOT_MODULES_MAX, NewReport,
    NodeDetail, PAUSE_S_MAX, PauseNode, REPORT_BYTES_MAX, RenameNode, Takes,
};
use fallow_protocol::link::RemotePause;
use fallow_protocol::preferences::{FIELDS, Preferences};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::extract::{ApiJson, ApiPath, ApiQuery};
use super::nodes::NodePath;
use super::{ApiError, names};
use crate::app::{App, now_ms};
use crate::auth::{AnyScope, Auth, NodeSession, NodesWrite};
use crate::devices::{self, DeviceError};
use crate::store::devices::{self as rows, Report};
use crate::store::nodes;

const DAY_MS: u64 = 24 * 3_600_000;
/// Time of intervals where nothing is said.
const INTERVALS_DEFAULT_MS: u64 = 7 * DAY_MS;
/// Longest time of intervals in one answer.
const INTERVALS_MAX_MS: u64 = 93 * DAY_MS;
const DAYS_DEFAULT: u64 = 14;
const DAYS_MAX: u64 = 400;
/// Furthest that clocks anywhere are from UTC, minutes.
const OFFSET_MAX: i32 = 16 * 60;
/// Reports of one account a day.
const REPORTS_A_DAY: u64 = 50;

impl From<DeviceError> for ApiError {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::NotFound(id) => ApiError::not_found(format!("node {id}")),
            DeviceError::NoAccount(_) => ApiError::invalid("not_authors", error.to_string()),
            DeviceError::Store(source) => source.into(),
        }
    }
}

/// Where the days begin.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OffsetQuery {
    /// Minutes by which the owner's clocks are ahead of UTC; 0 where missing.
    pub utc_offset_min: Option<i32>,
}

/// Which time.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IntervalsQuery {
    /// From this time on, milliseconds since 1970; a week ago where missing.
    pub from_ms: Option<u64>,
    /// Before this time; now where missing.
    pub to_ms: Option<u64>,
}

/// Which days.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DaysQuery {
    /// Days, 1 to 400, today included; 14 where missing.
    pub days: Option<u64>,
    /// Minutes by which the owner's clocks are ahead of UTC; 0 where missing.
    pub utc_offset_min: Option<i32>,
}

fn offset(minutes: Option<i32>) -> Result<i32, ApiError> {
    match minutes.unwrap_or(0) {
        minutes if minutes.abs() <= OFFSET_MAX => Ok(minutes),
        other => {
            Err(ApiError::invalid("utc_offset_min", format!("clocks are within {OFFSET_MAX} min of UTC, not {other}")))
        }
    }
}

fn days(query: &DaysQuery) -> Result<(u64, i32), ApiError> {
    let days = query.days.unwrap_or(DAYS_DEFAULT);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(ApiError::invalid("days", format!("1 to {DAYS_MAX} days, not {days}")));
    }
    Ok((days, offset(query.utc_offset_min)?))
}

/// One device in detail.
#[utoipa::path(get, path = "/api/v1/nodes/{id}", tag = "nodes", security(("bearer" = [])),
    params(("id" = String, Path, description = "The node, as `node-…`"), OffsetQuery),
    responses((status = 200, body = NodeDetail)))]
pub async fn node(
    State(app): State<Arc<App>>,
    caller: Auth<AnyScope>,
    ApiPath(NodePath { id }): ApiPath<NodePath>,
    ApiQuery(query): ApiQuery<OffsetQuery>,
) -> Result<Json<NodeDetail>, ApiError> {
    let offset = offset(query.utc_offset_min)?;
    let row = devices::own(&app, caller.account_id, &id).await?;
    Ok(Json(devices::detail(&app, row, offset).await?))
}

/// What it did: all of a time in intervals, the newest 5,000. At most 93 days.
#[utoipa::path(get, path = "/api/v1/nodes/{id}/intervals", tag = "nodes", security(("bearer" = [])),
    params(("id" = String, Path, description = "The node, as `node-…`"), IntervalsQuery),
    responses((status = 200, body = Items<Interval>)))]
pub async fn node_intervals(
    State(app): State<Arc<App>>,
    caller: Auth<AnyScope>,
    ApiPath(NodePath { id }): ApiPath<NodePath>,
    ApiQuery(query): ApiQuery<IntervalsQuery>,
) -> Result<Json<Items<Interval>>, ApiError> {
    let to_ms = query.to_ms.unwrap_or_else(now_ms).min(now_ms());
    let from_ms = query.from_ms.unwrap_or_else(|| to_ms.saturating_sub(INTERVALS_DEFAULT_MS));
    if from_ms > to_ms || to_ms - from_ms > INTERVALS_MAX_MS {
        return Err(ApiError::invalid("from_ms", "must be before `to_ms`, and at most 93 days before it"));
    }
    let row = devices::own(&app, caller.account_id, &id).await?;
    Ok(Json(Items { items: devices::intervals(&app, &row, from_ms, to_ms).await? }))
}

/// When it was there and when it worked, by hour of the week.
#[utoipa::path(get, path = "/api/v1/nodes/{id}/availability", tag = "nodes", security(("bearer" = [])),
    params(("id" = String, Path, description = "The node, as `node-…`"), OffsetQuery),
    responses((status = 200, body = Availability)))]
pub async fn node_availability(
    State(app): State<Arc<App>>,
    caller: Auth<AnyScope>,
    ApiPath(NodePath { id }): ApiPath<NodePath>,
    ApiQuery(query): ApiQuery<OffsetQuery>,
) -> Result<Json<Availability>, ApiError> {
    let offset = offset(query.utc_offset_min)?;
    let row = devices::own(&app, caller.account_id, &id).await?;
    Ok(Json(devices::availability(&app, &row, offset).await?))
}

/// What it earned, by day.
#[utoipa::path(get, path = "/api/v1/nodes/{id}/earnings", tag = "nodes", security(("bearer" = [])),
    params(("id" = String, Path, description = "The node, as `node-…`"), DaysQuery),
    responses((status = 200, body = Items<EarningsDay>)))]
pub async fn node_earnings(
    State(app): State<Arc<App>>,
    caller: Auth<AnyScope>,
    ApiPath(NodePath { id }): ApiPath<NodePath>,
    ApiQuery(query): ApiQuery<DaysQuery>,
) -> Result<Json<Items<EarningsDay>>, ApiError> {
    let (days, offset) = days(&query)?;
    let row = devices::own(&app, caller.account_id, &id).await?;
    Ok(Json(Items { items: devices::earnings(&app, &row, days, offset).await? }))
}

/// What this node earned, for its owner at the computer.
#[utoipa::path(get, path = "/api/v1/node/earnings", tag = "nodes", security(("session" = [])), params(DaysQuery),
    responses((status = 200, body = EarningsReport)))]
pub async fn own_earnings(
    State(app): State<Arc<App>>,
    NodeSession(session): NodeSession,
    ApiQuery(query): ApiQuery<DaysQuery>,
) -> Result<Json<EarningsReport>, ApiError> {
    let (days, offset) = days(&query)?;
    let row = nodes::by_id(app.store.reader(), session.node()).await?;
    let row = row.ok_or_else(|| ApiError::not_found("this node"))?;
    let sums = devices::totals(&app, &row, offset).await?;
    let days = devices::earnings(&app, &row, days, offset).await?;
    Ok(Json(EarningsReport { credits: app.config.grid.takes_credits(), sums, days }))
}

/// Give it another name. Scope `nodes:write`.
#[utoipa::path(patch, path = "/api/v1/nodes/{id}", tag = "nodes", security(("bearer" = [])),
    params(("id" = String, Path, description = "The node, as `node-…`")), request_body = RenameNode,
    responses((status = 200, body = NodeDetail)))]
pub async fn rename_node(
    State(app): State<Arc<App>>,
    caller: Auth<NodesWrite>,
    ApiPath(NodePath { id }): ApiPath<NodePath>,
    ApiJson(new): ApiJson<RenameNode>,
) -> Result<Json<NodeDetail>, ApiError> {
    names::check("name", &new.name)?;
    let row = devices::change(&app, caller.account_id, &id, move |row, _| row.name.clone_from(&new.name)).await?;
    Ok(Json(devices::detail(&app, row, 0).await?))
}

/// Pause it from here; its owner's word at the computer wins. Scope `nodes:write`.
#[utoipa::path(post, path = "/api/v1/nodes/{id}/pause", tag = "nodes", security(("bearer" = [])),
    params(("id" = String, Path, description = "The node, as `node-…`")), request_body = PauseNode,
    responses((status = 200, body = NodeDetail)))]
pub async fn pause_node(
    State(app): State<Arc<App>>,
    caller: Auth<NodesWrite>,
    ApiPath(NodePath { id }): ApiPath<NodePath>,
    ApiJson(new): ApiJson<PauseNode>,
) -> Result<Json<NodeDetail>, ApiError> {
    if new.for_s.is_some_and(|for_s| !(1..=PAUSE_S_MAX).contains(&for_s)) {
        return Err(ApiError::invalid("for_s", format!("a pause lasts 1 to {PAUSE_S_MAX} seconds")));
    }
    let since_ms = now_ms();
    let until_ms = new.for_s.map(|for_s| since_ms + for_s * 1_000);
    let pause = RemotePause { since_ms, until_ms, finish: new.finish };
    let row = devices::change(&app, caller.account_id, &id, move |_, settings| settings.pause = Some(pause)).await?;
    Ok(Json(devices::detail(&app, row, 0).await?))
}

/// End a pause that was asked for from here. Scope `nodes:write`.
#[utoipa::path(post, path = "/api/v1/nodes/{id}/resume", tag = "nodes", security(("bearer" = [])),
    params(("id" = String, Path, description = "The node, as `node-…`")), responses((status = 200, body = NodeDetail)))]
pub async fn resume_node(
    State(app): State<Arc<App>>,
    caller: Auth<NodesWrite>,
    ApiPath(NodePath { id }): ApiPath<NodePath>,
) -> Result<Json<NodeDetail>, ApiError> {
    let row = devices::change(&app, caller.account_id, &id, |_, settings| settings.pause = None).await?;
    Ok(Json(devices::detail(&app, row, 0).await?))
}

/// Choose its preferences from here; what was chosen at the computer wins, field by field. Scope `nodes:write`.
#[utoipa::path(put, path = "/api/v1/nodes/{id}/preferences", tag = "nodes", security(("bearer" = [])),
    params(("id" = String, Path, description = "The node, as `node-…`")), request_body = Preferences,
    responses((status = 200, body = NodeDetail)))]
pub async fn put_preferences(
    State(app): State<Arc<App>>,
    caller: Auth<NodesWrite>,
    ApiPath(NodePath { id }): ApiPath<NodePath>,
    ApiJson(fields): ApiJson<Map<String, Value>>,
) -> Result<Json<NodeDetail>, ApiError> {
    let preferences = read_preferences(fields)?;
    let change = move |_: &mut nodes::NodeRow, settings: &mut rows::Settings| {
        settings.preferences = Some(preferences.clone()).filter(|chosen| *chosen != Preferences::default());
    };
    let row = devices::change(&app, caller.account_id, &id, change).await?;
    Ok(Json(devices::detail(&app, row, 0).await?))
}

/// Nodes ignore what they do not know, so that a newer grid may say more; a form that is sent here is read strictly.
fn read_preferences(fields: Map<String, Value>) -> Result<Preferences, ApiError> {
    if let Some(unknown) = fields.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        let name: String = unknown.chars().take(64).collect();
        return Err(ApiError::invalid(&name, "there is no such preference"));
    }
    let read: Result<Preferences, _> = serde_path_to_error::deserialize(Value::Object(fields));
    let preferences = read.map_err(|error| ApiError::invalid(&error.path().to_string(), error.inner().to_string()))?;
    preferences.check().map_err(|wrong| ApiError::invalid(wrong.field, wrong.to_string()))?;
    Ok(preferences)
}

/// Choose whose work it takes; its owner's own is always taken. Scope `nodes:write`.
#[utoipa::path(put, path = "/api/v1/nodes/{id}/takes", tag = "nodes", security(("bearer" = [])),
    params(("id" = String, Path, description = "The node, as `node-…`")), request_body = Takes,
    responses((status = 200, body = NodeDetail)))]
pub async fn put_takes(
    State(app): State<Arc<App>>,
    caller: Auth<NodesWrite>,
    ApiPath(NodePath { id }): ApiPath<NodePath>,
    ApiJson(new): ApiJson<Takes>,
) -> Result<Json<NodeDetail>, ApiError> {
    if new.not_authors.len() > NOT_AUTHORS_MAX {
        return Err(ApiError::invalid("not_authors", format!("at most {NOT_AUTHORS_MAX} accounts")));
    }
    if new.not_modules.len() > NOT_MODULES_MAX {
        return Err(ApiError::invalid("not_modules", format!("at most {NOT_MODULES_MAX} modules")));
    }
    let change = devices::takes(&app, new).await?;
    let row = devices::change(&app, caller.account_id, &id, change).await?;
    Ok(Json(devices::detail(&app, row, 0).await?))
}

/// Report a program to the operator. At most 50 a day.
#[utoipa::path(post, path = "/api/v1/reports", tag = "nodes", security(("bearer" = [])), request_body = NewReport,
    responses((status = 202, description = "The operator will see it"), (status = 429, description = "`too-many-reports`")))]
pub async fn create_report(
    State(app): State<Arc<App>>,
    caller: Auth<AnyScope>,
    ApiJson(new): ApiJson<NewReport>,
) -> Result<StatusCode, ApiError> {
    if new.module.is_none() && new.job.is_none() {
        return Err(ApiError::invalid("module", "name a module or a job"));
    }
    let note = new.text.replace('\0', "\u{fffd}");
    if note.trim().is_empty() || note.len() > REPORT_BYTES_MAX {
        return Err(ApiError::invalid("text", format!("say what is wrong in 1 to {REPORT_BYTES_MAX} bytes")));
    }
    if !rows::is_known(app.store.reader(), new.module.as_ref(), new.job.as_ref()).await? {
        return Err(ApiError::not_found("the module or job"));
    }
    let now = now_ms();
    let report = Report { account: caller.account_id, module: new.module, job: new.job, note, made_at_ms: now };
    let write = app.store.write(move |db| {
        let report = report.clone();
        Box::pin(async move { rows::report(db, &report, now.saturating_sub(DAY_MS), REPORTS_A_DAY).await })
    });
    if write.await? {
        return Ok(StatusCode::ACCEPTED);
    }
    let detail = format!("the account made {REPORTS_A_DAY} reports within a day");
    Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too-many-reports", detail)
        .header(axum::http::header::RETRY_AFTER, "3600")
        .help("the operator has the others; write the rest tomorrow"))
}
