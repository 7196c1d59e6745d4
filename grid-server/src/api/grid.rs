//! What anyone may know of the grid, who the caller is, and what those who watch over the server ask.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use fallow_protocol::api::{GridInfo, GridSpeed, PriceInfo};
use fallow_protocol::link::NodeState;
use fallow_protocol::manifest::PROFILE;
use grid_core::pricing::Price;
use grid_core::trust::GridKind;
use serde::Serialize;

use super::ApiError;
use crate::app::App;
use crate::auth::{AnyScope, Auth};
use crate::credits::micro_of;
use crate::link::Presence;
use crate::store::{self, sql};

/// What the grid is.
#[utoipa::path(get, path = "/api/v1/grid", tag = "grid", responses((status = 200, body = GridInfo)))]
pub async fn grid(State(app): State<Arc<App>>) -> Json<GridInfo> {
    let (limits, grid) = (&app.config.limits, &app.config.grid);
    let kind = match grid.kind {
        GridKind::Own => "own",
        GridKind::Members => "members",
        GridKind::Open => "open",
    };
    Json(GridInfo {
        name: app.config.name.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        root_fingerprint: app.keys.fingerprint(),
        profile: PROFILE.into(),
        blob_bytes_max: limits.blob_bytes_max,
        component_bytes_max: limits.component_bytes_max,
        kind: kind.into(),
        credits: grid.takes_credits(),
        price: price(&app.config.price),
        allowance: if grid.takes_credits() { micro_of(grid.allowance) } else { 0 },
        registration: app.config.registration().word().into(),
    })
}

fn price(price: &Price) -> PriceInfo {
    PriceInfo {
        per_tera_fuel: micro_of(price.per_tera_fuel),
        memory_permille: price.memory_permille,
        per_gib_day: micro_of(price.per_gib_day),
        fee_permille: price.fee_permille,
    }
}

/// What a job that anyone may run finds now: nodes that are online and take strangers' work.
#[utoipa::path(get, path = "/api/v1/grid/speed", tag = "grid", security(("bearer" = [])),
    responses((status = 200, body = GridSpeed)))]
pub async fn speed(State(app): State<Arc<App>>, _caller: Auth<AnyScope>) -> Json<GridSpeed> {
    let nodes = app.nodes.all();
    let takes = nodes
        .iter()
        .filter_map(|node| node.presence())
        .filter(|presence| presence.takes_strangers && presence.state == NodeState::Active && presence.slots > 0);
    let add = |mut sum: GridSpeed, presence: Presence| {
        let (slots, speed) = (u64::from(presence.slots), presence.machine.fuel_per_s);
        let free = slots.saturating_sub(presence.units_held);
        sum.nodes += 1;
        sum.slots += slots;
        sum.slots_free += free;
        // A speed is a node's own word: a wild one must not overflow.
        sum.fuel_per_s = sum.fuel_per_s.saturating_add(speed.saturating_mul(slots));
        sum.fuel_per_s_free = sum.fuel_per_s_free.saturating_add(speed.saturating_mul(free));
        sum
    };
    Json(takes.fold(GridSpeed::default(), add))
}

/// Whether the server can do its work.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// Whether all of the following is right.
    pub ok: bool,
    /// Whether the database answers.
    pub database: bool,
    /// Whether blobs can be written.
    pub blobs: bool,
    /// Nodes that are connected.
    pub nodes_online: u64,
}

/// Whether the server can do its work: 503 where it cannot.
#[utoipa::path(get, path = "/healthz", tag = "operation",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
pub async fn healthz(State(app): State<Arc<App>>) -> Response {
    let database = sql::ping(app.store.reader()).await;
    let blobs = app.blobs.probe().await;
    for error in [database.as_ref().err().map(ToString::to_string), blobs.as_ref().err().map(ToString::to_string)] {
        if let Some(error) = error {
            tracing::error!(error, "the server is not healthy");
        }
    }
    let (database, blobs) = (database.is_ok(), blobs.is_ok());
    let health = Health { ok: database && blobs, database, blobs, nodes_online: app.nodes.online() as u64 };
    let status = if health.ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health)).into_response()
}

/// Counters in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "operation",
    responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub async fn metrics(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    app.metrics.nodes_online.set(i64::try_from(app.nodes.online()).unwrap_or(i64::MAX));
    app.metrics.store_statements.set(i64::try_from(store::statements()).unwrap_or(i64::MAX));
    app.metrics.streams_open.set(i64::try_from(app.live.streams.len()).unwrap_or(i64::MAX));
    let text = app.metrics.text().map_err(ApiError::internal)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
