//! Blobs on this disk, block by block: only what units need is fetched, and every block is checked before it is kept.
//!
//! Owns the folder of blobs and its size. Files are sparse; which blocks are there is known in memory only, so a
//! restart begins with an empty folder.

use std::collections::HashMap;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fallow_protocol::Digest;
use fallow_protocol::blocks::{BlockList, block_count};
use fallow_protocol::limits::BLOCK_BYTES;

use crate::blobs::{BlobClient, TransferError};

/// Blocks that one request brings at most (8 MiB).
const RUN_BLOCKS_MAX: u64 = 32;
/// Blocks that are fetched together where only one is needed: the next unit usually wants the next one.
const AHEAD_BLOCKS: u64 = 4;
const BLOCK: u64 = BLOCK_BYTES as u64;

/// One blob. Whoever holds it keeps it from being evicted.
#[derive(Debug)]
pub struct Entry {
    digest: Digest,
    /// The file; only ranges that were ensured hold bytes.
    pub path: PathBuf,
    used: AtomicU64,
    bytes: AtomicU64,
    blocks: tokio::sync::Mutex<Blocks>,
}

#[derive(Debug, Default)]
struct Blocks {
    list: Option<BlockList>,
    have: Vec<bool>,
}

/// The cache.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    bytes_max: u64,
    client: BlobClient,
    entries: Mutex<HashMap<Digest, Arc<Entry>>>,
    clock: AtomicU64,
}

impl Cache {
    /// An empty cache in `dir`.
    pub fn open(dir: &Path, bytes_max: u64, client: BlobClient) -> std::io::Result<Self> {
        match std::fs::remove_dir_all(dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => std::fs::create_dir_all(dir)?,
        }
        let (entries, clock) = (Mutex::default(), AtomicU64::new(0));
        Ok(Self { dir: dir.to_owned(), bytes_max, client, entries, clock })
    }

    /// Have `len` bytes from `offset` of a blob on disk. `whole_len` where the blob's length is known beforehand.
    pub async fn range(
        &self,
        digest: &Digest,
        whole_len: Option<u64>,
        offset: u64,
        len: u64,
    ) -> Result<Arc<Entry>, TransferError> {
        let entry = self.entry(digest);
        let mut blocks = entry.blocks.lock().await;
        if blocks.list.is_none() {
            let list = self.list(digest, whole_len).await?;
            blocks.have = vec![false; block_count(list.len) as usize];
            blocks.list = Some(list);
        }
        let Blocks { list: Some(list), have } = &mut *blocks else { return Ok(entry.clone()) };
        let end = offset.checked_add(len).filter(|end| *end <= list.len);
        let end = end.ok_or_else(|| TransferError::Refused(format!("a range ends behind blob {}", digest.short())))?;
        if whole_len.is_some_and(|whole| whole != list.len) {
            return Err(TransferError::Tampered(*digest, "its length is another".into()));
        }
        for run in missing(have, offset / BLOCK, end.max(offset + 1).div_ceil(BLOCK)) {
            self.fetch(&entry, list, have, run).await?;
        }
        drop(blocks);
        self.evict();
        Ok(entry)
    }

    /// Have a whole blob on disk.
    pub async fn whole(&self, digest: &Digest, len: u64) -> Result<Arc<Entry>, TransferError> {
        self.range(digest, Some(len), 0, len).await
    }

    async fn list(&self, digest: &Digest, whole_len: Option<u64>) -> Result<BlockList, TransferError> {
        match whole_len {
            // A blob of one block is its own proof.
            Some(len) if len <= BLOCK => Ok(BlockList { len, values: Vec::new() }),
            _ => self.client.blocks(digest).await,
        }
    }

    async fn fetch(
        &self,
        entry: &Arc<Entry>,
        list: &BlockList,
        have: &mut [bool],
        (first, end): (u64, u64),
    ) -> Result<(), TransferError> {
        let offset = first * BLOCK;
        let len = (end * BLOCK).min(list.len) - offset;
        let bytes = self.client.range(&entry.digest, offset, len).await?;
        if bytes.is_empty() {
            list.verify_block(&entry.digest, first, &bytes).map_err(|error| tampered(entry, error))?;
        }
        for (index, block) in (first..).zip(bytes.chunks(BLOCK_BYTES)) {
            list.verify_block(&entry.digest, index, block).map_err(|error| tampered(entry, error))?;
        }
        let path = entry.path.clone();
        let written = tokio::task::spawn_blocking(move || write_at(&path, offset, &bytes)).await;
        written.map_err(|error| TransferError::Disk(error.to_string()))??;
        entry.bytes.fetch_add(len, Ordering::Relaxed);
        have[first as usize..end as usize].fill(true);
        Ok(())
    }

    fn entry(&self, digest: &Digest) -> Arc<Entry> {
        let used = self.clock.fetch_add(1, Ordering::Relaxed);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.entry(*digest).or_insert_with(|| {
            Arc::new(Entry {
                digest: *digest,
                path: self.dir.join(digest.to_string()),
                used: AtomicU64::new(0),
                bytes: AtomicU64::new(0),
                blocks: tokio::sync::Mutex::default(),
            })
        });
        entry.used.store(used, Ordering::Relaxed);
        entry.clone()
    }

    /// Drop the least recently used blobs that nobody holds, until the rest fits.
    fn evict(&self) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut total: u64 = entries.values().map(|entry| entry.bytes.load(Ordering::Relaxed)).sum();
        while total > self.bytes_max {
            let free = entries.values().filter(|entry| Arc::strong_count(entry) == 1);
            let oldest = free.min_by_key(|entry| entry.used.load(Ordering::Relaxed)).map(|entry| entry.digest);
            let Some(entry) = oldest.and_then(|digest| entries.remove(&digest)) else { return };
            total -= entry.bytes.load(Ordering::Relaxed);
            let _ = std::fs::remove_file(&entry.path);
        }
    }
}

fn tampered(entry: &Entry, error: impl std::fmt::Display) -> TransferError {
    TransferError::Tampered(entry.digest, error.to_string())
}

fn write_at(path: &Path, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

/// Runs of blocks to fetch, so that `first..end` is there: short gaps ahead are filled, long runs cut.
fn missing(have: &[bool], first: u64, end: u64) -> Vec<(u64, u64)> {
    let (count, mut runs, mut at) = (have.len() as u64, Vec::new(), first);
    while at < end.min(count) {
        if have[at as usize] {
            at += 1;
            continue;
        }
        let want = end.max(at + AHEAD_BLOCKS).min(at + RUN_BLOCKS_MAX).min(count);
        let until = (at..want).find(|index| have[*index as usize]).unwrap_or(want);
        runs.push((at, until));
        at = until;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_missing_blocks_are_fetched_in_runs() {
        assert_eq!(missing(&[false; 3], 0, 1), [(0, 3)], "a little ahead");
        assert_eq!(missing(&[true, false, true, false, false], 0, 5), [(1, 2), (3, 5)]);
        assert_eq!(missing(&[true; 4], 1, 3), []);
        assert_eq!(missing(&[false; 70], 0, 70), [(0, 32), (32, 64), (64, 70)]);
        assert_eq!(missing(&[false; 100], 10, 11), [(10, 14)]);
    }
}
