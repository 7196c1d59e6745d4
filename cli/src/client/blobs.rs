//! Blobs by digest: state of an upload, one piece of an upload, reading, and the list of blocks.

use bytes::Bytes;
use fallow_protocol::Digest;
use fallow_protocol::api::UploadState;
use fallow_protocol::blocks::BlockList;
use reqwest::Method;

use super::call::Call;
use super::download::Download;
use super::{Client, ClientError};

/// A list of 8 TiB of blocks; no grid has larger blobs.
const BLOCK_LIST_BYTES_MAX: usize = 1 << 30;

/// The blobs of an account, or, with a node's session as token, those that a node may see.
#[derive(Clone, Debug)]
pub struct Blobs {
    pub(crate) client: Client,
    base: &'static [&'static str],
}

impl Client {
    /// Blobs under `/api/v1/blobs`.
    pub fn blobs(&self) -> Blobs {
        Blobs { client: self.clone(), base: &["api", "v1", "blobs"] }
    }

    /// Blobs under `/api/v1/node/blobs`; the client's token must be a node's session.
    pub fn node_blobs(&self) -> Blobs {
        Blobs { client: self.clone(), base: &["api", "v1", "node", "blobs"] }
    }
}

impl Blobs {
    /// `GET …/{digest}/upload`: how much of it the grid has.
    pub async fn upload_state(&self, digest: &Digest) -> Result<UploadState, ClientError> {
        self.client.json(self.get(digest, Some("upload"))).await
    }

    /// `PATCH …/{digest}`: one piece from memory, appended at `offset` of a blob of `total` bytes. Sent once, without
    /// retries, so that tests can break it as they like. To upload whole files see [`Blobs::upload_file`].
    pub async fn patch(
        &self,
        digest: &Digest,
        offset: u64,
        total: u64,
        bytes: impl Into<Bytes>,
    ) -> Result<UploadState, ClientError> {
        self.patch_body(digest, offset, total, bytes.into().into()).await
    }

    /// As [`Blobs::patch`], with any body.
    pub async fn patch_body(
        &self,
        digest: &Digest,
        offset: u64,
        total: u64,
        body: reqwest::Body,
    ) -> Result<UploadState, ClientError> {
        let digest = digest.to_string();
        let segments: Vec<&str> = self.base.iter().copied().chain([digest.as_str()]).collect();
        let query = [("offset", offset), ("len", total)];
        let request = self.client.request(Method::PATCH, &segments).query(&query).body(body);
        let sent = request.header(reqwest::header::CONTENT_TYPE, "application/octet-stream").send().await;
        let answer = sent.map_err(|error| ClientError::transport(self.client.url(), &error))?;
        let answer = self.client.checked(answer).await?;
        let status = answer.status();
        answer.json().await.map_err(|error| self.client.strange(status, format!("its JSON: {error}")))
    }

    /// `GET …/{digest}` from byte `offset` on, to its end or for `len` bytes.
    pub async fn read(&self, digest: &Digest, offset: u64, len: Option<u64>) -> Result<Download, ClientError> {
        self.client.download(self.get(digest, None), offset, len).await
    }

    /// `GET …/{digest}/blocks`, checked against the digest.
    pub async fn blocks(&self, digest: &Digest) -> Result<BlockList, ClientError> {
        let bytes = self.client.bytes(self.get(digest, Some("blocks"))).await?;
        let wrong = |what: String| self.client.strange(reqwest::StatusCode::OK, what);
        let list: BlockList = fallow_protocol::wire::decode(&bytes, BLOCK_LIST_BYTES_MAX)
            .map_err(|error| wrong(format!("its list of blocks: {error}")))?;
        list.verify(digest).map_err(|error| wrong(error.to_string()))?;
        Ok(list)
    }

    pub(crate) fn get(&self, digest: &Digest, rest: Option<&str>) -> Call {
        let digest = digest.to_string();
        let segments: Vec<&str> = self.base.iter().copied().chain([digest.as_str()]).chain(rest).collect();
        Call::get(&segments)
    }
}
