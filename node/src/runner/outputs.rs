//! Outputs: short ones travel in the result, longer ones become a file named by its digest until they are uploaded.

use std::path::Path;

use fallow_protocol::Digest;
use fallow_protocol::limits::INLINE_BYTES_MAX;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::Output;
use fallow_sandbox::client::{TaskEnd, Written};

use crate::agent::io::End;
use crate::outbox::BlobFolder;

/// A task's end as the agent hears it. What it wrote while it ran is in the folder's unnamed file of its tag.
pub async fn end(folder: &BlobFolder, ended: TaskEnd) -> End {
    let TaskEnd { tag, outcome, floats, fuel, memory_bytes, wall_us, output, written, log } = ended;
    let done = outcome == Outcome::Done;
    let mut end = End { outcome, floats, fuel, memory_bytes, wall_us, output: None, log };
    if done && written.is_none() && output.len() <= INLINE_BYTES_MAX {
        end.output = Some(Output::Inline(output));
        return end;
    }
    let (folder, unnamed) = (folder.clone(), folder.unnamed(tag));
    let put = tokio::task::spawn_blocking(move || match written {
        Some(written) if done => put_file(&folder, &unnamed, written).map(Some),
        None if done => put_bytes(&folder, &unnamed, &output).map(Some),
        _ => std::fs::remove_file(&unnamed).map(|()| None).or(Ok(None)),
    });
    match put.await.map_err(std::io::Error::other).flatten() {
        Ok(output) => end.output = output,
        Err(error) => {
            end.outcome = Outcome::HostFault { message: format!("the output could not be written: {error}") };
        }
    }
    end
}

/// Write bytes to a file named by their digest.
fn put_bytes(folder: &BlobFolder, unnamed: &Path, bytes: &[u8]) -> std::io::Result<Output> {
    std::fs::write(unnamed, bytes)?;
    let digest = Digest::of(bytes);
    std::fs::rename(unnamed, folder.path(&digest))?;
    Ok(Output::Blob { digest, len: bytes.len() as u64 })
}

/// Name a file by its digest; a short one becomes bytes.
fn put_file(folder: &BlobFolder, path: &Path, written: Written) -> std::io::Result<Output> {
    let Written { digest, len } = written;
    if len <= INLINE_BYTES_MAX as u64 {
        let bytes = std::fs::read(path)?;
        std::fs::remove_file(path)?;
        return Ok(Output::Inline(bytes));
    }
    std::fs::rename(path, folder.path(&digest))?;
    Ok(Output::Blob { digest, len })
}

#[cfg(test)]
mod tests {
    use fallow_protocol::manifest::Floats;

    use super::*;
    use crate::outbox::Outbox;

    fn ended(outcome: Outcome, output: Vec<u8>) -> TaskEnd {
        let (floats, written) = (Floats::Plain, None);
        TaskEnd { tag: 7, outcome, floats, fuel: 1, memory_bytes: 1, wall_us: 1, output, written, log: vec![] }
    }

    #[tokio::test]
    async fn long_outputs_become_files_named_by_their_digest() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Outbox::open(dir.path()).unwrap().0.blobs();
        let short = end(&folder, ended(Outcome::Done, vec![1; INLINE_BYTES_MAX])).await;
        assert_eq!(short.output, Some(Output::Inline(vec![1; INLINE_BYTES_MAX])));
        let bytes = vec![1; INLINE_BYTES_MAX + 1];
        let long = end(&folder, ended(Outcome::Done, bytes.clone())).await;
        let digest = Digest::of(&bytes);
        assert_eq!(long.output, Some(Output::Blob { digest, len: bytes.len() as u64 }));
        assert_eq!(std::fs::read(folder.path(&digest)).unwrap(), bytes);
        let failed = end(&folder, ended(Outcome::TimeLimit, bytes)).await;
        assert_eq!(failed.output, None);
    }

    #[tokio::test]
    async fn what_was_written_on_the_way_gets_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Outbox::open(dir.path()).unwrap().0.blobs();
        let path = folder.unnamed(7);
        for len in [100, 5_000] {
            let bytes = vec![9; len];
            let (digest, len) = (Digest::of(&bytes), len as u64);
            std::fs::write(&path, &bytes).unwrap();
            let written = Some(Written { digest, len });
            let split = end(&folder, TaskEnd { written, ..ended(Outcome::Done, vec![]) }).await;
            let short = len <= INLINE_BYTES_MAX as u64;
            let wanted = if short { Output::Inline(bytes) } else { Output::Blob { digest, len } };
            assert_eq!(split.output, Some(wanted));
            assert!(!path.exists() && folder.path(&digest).exists() != short);
        }
        std::fs::write(&path, b"half").unwrap();
        assert_eq!(end(&folder, ended(Outcome::TimeLimit, vec![])).await.output, None);
        assert!(!path.exists());
    }
}
