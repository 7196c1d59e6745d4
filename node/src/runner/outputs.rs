//! Outputs: short ones travel in the result, longer ones become a file named by its digest until they are uploaded.

use std::io::Read;
use std::path::{Path, PathBuf};

use fallow_protocol::Digest;
use fallow_protocol::limits::INLINE_BYTES_MAX;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::Output;
use fallow_sandbox::client::TaskEnd;

use crate::agent::io::End;
use crate::outbox::BlobFolder;

/// A task's end as the agent hears it. `emitted` is the file that a split wrote.
pub async fn end(folder: &BlobFolder, ended: TaskEnd, emitted: Option<PathBuf>) -> End {
    let TaskEnd { tag, outcome, floats, fuel, memory_bytes, wall_us, output, log } = ended;
    let done = outcome == Outcome::Done;
    let mut end = End { outcome, floats, fuel, memory_bytes, wall_us, output: None, log };
    if done && emitted.is_none() && output.len() <= INLINE_BYTES_MAX {
        end.output = Some(Output::Inline(output));
        return end;
    }
    if !done && emitted.is_none() {
        return end;
    }
    let (folder, unnamed) = (folder.clone(), folder.unnamed(tag));
    let put = tokio::task::spawn_blocking(move || match emitted {
        Some(path) if done => put_file(&folder, &path),
        Some(path) => std::fs::remove_file(&path).map(|()| None).or(Ok(None)),
        None => put_bytes(&folder, &unnamed, &output).map(Some),
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
fn put_file(folder: &BlobFolder, path: &Path) -> std::io::Result<Option<Output>> {
    let len = std::fs::metadata(path)?.len();
    if len <= INLINE_BYTES_MAX as u64 {
        let bytes = std::fs::read(path)?;
        std::fs::remove_file(path)?;
        return Ok(Some(Output::Inline(bytes)));
    }
    let digest = digest_of(path)?;
    std::fs::rename(path, folder.path(&digest))?;
    Ok(Some(Output::Blob { digest, len }))
}

fn digest_of(path: &Path) -> std::io::Result<Digest> {
    let (mut file, mut hasher) = (std::fs::File::open(path)?, blake3::Hasher::new());
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            read => hasher.update(&buffer[..read]),
        };
    }
}

#[cfg(test)]
mod tests {
    use fallow_protocol::manifest::Floats;

    use super::*;
    use crate::outbox::Outbox;

    fn ended(outcome: Outcome, output: Vec<u8>) -> TaskEnd {
        TaskEnd { tag: 7, outcome, floats: Floats::Plain, fuel: 1, memory_bytes: 1, wall_us: 1, output, log: vec![] }
    }

    #[tokio::test]
    async fn long_outputs_become_files_named_by_their_digest() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Outbox::open(dir.path()).unwrap().0.blobs();
        let short = end(&folder, ended(Outcome::Done, vec![1; INLINE_BYTES_MAX]), None).await;
        assert_eq!(short.output, Some(Output::Inline(vec![1; INLINE_BYTES_MAX])));
        let bytes = vec![1; INLINE_BYTES_MAX + 1];
        let long = end(&folder, ended(Outcome::Done, bytes.clone()), None).await;
        let digest = Digest::of(&bytes);
        assert_eq!(long.output, Some(Output::Blob { digest, len: bytes.len() as u64 }));
        assert_eq!(std::fs::read(folder.path(&digest)).unwrap(), bytes);
        let failed = end(&folder, ended(Outcome::TimeLimit, bytes), None).await;
        assert_eq!(failed.output, None);
    }

    #[tokio::test]
    async fn emitted_units_are_the_output_of_a_split() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Outbox::open(dir.path()).unwrap().0.blobs();
        let path = folder.unnamed(7);
        std::fs::write(&path, vec![9; 5_000]).unwrap();
        let split = end(&folder, ended(Outcome::Done, vec![]), Some(path.clone())).await;
        assert_eq!(split.output, Some(Output::Blob { digest: Digest::of(&[9; 5_000]), len: 5_000 }));
        std::fs::write(&path, b"half").unwrap();
        assert_eq!(end(&folder, ended(Outcome::TimeLimit, vec![]), Some(path.clone())).await.output, None);
        assert!(!path.exists());
    }
}
