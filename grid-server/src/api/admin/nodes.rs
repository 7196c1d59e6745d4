//! Everybody's nodes, and stopping one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use fallow_protocol::api::{AdminNode, NewSuspension, Page, Suspended};
use fallow_protocol::link::NodeState;

use super::{SearchQuery, check_reason};
use crate::api::accounts::next;
use crate::api::extract::{ApiJson, ApiPath, ApiQuery};
use crate::api::nodes::NodePath;
use crate::api::{ApiError, standing};
use crate::app::{App, now_ms};
use crate::auth::{Admin, Auth};
use crate::devices::machine_line;
use crate::operators::{self, Target};
use crate::store::admin::{self as rows, NodeOfGrid};

/// Everybody's nodes with what they do now, oldest first. Scope `admin`.
#[utoipa::path(get, path = "/api/v1/admin/nodes", tag = "operators", security(("bearer" = [])), params(SearchQuery),
    responses((status = 200, body = Page<AdminNode>)))]
pub async fn list_all_nodes(
    State(app): State<Arc<App>>,
    _caller: Auth<Admin>,
    ApiQuery(query): ApiQuery<SearchQuery>,
) -> Result<Json<Page<AdminNode>>, ApiError> {
    let part = query.part()?;
    let found = rows::nodes(app.store.reader(), part).await?;
    let next = next(found.len(), part.limit, found.last().map(|row| row.id));
    Ok(Json(Page { items: found.into_iter().map(|row| shown(&app, row)).collect(), next }))
}

fn shown(app: &App, row: NodeOfGrid) -> AdminNode {
    let (record, presence) = (app.trust.record(row.id), app.nodes.presence(row.id));
    let (state, reason) = match presence.as_ref().map(|presence| &presence.state) {
        None => ("offline", None),
        Some(NodeState::Active) => ("online", None),
        Some(NodeState::Draining) => ("draining", None),
        Some(NodeState::Paused { reason }) => ("paused", Some(reason.clone())),
    };
    AdminNode {
        id: row.public_id,
        name: row.name,
        owner: row.owner,
        state: state.into(),
        reason,
        suspended: app.suspensions.node(row.id, row.account).map(|reason| Suspended { reason }),
        slots: presence.as_ref().map_or(0, |presence| presence.slots),
        units_held: presence.as_ref().map_or(0, |presence| presence.units_held),
        units_done: row.units_done,
        fuel: row.fuel,
        machine: machine_line(presence.as_ref().map_or(&row.machine, |presence| &presence.machine)),
        joined_at_ms: row.joined_at_ms,
        seen_at_ms: if presence.is_some() { now_ms() } else { row.seen_at_ms },
        standing: standing::of_node(app, row.id, row.account),
        checks_passed: record.passed_total,
        results_wrong: record.wrong_total,
    }
}

/// Stop a node for a reason: its units stop, its connection ends, and it is refused with the reason. Scope `admin`.
#[utoipa::path(post, path = "/api/v1/admin/nodes/{id}/suspend", tag = "operators", security(("bearer" = [])),
    params(("id" = String, Path, description = "The node, as `node-…`")), request_body = NewSuspension,
    responses((status = 204), (status = 404, description = "`not-found`"), (status = 422, description = "`invalid`")))]
pub async fn suspend_node(
    State(app): State<Arc<App>>,
    caller: Auth<Admin>,
    ApiPath(NodePath { id }): ApiPath<NodePath>,
    ApiJson(new): ApiJson<NewSuspension>,
) -> Result<StatusCode, ApiError> {
    check_reason(&new)?;
    operators::suspend(&app, &caller, Target::Node(id), &new.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a node go on; it comes back by itself. Scope `admin`.
#[utoipa::path(post, path = "/api/v1/admin/nodes/{id}/restore", tag = "operators", security(("bearer" = [])),
    params(("id" = String, Path, description = "The node, as `node-…`")),
    responses((status = 204), (status = 404, description = "`not-found`")))]
pub async fn restore_node(
    State(app): State<Arc<App>>,
    caller: Auth<Admin>,
    ApiPath(NodePath { id }): ApiPath<NodePath>,
) -> Result<StatusCode, ApiError> {
    operators::restore(&app, &caller, Target::Node(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
