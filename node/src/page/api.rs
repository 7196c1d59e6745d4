//! What the page asks: the same as the command line, over HTTP.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use fallow_protocol::link::NodeState;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::PageState;
use super::guard::problem;
use crate::agent::report::UnitReport;
use crate::control::{Reply, Request, StatusReply};
use crate::history::History;
use crate::{log as log_file, preferences as chosen};

type Shared = State<Arc<PageState>>;

/// How often a page that follows is told, where something is new.
const EVERY: Duration = Duration::from_millis(500);
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Lines of the log at most.
const LINES_MAX: usize = 2_000;
/// Longest pause, seconds.
const PAUSE_S_MAX: u64 = 30 * 24 * 3_600;
/// Days of earnings at most.
const DAYS_MAX: u32 = 400;

/// What the node does, as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PageStatus {
    name: String,
    node: String,
    grid: String,
    url: String,
    owner: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ms: Option<u64>,
    slots: u32,
    units: Vec<UnitReport>,
    takes_strangers: bool,
    units_done: u64,
    version: &'static str,
}

impl From<StatusReply> for PageStatus {
    fn from(reply: StatusReply) -> Self {
        let StatusReply { name, node, grid, url, owner, offline, lender, report } = reply;
        let (state, reason) = match report.state {
            NodeState::Paused { reason } => ("paused", Some(reason)),
            NodeState::Draining => ("finishing", lender.finishing),
            NodeState::Active if !report.online => ("offline", offline),
            NodeState::Active if report.units.is_empty() => ("idle", None),
            NodeState::Active => ("working", None),
        };
        Self {
            name,
            node,
            grid,
            url,
            owner,
            state,
            reason,
            until_ms: lender.until_ms,
            slots: report.slots,
            units: report.units,
            takes_strangers: report.takes_strangers,
            units_done: report.since_start.units_done,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

async fn ask(state: &PageState, request: Request) -> Result<Reply, Response> {
    let gone = || problem(StatusCode::SERVICE_UNAVAILABLE, "the node is ending");
    let (sender, receiver) = oneshot::channel();
    state.asked.send((request, sender)).await.map_err(|_| gone())?;
    match receiver.await.map_err(|_| gone())? {
        Reply::Refused { error } => Err(problem(StatusCode::BAD_GATEWAY, &error)),
        reply => Ok(reply),
    }
}

async fn told(state: &PageState, request: Request) -> Result<StatusReply, Response> {
    match ask(state, request).await? {
        Reply::Status(status) => Ok(*status),
        _ => Err(problem(StatusCode::INTERNAL_SERVER_ERROR, "the node answered something else")),
    }
}

/// What it does now.
pub async fn status(State(state): Shared) -> Result<Json<PageStatus>, Response> {
    Ok(Json(told(&state, Request::Status).await?.into()))
}

/// The same, told again at each change.
pub async fn events(State(state): Shared) -> Response {
    let Ok(permit) = state.followers.clone().try_acquire_owned() else {
        return problem(StatusCode::TOO_MANY_REQUESTS, "too many pages follow this node; close some");
    };
    let news = stream::unfold((state, permit, None), next_event);
    Sse::new(news).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response()
}

type Following = (Arc<PageState>, OwnedSemaphorePermit, Option<PageStatus>);

async fn next_event((state, permit, last): Following) -> Option<(Result<Sent, Infallible>, Following)> {
    let mut stopping = state.stopping.clone();
    loop {
        let status = PageStatus::from(told(&state, Request::Status).await.ok()?);
        if last.as_ref() != Some(&status) {
            let sent = Sent::default().event("status").json_data(&status).ok()?;
            return Some((Ok(sent), (state, permit, Some(status))));
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return None,
        }
    }
}

/// How to pause.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PauseBody {
    for_s: Option<u64>,
    finish: bool,
}

/// Stand still, at once or once what has begun has ended.
pub async fn pause(
    State(state): Shared,
    body: Result<Json<PauseBody>, JsonRejection>,
) -> Result<Json<PageStatus>, Response> {
    let PauseBody { for_s, finish } = read(body)?;
    if for_s.is_some_and(|for_s| !(1..=PAUSE_S_MAX).contains(&for_s)) {
        return Err(problem(StatusCode::UNPROCESSABLE_ENTITY, "for_s: a pause lasts 1 second to 30 days"));
    }
    let request = Request::Pause { reason: "by its owner".into(), for_s, finish };
    Ok(Json(told(&state, request).await?.into()))
}

/// Go on.
pub async fn resume(State(state): Shared) -> Result<Json<PageStatus>, Response> {
    Ok(Json(told(&state, Request::Resume).await?.into()))
}

/// What the owner chose here, on the portal, what holds, and what the computer tells.
pub async fn preferences(State(state): Shared) -> Result<Json<Value>, Response> {
    Ok(Json(chosen_of(told(&state, Request::Status).await?)))
}

fn chosen_of(status: StatusReply) -> Value {
    let lender = status.lender;
    json!({ "local": lender.local, "remote": lender.remote, "effective": lender.effective, "seen": lender.seen })
}

/// Choose here: all of it, what is missing is open.
pub async fn choose(
    State(state): Shared,
    body: Result<Json<Map<String, Value>>, JsonRejection>,
) -> Result<Json<Value>, Response> {
    let preferences = chosen::from_fields(read(body)?)
        .map_err(|error| problem(StatusCode::UNPROCESSABLE_ENTITY, &format!("{error:#}")))?;
    let status = told(&state, Request::Choose { preferences: Box::new(preferences) }).await?;
    Ok(Json(chosen_of(status)))
}

fn read<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Response> {
    body.map(|Json(body)| body).map_err(|rejection| problem(rejection.status(), &rejection.body_text()))
}

/// Which days.
#[derive(Debug, Deserialize)]
pub struct DaysQuery {
    days: Option<u32>,
    utc_offset_min: Option<i32>,
}

/// What this node earned.
pub async fn earnings(State(state): Shared, Query(query): Query<DaysQuery>) -> Result<Json<Value>, Response> {
    let days = query.days.unwrap_or(14).clamp(1, DAYS_MAX);
    let request = Request::Earnings { days, utc_offset_min: query.utc_offset_min.unwrap_or(0) };
    match ask(&state, request).await? {
        Reply::Earnings(report) => Ok(Json(json!(report))),
        _ => Err(problem(StatusCode::INTERNAL_SERVER_ERROR, "the node answered something else")),
    }
}

/// What happened, newest first.
pub async fn history(State(state): Shared) -> Json<Value> {
    Json(json!({ "items": History::new(&state.data).read() }))
}

/// How much of the log.
#[derive(Debug, Deserialize)]
pub struct LogQuery {
    lines: Option<usize>,
}

/// The end of the log.
pub async fn log(State(state): Shared, Query(query): Query<LogQuery>) -> Json<Value> {
    let lines = query.lines.unwrap_or(200).clamp(1, LINES_MAX);
    Json(json!({ "lines": log_file::tail(&state.data, lines) }))
}

/// What runs here and what it can reach.
pub async fn limits(State(state): Shared) -> Result<Json<Value>, Response> {
    let status = told(&state, Request::Status).await?;
    Ok(Json(json!({
        "runs": state.takes,
        "reaches": "its own input and scratch space: no network, no other files, no other programs",
        "slots": status.report.slots,
        "memory_bytes": status.report.memory_bytes,
        "disk_bytes": status.lender.effective.disk_bytes,
        "priority": "lowest",
    })))
}

/// No such question.
pub async fn nothing() -> Response {
    problem(StatusCode::NOT_FOUND, "there is no such question")
}
