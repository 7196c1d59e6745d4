//! Who this node is and which grid it belongs to: the files of the data folder that must not be lost.
//!
//! `node.key` is the ed25519 seed (mode 0600), `grid.json` the enrolment with the pinned root key and the highest
//! serial seen, `frame` the number below which frames may have been used, `lock` keeps a second node out.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::Context;
use fallow_protocol::keys::{PublicKey, SecretKey};
use fallow_protocol::{Digest, NodeId};
use serde::{Deserialize, Serialize};

use crate::exit::{Code, Failure};
use crate::files;

/// Frame numbers are reserved on disk in steps of so many.
const FRAMES_RESERVED: u64 = 1_024;

/// What enrolment gave, kept for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// Address of the grid.
    pub url: String,
    /// The node's id there.
    pub node: NodeId,
    /// Its name, for its owner.
    pub name: String,
    /// The grid's name.
    pub grid: String,
    /// The account that it works for.
    pub owner: String,
    /// The pinned root key.
    pub root: PublicKey,
    /// Highest serial of the online key's certificate seen.
    pub serial: u64,
}

/// The data folder, locked for this process.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Open or make it, and keep other nodes out.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(path).with_context(|| format!("failed to make the data folder {}", path.display()))?;
        crate::platform::only_owner_may_enter(path)
            .with_context(|| format!("failed to close the data folder {} to others", path.display()))?;
        let lock_path = path.join("lock");
        let lock = File::create(&lock_path).with_context(|| format!("failed to open {}", lock_path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Failure::new(
                Code::NotRunning,
                format!("another fallow-node runs with {}; ask it with `fallow-node status`", path.display()),
            )),
            Err(TryLockError::Error(error)) => {
                Err(anyhow::Error::new(error).context(format!("failed to lock {}", lock_path.display())).into())
            }
        }
    }

    /// A path within it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The node's key; made at the first call.
    pub fn key(&self) -> anyhow::Result<SecretKey> {
        let path = self.join("node.key");
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let seed: Option<Digest> = text.trim().parse().ok();
                let seed = seed.with_context(|| format!("{} is damaged: join the grid again", path.display()))?;
                Ok(SecretKey::from_seed(seed.0))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = SecretKey::generate();
                let text = format!("{}\n", Digest(key.seed()));
                files::write_secret(&path, text.as_bytes())
                    .with_context(|| format!("failed to write {}", path.display()))?;
                Ok(key)
            }
            Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
        }
    }

    /// The enrolment, where there is one.
    pub fn membership(&self) -> anyhow::Result<Option<Membership>> {
        let path = self.join("grid.json");
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(
                serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged: join again", path.display()))?,
            )),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
        }
    }

    /// Keep the enrolment; after every check, never before.
    pub fn save_membership(&self, membership: &Membership) -> anyhow::Result<()> {
        let path = self.join("grid.json");
        let bytes = serde_json::to_vec_pretty(membership).context("failed to encode the enrolment")?;
        files::write_atomic(&path, &bytes).with_context(|| format!("failed to write {}", path.display()))
    }

    /// The counter of frames.
    pub fn frame_counter(&self) -> anyhow::Result<FrameCounter> {
        let path = self.join("frame");
        let next = match std::fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().with_context(|| format!("{} is damaged", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 1,
            Err(error) => return Err(error).with_context(|| format!("failed to read {}", path.display())),
        };
        Ok(FrameCounter { path, first: next, reserved: next })
    }
}

/// Frame numbers rise over the node's life, also over restarts: the file always names one that was never used.
#[derive(Debug)]
pub struct FrameCounter {
    path: PathBuf,
    /// First number of this run.
    pub first: u64,
    reserved: u64,
}

impl FrameCounter {
    /// Must be called before frame `number` is signed.
    pub fn reserve(&mut self, number: u64) -> anyhow::Result<()> {
        if number >= self.reserved {
            let reserved = number + FRAMES_RESERVED;
            files::write_atomic(&self.path, format!("{reserved}\n").as_bytes())
                .with_context(|| format!("failed to write {}", self.path.display()))?;
            self.reserved = reserved;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stays_and_a_second_node_is_kept_out() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let key = data.key().unwrap().public();
        assert_eq!(data.key().unwrap().public(), key);
        assert_eq!(DataDir::open(folder.path()).unwrap_err().code, Code::NotRunning);
        drop(data);
        assert_eq!(DataDir::open(folder.path()).unwrap().key().unwrap().public(), key);
    }

    #[test]
    fn frame_numbers_never_repeat_over_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let mut counter = data.frame_counter().unwrap();
        assert_eq!(counter.first, 1);
        for number in 1..=FRAMES_RESERVED + 5 {
            counter.reserve(number).unwrap();
        }
        assert!(data.frame_counter().unwrap().first > FRAMES_RESERVED + 5);
    }

    #[test]
    fn damaged_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        std::fs::write(data.join("node.key"), "zz").unwrap();
        std::fs::write(data.join("grid.json"), "{}").unwrap();
        assert!(format!("{:#}", data.key().unwrap_err()).contains("node.key"));
        assert!(format!("{:#}", data.membership().unwrap_err()).contains("grid.json"));
    }
}
