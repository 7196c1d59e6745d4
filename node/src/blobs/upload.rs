//! Uploads: a file goes to the server under its digest, from where the server has it, a part of it by another name before.

use std::path::Path;

use fallow_protocol::Digest;
use fallow_protocol::api::UploadState;
use reqwest::{StatusCode, header};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::{BlobClient, TransferError, Try, WAIT_MAX, failed};
use crate::backoff::{self, Backoff};
use crate::http;

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 512 << 10;

impl BlobClient {
    /// Upload a file, going on from what the server has.
    pub async fn upload(&self, digest: &Digest, len: u64, file: &Path) -> Result<(), TransferError> {
        let Some(mut ahead) = self.ahead.take(digest) else {
            return self.upload_from(digest, len, file, None).await.map(drop);
        };
        let (id, sent) = ahead.sent().await;
        let first = self.upload_from(digest, len, file, Some((id, sent))).await;
        if first != Ok(true) {
            let client = self.clone();
            tokio::spawn(async move { client.forget(&id).await });
        }
        if let Err(TransferError::Refused(why)) = &first {
            tracing::info!(why, digest = %digest.short(), "an output that went ahead is uploaded anew");
            return self.upload_from(digest, len, file, None).await.map(drop);
        }
        first.map(drop)
    }

    /// Upload a file, of which the server may have a part by another name. Whether that was of use.
    async fn upload_from(
        &self,
        digest: &Digest,
        len: u64,
        file: &Path,
        ahead: Option<(Digest, u64)>,
    ) -> Result<bool, TransferError> {
        let begin = ahead.map_or(0, |(_, sent)| sent);
        let from = ahead.map(|(id, _)| format!("&from={id}")).unwrap_or_default();
        let url = self.url.api(&format!("node/blobs/{digest}?len={len}{from}"));
        let (mut offset, mut backoff) = (Some(begin), Backoff::default());
        loop {
            match self.upload_once(&url, digest, len, file, offset).await? {
                true => return Ok(offset.is_some()),
                // It may have been begun before; after that, the way to the server is at fault.
                false if offset.is_some() => offset = None,
                false => tokio::time::sleep(backoff.next(backoff::random()).min(WAIT_MAX)).await,
            }
        }
    }

    /// One round: true when the blob is whole. Without an offset the server is asked for it.
    async fn upload_once(
        &self,
        url: &str,
        digest: &Digest,
        len: u64,
        path: &Path,
        offset: Option<u64>,
    ) -> Result<bool, TransferError> {
        let offset = match offset {
            Some(offset) if path.exists() => offset,
            _ => match self.upload_state(digest).await? {
                UploadState { complete: true, .. } => return Ok(true),
                UploadState { received, .. } => received.min(len),
            },
        };
        let state = self.send(url, offset, len, path).await?;
        Ok(state.is_some_and(|state| state.complete))
    }

    /// Send a file's bytes from `offset` to `end`; none where the server is somewhere else, or the way to it broke off.
    pub(super) async fn send(
        &self,
        url: &str,
        offset: u64,
        end: u64,
        path: &Path,
    ) -> Result<Option<UploadState>, TransferError> {
        let url = format!("{url}&offset={offset}");
        let url = url.as_str();
        self.again(|session| async move {
            let mut file = match tokio::fs::File::open(path).await {
                Ok(file) => file,
                Err(error) => return Try::Never(error.into()),
            };
            if let Err(error) = file.seek(std::io::SeekFrom::Start(offset)).await {
                return Try::Never(error.into());
            }
            let bytes = ReaderStream::with_capacity(file.take(end - offset), PIECE_BYTES);
            let request = self.http.patch(url).bearer_auth(session).header(header::CONTENT_LENGTH, end - offset);
            match request.body(reqwest::Body::wrap_stream(bytes)).send().await {
                Ok(response) if response.status().is_success() => match response.json().await {
                    Ok(state) => Try::Done(Some(state)),
                    Err(error) => Try::Again(http::chain(&error)),
                },
                // Not where this began: ask, and go on from there.
                Ok(response) if matches!(response.status().as_u16(), 408 | 409) => Try::Done(None),
                Ok(response) => failed(response).await,
                Err(_) => Try::Done(None),
            }
        })
        .await
    }

    /// Let the server drop an upload that has no name. It sweeps away what is forgotten here.
    pub(super) async fn forget(&self, id: &Digest) {
        let url = self.url.api(&format!("node/uploads/{id}"));
        let url = url.as_str();
        let forgotten = self.again(|session| async move {
            match self.http.delete(url).bearer_auth(session).send().await {
                Ok(response) if response.status().is_success() => Try::Done(()),
                // Its last piece is being put away.
                Ok(response) if response.status() == StatusCode::CONFLICT => Try::Again("it is busy".into()),
                Ok(response) => failed(response).await,
                Err(error) => Try::Again(http::chain(&error)),
            }
        });
        if let Err(error) = forgotten.await {
            tracing::debug!(%error, "an upload without a name is left to the server");
        }
    }

    async fn upload_state(&self, digest: &Digest) -> Result<UploadState, TransferError> {
        self.again(|session| async move {
            let url = self.url.api(&format!("node/blobs/{digest}/upload"));
            match self.get(&url, &session, None, 64 * 1024).await {
                Try::Done(body) => match serde_json::from_slice(&body) {
                    Ok(state) => Try::Done(state),
                    Err(error) => Try::Again(error.to_string()),
                },
                Try::Again(why) => Try::Again(why),
                Try::Never(why) => Try::Never(why),
            }
        })
        .await
    }
}
