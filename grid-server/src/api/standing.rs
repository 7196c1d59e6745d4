//! What nodes are worth to others: as their owners see it, and the operator's word for a node.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use fallow_protocol::NodeId;
use fallow_protocol::api::NodeStanding;
use grid_core::trust::{GridKind, Standing};

use super::ApiError;
use super::extract::ApiPath;
use super::nodes::NodePath;
use crate::app::App;
use crate::audit;
use crate::auth::{Admin, Auth, Caller};
use crate::store::trust::NodeRow;
use crate::store::{StoreError, nodes, trust};

/// What a node of `owner` is worth; none on a grid where nothing is checked.
pub(crate) fn of_node(app: &App, node: i64, owner: i64) -> Option<NodeStanding> {
    if app.trust.policy().grid == GridKind::Own {
        return None;
    }
    let record = app.trust.record(node);
    Some(match app.trust.standing(node, owner) {
        Standing::Anchor => NodeStanding::Anchor,
        Standing::Trusted => NodeStanding::Trusted,
        Standing::Probation => {
            NodeStanding::Probation { passes: record.passes, needed: app.trust.passes_needed(owner) }
        }
        Standing::Quarantined { until_ms } => NodeStanding::Quarantined { until_ms: until_ms.unsigned_abs() },
        Standing::Banned { owner: true } => {
            NodeStanding::Banned { why: "nodes of its owner gave wrong results".into() }
        }
        Standing::Banned { owner: false } => {
            NodeStanding::Banned { why: format!("{} of its results were wrong", record.wrong_total) }
        }
    })
}

/// Vouch for a node: what it says is right, and it may check others from now on. Scope `admin`.
#[utoipa::path(post, path = "/api/v1/nodes/{id}/anchor", tag = "nodes", security(("bearer" = [])),
    params(("id" = String, Path, description = "The node, as `node-…`")), responses((status = 204)))]
pub async fn create_anchor(
    State(app): State<Arc<App>>,
    caller: Auth<Admin>,
    ApiPath(NodePath { id }): ApiPath<NodePath>,
) -> Result<StatusCode, ApiError> {
    set_anchor(&app, &caller, id, true).await
}

/// Vouch for a node no longer. Scope `admin`.
#[utoipa::path(delete, path = "/api/v1/nodes/{id}/anchor", tag = "nodes", security(("bearer" = [])),
    params(("id" = String, Path, description = "The node, as `node-…`")), responses((status = 204)))]
pub async fn delete_anchor(
    State(app): State<Arc<App>>,
    caller: Auth<Admin>,
    ApiPath(NodePath { id }): ApiPath<NodePath>,
) -> Result<StatusCode, ApiError> {
    set_anchor(&app, &caller, id, false).await
}

async fn set_anchor(app: &App, by: &Caller, id: NodeId, anchor: bool) -> Result<StatusCode, ApiError> {
    let node = id.clone();
    let work = app.store.write(move |db| {
        let node = node.clone();
        Box::pin(async move { write_anchor(db, &node, anchor).await })
    });
    let row = work.await?.ok_or_else(|| ApiError::not_found(format!("node {id}")))?;
    app.trust.keep(&[row], &[]);
    let action = if anchor { "node.vouched" } else { "node.not-vouched" };
    audit::note(app, by, None, action, id.as_str(), "").await;
    tracing::info!(node = %id, anchor, "the operator's word for a node");
    app.wakes.dispatch.notify_one();
    Ok(StatusCode::NO_CONTENT)
}

async fn write_anchor(
    db: &sea_orm::DatabaseTransaction,
    id: &NodeId,
    anchor: bool,
) -> Result<Option<NodeRow>, StoreError> {
    let found = nodes::by_public_id(db, id).await?.filter(|node| node.revoked_at_ms.is_none());
    let Some(node) = found else { return Ok(None) };
    let known = trust::nodes(db, &[node.id]).await?.pop();
    let mut row = known.unwrap_or(NodeRow { node: node.id, record: Default::default(), review_from: None, version: 0 });
    row.record.anchor = anchor;
    row.version += 1;
    trust::put_nodes(db, &[row]).await?;
    Ok(Some(row))
}
