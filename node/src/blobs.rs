//! Blobs over HTTP: ranges down, resumable uploads up, with the session of the node link as bearer.
//!
//! Nothing here is trusted: who calls checks bytes against digests. Waits for a connection where there is none.

mod ahead;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use fallow_protocol::Digest;
use fallow_protocol::blocks::BlockList;
use fallow_protocol::wire;
use reqwest::{Client, Response, StatusCode, header};
use tokio::sync::{Semaphore, watch};

use crate::backoff::{self, Backoff};
use crate::http::{self, GridUrl};
pub use ahead::{AHEAD_FROM_BYTES, Ahead};

/// Requests at once, all units together.
const REQUESTS_MAX: usize = 8;
/// Tries of one request on a standing connection before it is given up.
const TRIES_MAX: u32 = 5;
/// Longest wait between two of these.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// A list of blocks of the largest blob (8 GiB) has 1 MiB; operators may allow more.
const LIST_BYTES_MAX: usize = 16 << 20;

/// Room that is made at once for an answer, which may say that it is longer than it is.
const RESERVE_BYTES: usize = 8 << 20;

/// Why a transfer ended without success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// The server will not: unknown blob, too large, not this node's.
    #[error("{0}")]
    Refused(String),
    /// It failed too often.
    #[error("{0}")]
    Failed(String),
    /// The server has no room for it now: on its disk, or among what this node has uploaded and no result names yet.
    #[error("the server has no room for it now: {0}")]
    NoRoom(String),
    /// The bytes are not those of the digest.
    #[error("blob {digest} is not what its digest says: {why}", digest = .0.short(), why = .1)]
    Tampered(Digest, String),
    /// This computer's disk.
    #[error("the disk: {0}")]
    Disk(String),
}

impl From<std::io::Error> for TransferError {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(error.to_string())
    }
}

/// The client.
#[derive(Clone, Debug)]
pub struct BlobClient {
    http: Client,
    url: GridUrl,
    session: watch::Receiver<Option<String>>,
    requests: Arc<Semaphore>,
    ahead: Arc<ahead::Named>,
}

/// What one try gave.
enum Try<T> {
    Done(T),
    Again(String),
    Never(TransferError),
}

impl BlobClient {
    /// A client whose session comes and goes with the link.
    pub fn new(http: Client, url: GridUrl, session: watch::Receiver<Option<String>>) -> Self {
        Self { http, url, session, requests: Arc::new(Semaphore::new(REQUESTS_MAX)), ahead: Arc::default() }
    }

    /// The list of blocks, checked against the digest.
    pub async fn blocks(&self, digest: &Digest) -> Result<BlockList, TransferError> {
        self.again(|session| async move {
            let url = self.url.api(&format!("node/blobs/{digest}/blocks"));
            let body = match self.get(&url, &session, None, LIST_BYTES_MAX).await {
                Try::Done(body) => body,
                Try::Again(why) => return Try::Again(why),
                Try::Never(why) => return Try::Never(why),
            };
            let list: BlockList = match wire::decode(&body, LIST_BYTES_MAX) {
                Ok(list) => list,
                Err(error) => return Try::Never(TransferError::Tampered(*digest, error.to_string())),
            };
            match list.verify(digest) {
                Ok(()) => Try::Done(list),
                Err(error) => Try::Never(TransferError::Tampered(*digest, error.to_string())),
            }
        })
        .await
    }

    /// `len` bytes from `offset`, unchecked.
    pub async fn range(&self, digest: &Digest, offset: u64, len: u64) -> Result<Vec<u8>, TransferError> {
        if len == 0 {
            return Ok(Vec::new());
        }
        self.again(|session| async move {
            let url = self.url.api(&format!("node/blobs/{digest}"));
            let range = format!("bytes={offset}-{}", offset + len - 1);
            match self.get(&url, &session, Some(range), len as usize).await {
                Try::Done(body) if body.len() as u64 == len => Try::Done(body),
                Try::Done(body) => Try::Again(format!("{} of {len} bytes came", body.len())),
                other => other,
            }
        })
        .await
    }

    async fn get(&self, url: &str, session: &str, range: Option<String>, bytes_max: usize) -> Try<Vec<u8>> {
        let mut request = self.http.get(url).bearer_auth(session);
        if let Some(range) = range {
            request = request.header(header::RANGE, range);
        }
        let mut response = match request.send().await {
            Ok(response) if response.status().is_success() => response,
            Ok(response) => return failed(response).await,
            Err(error) => return Try::Again(http::chain(&error)),
        };
        let len = response.content_length().map_or(0, |len| usize::try_from(len).unwrap_or(usize::MAX));
        let mut body = Vec::with_capacity(len.min(bytes_max).min(RESERVE_BYTES));
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > bytes_max => {
                    return Try::Never(TransferError::Failed("the server sends more than was asked for".into()));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Try::Done(body),
                Err(error) => return Try::Again(http::chain(&error)),
            }
        }
    }

    /// Try until it works, is refused, or failed too often while the node was connected.
    async fn again<T, F: Future<Output = Try<T>>>(&self, attempt: impl Fn(String) -> F) -> Result<T, TransferError> {
        let _permit = self.requests.acquire().await;
        let mut backoff = Backoff::default();
        for tries in 1.. {
            let session = self.session().await?;
            let why = match attempt(session.clone()).await {
                Try::Done(value) => return Ok(value),
                Try::Never(error) => return Err(error),
                Try::Again(why) => why,
            };
            // A connection that broke meanwhile is no fault of the transfer.
            let same = self.session.borrow().as_ref() == Some(&session);
            if same && tries >= TRIES_MAX {
                return Err(TransferError::Failed(why));
            }
            tracing::debug!(why, tries, "a transfer is tried again");
            tokio::time::sleep(backoff.next(backoff::random()).min(WAIT_MAX)).await;
        }
        Err(TransferError::Failed("it failed too often".into()))
    }

    async fn session(&self) -> Result<String, TransferError> {
        let mut session = self.session.clone();
        let there = session.wait_for(Option::is_some).await;
        let session = there.ok().and_then(|session| session.clone());
        session.ok_or_else(|| TransferError::Failed("the node is shutting down".into()))
    }
}

async fn failed<T>(response: Response) -> Try<T> {
    let (status, text) = http::problem(response).await;
    match status {
        // The session ended with its connection; the next one has another.
        StatusCode::UNAUTHORIZED | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Try::Again(text),
        // Trying again at once makes no room; who uploads knows when to come again.
        StatusCode::INSUFFICIENT_STORAGE => Try::Never(TransferError::NoRoom(text)),
        status if status.is_client_error() => Try::Never(TransferError::Refused(text)),
        _ => Try::Again(text),
    }
}

#[cfg(test)]
mod tests;
