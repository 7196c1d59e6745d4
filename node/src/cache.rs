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
use futures_util::{StreamExt, stream};

use crate::blobs::{BlobClient, TransferError};

/// Blocks that one request brings at most (8 MiB).
const RUN_BLOCKS_MAX: u64 = 32;
/// Requests under way at once for one blob.
const RUNS_AT_ONCE: usize = 3;
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
    list: Option<Arc<BlockList>>,
    have: Vec<bool>,
}

/// The cache.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    bytes_max: AtomicU64,
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
        let bytes_max = AtomicU64::new(bytes_max);
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
            blocks.list = Some(Arc::new(list));
        }
        let Blocks { list: Some(list), have } = &mut *blocks else { return Ok(entry.clone()) };
        let end = offset.checked_add(len).filter(|end| *end <= list.len);
        let end = end.ok_or_else(|| TransferError::Refused(format!("a range ends behind blob {}", digest.short())))?;
        if whole_len.is_some_and(|whole| whole != list.len) {
            return Err(TransferError::Tampered(*digest, "its length is another".into()));
        }
        let runs = missing(have, offset / BLOCK, end.max(offset + 1).div_ceil(BLOCK));
        let list = &*list;
        let mut fetching = stream::iter(runs).map(|run| self.fetch(&entry, list, run)).buffer_unordered(RUNS_AT_ONCE);
        while let Some(fetched) = fetching.next().await {
            let (first, end) = fetched?;
            have[first as usize..end as usize].fill(true);
        }
        drop(fetching);
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
        list: &Arc<BlockList>,
        (first, end): (u64, u64),
    ) -> Result<(u64, u64), TransferError> {
        let offset = first * BLOCK;
        let len = (end * BLOCK).min(list.len) - offset;
        let bytes = self.client.range(&entry.digest, offset, len).await?;
        let (into, list) = (entry.clone(), list.clone());
        let keep = move || keep(&into, &list, first, &bytes);
        tokio::task::spawn_blocking(keep).await.map_err(|error| TransferError::Disk(error.to_string()))??;
        entry.bytes.fetch_add(len, Ordering::Relaxed);
        Ok((first, end))
    }

    /// Take over a file of this computer's own making, which is the blob `digest`, unless some of it is there already.
    pub fn adopt(&self, digest: &Digest, len: u64, file: &Path) -> std::io::Result<()> {
        let entry = self.entry(digest);
        let Ok(mut blocks) = entry.blocks.try_lock() else { return std::fs::remove_file(file) };
        if blocks.list.is_some() {
            return std::fs::remove_file(file);
        }
        std::fs::rename(file, &entry.path)?;
        // With every block there, no value is asked for.
        blocks.have = vec![true; block_count(len) as usize];
        blocks.list = Some(Arc::new(BlockList { len, values: Vec::new() }));
        entry.bytes.store(len, Ordering::Relaxed);
        drop(blocks);
        drop(entry);
        self.evict();
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

    /// Hold at most so many bytes from now on.
    pub fn set_bytes_max(&self, bytes_max: u64) {
        self.bytes_max.store(bytes_max, Ordering::Relaxed);
        self.evict();
    }

    /// Drop the least recently used blobs that nobody holds, until the rest fits.
    fn evict(&self) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut total: u64 = entries.values().map(|entry| entry.bytes.load(Ordering::Relaxed)).sum();
        while total > self.bytes_max.load(Ordering::Relaxed) {
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

/// Check blocks from `first` on and write them where they belong.
fn keep(entry: &Entry, list: &BlockList, first: u64, bytes: &[u8]) -> Result<(), TransferError> {
    if bytes.is_empty() {
        list.verify_block(&entry.digest, first, bytes).map_err(|error| tampered(entry, error))?;
    }
    for (index, block) in (first..).zip(bytes.chunks(BLOCK_BYTES)) {
        list.verify_block(&entry.digest, index, block).map_err(|error| tampered(entry, error))?;
    }
    Ok(write_at(&entry.path, first * BLOCK, bytes)?)
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

    fn cache(dir: &Path, bytes_max: u64) -> Cache {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (_, session) = tokio::sync::watch::channel(None);
        let url = crate::http::GridUrl::parse("http://127.0.0.1:9", false).unwrap();
        Cache::open(&dir.join("cache"), bytes_max, BlobClient::new(crate::http::client().unwrap(), url, session))
            .unwrap()
    }

    #[tokio::test]
    async fn what_this_computer_made_is_not_fetched() {
        let dir = tempfile::tempdir().unwrap();
        let cache = cache(dir.path(), 1_500_000);
        let (bytes, file) = (vec![7; 1_000_000], dir.path().join("made"));
        let digest = Digest::of(&bytes);
        for _ in 0..2 {
            std::fs::write(&file, &bytes).unwrap();
            cache.adopt(&digest, 1_000_000, &file).unwrap();
            assert!(!file.exists(), "it was taken over, or is there already");
        }
        let entry = cache.range(&digest, None, 300_000, 500_000).await.unwrap();
        assert_eq!(std::fs::read(&entry.path).unwrap(), bytes);
        let path = entry.path.clone();
        drop(entry);
        std::fs::write(&file, "another").unwrap();
        cache.adopt(&Digest::of(b"another"), 700_000, &file).unwrap();
        assert!(!path.exists(), "it counts, and goes when there is no room");
    }

    #[test]
    fn only_missing_blocks_are_fetched_in_runs() {
        assert_eq!(missing(&[false; 3], 0, 1), [(0, 3)], "a little ahead");
        assert_eq!(missing(&[true, false, true, false, false], 0, 5), [(1, 2), (3, 5)]);
        assert_eq!(missing(&[true; 4], 1, 3), []);
        assert_eq!(missing(&[false; 70], 0, 70), [(0, 32), (32, 64), (64, 70)]);
        assert_eq!(missing(&[false; 100], 10, 11), [(10, 14)]);
    }
}
