//! A leased unit made into a task for a worker: its input on disk or in memory, its checkpoint, its seed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use fallow_protocol::Digest;
use fallow_protocol::limits::{INLINE_BYTES_MAX, UNIT_BLOBS_MAX};
use fallow_protocol::unit::{Call, Input, Output, Range};
use fallow_sandbox::client::{Bringer, Bytes, FileRange, Later, Task, TaskInput, unit_seed};
use futures_util::{StreamExt, stream};
use tokio::task::AbortHandle;

use crate::agent::io::SlotUnit;
use crate::blobs::TransferError;
use crate::cache::{Cache, Entry};
use crate::http::micros;

/// Largest checkpoint that a node takes up, bytes.
const CHECKPOINT_BYTES_MAX: u64 = 1 << 30;
/// Parts of a merge that are fetched at the same time.
const PARTS_AT_ONCE: usize = 4;
/// The same while units still run.
const PARTS_AHEAD_AT_ONCE: usize = 2;

/// A task, and the blobs that must stay on disk until it has ended.
#[derive(Debug)]
pub struct Made {
    /// The task.
    pub task: Task,
    /// Its blobs.
    pub pins: Vec<Arc<Entry>>,
    /// Brings those of its blobs that it need not have from the beginning.
    pub bringing: Option<Bringing>,
}

/// Brings parts for as long as it is held, and keeps them on disk.
#[derive(Debug)]
pub struct Bringing(AbortHandle);

impl Drop for Bringing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Fetch a unit's input before its worker is there. What fails is fetched again, and told, when it is made.
pub async fn prefetch(cache: &Cache, input: &Input) {
    let Input::Ranges(ranges) = input else { return };
    let mut pins = Vec::new();
    if let Err(error) = ranges_of(cache, ranges, &mut pins).await {
        tracing::debug!(%error, "an input was not fetched ahead");
    }
}

/// Fetch parts that a merge will read, before it is known who runs it. What fails is fetched again by who does.
pub async fn gather(cache: &Cache, parts: Vec<(Digest, u64)>) {
    let (began, count) = (Instant::now(), parts.len());
    let whole = |(digest, len): (Digest, u64)| async move { cache.whole(&digest, len).await };
    let mut fetching = stream::iter(parts).map(whole).buffer_unordered(PARTS_AHEAD_AT_ONCE);
    while let Some(fetched) = fetching.next().await {
        if let Err(error) = fetched {
            // The job has ended, or another node joins them.
            return tracing::debug!(%error, "parts were not fetched ahead");
        }
    }
    tracing::debug!(count, took_us = micros(began), "parts gathered");
}

/// Fetch what a unit needs. `output_to` is where a split's units and long outputs are written.
pub async fn make(
    cache: &Arc<Cache>,
    unit: &SlotUnit,
    job_seed: u64,
    output_to: PathBuf,
) -> Result<Made, TransferError> {
    let (mut pins, mut bringing) = (Vec::new(), None);
    let SlotUnit { tag, unit } = unit;
    let input = match &unit.input {
        Input::Inline(bytes) => TaskInput::Bytes(Bytes::Memory(bytes.clone())),
        Input::Ranges(ranges) => TaskInput::Bytes(ranges_of(cache, ranges, &mut pins).await?),
        Input::Parts(parts) => {
            let (parts, parts_bringing) = parts_of(cache, parts)?;
            bringing = Some(parts_bringing);
            TaskInput::Parts(parts)
        }
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
    let splits = unit.call == Call::Split;
    let (emit_to, output_to) = (splits.then(|| output_to.clone()), (!splits).then_some(output_to));
    let seed = unit_seed(job_seed, unit.key);
    let floats = unit.floats.unwrap_or_default();
    let task = Task { tag: *tag, call: unit.call, seed, input, floats, checkpoint, emit_to, output_to };
    Ok(Made { task, pins, bringing })
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

/// Parts are brought one after the other while the guest joins those that are there.
fn parts_of(cache: &Arc<Cache>, parts: &[Option<Output>]) -> Result<(Vec<Option<Bytes>>, Bringing), TransferError> {
    if parts.len() > UNIT_BLOBS_MAX {
        return Err(TransferError::Refused(format!("the merge has {} parts", parts.len())));
    }
    let (mut made, mut wanted) = (Vec::with_capacity(parts.len()), Vec::new());
    for part in parts {
        made.push(match part {
            None => None,
            Some(Output::Inline(bytes)) if bytes.len() <= INLINE_BYTES_MAX => Some(Bytes::Memory(bytes.clone())),
            Some(Output::Inline(_)) => return Err(TransferError::Refused("an inline part is too long".into())),
            Some(Output::Blob { digest, len }) => {
                let (bringer, later) = Later::new();
                wanted.push((*digest, *len, bringer));
                Some(Bytes::Later(later))
            }
        });
    }
    Ok((made, Bringing(tokio::spawn(bring(cache.clone(), wanted)).abort_handle())))
}

async fn bring(cache: Arc<Cache>, wanted: Vec<(Digest, u64, Bringer)>) {
    let (began, count) = (Instant::now(), wanted.len());
    let one = |(digest, len, bringer): (Digest, u64, Bringer)| {
        let cache = &cache;
        async move {
            let fetched = cache.whole(&digest, len).await;
            let range = |entry: &Arc<Entry>| vec![FileRange { path: entry.path.clone(), offset: 0, len }];
            bringer.bring(fetched.as_ref().map(range).map_err(ToString::to_string));
            fetched
        }
    };
    let _pins: Vec<_> = stream::iter(wanted).map(one).buffered(PARTS_AT_ONCE).collect().await;
    tracing::debug!(count, took_us = micros(began), "parts fetched");
    // They stay on disk until the unit has ended, which ends this task.
    std::future::pending::<()>().await;
}
