//! Nodes: join tokens, enrolment, the owner's list, removal, and the WebSocket of the link.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use fallow_protocol::NodeId;
use fallow_protocol::api::{Enrol, Enrolled, JoinToken, NewJoinToken, NodeInfo, Page};
use fallow_protocol::keys::Purpose;
use fallow_protocol::limits::FRAME_BYTES_MAX;
use fallow_protocol::link::enrol_bytes;
use serde::Deserialize;

use super::accounts::{PageQuery, next};
use super::extract::{ApiJson, ApiPath, ApiQuery, page_after, page_limit};
use super::{ApiError, names};
use crate::app::{App, now_ms};
use crate::audit::note;
use crate::auth::{AnyScope, Auth, NodesWrite, hash, random_secret};
use crate::store::{accounts, join_tokens, nodes};
use crate::{devices, link};

const MINUTES_DEFAULT: u32 = 15;
const MINUTES_MAX: u32 = 10_080;
/// Unused join tokens of one account.
const JOIN_TOKENS_MAX: u64 = 100;
/// The secret part of a join token is shorter.
const SECRET_BYTES_MAX: usize = 256;

/// Make a single-use token by which a node joins. Scope `nodes:write`.
#[utoipa::path(post, path = "/api/v1/nodes/join-tokens", tag = "nodes", security(("bearer" = [])),
    request_body = NewJoinToken, responses((status = 201, body = JoinToken)))]
pub async fn create_join_token(
    State(app): State<Arc<App>>,
    caller: Auth<NodesWrite>,
    ApiJson(new): ApiJson<NewJoinToken>,
) -> Result<(StatusCode, Json<JoinToken>), ApiError> {
    let minutes = new.minutes.unwrap_or(MINUTES_DEFAULT);
    if !(1..=MINUTES_MAX).contains(&minutes) {
        let detail = format!("a join token lives 1 to {MINUTES_MAX} minutes, not {minutes}");
        return Err(ApiError::invalid("minutes", detail));
    }
    let (secret, now, account_id) = (random_secret(), now_ms(), caller.account_id);
    let (kept, expires_at_ms) = (hash(&secret), now + u64::from(minutes) * 60_000);
    let work = app.store.write(move |transaction| {
        Box::pin(async move {
            join_tokens::insert(transaction, account_id, &kept, expires_at_ms, now, JOIN_TOKENS_MAX).await
        })
    });
    if !work.await? {
        let detail = format!("the account has {JOIN_TOKENS_MAX} unused join tokens already; they end by themselves");
        return Err(ApiError::new(StatusCode::CONFLICT, "too-many-join-tokens", detail));
    }
    let token = JoinToken::compose(&secret, &app.keys.fingerprint());
    Ok((StatusCode::CREATED, Json(JoinToken { token, expires_at_ms })))
}

/// How an enrolment ended.
enum Entry {
    Joined { node: NodeId, owner: i64 },
    BadToken,
    Removed,
    Elsewhere,
}

/// A node joins with a join token and its key.
#[utoipa::path(post, path = "/api/v1/nodes/enrol", tag = "nodes", request_body = Enrol,
    responses((status = 201, body = Enrolled), (status = 401, description = "`bad-join-token`"),
        (status = 409, description = "`key-known`, `key-removed`"), (status = 422, description = "`bad-signature`")))]
pub async fn enrol(
    State(app): State<Arc<App>>,
    ApiJson(new): ApiJson<Enrol>,
) -> Result<(StatusCode, Json<Enrolled>), ApiError> {
    names::check("name", &new.name)?;
    if new.secret.len() > SECRET_BYTES_MAX {
        return Err(bad_token());
    }
    let signed = enrol_bytes(&new.secret, &new.name);
    if let Err(error) = new.key.verify(Purpose::NodeEnrol, &signed, &new.signature) {
        let detail = format!("the enrolment's signature: {error}");
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-signature", detail).field("signature"));
    }
    match enter(&app, new).await? {
        Entry::Joined { node, owner } => joined(&app, node, owner).await,
        Entry::BadToken => Err(bad_token()),
        Entry::Removed => Err(known("key-removed", "this node was removed by its owner")),
        Entry::Elsewhere => Err(known("key-known", "this key belongs to a node of another account")),
    }
}

fn bad_token() -> ApiError {
    let detail = "the join token is unknown, was used, or has ended";
    ApiError::new(StatusCode::UNAUTHORIZED, "bad-join-token", detail).help("get a fresh one from the grid")
}

fn known(kind: &str, detail: &str) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, kind, detail)
        .help("join with another data folder, so that the node gets a new key")
}

/// Token, key and node in one transaction. A node that lost the answer may come again with its key and a new token.
async fn enter(app: &App, new: Enrol) -> Result<Entry, ApiError> {
    let (fresh, secret, now) = (NodeId::random(), hash(&new.secret), now_ms());
    let work = app.store.write(move |transaction| {
        let (name, key, fresh) = (new.name.clone(), new.key, fresh.clone());
        Box::pin(async move {
            let before = nodes::by_key(transaction, &key).await?;
            if before.as_ref().is_some_and(|node| node.revoked_at_ms.is_some()) {
                return Ok(Entry::Removed);
            }
            let Some(owner) = join_tokens::take(transaction, &secret, now).await? else { return Ok(Entry::BadToken) };
            match before {
                Some(node) if node.account_id == owner => {
                    nodes::rename(transaction, node.id, &name).await?;
                    Ok(Entry::Joined { node: node.public_id, owner })
                }
                Some(_) => Ok(Entry::Elsewhere),
                None => {
                    nodes::insert(transaction, &fresh, owner, &name, &key, now).await?;
                    Ok(Entry::Joined { node: fresh, owner })
                }
            }
        })
    });
    Ok(work.await?)
}

async fn joined(app: &App, node: NodeId, owner: i64) -> Result<(StatusCode, Json<Enrolled>), ApiError> {
    let owner = accounts::by_id(app.store.reader(), owner).await?.map(|account| account.name).unwrap_or_default();
    tracing::info!(%node, owner, "node joined");
    let enrolled = Enrolled { node, grid: app.config.name.clone(), owner, cert: app.keys.cert() };
    Ok((StatusCode::CREATED, Json(enrolled)))
}

/// The account's nodes with what they do now.
#[utoipa::path(get, path = "/api/v1/nodes", tag = "nodes", security(("bearer" = [])), params(PageQuery),
    responses((status = 200, body = Page<NodeInfo>)))]
pub async fn list_nodes(
    State(app): State<Arc<App>>,
    caller: Auth<AnyScope>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<NodeInfo>>, ApiError> {
    let (after, limit) = (page_after(query.cursor.as_deref())?, page_limit(query.limit)?);
    let rows = nodes::list(app.store.reader(), caller.account_id, after, limit).await?;
    let next = next(rows.len(), limit, rows.last().map(|row| row.id));
    Ok(Json(Page { items: devices::infos(&app, rows).await?, next }))
}

/// A node in a path.
#[derive(Debug, Deserialize)]
pub struct NodePath {
    /// The node.
    pub(super) id: NodeId,
}

/// Remove a node: its key never logs in again, and its connection ends. Scope `nodes:write`.
#[utoipa::path(delete, path = "/api/v1/nodes/{id}", tag = "nodes", security(("bearer" = [])),
    params(("id" = String, Path, description = "The node, as `node-…`")), responses((status = 204)))]
pub async fn delete_node(
    State(app): State<Arc<App>>,
    caller: Auth<NodesWrite>,
    ApiPath(NodePath { id }): ApiPath<NodePath>,
) -> Result<StatusCode, ApiError> {
    let (account_id, node) = (caller.account_id, id.clone());
    let work = app.store.write(move |transaction| {
        let node = node.clone();
        Box::pin(async move { nodes::revoke(transaction, account_id, &node, now_ms()).await })
    });
    let internal = work.await?.ok_or_else(|| ApiError::not_found(format!("node {id}")))?;
    app.nodes.remove(internal);
    note(&app, &*caller, Some(account_id), "node.removed", id.as_str(), "").await;
    tracing::info!(node = %id, "node removed");
    Ok(StatusCode::NO_CONTENT)
}

/// The link of a node: a WebSocket with binary messages, see `protocol::link`. No browser has business here.
#[utoipa::path(get, path = "/api/v1/nodes/link", tag = "nodes",
    responses((status = 101, description = "Goes on as a WebSocket"), (status = 403, description = "`no-browsers`")))]
pub async fn node_link(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    if headers.contains_key(header::ORIGIN) {
        let detail = "the link is for nodes, and browsers' pages must not open it";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "no-browsers", detail));
    }
    // Small buffers: an idle node costs a few KiB instead of 128.
    let upgrade = upgrade
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * FRAME_BYTES_MAX)
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| link::serve(app, socket, peer)))
}
