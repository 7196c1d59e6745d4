//! Unfinished uploads: `uploads/OWNER/DIGEST` in the data folder. What was received stays, so that it can go on.
//!
//! One writer an upload at a time; a limited number an owner; untouched ones are swept away. One whose bytes are still
//! being made has a name that its owner chose, until its digest is known.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fallow_protocol::Digest;
use fallow_protocol::blocks::{BlockList, BlockListBuilder};
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};

use super::BUFFER_BYTES;
use super::upload::{Hashing, Received, Upload};

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

/// Unfinished uploads whose blocks are remembered: their lists and last blocks take memory.
const REMEMBERED_MAX: usize = 64;

/// The folder of unfinished uploads.
#[derive(Debug)]
pub struct Uploads {
    root: PathBuf,
    busy: Arc<Mutex<HashSet<PathBuf>>>,
    hashed: Arc<Hashed>,
}

/// What was hashed of unfinished uploads between two requests, so that no byte has to be read again.
#[derive(Debug, Default)]
pub(super) struct Hashed(Mutex<HashMap<PathBuf, (u64, BlockListBuilder)>>);

impl Hashed {
    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, (u64, BlockListBuilder)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Take the blocks of an upload of which `received` bytes are there.
    fn take(&self, path: &Path, received: u64) -> Option<BlockListBuilder> {
        if received == 0 {
            self.lock().remove(path);
            return Some(BlockListBuilder::default());
        }
        self.lock().remove(path).filter(|(len, _)| *len == received).map(|(_, blocks)| blocks)
    }

    /// Remember them, where there is room; else the file is read again at its end.
    pub(super) fn keep(&self, path: PathBuf, received: u64, blocks: BlockListBuilder) {
        let mut all = self.lock();
        if all.len() < REMEMBERED_MAX {
            all.insert(path, (received, blocks));
        }
    }

    fn rename(&self, from: &Path, to: PathBuf) {
        let mut all = self.lock();
        match all.remove(from) {
            Some(blocks) => all.insert(to, blocks),
            None => all.remove(&to),
        };
    }

    fn forget(&self, path: &Path) {
        self.lock().remove(path);
    }
}

impl Uploads {
    pub(super) async fn open_in(data: &Path) -> io::Result<Self> {
        let root = data.join("uploads");
        fs::create_dir_all(&root).await?;
        Ok(Self { root, busy: Arc::default(), hashed: Arc::default() })
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
        let blocks = self.hashed.take(&path, received);
        let hashing = Hashing { blocks, kept_in: self.hashed.clone() };
        Ok(Upload::new(path, digest, Received { bytes: received, of: total }, file, hashing, busy))
    }

    /// Name an upload by its digest, now that this is known. Nothing is done where there is none by the first name.
    pub async fn name(&self, owner: Owner, unnamed: &Digest, digest: &Digest) -> Result<(), UploadError> {
        let (from, to) = (self.path(owner, unnamed), self.path(owner, digest));
        let _busy = Busy::enter(&self.busy, &from).ok_or(UploadError::Busy)?;
        let _busy_too = Busy::enter(&self.busy, &to).ok_or(UploadError::Busy)?;
        match fs::rename(&from, &to).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            renamed => {
                self.hashed.rename(&from, to);
                Ok(renamed?)
            }
        }
    }

    /// Drop what was received, where nobody wants it any more.
    pub async fn remove(&self, owner: Owner, digest: &Digest) -> Result<(), UploadError> {
        let path = self.path(owner, digest);
        let _busy = Busy::enter(&self.busy, &path).ok_or(UploadError::Busy)?;
        self.hashed.forget(&path);
        match fs::remove_file(&path).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
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
                self.hashed.forget(&entry.path());
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
