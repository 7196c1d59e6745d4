//! Receiving a blob: the body streams to the disk, what has arrived stays when it breaks off, the end is checked.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use fallow_protocol::Digest;
use fallow_protocol::api::UploadState;
use futures_util::{Stream, StreamExt};
use serde::Deserialize;

use super::ApiError;
use crate::app::{App, now_ms};
use crate::blobs::upload::Upload;
use crate::blobs::uploads::{Owner, UploadError};
use crate::store::blobs;

/// A body that brings nothing for so long is given up; what arrived stays.
const SILENCE: Duration = Duration::from_secs(30);

/// Which bytes come.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// Where the body's first byte belongs: `received` of the upload so far.
    pub offset: u64,
    /// Length of the whole blob, bytes.
    pub len: u64,
}

/// Refuse what is larger than `most`, before a byte of it is read.
pub fn check_len(len: u64, most: u64) -> Result<(), ApiError> {
    if len <= most {
        return Ok(());
    }
    let detail = format!("the blob has {len} bytes, at most {most} are allowed");
    Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "blob-too-large", detail).field("len"))
}

/// Write the next bytes of an upload that has no digest yet: `query.len` is its length with this body.
pub async fn receive_unnamed(
    app: &Arc<App>,
    owner: Owner,
    upload: Digest,
    query: UploadQuery,
    body: Body,
) -> Result<UploadState, ApiError> {
    let most = app.config.limits.uploads_max;
    let mut upload = app.blobs.uploads().begin(owner, &upload, query.offset, query.len, most).await?;
    let app = app.clone();
    let written = tokio::spawn(async move {
        let ended = take_in(&app, &mut upload, body.into_data_stream()).await;
        let kept = upload.keep().await;
        ended?;
        Ok(UploadState { received: kept.map_err(UploadError::Io)?, complete: false })
    });
    written.await.map_err(ApiError::internal)?
}

/// Write the body; once the blob is whole and checked, it is entered as the owner's (a node's as nobody's yet).
pub async fn receive(
    app: &Arc<App>,
    owner: Owner,
    digest: Digest,
    query: UploadQuery,
    body: Body,
) -> Result<UploadState, ApiError> {
    let most = app.config.limits.uploads_max;
    let upload = app.blobs.uploads().begin(owner, &digest, query.offset, query.len, most).await?;
    let app = app.clone();
    // A task of its own: when the client goes, the request is dropped, but what arrived must reach the disk.
    let written = tokio::spawn(async move { write(&app, upload, owner, digest, body.into_data_stream()).await });
    written.await.map_err(ApiError::internal)?
}

async fn write(
    app: &App,
    mut upload: Upload,
    owner: Owner,
    digest: Digest,
    body: impl Stream<Item = Result<Bytes, axum::Error>> + Unpin,
) -> Result<UploadState, ApiError> {
    let ended = take_in(app, &mut upload, body).await;
    if ended.is_ok() && upload.is_whole() {
        return finish(app, upload, owner, digest).await;
    }
    let kept = upload.keep().await;
    ended?;
    Ok(UploadState { received: kept.map_err(UploadError::Io)?, complete: false })
}

/// The body to its end, or to where it breaks off.
async fn take_in(
    app: &App,
    upload: &mut Upload,
    mut body: impl Stream<Item = Result<Bytes, axum::Error>> + Unpin,
) -> Result<(), ApiError> {
    loop {
        match tokio::time::timeout(SILENCE, body.next()).await {
            Ok(Some(Ok(bytes))) => {
                app.metrics.blob_bytes_in.inc_by(bytes.len() as u64);
                upload.append(bytes).await?;
            }
            Ok(None) => return Ok(()),
            Ok(Some(Err(_))) => return Err(broken("the body broke off before its end")),
            Err(_) => return Err(broken("the body brought nothing for 30 s")),
        }
    }
}

/// Nothing is swept away between the file's coming and its row's.
async fn finish(app: &App, upload: Upload, owner: Owner, digest: Digest) -> Result<UploadState, ApiError> {
    let _open = app.blobs.gate().read().await;
    let len = upload.complete(&app.blobs).await?;
    let work = app.store.write(move |transaction| {
        Box::pin(async move {
            match owner {
                Owner::Account(account) => blobs::own(transaction, &digest, len, account, now_ms()).await,
                Owner::Node(_) => blobs::insert(transaction, &digest, len, now_ms()).await,
            }
        })
    });
    work.await?;
    Ok(UploadState { received: len, complete: true })
}

fn broken(detail: &str) -> ApiError {
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "upload-broken", detail)
        .help("ask for the upload's state and go on from what was received")
}
