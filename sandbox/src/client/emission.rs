//! Files that long outputs are written to while they come: a split's units as `EmittedUnits` says, or plain bytes.

use std::io;
use std::path::Path;

use fallow_protocol::blocks::BlockListBuilder;
use fallow_protocol::unit::EmittedUnits;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};

use super::Written;

/// Bytes that are collected before they are given to the disk.
const BUFFER_BYTES: usize = 1 << 20;
/// How far a file is, is told after so many bytes.
const TOLD_BYTES: u64 = 8 << 20;

/// A file that is written to.
#[derive(Debug)]
pub struct OutputFile {
    file: BufWriter<File>,
    blocks: BlockListBuilder,
    len: u64,
    told: u64,
}

impl OutputFile {
    /// Begin a file, or begin it again.
    pub async fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, File::create(path).await?);
        Ok(Self { file, blocks: BlockListBuilder::default(), len: 0, told: 0 })
    }

    /// Append bytes. Where that is worth telling: how many whoever opens the file finds in it.
    pub async fn add(&mut self, bytes: &[u8]) -> io::Result<Option<u64>> {
        self.file.write_all(bytes).await?;
        self.blocks.update(bytes);
        self.len += bytes.len() as u64;
        if self.len - self.told < TOLD_BYTES {
            return Ok(None);
        }
        self.file.flush().await?;
        self.told = self.len;
        Ok(Some(self.len))
    }

    /// Everything is in the file.
    pub async fn finish(mut self) -> io::Result<Written> {
        self.file.flush().await?;
        Ok(Written { digest: self.blocks.finish().0, len: self.len })
    }
}

/// Units emitted so far.
#[derive(Debug)]
pub struct Emission {
    file: OutputFile,
    lens: Vec<u64>,
    current: u64,
}

impl Emission {
    /// Begin a file, or begin it again.
    pub async fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: OutputFile::create(path).await?, lens: Vec::new(), current: 0 })
    }

    /// Add bytes to the current unit, and end it where these are its last. As [`OutputFile::add`].
    pub async fn add(&mut self, bytes: &[u8], ends_unit: bool) -> io::Result<Option<u64>> {
        let told = self.file.add(bytes).await?;
        self.current += bytes.len() as u64;
        if ends_unit {
            self.lens.push(std::mem::take(&mut self.current));
        }
        Ok(told)
    }

    /// Write the index.
    pub async fn finish(mut self) -> io::Result<Written> {
        self.file.add(&EmittedUnits::index(&self.lens)).await?;
        self.file.finish().await
    }
}
