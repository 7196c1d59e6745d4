//! Downloads into files: resumed in ranges, checked against the digest, and only then under their name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use fallow_protocol::{Digest, JobId};
use tokio::io::{AsyncWriteExt, BufWriter};

use super::copy::Copy;
use super::download::Download;
use super::upload::{Progress, digest_file};
use super::{Client, ClientError, call};

/// Tries in a row without one byte more.
pub(super) const TRIES_MAX: u32 = 6;
/// Bytes that are written at a time.
const BUFFER_BYTES: usize = 512 * 1024;

/// What is downloaded.
#[derive(Clone, Debug)]
pub enum Source {
    /// The result of a job.
    Result(JobId),
    /// A blob.
    Blob(Digest),
}

/// A file that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// BLAKE3 of its bytes.
    pub digest: Digest,
    /// Its length, bytes.
    pub len: u64,
}

impl Client {
    /// Write `source` to `path`. Until it is whole and its digest is `digest`, it lies beside it as `….part`; a part
    /// that was left by an earlier try is gone on with. `copy` gets the bytes that come, too, unchecked.
    pub async fn save(
        &self,
        source: &Source,
        digest: Digest,
        path: &Path,
        copy: &mut Copy,
        progress: Progress<'_>,
    ) -> Result<Saved, ClientError> {
        let part = part_path(path, &digest);
        let mut told = 0;
        let mut tries = 0;
        let hashed = loop {
            let before = len_of(&part).await;
            progress(before.saturating_sub(told));
            told = told.max(before);
            match self.append(source, &part, before, &mut told, copy, progress).await {
                Ok(hashed) => break hashed,
                Err(error) if !is_break(&error) || tries >= TRIES_MAX => return Err(error),
                Err(_) => tokio::time::sleep(call::pause(tries, None)).await,
            }
            tries = if len_of(&part).await > before { 0 } else { tries + 1 };
        };
        finish(&part, path, digest, hashed).await
    }

    /// The digest and length of the part, where it was written from its first byte on.
    async fn append(
        &self,
        source: &Source,
        part: &Path,
        offset: u64,
        told: &mut u64,
        copy: &mut Copy,
        progress: Progress<'_>,
    ) -> Result<Option<(Digest, u64)>, ClientError> {
        let mut download = match self.open(source, offset).await {
            // Nothing is left after the last byte.
            Err(error) if error.status() == Some(416) && offset > 0 => return Ok(None),
            other => other?,
        };
        let failed = |error| ClientError::file("write", part, error);
        let file = open_part(part, download.offset).await.map_err(failed)?;
        let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
        let mut here = download.offset;
        let mut hasher = (here == 0).then(blake3::Hasher::new);
        while let Some(chunk) = next(&mut download, &mut file).await? {
            if let Some(hasher) = &mut hasher {
                hasher.update(&chunk);
            }
            file.write_all(&chunk).await.map_err(failed)?;
            copy.give(here, &chunk).await;
            here += chunk.len() as u64;
            progress(here.saturating_sub(*told));
            *told = here.max(*told);
        }
        file.flush().await.map_err(failed)?;
        match download.total {
            Some(total) if here < total => Err(self.broken("a download ended too soon")),
            _ => Ok(hasher.map(|hasher| (hasher.finalize().into(), here))),
        }
    }

    pub(super) async fn open(&self, source: &Source, offset: u64) -> Result<Download, ClientError> {
        match source {
            Source::Result(job) => self.result(job, offset, Duration::ZERO).await,
            Source::Blob(digest) => self.blobs().read(digest, offset, None).await,
        }
    }
}

/// The digest is in the name, so that parts of different results never mix.
fn part_path(path: &Path, digest: &Digest) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.part", digest.short()))
}

async fn open_part(part: &Path, offset: u64) -> std::io::Result<tokio::fs::File> {
    let file = tokio::fs::OpenOptions::new().create(true).append(true).open(part).await?;
    // The server may have answered a range with the whole.
    file.set_len(offset).await?;
    Ok(file)
}

async fn len_of(path: &Path) -> u64 {
    tokio::fs::metadata(path).await.map_or(0, |meta| meta.len())
}

/// The next bytes; what came before a break is in the file.
async fn next(download: &mut Download, file: &mut BufWriter<tokio::fs::File>) -> Result<Option<Bytes>, ClientError> {
    match download.chunk().await {
        Err(error) => {
            let _ = file.flush().await;
            Err(error)
        }
        other => other,
    }
}

/// `hashed` is what the part is, where that is known.
async fn finish(part: &Path, path: &Path, wanted: Digest, hashed: Option<(Digest, u64)>) -> Result<Saved, ClientError> {
    let (found, len) = match hashed {
        Some(hashed) => hashed,
        None => digest_file(part).await?,
    };
    if found != wanted {
        let _ = tokio::fs::remove_file(part).await;
        return Err(ClientError::WrongBytes { wanted, found });
    }
    tokio::fs::rename(part, path).await.map_err(|error| ClientError::file("write", path, error))?;
    Ok(Saved { digest: found, len })
}

pub(super) fn is_break(error: &ClientError) -> bool {
    matches!(error, ClientError::Unreachable { .. } | ClientError::Broken { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_bytes_get_the_name() {
        let dir = tempfile::tempdir().unwrap();
        let (path, wanted) = (dir.path().join("result.tar"), Digest::of(b"right"));
        let part = part_path(&path, &wanted);
        std::fs::write(&part, b"wrong").unwrap();
        assert!(matches!(finish(&part, &path, wanted, None).await, Err(ClientError::WrongBytes { .. })));
        assert!(!path.exists() && !part.exists());
        std::fs::write(&part, b"right").unwrap();
        assert_eq!(finish(&part, &path, wanted, None).await.unwrap(), Saved { digest: wanted, len: 5 });
        assert_eq!(std::fs::read(&path).unwrap(), b"right");
    }

    #[test]
    fn parts_lie_beside_their_file() {
        let part = part_path(Path::new("out/result.tar"), &Digest([0xab; 32]));
        assert_eq!(part, Path::new("out/.result.tar.abababababab.part"));
    }
}
