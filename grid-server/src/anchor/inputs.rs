//! A unit's input as its worker is given it: memory, or ranges of the blobs on this disk.

use std::io;

use fallow_protocol::Digest;
use fallow_protocol::limits::UNIT_BLOBS_MAX;
use fallow_protocol::unit::{Input, Output, Range};
use fallow_sandbox::client::{Bytes, FileRange, TaskInput};

use super::error::{AnchorError, host};
use crate::blobs::BlobStore;

/// The input; every blob that it names is there.
pub async fn make(blobs: &BlobStore, input: &Input) -> Result<TaskInput, AnchorError> {
    Ok(match input {
        Input::Inline(bytes) => TaskInput::Bytes(Bytes::Memory(bytes.clone())),
        Input::Ranges(ranges) => TaskInput::Bytes(Bytes::Files(files(blobs, ranges).await?)),
        Input::Parts(parts) => {
            few(parts.len())?;
            let mut made = Vec::with_capacity(parts.len());
            for part in parts {
                made.push(match part {
                    None => None,
                    Some(Output::Inline(bytes)) => Some(Bytes::Memory(bytes.clone())),
                    Some(Output::Blob { digest, len }) => {
                        let all = Range { blob: *digest, offset: 0, len: *len };
                        Some(Bytes::Files(files(blobs, &[all]).await?))
                    }
                });
            }
            TaskInput::Parts(made)
        }
    })
}

async fn files(blobs: &BlobStore, ranges: &[Range]) -> Result<Vec<FileRange>, AnchorError> {
    few(ranges.len())?;
    let mut files = Vec::with_capacity(ranges.len());
    for Range { blob, offset, len } in ranges.iter().copied().filter(|range| range.len > 0) {
        let end = offset.checked_add(len).ok_or(AnchorError::Missing(blob))?;
        has(blobs, &blob, end).await?;
        files.push(FileRange { path: blobs.path(&blob), offset, len });
    }
    Ok(files)
}

/// Whether a blob is there, up to this byte.
pub async fn has(blobs: &BlobStore, blob: &Digest, end: u64) -> Result<(), AnchorError> {
    match blobs.len(blob).await {
        Ok(len) if len >= end => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(host("look for a blob")(error)),
        _ => Err(AnchorError::Missing(*blob)),
    }
}

fn few(blobs: usize) -> Result<(), AnchorError> {
    match blobs {
        0..=UNIT_BLOBS_MAX => Ok(()),
        _ => {
            Err(host("read the input")(io::Error::other(format!("it names {blobs} blobs, more than {UNIT_BLOBS_MAX}"))))
        }
    }
}
