//! Blobs of an account: resumable uploads, downloads in ranges, lists of blocks.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fallow_protocol::Digest;
use fallow_protocol::api::UploadState;
use serde::Deserialize;

use super::upload::{UploadQuery, check_len, receive};
use super::{ApiError, download};
use crate::api::extract::{ApiPath, ApiQuery};
use crate::app::App;
use crate::auth::{Auth, JobsRead, JobsWrite};
use crate::blobs::uploads::Owner;
use crate::store::{accounts, blobs};

/// A blob's name in a path.
#[derive(Debug, Deserialize)]
pub struct BlobPath {
    /// BLAKE3 of its bytes, 64 hexadecimal letters.
    pub digest: Digest,
}

/// How far an upload is. A blob that is whole is `complete`; one that is unknown has `received: 0`.
#[utoipa::path(get, path = "/api/v1/blobs/{digest}/upload", tag = "blobs", security(("bearer" = [])),
    params(("digest" = String, Path, description = "BLAKE3 of the bytes, 64 hexadecimal letters")),
    responses((status = 200, body = UploadState)))]
pub async fn upload_state(
    State(app): State<Arc<App>>,
    caller: Auth<JobsWrite>,
    ApiPath(BlobPath { digest }): ApiPath<BlobPath>,
) -> Result<Json<UploadState>, ApiError> {
    if let Some(len) = blobs::owned_len(app.store.reader(), &digest, caller.account_id).await? {
        return Ok(Json(UploadState { received: len, complete: true }));
    }
    let received = app.blobs.uploads().received(Owner::Account(caller.account_id), &digest).await?;
    Ok(Json(UploadState { received, complete: false }))
}

/// Send the next bytes of a blob. They are kept also when the body breaks off: ask for the state and go on from there.
#[utoipa::path(patch, path = "/api/v1/blobs/{digest}", tag = "blobs", security(("bearer" = [])),
    params(("digest" = String, Path, description = "BLAKE3 of the bytes, 64 hexadecimal letters"), UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = UploadState), (status = 409, description = "`upload-offset`, `upload-busy`"),
        (status = 413, description = "`blob-too-large`"), (status = 422, description = "`digest-mismatch`"),
        (status = 507, description = "`storage-full`")))]
pub async fn upload(
    State(app): State<Arc<App>>,
    caller: Auth<JobsWrite>,
    ApiPath(BlobPath { digest }): ApiPath<BlobPath>,
    ApiQuery(query): ApiQuery<UploadQuery>,
    body: Body,
) -> Result<Json<UploadState>, ApiError> {
    check_len(query.len, app.config.limits.blob_bytes_max)?;
    let account_id = caller.account_id;
    if let Some(len) = blobs::owned_len(app.store.reader(), &digest, account_id).await? {
        return Ok(Json(UploadState { received: len, complete: true }));
    }
    check_room(&app, account_id, query.len).await?;
    Ok(Json(receive(&app, Owner::Account(account_id), digest, query, body).await?))
}

/// An account's blobs together have a limit.
async fn check_room(app: &App, account_id: i64, len: u64) -> Result<(), ApiError> {
    let most = app.config.limits.account_bytes_max;
    let used = accounts::by_id(app.store.reader(), account_id).await?.map_or(0, |account| account.blob_bytes);
    if used.saturating_add(len) <= most {
        return Ok(());
    }
    let detail = format!("the account's blobs have {used} bytes; {len} more go over its {most}");
    Err(ApiError::new(StatusCode::FORBIDDEN, "storage-quota-exhausted", detail)
        .help("wait until ended jobs are removed, or ask the grid's operator for more"))
}

async fn owned(app: &App, account_id: i64, digest: &Digest) -> Result<u64, ApiError> {
    let len = blobs::owned_len(app.store.reader(), digest, account_id).await?;
    len.ok_or_else(|| ApiError::not_found(format!("blob {digest}")))
}

/// A blob's bytes; ranges are supported. Only blobs that the account uploaded or that its jobs made.
#[utoipa::path(get, path = "/api/v1/blobs/{digest}", tag = "blobs", security(("bearer" = [])),
    params(("digest" = String, Path, description = "BLAKE3 of the bytes, 64 hexadecimal letters"),
        ("range" = Option<String>, Header, description = "As `bytes=0-1023`")),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, body = Vec<u8>, content_type = "application/octet-stream")))]
pub async fn download_blob(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiPath(BlobPath { digest }): ApiPath<BlobPath>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let len = owned(&app, caller.account_id, &digest).await?;
    download::blob(&app, &digest, len, &headers, &digest.to_string()).await
}

/// MessagePack of the blob's list of blocks, by which each 256 KiB can be checked alone.
#[utoipa::path(get, path = "/api/v1/blobs/{digest}/blocks", tag = "blobs", security(("bearer" = [])),
    params(("digest" = String, Path, description = "BLAKE3 of the bytes, 64 hexadecimal letters")),
    responses((status = 200, body = Vec<u8>, content_type = "application/msgpack")))]
pub async fn blob_blocks(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiPath(BlobPath { digest }): ApiPath<BlobPath>,
) -> Result<Response, ApiError> {
    owned(&app, caller.account_id, &digest).await?;
    blocks(&app, &digest).await
}

/// The list of blocks of a blob that the caller may read.
pub(super) async fn blocks(app: &App, digest: &Digest) -> Result<Response, ApiError> {
    match app.blobs.block_list(digest).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(ApiError::not_found("such blob")),
        list => Ok(([(header::CONTENT_TYPE, "application/msgpack")], list?).into_response()),
    }
}
