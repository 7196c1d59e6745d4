//! A leased unit made into a task for a worker: its input on disk or in memory, its checkpoint, its seed.

use std::path::PathBuf;
use std::sync::Arc;

use fallow_protocol::limits::{INLINE_BYTES_MAX, UNIT_BLOBS_MAX};
use fallow_protocol::unit::{Call, Input, Output, Range};
use fallow_sandbox::client::{Bytes, FileRange, Task, TaskInput, unit_seed};

use crate::agent::io::SlotUnit;
use crate::blobs::TransferError;
use crate::cache::{Cache, Entry};

/// Largest checkpoint that a node takes up, bytes.
const CHECKPOINT_BYTES_MAX: u64 = 1 << 30;

/// A task, and the blobs that must stay on disk until it has ended.
#[derive(Debug)]
pub struct Made {
    /// The task.
    pub task: Task,
    /// Its blobs.
    pub pins: Vec<Arc<Entry>>,
}

/// Fetch what a unit needs. `emit_to` is where a split writes.
pub async fn make(cache: &Cache, unit: &SlotUnit, job_seed: u64, emit_to: PathBuf) -> Result<Made, TransferError> {
    let mut pins = Vec::new();
    let SlotUnit { tag, unit } = unit;
    let input = match &unit.input {
        Input::Inline(bytes) => TaskInput::Bytes(Bytes::Memory(bytes.clone())),
        Input::Ranges(ranges) => TaskInput::Bytes(ranges_of(cache, ranges, &mut pins).await?),
        Input::Parts(parts) => TaskInput::Parts(parts_of(cache, parts, &mut pins).await?),
    };
    let checkpoint = match &unit.checkpoint {
        Some(checkpoint) if checkpoint.len <= CHECKPOINT_BYTES_MAX => {
            let entry = cache.whole(&checkpoint.blob, checkpoint.len).await?;
            let state = if checkpoint.len == 0 { Vec::new() } else { tokio::fs::read(&entry.path).await? };
            Some((state, checkpoint.fuel))
        }
        Some(_) => return Err(TransferError::Refused("the checkpoint is too large".into())),
        None => None,
    };
    let emit_to = (unit.call == Call::Split).then_some(emit_to);
    let seed = unit_seed(job_seed, unit.key);
    let floats = unit.floats.unwrap_or_default();
    let task = Task { tag: *tag, call: unit.call, seed, input, floats, checkpoint, emit_to };
    Ok(Made { task, pins })
}

async fn ranges_of(cache: &Cache, ranges: &[Range], pins: &mut Vec<Arc<Entry>>) -> Result<Bytes, TransferError> {
    if ranges.len() > UNIT_BLOBS_MAX {
        return Err(TransferError::Refused(format!("the input has {} ranges", ranges.len())));
    }
    let mut files = Vec::with_capacity(ranges.len());
    for range in ranges.iter().filter(|range| range.len > 0) {
        let entry = cache.range(&range.blob, None, range.offset, range.len).await?;
        files.push(FileRange { path: entry.path.clone(), offset: range.offset, len: range.len });
        pins.push(entry);
    }
    Ok(Bytes::Files(files))
}

async fn parts_of(
    cache: &Cache,
    parts: &[Option<Output>],
    pins: &mut Vec<Arc<Entry>>,
) -> Result<Vec<Option<Bytes>>, TransferError> {
    if parts.len() > UNIT_BLOBS_MAX {
        return Err(TransferError::Refused(format!("the merge has {} parts", parts.len())));
    }
    let mut made = Vec::with_capacity(parts.len());
    for part in parts {
        made.push(match part {
            None => None,
            Some(Output::Inline(bytes)) if bytes.len() <= INLINE_BYTES_MAX => Some(Bytes::Memory(bytes.clone())),
            Some(Output::Inline(_)) => return Err(TransferError::Refused("an inline part is too long".into())),
            Some(Output::Blob { digest, len }) => {
                let entry = cache.whole(digest, *len).await?;
                let file = FileRange { path: entry.path.clone(), offset: 0, len: *len };
                pins.push(entry);
                Some(Bytes::Files(vec![file]))
            }
        });
    }
    Ok(made)
}
