//! The file that a split's units are gathered in, as `EmittedUnits` says.

use std::io;
use std::path::Path;

use fallow_protocol::unit::EmittedUnits;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};

/// Units emitted so far.
#[derive(Debug)]
pub struct Emission {
    file: BufWriter<File>,
    lens: Vec<u64>,
    current: u64,
}

impl Emission {
    /// Begin a file, or begin it again.
    pub async fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(256 << 10, File::create(path).await?);
        Ok(Self { file, lens: Vec::new(), current: 0 })
    }

    /// Add bytes to the current unit, and end it where these are its last.
    pub async fn add(&mut self, bytes: &[u8], ends_unit: bool) -> io::Result<()> {
        self.file.write_all(bytes).await?;
        self.current += bytes.len() as u64;
        if ends_unit {
            self.lens.push(std::mem::take(&mut self.current));
        }
        Ok(())
    }

    /// Write the index.
    pub async fn finish(mut self) -> io::Result<()> {
        self.file.write_all(&EmittedUnits::index(&self.lens)).await?;
        self.file.flush().await
    }
}
