//! Unfinished uploads: `uploads/OWNER/DIGEST` in the data folder. What was received stays, so that it can go on.
//!
//! One writer an upload at a time; a limited number an owner; untouched ones are swept away.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fallow_protocol::Digest;
use fallow_protocol::blocks::{BlockList, BlockListBuilder};
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};

use super::BUFFER_BYTES;
use super::upload::{Received, Upload};

/// Whose upload it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// An account, by its internal id.
    Account(i64),
    /// A node, by its internal id.
    Node(i64),
}

impl Owner {
    fn folder(self) -> String {
        match self {
            Owner::Account(id) => format!("account-{id}"),
            Owner::Node(id) => format!("node-{id}"),
        }
    }
}

/// Why an upload does not go on.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The bytes are for another place.
    #[error("{received} bytes were received so far; go on from there")]
    Offset {
        /// Bytes received so far.
        received: u64,
    },
    /// Somebody writes to it now.
    #[error("another request writes to this upload now")]
    Busy,
    /// Too many unfinished ones.
    #[error("there are {0} unfinished uploads already; finish some of them first")]
    TooMany(u32),
    /// More bytes than were announced.
    #[error("more bytes came than the {0} that were announced")]
    Overrun(u64),
    /// All bytes are there, and they are others.
    #[error("the bytes have the digest {found}; the upload was dropped")]
    Mismatch {
        /// Digest of what was received.
        found: Digest,
    },
    /// The disk.
    #[error("failed to write to the disk")]
    Io(#[from] io::Error),
}

/// The folder of unfinished uploads.
#[derive(Debug)]
pub struct Uploads {
    root: PathBuf,
    busy: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Uploads {
    pub(super) async fn open_in(data: &Path) -> io::Result<Self> {
        let root = data.join("uploads");
        fs::create_dir_all(&root).await?;
        Ok(Self { root, busy: Arc::default() })
    }

    fn path(&self, owner: Owner, digest: &Digest) -> PathBuf {
        self.root.join(owner.folder()).join(digest.to_string())
    }

    /// Bytes received so far; 0 where nothing was begun.
    pub async fn received(&self, owner: Owner, digest: &Digest) -> io::Result<u64> {
        match fs::metadata(self.path(owner, digest)).await {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Go on at `offset` with an upload of `total` bytes, or begin it.
    pub async fn begin(
        &self,
        owner: Owner,
        digest: &Digest,
        offset: u64,
        total: u64,
        most: u32,
    ) -> Result<Upload, UploadError> {
        let path = self.path(owner, digest);
        let busy = Busy::enter(&self.busy, &path).ok_or(UploadError::Busy)?;
        let received = self.received(owner, digest).await?;
        if received != offset {
            return Err(UploadError::Offset { received });
        }
        if received > total {
            return Err(UploadError::Overrun(total));
        }
        let folder = self.root.join(owner.folder());
        fs::create_dir_all(&folder).await?;
        if !fs::try_exists(&path).await? && count(&folder, most).await? >= most {
            return Err(UploadError::TooMany(most));
        }
        let mut file = File::options().write(true).create(true).truncate(false).open(&path).await?;
        file.seek(SeekFrom::Start(offset)).await?;
        let file = file.into_std().await;
        Ok(Upload::new(path, digest, Received { bytes: received, of: total }, file, busy))
    }

    /// Remove uploads that nobody has touched for `age`; how many.
    pub async fn sweep(&self, age: Duration) -> io::Result<u64> {
        let mut removed = 0;
        let mut owners = fs::read_dir(&self.root).await?;
        while let Some(owner) = owners.next_entry().await? {
            let mut entries = fs::read_dir(owner.path()).await?;
            while let Some(entry) = entries.next_entry().await? {
                let touched = entry.metadata().await?.modified()?;
                let old = touched.elapsed().is_ok_and(|elapsed| elapsed >= age);
                let Some(_busy) = Busy::enter(&self.busy, &entry.path()).filter(|_| old) else { continue };
                fs::remove_file(entry.path()).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// Entries of a folder, counted no further than `most`.
async fn count(folder: &Path, most: u32) -> io::Result<u32> {
    let mut entries = fs::read_dir(folder).await?;
    let mut found = 0;
    while found < most && entries.next_entry().await?.is_some() {
        found += 1;
    }
    Ok(found)
}

/// Keeps a second writer out for as long as it lives.
#[derive(Debug)]
pub(super) struct Busy {
    all: Arc<Mutex<HashSet<PathBuf>>>,
    path: PathBuf,
}

impl Busy {
    fn enter(all: &Arc<Mutex<HashSet<PathBuf>>>, path: &Path) -> Option<Self> {
        let fresh = all.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
        fresh.then(|| Self { all: all.clone(), path: path.to_owned() })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.path);
    }
}

/// Name and blocks of a file.
pub(crate) async fn digest_of(path: &Path) -> io::Result<(Digest, BlockList)> {
    let mut file = File::open(path).await?;
    let mut blocks = BlockListBuilder::default();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer).await? {
            0 => return Ok(blocks.finish()),
            n => blocks.update(&buffer[..n]),
        }
    }
}
