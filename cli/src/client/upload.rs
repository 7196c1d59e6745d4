//! Whole uploads: skip what the grid has, stream the rest, go on where a broken connection left off.

use std::io::SeekFrom;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fallow_protocol::Digest;
use fallow_protocol::api::UploadState;
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::{Blobs, ClientError, call};

/// Longest time in which nothing moves, neither bytes there nor the answer back.
const SILENCE: Duration = Duration::from_secs(120);
/// Tries in a row without one byte more at the grid.
const TRIES_MAX: u32 = 6;
/// Piece of a file that is read at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// Told how many bytes more are at the grid (or were found there).
pub type Progress<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// A blob that is at the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// Its digest.
    pub digest: Digest,
    /// Its length, bytes.
    pub len: u64,
    /// Bytes that the grid had already.
    pub known: u64,
}

/// BLAKE3 and length of a file, streamed.
pub async fn digest_file(path: &Path) -> Result<(Digest, u64), ClientError> {
    let path = path.to_owned();
    let hashed = tokio::task::spawn_blocking(move || {
        let mut hasher = blake3::Hasher::new();
        let result = std::fs::File::open(&path).and_then(|file| hasher.update_reader(file).map(drop));
        (path, result.map(|()| (Digest::from(hasher.finalize()), hasher.count())))
    })
    .await;
    let (path, result) = hashed.expect("hashing does not panic");
    result.map_err(|error| ClientError::file("read", &path, error))
}

impl Blobs {
    /// Upload bytes from memory.
    pub async fn upload_bytes(&self, bytes: impl Into<Bytes>) -> Result<Uploaded, ClientError> {
        let bytes = bytes.into();
        let (digest, len) = (Digest::of(&bytes), bytes.len() as u64);
        self.upload(digest, len, Content::Memory(bytes), &|_| {}).await
    }

    /// Upload a file: hashed first, then streamed from where the grid has it.
    pub async fn upload_file(&self, path: &Path, progress: Progress<'_>) -> Result<Uploaded, ClientError> {
        let (digest, len) = digest_file(path).await?;
        self.upload_hashed(path, digest, len, progress).await
    }

    /// Upload a file whose digest and length are known.
    pub async fn upload_hashed(
        &self,
        path: &Path,
        digest: Digest,
        len: u64,
        progress: Progress<'_>,
    ) -> Result<Uploaded, ClientError> {
        self.upload(digest, len, Content::File(path), progress).await
    }

    async fn upload(
        &self,
        digest: Digest,
        len: u64,
        content: Content<'_>,
        progress: Progress<'_>,
    ) -> Result<Uploaded, ClientError> {
        let mut state = self.upload_state(&digest).await?;
        let known = if state.complete { len } else { state.received.min(len) };
        progress(known);
        let (mut told, mut tries) = (known, 0);
        while !state.complete {
            let before = state.received;
            let sent = self.send_rest(&digest, before, len, &content, &mut told, progress).await;
            match sent {
                Ok(after) => state = after,
                Err(error) if !worth_another_try(&error) || tries >= TRIES_MAX => return Err(error),
                Err(_) => {
                    tokio::time::sleep(call::pause(tries, None)).await;
                    state = self.upload_state(&digest).await?;
                }
            }
            tries = if state.received > before { 0 } else { tries + 1 };
            if tries > TRIES_MAX && !state.complete {
                return Err(self.client.broken("the grid takes no more bytes of an upload"));
            }
        }
        progress(len.saturating_sub(told));
        Ok(Uploaded { digest, len, known })
    }

    /// One PATCH with all that the grid lacks.
    async fn send_rest(
        &self,
        digest: &Digest,
        offset: u64,
        len: u64,
        content: &Content<'_>,
        told: &mut u64,
        progress: Progress<'_>,
    ) -> Result<UploadState, ClientError> {
        let moved = Arc::new(AtomicU64::new(0));
        let body = content.body(offset, len, moved.clone()).await?;
        let patch = self.patch_body(digest, offset, len, body);
        tokio::pin!(patch);
        let (mut ticks, mut seen, mut silent) = (tokio::time::interval(Duration::from_millis(100)), 0, Duration::ZERO);
        loop {
            tokio::select! {
                done = &mut patch => return done,
                _ = ticks.tick() => {}
            }
            let now = moved.load(Ordering::Relaxed);
            silent = if now == seen { silent + ticks.period() } else { Duration::ZERO };
            seen = now;
            let more = (offset + now).saturating_sub(*told);
            *told += more;
            progress(more);
            if silent > SILENCE {
                return Err(self.client.broken("an upload stood still"));
            }
        }
    }
}

/// Where the bytes come from.
enum Content<'a> {
    Memory(Bytes),
    File(&'a Path),
}

impl Content<'_> {
    /// The bytes from `offset` to `len`, counted in `moved` as they are taken.
    async fn body(&self, offset: u64, len: u64, moved: Arc<AtomicU64>) -> Result<reqwest::Body, ClientError> {
        match self {
            Content::Memory(bytes) => Ok(bytes.slice(offset as usize..).into()),
            Content::File(path) => {
                let file = open_at(path, offset, len).await?;
                let stream = ReaderStream::with_capacity(file.take(len - offset), PIECE_BYTES);
                Ok(reqwest::Body::wrap_stream(stream.inspect(move |piece| {
                    if let Ok(piece) = piece {
                        moved.fetch_add(piece.len() as u64, Ordering::Relaxed);
                    }
                })))
            }
        }
    }
}

async fn open_at(path: &Path, offset: u64, len: u64) -> Result<tokio::fs::File, ClientError> {
    let failed = |error| ClientError::file("read", path, error);
    let mut file = tokio::fs::File::open(path).await.map_err(failed)?;
    if file.metadata().await.map_err(failed)?.len() != len || offset > len {
        return Err(ClientError::FileChanged { path: path.to_owned() });
    }
    file.seek(SeekFrom::Start(offset)).await.map_err(failed)?;
    Ok(file)
}

/// Broken connections, a server that restarts, and an offset that was out of date.
fn worth_another_try(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. } | ClientError::Broken { .. } => true,
        // Busy: the server has not yet noticed that the try before this one broke off.
        other if other.is_kind("upload-offset") || other.is_kind("upload-busy") => true,
        other => matches!(other.status(), Some(408 | 429 | 502 | 503 | 504)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_hashed_as_it_streams() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes = vec![7u8; 1_000_003];
        std::fs::write(file.path(), &bytes).unwrap();
        assert_eq!(digest_file(file.path()).await.unwrap(), (Digest::of(&bytes), 1_000_003));
        let missing = digest_file(&file.path().with_extension("none")).await.unwrap_err();
        assert!(missing.to_string().starts_with("failed to read "), "{missing}");
    }

    #[tokio::test]
    async fn a_file_of_another_length_is_noticed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"four").unwrap();
        assert!(open_at(file.path(), 2, 4).await.is_ok());
        assert!(matches!(open_at(file.path(), 0, 5).await, Err(ClientError::FileChanged { .. })));
    }

    #[test]
    fn refusals_end_an_upload_and_breaks_do_not() {
        let broken = ClientError::Broken { url: String::new(), why: String::new() };
        let wrong = ClientError::WrongBytes { wanted: Digest::of(b""), found: Digest::of(b"x") };
        assert!(worth_another_try(&broken) && !worth_another_try(&wrong));
    }
}
