//! What the server has not confirmed: signed frames, results whose outputs are still to be uploaded, these outputs.
//!
//! Owns the folder `outbox`. Everything is on disk before it is sent, so that a killed node can send it again. It is
//! not synced: what a power failure takes was never acknowledged, and its units run again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use fallow_protocol::Digest;
use fallow_protocol::keys::{Purpose, SecretKey};
use fallow_protocol::link::{ResultsFrame, SignedResults, ToServer};
use fallow_protocol::wire;
use serde::{Deserialize, Serialize};

use crate::agent::io::Parked;

/// Frames are kept in memory up to so many bytes; beyond, they are read back when they are sent again.
const MEMORY_BYTES_MAX: usize = 32 << 20;
/// A spool file is never larger: a frame, its signature and its leases.
const FILE_BYTES_MAX: usize = 4 << 20;

/// A frame as it lies on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Spooled {
    leases: Vec<(u64, u32)>,
    signed: SignedResults,
}

/// The folder, and which frames are in it.
#[derive(Debug)]
pub struct Outbox {
    frames_dir: PathBuf,
    parked_dir: PathBuf,
    blobs_dir: PathBuf,
    frames: BTreeMap<u64, Option<Vec<u8>>>,
    memory_bytes: usize,
}

/// What an earlier run left.
#[derive(Debug, Default)]
pub struct Left {
    /// Frames with their leases.
    pub frames: Vec<(u64, Vec<(u64, u32)>)>,
    /// Results that wait for their upload.
    pub parked: Vec<Parked>,
}

impl Outbox {
    /// Open the folder and read what is in it. Damaged files are dropped: their units run again.
    pub fn open(path: &Path) -> anyhow::Result<(Self, Left)> {
        let [frames_dir, parked_dir, blobs_dir] = ["frames", "parked", "blobs"].map(|name| path.join(name));
        for dir in [&frames_dir, &parked_dir, &blobs_dir] {
            std::fs::create_dir_all(dir).with_context(|| format!("failed to make {}", dir.display()))?;
        }
        let mut outbox = Self { frames_dir, parked_dir, blobs_dir, frames: BTreeMap::new(), memory_bytes: 0 };
        let mut left = Left::default();
        for path in list(&outbox.frames_dir)? {
            let number = path.file_name().and_then(|name| name.to_str()?.parse::<u64>().ok());
            match (number, read::<Spooled>(&path)) {
                (Some(number), Some(spooled)) => {
                    outbox.frames.insert(number, None);
                    left.frames.push((number, spooled.leases));
                }
                _ => drop_damaged(&path),
            }
        }
        for path in list(&outbox.parked_dir)? {
            match read::<Parked>(&path) {
                Some(parked) => left.parked.push(parked),
                None => drop_damaged(&path),
            }
        }
        outbox.drop_orphans(&left.parked)?;
        left.frames.sort_unstable();
        Ok((outbox, left))
    }

    fn drop_orphans(&self, parked: &[Parked]) -> anyhow::Result<()> {
        let named: Vec<_> = parked.iter().filter_map(blob_of).map(|(digest, _)| digest.to_string()).collect();
        for path in list(&self.blobs_dir)? {
            if !named.iter().any(|name| path.file_name().is_some_and(|file| file == name.as_str())) {
                let _ = std::fs::remove_file(&path);
            }
        }
        Ok(())
    }

    /// Sign and spool a frame; gives the message to send.
    pub fn add(&mut self, frame: &ResultsFrame, leases: Vec<(u64, u32)>, key: &SecretKey) -> anyhow::Result<Vec<u8>> {
        let bytes = wire::encode(frame);
        let signature = key.sign(Purpose::Results, &bytes);
        let spooled = Spooled { leases, signed: SignedResults { bytes, signature } };
        let path = self.frame_path(frame.frame);
        let written = std::fs::write(&path, wire::encode(&spooled));
        let message = wire::encode(&ToServer::Results(spooled.signed));
        let keep = written.is_err() || self.memory_bytes + message.len() <= MEMORY_BYTES_MAX;
        if keep {
            self.memory_bytes += message.len();
        }
        self.frames.insert(frame.frame, keep.then(|| message.clone()));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "results are kept in memory only: failed to spool");
        }
        Ok(message)
    }

    /// The messages of all frames that wait, in order.
    pub fn messages(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.frames.iter().filter_map(|(number, kept)| match kept {
            Some(message) => Some(message.clone()),
            None => read::<Spooled>(&self.frame_path(*number))
                .map(|spooled| wire::encode(&ToServer::Results(spooled.signed))),
        })
    }

    /// The server has a frame.
    pub fn forget(&mut self, frame: u64) {
        if let Some(kept) = self.frames.remove(&frame) {
            self.memory_bytes -= kept.map_or(0, |message| message.len());
            let _ = std::fs::remove_file(self.frame_path(frame));
        }
    }

    /// Where an output waits for its upload.
    pub fn blobs(&self) -> BlobFolder {
        BlobFolder(self.blobs_dir.clone())
    }

    /// Keep a result until its output is uploaded.
    pub fn park(&self, parked: &Parked) {
        if let Err(error) = std::fs::write(self.parked_path(parked), wire::encode(parked)) {
            tracing::warn!(%error, "a result is kept in memory only: failed to spool");
        }
    }

    /// Its output is uploaded, or nobody wants it.
    pub fn unpark(&self, parked: &Parked) {
        let _ = std::fs::remove_file(self.parked_path(parked));
        if let Some((digest, _)) = blob_of(parked) {
            let _ = std::fs::remove_file(self.blobs().path(&digest));
        }
    }

    fn frame_path(&self, frame: u64) -> PathBuf {
        self.frames_dir.join(format!("{frame:020}"))
    }

    fn parked_path(&self, parked: &Parked) -> PathBuf {
        let key = parked.result.key;
        self.parked_dir.join(format!("{}-{}-{}-{}", parked.job, key.stage, key.seq, parked.result.attempt))
    }
}

/// The output that a parked result waits for.
pub fn blob_of(parked: &Parked) -> Option<(Digest, u64)> {
    let output = parked.result.output.as_ref()?;
    Some((output.blob()?, output.len()))
}

/// Where outputs wait for their upload, each named by its digest.
#[derive(Clone, Debug)]
pub struct BlobFolder(PathBuf);

impl BlobFolder {
    /// The file of a digest.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.0.join(digest.to_string())
    }

    /// A file of its own for bytes that have no name yet.
    pub fn unnamed(&self, tag: u64) -> PathBuf {
        self.0.join(format!("tag-{tag}"))
    }
}

fn list(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("failed to read {}", dir.display()))?;
    Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    wire::decode(&std::fs::read(path).ok()?, FILE_BYTES_MAX).ok()
}

fn drop_damaged(path: &Path) {
    tracing::warn!(path = %path.display(), "a damaged file of the outbox is dropped; its units run again");
    let _ = std::fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use fallow_protocol::JobId;
    use fallow_protocol::unit::Output;

    use super::*;
    use crate::agent::samples;

    fn frame(number: u64) -> ResultsFrame {
        ResultsFrame {
            node: fallow_protocol::NodeId::random(),
            frame: number,
            job: JobId::random(),
            profile: "p".into(),
            results: vec![samples::result(number, 1)],
        }
    }

    #[test]
    fn frames_survive_a_restart_until_they_are_committed() {
        let (folder, key) = (tempfile::tempdir().unwrap(), SecretKey::generate());
        let (mut outbox, left) = Outbox::open(folder.path()).unwrap();
        assert!(left.frames.is_empty() && left.parked.is_empty());
        let sent: Vec<_> = (8..12).map(|n| outbox.add(&frame(n), vec![(5, 1)], &key).unwrap()).collect();
        outbox.forget(9);
        drop(outbox);

        std::fs::write(folder.path().join("frames/00000000000000000013"), "torn").unwrap();
        let (mut outbox, left) = Outbox::open(folder.path()).unwrap();
        assert_eq!(left.frames, [(8, vec![(5, 1)]), (10, vec![(5, 1)]), (11, vec![(5, 1)])]);
        let again: Vec<_> = outbox.messages().collect();
        assert_eq!(again, [sent[0].clone(), sent[2].clone(), sent[3].clone()]);
        let ToServer::Results(results) = wire::decode(&again[0], 1 << 20).unwrap() else { panic!("no results") };
        assert_eq!(key.public().verify(Purpose::Results, &results.bytes, &results.signature), Ok(()));
        for number in [8, 10, 11] {
            outbox.forget(number);
        }
        assert_eq!(outbox.messages().count(), 0);
        assert!(Outbox::open(folder.path()).unwrap().1.frames.is_empty());
    }

    #[test]
    fn outputs_wait_with_their_results_and_orphans_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let (outbox, _) = Outbox::open(folder.path()).unwrap();
        let mut result = samples::result(1, 1);
        result.output = Some(Output::Blob { digest: Digest::of(b"large"), len: 5 });
        let parked = Parked { job: JobId::random(), lease: 3, result };
        std::fs::write(outbox.blobs().path(&Digest::of(b"large")), "large").unwrap();
        std::fs::write(outbox.blobs().path(&Digest::of(b"orphan")), "orphan").unwrap();
        outbox.park(&parked);

        let (outbox, left) = Outbox::open(folder.path()).unwrap();
        assert_eq!(left.parked, [parked.clone()]);
        assert!(outbox.blobs().path(&Digest::of(b"large")).exists());
        assert!(!outbox.blobs().path(&Digest::of(b"orphan")).exists());
        outbox.unpark(&parked);
        assert!(Outbox::open(folder.path()).unwrap().1.parked.is_empty());
        assert!(!outbox.blobs().path(&Digest::of(b"large")).exists());
    }
}
