//! Files that all units of a job may read, fetched once a computer.

use std::io::{self, Read, Seek, SeekFrom};

use crate::{Error, Result, backend};

/// Most that one call to the host copies.
const READ_BYTES_MAX: usize = 1 << 20;

/// A shared file, open for reading. Wrap it in `BufReader` for many small reads.
#[derive(Debug, Clone)]
pub struct Shared {
    name: String,
    len: u64,
    position: u64,
}

/// Open the job's shared file `name`.
pub fn shared(name: &str) -> Result<Shared> {
    let len = backend::shared_len(name.as_bytes()).ok_or_else(|| {
        Error::new(format!("the job has no shared file {name:?}; name it in `shared` of fallow.toml"))
    })?;
    Ok(Shared { name: name.to_owned(), len, position: 0 })
}

impl Shared {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All its bytes.
    pub fn read_all(mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.len as usize);
        self.rewind()?;
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(READ_BYTES_MAX) as u32;
        if len == 0 || self.position >= self.len {
            return Ok(0);
        }
        let bytes = backend::shared_read(self.name.as_bytes(), self.position, len)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("shared file {:?}", self.name)))?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.len.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the start of a shared file"))?;
        Ok(self.position)
    }
}
