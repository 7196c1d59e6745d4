//! One upload that is written to: hashed and written in batches off the runtime, one while the next one comes.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Bytes;
use fallow_protocol::Digest;
use fallow_protocol::blocks::BlockListBuilder;
use tokio::task::JoinHandle;

use super::BlobStore;
use super::uploads::{Busy, Hashed, UploadError, digest_of};

/// Bytes of an upload that are hashed and written together.
const BATCH_BYTES: u64 = 1 << 20;
/// Bytes after which a sync is begun, so that little is left to do at the end of a large upload.
const SYNC_BYTES: u64 = 32 << 20;
/// Pieces of them: a body may come byte by byte.
const BATCH_PIECES: usize = 256;

/// How far an upload is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received {
    pub(super) bytes: u64,
    pub(super) of: u64,
}

/// What was hashed so far, where all of it was, and where that is remembered between requests.
pub(super) struct Hashing {
    pub(super) blocks: Option<BlockListBuilder>,
    pub(super) kept_in: Arc<Hashed>,
}

/// An upload that is written to.
pub struct Upload {
    path: PathBuf,
    digest: Digest,
    sink: Sinking,
    /// Pieces that were not given to the sink yet.
    waiting: Vec<Bytes>,
    /// Bytes that were, and bytes that came.
    given: u64,
    received: u64,
    total: u64,
    /// A sync of what was given so far, beside the writing; and how far the last one went.
    syncing: Option<JoinHandle<io::Result<()>>>,
    sync_from: u64,
    hashed: Arc<Hashed>,
}

/// Where the bytes go, off the runtime: hashing and writing both take longer than a task may.
struct Sink {
    file: File,
    // Made on the way; where a part of that is forgotten, the file is read again at its end.
    blocks: Option<BlockListBuilder>,
    // Here, so that nobody else writes to the file while a write that nobody waits for any more is under way.
    _busy: Busy,
}

enum Sinking {
    Here(Sink),
    Away(JoinHandle<io::Result<Sink>>),
    Lost,
}

impl Sink {
    fn take(mut self, pieces: Vec<Bytes>) -> io::Result<Self> {
        for piece in pieces {
            self.file.write_all(&piece)?;
            if let Some(blocks) = &mut self.blocks {
                blocks.update(&piece);
            }
        }
        Ok(self)
    }
}

impl Upload {
    /// Go on at the end of `file`, which nobody else writes to.
    pub(super) fn new(
        path: PathBuf,
        digest: &Digest,
        received: Received,
        file: File,
        hashing: Hashing,
        busy: Busy,
    ) -> Self {
        let (Received { bytes, of }, Hashing { blocks, kept_in }) = (received, hashing);
        Self {
            path,
            digest: *digest,
            sink: Sinking::Here(Sink { file, blocks, _busy: busy }),
            waiting: Vec::new(),
            given: bytes,
            received: bytes,
            total: of,
            syncing: None,
            sync_from: bytes,
            hashed: kept_in,
        }
    }

    /// The next bytes.
    pub async fn append(&mut self, bytes: Bytes) -> Result<(), UploadError> {
        let received = self.received + bytes.len() as u64;
        if received > self.total {
            return Err(UploadError::Overrun(self.total));
        }
        self.received = received;
        self.waiting.push(bytes);
        if self.received - self.given >= BATCH_BYTES || self.waiting.len() >= BATCH_PIECES {
            self.give().await?;
        }
        Ok(())
    }

    /// Whether all bytes are there.
    pub fn is_whole(&self) -> bool {
        self.received == self.total
    }

    /// Hand on what waits, once the batch before is written: one is written while the next one comes.
    async fn give(&mut self) -> io::Result<()> {
        let sink = self.settled().await?;
        let pieces = std::mem::take(&mut self.waiting);
        if self.given - self.sync_from >= SYNC_BYTES && self.syncing.as_ref().is_none_or(JoinHandle::is_finished) {
            self.synced_so_far().await?;
            let file = sink.file.try_clone()?;
            self.syncing = Some(tokio::task::spawn_blocking(move || file.sync_data()));
            self.sync_from = self.given;
        }
        self.given = self.received;
        self.sink = Sinking::Away(tokio::task::spawn_blocking(move || sink.take(pieces)));
        Ok(())
    }

    async fn settled(&mut self) -> io::Result<Sink> {
        match std::mem::replace(&mut self.sink, Sinking::Lost) {
            Sinking::Here(sink) => Ok(sink),
            Sinking::Away(writing) => writing.await.map_err(io::Error::other)?,
            Sinking::Lost => Err(io::Error::other("an earlier write failed")),
        }
    }

    /// An error of a sync is told only once, so that it must not be missed here.
    async fn synced_so_far(&mut self) -> io::Result<()> {
        match self.syncing.take() {
            Some(syncing) => syncing.await.map_err(io::Error::other)?,
            None => Ok(()),
        }
    }

    /// Write what waits, and sync all.
    async fn synced(&mut self) -> io::Result<Sink> {
        let sink = self.settled().await?;
        self.synced_so_far().await?;
        let pieces = std::mem::take(&mut self.waiting);
        let work = move || {
            let sink = sink.take(pieces)?;
            sink.file.sync_all()?;
            Ok(sink)
        };
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
    }

    /// Keep what was received for later; how much that is.
    pub async fn keep(mut self) -> io::Result<u64> {
        let mut sink = self.synced().await?;
        if let Some(blocks) = sink.blocks.take() {
            self.hashed.keep(self.path, self.received, blocks);
        }
        Ok(self.received)
    }

    /// All bytes are there: check them and make them a blob. Wrong ones are dropped.
    pub async fn complete(mut self, store: &BlobStore) -> Result<u64, UploadError> {
        let mut sink = self.synced().await?;
        let (found, list) = match sink.blocks.take() {
            Some(blocks) => blocks.finish(),
            None => digest_of(&self.path).await?,
        };
        if found != self.digest || list.len != self.total {
            tokio::fs::remove_file(&self.path).await?;
            return Err(UploadError::Mismatch { found });
        }
        store.adopt(&self.path, &self.digest, &list).await?;
        Ok(self.total)
    }
}
