//! An answer that is read piece by piece, from any byte on.

use std::time::Duration;

use bytes::Bytes;
use fallow_protocol::Digest;
use reqwest::header::{CONTENT_RANGE, ETAG, HeaderValue, RANGE};
use reqwest::{Response, StatusCode};

use super::call::Call;
use super::{Client, ClientError};

/// Longest silence within a download.
const SILENCE: Duration = Duration::from_secs(60);

/// Bytes on their way.
#[derive(Debug)]
pub struct Download {
    /// Byte of the whole at which this begins.
    pub offset: u64,
    /// Length of the whole, bytes, where the server says it.
    pub total: Option<u64>,
    /// Digest of the whole, from the ETag, where the server says it.
    pub digest: Option<Digest>,
    client: Client,
    answer: Response,
}

impl Download {
    /// The next bytes; None at the end. A break is an error: go on with a new download from where this ended.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ClientError> {
        match tokio::time::timeout(SILENCE, self.answer.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| ClientError::transport(self.client.url(), &error)),
            Err(_) => Err(self.client.broken("nothing came for a minute")),
        }
    }

    /// All that is left, in memory; at most `max` bytes, checked against the digest where this is the whole.
    pub async fn bytes(mut self, max: usize) -> Result<Vec<u8>, ClientError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if bytes.len() + chunk.len() > max {
                return Err(self.client.strange(self.answer.status(), format!("more than {max} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        let whole = self.offset == 0 && self.total.is_none_or(|total| total == bytes.len() as u64);
        match self.digest.filter(|_| whole) {
            Some(wanted) if wanted != Digest::of(&bytes) => {
                Err(ClientError::WrongBytes { wanted, found: Digest::of(&bytes) })
            }
            _ => Ok(bytes),
        }
    }
}

impl Client {
    /// Start a download at `offset`, for `len` bytes or to the end.
    pub(crate) async fn download(&self, call: Call, offset: u64, len: Option<u64>) -> Result<Download, ClientError> {
        let partial = offset > 0 || len.is_some();
        let call = if partial { call.header(RANGE, range_value(offset, len)) } else { call };
        let answer = self.answer(&call).await?;
        let digest = answer.headers().get(ETAG).and_then(etag_digest);
        let (offset, total) = match answer.status() {
            StatusCode::PARTIAL_CONTENT => answer
                .headers()
                .get(CONTENT_RANGE)
                .and_then(content_range)
                .filter(|(from, _)| *from == offset)
                .map(|(from, total)| (from, Some(total)))
                .ok_or_else(|| self.strange(answer.status(), "another range than was asked for".into()))?,
            // A server may answer a range with the whole.
            _ => (0, answer.content_length()),
        };
        Ok(Download { offset, total, digest, client: self.clone(), answer })
    }
}

fn range_value(offset: u64, len: Option<u64>) -> HeaderValue {
    let text = match len {
        Some(len) => format!("bytes={offset}-{}", offset.saturating_add(len.max(1)) - 1),
        None => format!("bytes={offset}-"),
    };
    HeaderValue::from_str(&text).expect("digits are allowed in a header")
}

/// `"…64 letters…"`, as the grid gives it.
fn etag_digest(value: &HeaderValue) -> Option<Digest> {
    value.to_str().ok()?.trim_matches('"').parse().ok()
}

/// First byte and length of the whole of `bytes 5-9/10`.
fn content_range(value: &HeaderValue) -> Option<(u64, u64)> {
    let (range, total) = value.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_and_read() {
        assert_eq!(range_value(5, None), "bytes=5-");
        assert_eq!(range_value(5, Some(5)), "bytes=5-9");
        assert_eq!(content_range(&HeaderValue::from_static("bytes 5-9/10")), Some((5, 10)));
        assert_eq!(content_range(&HeaderValue::from_static("bytes */10")), None);
        assert_eq!(content_range(&HeaderValue::from_static("items 5-9/10")), None);
    }

    #[test]
    fn an_etag_is_a_digest_in_quotes() {
        let digest = Digest::of(b"x");
        assert_eq!(etag_digest(&HeaderValue::from_str(&format!("\"{digest}\"")).unwrap()), Some(digest));
        assert_eq!(etag_digest(&HeaderValue::from_static("\"v1\"")), None);
    }
}
