//! Streams of bytes whose every operation is over when it returns, so that a guest cannot see how busy the computer is.

use std::fs::File;
use std::sync::{Arc, Mutex};

use fallow_protocol::outcome::LimitKind;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi_io::bytes::Bytes;

use super::limits::{LimitHit, mib};
use super::log::Log;

/// Bytes that a guest may write or read in one call.
const PIECE_BYTES: usize = 64 << 10;

/// Standard output of a command: its output. Clones are the same bytes.
#[derive(Clone, Debug)]
pub struct Stdout {
    bytes: Arc<Mutex<Vec<u8>>>,
    max: u64,
}

impl Stdout {
    /// At most `max` bytes.
    pub fn new(max: u64) -> Self {
        Self { bytes: Arc::default(), max }
    }

    /// Take what was written.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.bytes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

impl IsTerminal for Stdout {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stdout {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stdout {
    async fn ready(&mut self) {}
}

impl OutputStream for Stdout {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut all = self.bytes.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let len = (all.len() + bytes.len()) as u64;
        if len > self.max {
            let message = format!("writing {} to standard output; the limit is {}", mib(len), mib(self.max));
            return Err(StreamError::Trap(LimitHit::new(LimitKind::Output, message)));
        }
        all.extend_from_slice(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PIECE_BYTES)
    }
}

/// Standard error, and for components with `fallow:task` exports standard output too: the log.
#[derive(Clone, Debug)]
pub struct LogStream(pub Log);

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PIECE_BYTES)
    }
}

/// Bytes written to scratch over a unit's life. Clones are the same count.
#[derive(Clone, Debug)]
pub struct Written {
    bytes: Arc<Mutex<u64>>,
    max: u64,
}

impl Written {
    /// At most `max` bytes.
    pub fn new(max: u64) -> Self {
        Self { bytes: Arc::default(), max }
    }

    /// Count bytes that are about to be written.
    pub fn add(&self, bytes: u64) -> wasmtime::Result<()> {
        let mut sum = self.bytes.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *sum = sum.saturating_add(bytes);
        if *sum <= self.max {
            return Ok(());
        }
        let message = format!("writing {} to scratch; the limit is {}", mib(*sum), mib(self.max));
        Err(LimitHit::new(LimitKind::Scratch, message))
    }
}

/// Reads a file from a position on.
pub struct FileInput {
    pub file: Arc<File>,
    pub position: u64,
}

#[wasmtime_wasi::async_trait]
impl Pollable for FileInput {
    async fn ready(&mut self) {}
}

impl InputStream for FileInput {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let mut bytes = vec![0; size.min(PIECE_BYTES)];
        let len = read_at(&self.file, &mut bytes, self.position).map_err(failed)?;
        if len == 0 && size > 0 {
            return Err(StreamError::Closed);
        }
        bytes.truncate(len);
        self.position += len as u64;
        Ok(bytes.into())
    }
}

/// Writes a file from a position on, or at its end.
pub struct FileOutput {
    pub file: Arc<File>,
    /// None to append.
    pub position: Option<u64>,
    pub written: Written,
}

#[wasmtime_wasi::async_trait]
impl Pollable for FileOutput {
    async fn ready(&mut self) {}
}

impl OutputStream for FileOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.written.add(bytes.len() as u64).map_err(StreamError::Trap)?;
        let position = match self.position {
            Some(position) => position,
            None => self.file.metadata().map_err(failed)?.len(),
        };
        write_all_at(&self.file, &bytes, position).map_err(failed)?;
        self.position = self.position.map(|position| position + bytes.len() as u64);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PIECE_BYTES)
    }
}

fn failed(error: std::io::Error) -> StreamError {
    StreamError::LastOperationFailed(error.into())
}

#[cfg(unix)]
pub use std_unix::{read_at, write_all_at};

#[cfg(unix)]
mod std_unix {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::FileExt;

    /// Fill `bytes` from `position` on, short only at the file's end.
    pub fn read_at(file: &File, bytes: &mut [u8], position: u64) -> io::Result<usize> {
        let mut len = 0;
        while len < bytes.len() {
            match file.read_at(&mut bytes[len..], position + len as u64) {
                Ok(0) => break,
                Ok(more) => len += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(len)
    }

    /// Write all `bytes` at `position`.
    pub fn write_all_at(file: &File, bytes: &[u8], position: u64) -> io::Result<()> {
        file.write_all_at(bytes, position)
    }
}

#[cfg(windows)]
pub use std_windows::{read_at, write_all_at};

#[cfg(windows)]
mod std_windows {
    use std::fs::File;
    use std::io;
    use std::os::windows::fs::FileExt;

    /// Fill `bytes` from `position` on, short only at the file's end.
    pub fn read_at(file: &File, bytes: &mut [u8], position: u64) -> io::Result<usize> {
        let mut len = 0;
        while len < bytes.len() {
            match file.seek_read(&mut bytes[len..], position + len as u64)? {
                0 => break,
                more => len += more,
            }
        }
        Ok(len)
    }

    /// Write all `bytes` at `position`.
    pub fn write_all_at(file: &File, mut bytes: &[u8], mut position: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let len = file.seek_write(bytes, position)?;
            bytes = &bytes[len..];
            position += len as u64;
        }
        Ok(())
    }
}
