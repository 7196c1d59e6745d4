//! Blobs of a connected node: it reads what its leases name and uploads what its jobs may make.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fallow_protocol::Digest;
use fallow_protocol::api::UploadState;

use super::blobs::{BlobPath, blocks};
use super::upload::{UploadQuery, check_len, receive};
use super::{ApiError, download};
use crate::api::extract::{ApiPath, ApiQuery};
use crate::app::App;
use crate::auth::NodeSession;
use crate::blobs::uploads::Owner;
use crate::link::Session;

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

/// Send the next bytes of an output or a checkpoint.
#[utoipa::path(patch, path = "/api/v1/node/blobs/{digest}", tag = "node", security(("session" = [])),
    params(("digest" = String, Path, description = "BLAKE3 of the bytes, 64 hexadecimal letters"), UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = UploadState)))]
pub async fn node_upload(
    State(app): State<Arc<App>>,
    NodeSession(session): NodeSession,
    ApiPath(BlobPath { digest }): ApiPath<BlobPath>,
    ApiQuery(query): ApiQuery<UploadQuery>,
    body: Body,
) -> Result<Json<UploadState>, ApiError> {
    check_len(query.len, session.upload_limit())?;
    Ok(Json(receive(&app, Owner::Node(session.node()), digest, query, body).await?))
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
