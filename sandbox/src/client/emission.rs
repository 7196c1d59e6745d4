//! Files that long outputs are written to while they come: a split's units as `EmittedUnits` says, or plain bytes.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fallow_protocol::blocks::BlockListBuilder;
use fallow_protocol::unit::EmittedUnits;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Written;

/// Bytes that are written together: a split may emit millions of short units.
const BATCH_BYTES: usize = 256 << 10;
/// Batches that wait for the disk; beyond, the worker waits.
const BATCHES_WAITING: usize = 8;
/// How far a file is, is told after so many bytes.
const TOLD_BYTES: u64 = 8 << 20;

/// A file that is written to, and hashed, off the runtime: the next bytes come meanwhile.
#[derive(Debug)]
pub struct OutputFile {
    batch: Vec<u8>,
    to: mpsc::Sender<Vec<u8>>,
    writing: JoinHandle<io::Result<Written>>,
    /// Bytes that are in the file.
    len: Arc<AtomicU64>,
    told: u64,
}

impl OutputFile {
    /// Begin a file.
    pub fn create(path: &Path) -> Self {
        let (to, batches) = mpsc::channel(BATCHES_WAITING);
        let (path, len) = (path.to_owned(), Arc::new(AtomicU64::new(0)));
        let seen = len.clone();
        let writing = tokio::task::spawn_blocking(move || write(File::create(path)?, batches, &seen));
        Self { batch: Vec::new(), to, writing, len, told: 0 }
    }

    /// Append bytes. Where that is worth telling: how many whoever opens the file finds in it by now.
    pub async fn add(&mut self, bytes: Vec<u8>) -> io::Result<Option<u64>> {
        if self.batch.is_empty() {
            self.batch = bytes;
        } else {
            self.batch.extend_from_slice(&bytes);
        }
        if self.batch.len() >= BATCH_BYTES {
            self.give().await?;
        }
        let len = self.len.load(Ordering::Acquire);
        if len - self.told < TOLD_BYTES {
            return Ok(None);
        }
        self.told = len;
        Ok(Some(len))
    }

    async fn give(&mut self) -> io::Result<()> {
        if self.to.send(std::mem::take(&mut self.batch)).await.is_ok() {
            return Ok(());
        }
        // Only an error ends the writing before its end; the error is what there is to tell.
        (&mut self.writing).await.map_err(io::Error::other)??;
        Err(io::Error::other("a file was closed too soon"))
    }

    /// Nobody wants it: it is let go of before another is begun in its place.
    pub async fn give_up(self) {
        drop(self.to);
        let _ = self.writing.await;
    }

    /// Everything is in the file.
    pub async fn finish(mut self) -> io::Result<Written> {
        self.give().await?;
        drop(self.to);
        self.writing.await.map_err(io::Error::other)?
    }
}

fn write(mut file: File, mut batches: mpsc::Receiver<Vec<u8>>, len: &AtomicU64) -> io::Result<Written> {
    let (mut blocks, mut written) = (BlockListBuilder::default(), 0);
    while let Some(batch) = batches.blocking_recv() {
        file.write_all(&batch)?;
        written += batch.len() as u64;
        len.store(written, Ordering::Release);
        blocks.update(&batch);
    }
    Ok(Written { digest: blocks.finish().0, len: written })
}

/// Units emitted so far.
#[derive(Debug)]
pub struct Emission {
    file: OutputFile,
    lens: Vec<u64>,
    current: u64,
}

impl Emission {
    /// Begin a file.
    pub fn create(path: &Path) -> Self {
        Self { file: OutputFile::create(path), lens: Vec::new(), current: 0 }
    }

    /// Add bytes to the current unit, and end it where these are its last. As [`OutputFile::add`].
    pub async fn add(&mut self, bytes: Vec<u8>, ends_unit: bool) -> io::Result<Option<u64>> {
        self.current += bytes.len() as u64;
        let told = self.file.add(bytes).await?;
        if ends_unit {
            self.lens.push(std::mem::take(&mut self.current));
        }
        Ok(told)
    }

    /// As [`OutputFile::give_up`].
    pub async fn give_up(self) {
        self.file.give_up().await;
    }

    /// Write the index.
    pub async fn finish(mut self) -> io::Result<Written> {
        self.file.add(EmittedUnits::index(&self.lens)).await?;
        self.file.finish().await
    }
}
