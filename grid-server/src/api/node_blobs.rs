//! Blobs of a connected node: it reads what its leases name and uploads what its jobs may make.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use fallow_protocol::Digest;
use fallow_protocol::api::UploadState;
use serde::Deserialize;

use super::blobs::{BlobPath, blocks};
use super::upload::{UploadQuery, check_len, receive, receive_unnamed};
use super::{ApiError, download};
use crate::api::extract::{ApiPath, ApiQuery};
use crate::app::App;
use crate::auth::NodeSession;
use crate::blobs::uploads::Owner;
use crate::link::Session;
use crate::store::retention;

/// Largest blobs of a node that may lie there without a unit that names them.
const UNNAMED_BLOBS: u64 = 16;
/// Bytes besides, for many small ones.
const UNNAMED_BYTES: u64 = 1 << 30;
/// Looks for blobs that are named meanwhile, before a node is refused.
const ROOM_TRIES: usize = 3;

/// A blob that a lease does not name is as good as none.
async fn readable(app: &App, session: &Session, digest: &Digest) -> Result<u64, ApiError> {
    let none = || ApiError::not_found(format!("blob {digest} in this node's leases"));
    if !session.may_read(digest) {
        return Err(none());
    }
    match app.blobs.len(digest).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(none()),
        len => Ok(len?),
    }
}

/// Refuse what would make a node's blobs that no unit names more than its share of the disk.
async fn check_room(app: &App, node: i64, digest: Digest, len: u64, blob_max: u64) -> Result<(), ApiError> {
    let most = blob_max.saturating_mul(UNNAMED_BLOBS).saturating_add(UNNAMED_BYTES);
    let unnamed = app.blobs.unnamed();
    for _ in 0..ROOM_TRIES {
        let answer = unnamed.add(node, digest, len, most);
        let mut over = Vec::new();
        for blob in answer.look_at {
            if blob != digest && !is_unnamed(app, node, &blob).await? {
                over.push(blob);
            }
        }
        unnamed.release(node, &over);
        if answer.taken {
            return Ok(());
        }
        if over.is_empty() {
            break;
        }
    }
    let detail =
        format!("this node has uploaded blobs that no unit names; with this one, over the {most} bytes allowed");
    Err(ApiError::new(StatusCode::INSUFFICIENT_STORAGE, "unnamed-blobs", detail)
        .help("send the results that name them first; the others are swept away after some hours"))
}

/// Whether it takes room, or will, and neither an output nor a checkpoint is it.
async fn is_unnamed(app: &App, node: i64, digest: &Digest) -> Result<bool, ApiError> {
    let is_there =
        app.blobs.contains(digest).await? || app.blobs.uploads().received(Owner::Node(node), digest).await? > 0;
    Ok(is_there && !retention::is_used(app.store.reader(), digest).await?)
}

/// How far a node's upload is.
#[utoipa::path(get, path = "/api/v1/node/blobs/{digest}/upload", tag = "node", security(("session" = [])),
    params(("digest" = String, Path, description = "BLAKE3 of the bytes, 64 hexadecimal letters")),
    responses((status = 200, body = UploadState)))]
pub async fn node_upload_state(
    State(app): State<Arc<App>>,
    NodeSession(session): NodeSession,
    ApiPath(BlobPath { digest }): ApiPath<BlobPath>,
) -> Result<Json<UploadState>, ApiError> {
    let received = app.blobs.uploads().received(Owner::Node(session.node()), &digest).await?;
    if received == 0 && app.blobs.contains(&digest).await? {
        return Ok(Json(UploadState { received: app.blobs.len(&digest).await?, complete: true }));
    }
    Ok(Json(UploadState { received, complete: false }))
}

/// Which bytes of a blob come.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NodeUploadQuery {
    /// Where the body's first byte belongs: `received` of the upload so far.
    pub offset: u64,
    /// Length of the whole blob, bytes.
    pub len: u64,
    /// An upload that was begun before the digest was known: it becomes this one, where it is there.
    #[param(value_type = Option<String>)]
    pub from: Option<Digest>,
}

/// Send the next bytes of an output or a checkpoint.
#[utoipa::path(patch, path = "/api/v1/node/blobs/{digest}", tag = "node", security(("session" = [])),
    params(("digest" = String, Path, description = "BLAKE3 of the bytes, 64 hexadecimal letters"), NodeUploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = UploadState)))]
pub async fn node_upload(
    State(app): State<Arc<App>>,
    NodeSession(session): NodeSession,
    ApiPath(BlobPath { digest }): ApiPath<BlobPath>,
    ApiQuery(query): ApiQuery<NodeUploadQuery>,
    body: Body,
) -> Result<Json<UploadState>, ApiError> {
    let (node, most) = (session.node(), session.upload_limit());
    let NodeUploadQuery { offset, len, from } = query;
    check_len(len, most)?;
    check_room(&app, node, digest, len, most).await?;
    if let Some(unnamed) = from.filter(|unnamed| *unnamed != digest) {
        app.blobs.uploads().name(Owner::Node(node), &unnamed, &digest).await?;
        app.blobs.unnamed().release(node, &[unnamed]);
    }
    let state = receive(&app, Owner::Node(node), digest, UploadQuery { offset, len }, body).await;
    // Once more: before its first byte was written, another request may have taken it for gone.
    app.blobs.unnamed().add(node, digest, len, u64::MAX);
    Ok(Json(state?))
}

/// The name of an upload in a path.
#[derive(Debug, Deserialize)]
pub struct UploadPath {
    /// 64 hexadecimal letters that the node chose.
    pub upload: Digest,
}

/// Send the next bytes of an output that is still being made, so that its digest is not known. `len` is its length with
/// this body. Once the digest is known, `PATCH /api/v1/node/blobs/{digest}?from=…` gives it its name and the rest.
#[utoipa::path(patch, path = "/api/v1/node/uploads/{upload}", tag = "node", security(("session" = [])),
    params(("upload" = String, Path, description = "64 hexadecimal letters of the node's choice"), UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = UploadState), (status = 409, description = "`upload-offset`, `upload-busy`")))]
pub async fn node_upload_unnamed(
    State(app): State<Arc<App>>,
    NodeSession(session): NodeSession,
    ApiPath(UploadPath { upload }): ApiPath<UploadPath>,
    ApiQuery(query): ApiQuery<UploadQuery>,
    body: Body,
) -> Result<Json<UploadState>, ApiError> {
    let (node, most) = (session.node(), session.upload_limit());
    check_len(query.len, most)?;
    check_room(&app, node, upload, query.len, most).await?;
    let state = receive_unnamed(&app, Owner::Node(node), upload, query, body).await;
    app.blobs.unnamed().add(node, upload, query.len, u64::MAX);
    Ok(Json(state?))
}

/// Drop an upload that will never have a name, or that is not wanted any more.
#[utoipa::path(delete, path = "/api/v1/node/uploads/{upload}", tag = "node", security(("session" = [])),
    params(("upload" = String, Path, description = "64 hexadecimal letters of the node's choice")),
    responses((status = 204), (status = 409, description = "`upload-busy`")))]
pub async fn node_upload_drop(
    State(app): State<Arc<App>>,
    NodeSession(session): NodeSession,
    ApiPath(UploadPath { upload }): ApiPath<UploadPath>,
) -> Result<StatusCode, ApiError> {
    app.blobs.uploads().remove(Owner::Node(session.node()), &upload).await?;
    app.blobs.unnamed().release(session.node(), &[upload]);
    Ok(StatusCode::NO_CONTENT)
}

/// Bytes of a blob that a lease names; ranges are supported.
#[utoipa::path(get, path = "/api/v1/node/blobs/{digest}", tag = "node", security(("session" = [])),
    params(("digest" = String, Path, description = "BLAKE3 of the bytes, 64 hexadecimal letters"),
        ("range" = Option<String>, Header, description = "As `bytes=0-1023`")),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, body = Vec<u8>, content_type = "application/octet-stream")))]
pub async fn node_download(
    State(app): State<Arc<App>>,
    NodeSession(session): NodeSession,
    ApiPath(BlobPath { digest }): ApiPath<BlobPath>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let len = readable(&app, &session, &digest).await?;
    download::blob(&app, &digest, len, &headers, &digest.to_string()).await
}

/// MessagePack of the list of blocks of a blob that a lease names.
#[utoipa::path(get, path = "/api/v1/node/blobs/{digest}/blocks", tag = "node", security(("session" = [])),
    params(("digest" = String, Path, description = "BLAKE3 of the bytes, 64 hexadecimal letters")),
    responses((status = 200, body = Vec<u8>, content_type = "application/msgpack")))]
pub async fn node_blocks(
    State(app): State<Arc<App>>,
    NodeSession(session): NodeSession,
    ApiPath(BlobPath { digest }): ApiPath<BlobPath>,
) -> Result<Response, ApiError> {
    readable(&app, &session, &digest).await?;
    blocks(&app, &digest).await
}
