//! All files of a job to the grid: several at once, each hashed and then streamed, with one bar.

use std::path::PathBuf;

use fallow_protocol::Digest;
use fallow_protocol::job::FileRef;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::inputs::InputFile;
use crate::client::{Client, digest_file};
use crate::failure::Failure;
use crate::session::Session;
use crate::terminal::escape;
use crate::terminal::live::byte_bar;
use crate::words::bytes;

/// Files on their way at a time.
const AT_ONCE: usize = 4;

/// What is at the grid now.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// Inputs, in order.
    pub inputs: Vec<FileRef>,
    /// Shared files, in order.
    pub shared: Vec<FileRef>,
    /// Number of both.
    pub files: u64,
    /// Bytes of both.
    pub bytes: u64,
    /// Of these, bytes that the grid had already.
    pub bytes_known: u64,
}

/// Upload inputs and shared files.
pub async fn all(
    session: &Session,
    client: &Client,
    inputs: &[InputFile],
    shared: &[InputFile],
    bytes_max: u64,
) -> anyhow::Result<Sent> {
    let files: Vec<(usize, &InputFile)> = inputs.iter().chain(shared).enumerate().collect();
    let total = total_bytes(&files, bytes_max)?;
    let bar = byte_bar(&session.terminal, "uploading", total);
    let one = |(index, file): (usize, &InputFile)| {
        let (client, bar, path) = (client.clone(), bar.clone(), file.path.clone());
        async move { upload_one(&client, &bar, index, path).await }
    };
    // The futures are made before they run, so that no borrow of the list has to live as long as they do.
    let uploads: Vec<_> = files.iter().copied().map(one).collect();
    let done: Result<Vec<_>, anyhow::Error> = stream::iter(uploads).buffer_unordered(AT_ONCE).try_collect().await;
    bar.finish_and_clear();
    let mut done = done?;
    done.sort_by_key(|(index, ..)| *index);
    let refs: Vec<FileRef> = files
        .iter()
        .zip(&done)
        .map(|((_, file), (_, blob, _))| FileRef { name: file.name.clone(), blob: *blob })
        .collect();
    let (inputs, shared) = refs.split_at(inputs.len());
    let bytes_known = done.iter().map(|(_, _, known)| known).sum();
    Ok(Sent { files: refs.len() as u64, bytes: total, bytes_known, inputs: inputs.to_vec(), shared: shared.to_vec() })
}

async fn upload_one(
    client: &Client,
    bar: &indicatif::ProgressBar,
    index: usize,
    path: PathBuf,
) -> anyhow::Result<(usize, Digest, u64)> {
    let (digest, len) = digest_file(&path).await?;
    let sent = client.blobs().upload_hashed(&path, digest, len, &|more| bar.inc(more)).await;
    let sent = sent.map_err(|error| anyhow::Error::new(error).context(format!("uploading {}", path.display())))?;
    Ok((index, digest, sent.known))
}

fn total_bytes(files: &[(usize, &InputFile)], bytes_max: u64) -> anyhow::Result<u64> {
    let mut total = 0u64;
    for (_, file) in files {
        let shown = escape::line(&file.path.to_string_lossy());
        let meta = std::fs::metadata(&file.path)
            .map_err(|error| Failure::new(format!("failed to read {shown}")).place(error.to_string()))?;
        if meta.len() > bytes_max {
            let what =
                format!("{shown} has {}, and this grid takes files up to {}", bytes(meta.len()), bytes(bytes_max));
            return Err(Failure::usage(what, "cut it into smaller files").into());
        }
        total = total.saturating_add(meta.len());
    }
    Ok(total)
}
