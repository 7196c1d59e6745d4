//! Blobs on disk: `blobs/ab/abcd…` in the data folder, each with its list of blocks beside it when it has more than one.
//!
//! A blob is there whole or not at all: it is written beside, synced, and renamed. Who may read which blob is the
//! store's matter; unfinished uploads are in [`uploads`].

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fallow_protocol::blocks::{BlockList, BlockListBuilder};
use fallow_protocol::limits::BLOCK_BYTES;
use fallow_protocol::{Digest, wire};
use tokio::fs::{self, File};
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio::sync::RwLock;

pub mod unnamed;
pub mod upload;
pub mod uploads;

use unnamed::Unnamed;
use uploads::Uploads;

/// Bytes that are collected before they are given to the disk.
pub(crate) const BUFFER_BYTES: usize = 256 * 1024;

/// The folder of blobs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BlobStore {
    root: Arc<Path>,
    uploads: Arc<Uploads>,
    unnamed: Arc<Unnamed>,
    gate: Arc<RwLock<()>>,
}

impl BlobStore {
    /// Open the blobs of a data folder; makes the folders, and removes what a crash left half-written.
    pub async fn open_in(data: &Path) -> io::Result<Self> {
        let root = data.join("blobs");
        let half = root.join("half");
        if fs::try_exists(&half).await? {
            fs::remove_dir_all(&half).await?;
        }
        fs::create_dir_all(&half).await?;
        make_folders(root.clone()).await?;
        let uploads = Uploads::open_in(data).await?;
        Ok(Self { root: root.into(), uploads: Arc::new(uploads), unnamed: Arc::default(), gate: Arc::default() })
    }

    /// Unfinished uploads.
    pub fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// What nodes have uploaded and nothing names yet.
    pub fn unnamed(&self) -> &Unnamed {
        &self.unnamed
    }

    /// Read while a blob and the row that needs it come, written while one without need is forgotten and removed.
    pub fn gate(&self) -> &RwLock<()> {
        &self.gate
    }

    /// Where the blob is, if it is there.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        self.root.join(&name[..2]).join(name)
    }

    fn blocks_path(&self, digest: &Digest) -> PathBuf {
        self.path(digest).with_extension("blocks")
    }

    /// Keep bytes that are in memory.
    pub async fn put_bytes(&self, bytes: &[u8]) -> io::Result<Digest> {
        let digest = Digest::of(bytes);
        let path = self.path(&digest);
        if fs::try_exists(&path).await? {
            // Whoever has renamed it to this may not have synced the folder yet.
            sync_folder(path.parent().unwrap_or(&self.root).to_owned()).await?;
            return Ok(digest);
        }
        let mut writer = self.writer().await?;
        writer.write(bytes).await?;
        Ok(writer.finish().await?.0)
    }

    /// Begin a blob whose bytes stream by.
    pub async fn writer(&self) -> io::Result<BlobWriter> {
        let half = self.root.join("half").join(fallow_protocol::ids::random_letters(16));
        let file = File::options().write(true).create_new(true).open(&half).await?;
        let guard = RemoveOnDrop(Some(half));
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        Ok(BlobWriter { store: self.clone(), file, guard, blocks: BlockListBuilder::default() })
    }

    /// Open for reading.
    pub async fn open(&self, digest: &Digest) -> io::Result<File> {
        File::open(self.path(digest)).await
    }

    /// Length in bytes.
    pub async fn len(&self, digest: &Digest) -> io::Result<u64> {
        Ok(fs::metadata(self.path(digest)).await?.len())
    }

    /// Whether it is there.
    pub async fn contains(&self, digest: &Digest) -> io::Result<bool> {
        fs::try_exists(self.path(digest)).await
    }

    /// MessagePack of its [`BlockList`].
    pub async fn block_list(&self, digest: &Digest) -> io::Result<Vec<u8>> {
        let len = self.len(digest).await?;
        if len <= BLOCK_BYTES as u64 {
            return Ok(wire::encode(&BlockList { len, values: Vec::new() }));
        }
        fs::read(self.blocks_path(digest)).await
    }

    /// Remove it, where it is there.
    pub async fn remove(&self, digest: &Digest) -> io::Result<()> {
        for path in [self.path(digest), self.blocks_path(digest)] {
            match fs::remove_file(path).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Write and remove something, to see that the disk takes it.
    pub async fn probe(&self) -> io::Result<()> {
        let mut writer = self.writer().await?;
        writer.write(b"probe").await?;
        writer.file.flush().await
    }

    /// Move a synced file of known content to its place, its list of blocks first.
    pub(crate) async fn adopt(&self, file: &Path, digest: &Digest, list: &BlockList) -> io::Result<()> {
        let path = self.path(digest);
        let folder = path.parent().unwrap_or(&self.root).to_owned();
        if !list.values.is_empty() {
            let half = self.root.join("half").join(fallow_protocol::ids::random_letters(16));
            let mut blocks = File::create(&half).await?;
            blocks.write_all(&wire::encode(list)).await?;
            blocks.sync_all().await?;
            fs::rename(&half, self.blocks_path(digest)).await?;
        }
        fs::rename(file, &path).await?;
        sync_folder(folder).await
    }
}

/// The folders of all blobs, made and synced before the first one, so that no blob has to ask whether its folder lasts.
async fn make_folders(root: PathBuf) -> io::Result<()> {
    let make = move || {
        for first in 0..=u8::MAX {
            std::fs::create_dir_all(root.join(format!("{first:02x}")))?;
        }
        std::fs::File::open(root)?.sync_all()
    };
    tokio::task::spawn_blocking(make).await.map_err(io::Error::other)?
}

/// A rename lasts once its folder is synced.
async fn sync_folder(folder: PathBuf) -> io::Result<()> {
    tokio::task::spawn_blocking(move || std::fs::File::open(folder)?.sync_all()).await.map_err(io::Error::other)?
}

/// A blob that is being written. Dropped, it leaves nothing.
pub struct BlobWriter {
    store: BlobStore,
    file: BufWriter<File>,
    guard: RemoveOnDrop,
    blocks: BlockListBuilder,
}

impl BlobWriter {
    /// The next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.blocks.update(bytes);
        self.file.write_all(bytes).await
    }

    /// Sync it and give it its name; its digest and length.
    pub async fn finish(mut self) -> io::Result<(Digest, u64)> {
        self.file.flush().await?;
        self.file.get_ref().sync_all().await?;
        let (digest, list) = self.blocks.finish();
        if let Some(half) = &self.guard.0 {
            self.store.adopt(half, &digest, &list).await?;
        }
        self.guard.0 = None;
        Ok((digest, list.len))
    }
}

struct RemoveOnDrop(Option<PathBuf>);

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Removing one directory entry does not block for long; a left-over goes at the next start.
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests;
