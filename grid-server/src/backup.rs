//! `backup` and `restore`: database, blobs and keys of a small grid as one tar file.
//!
//! The database is copied first and consistently, the blobs after it: what the copy names is there, except what the
//! running server removed meanwhile because nothing needs it any more. PostgreSQL has its own tools.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::app::now_ms;
use crate::config::Config;
use crate::store::backup::{check_sqlite, copy_sqlite};

mod pack;
mod unpack;

/// First entry of an archive: what it is.
const HEAD: &str = "fallow-backup.json";
/// Last entry: how much came before it, so that a cut archive is seen.
const END: &str = "fallow-backup-end.json";
const DATABASE: &str = "fallow.sqlite";
const FORMAT: u32 = 1;

/// What an archive says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    /// Layout of the archive.
    pub format: u32,
    /// Server that made it.
    pub version: String,
    /// When.
    pub created_at_ms: u64,
    /// Whether the root's secret key is in it.
    pub root_key: bool,
}

/// What went in or came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Blobs.
    pub blobs: u64,
    /// Bytes of blobs.
    pub bytes: u64,
}

/// Write database, keys and blobs to `file`, which must not exist.
pub async fn backup(config: &Config, file: &Path) -> anyhow::Result<(Head, Amount)> {
    let url = config.database();
    if !url.expose().starts_with("sqlite:") {
        bail!(
            "this grid's database is PostgreSQL: copy it with `pg_dump --format=custom --file=FILE DATABASE`, and the \
             folders {0}/blobs and {0}/keys with your usual tool, in that order",
            config.data.display()
        );
    }
    if file.exists() {
        bail!("{} exists already; choose another name", file.display());
    }
    let folder = tempfile::tempdir_in(&config.data).context("failed to make a folder for the database's copy")?;
    let copy = folder.path().join(DATABASE);
    copy_sqlite(url.expose(), &copy).await.context("failed to copy the database")?;
    let head = Head {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").into(),
        created_at_ms: now_ms(),
        root_key: config.data.join("keys/root.key").exists(),
    };
    let (data, target, told) = (config.data.clone(), file.to_owned(), head.clone());
    let packed = tokio::task::spawn_blocking(move || pack::pack(&data, &copy, &told, &target));
    let amount = packed.await?.with_context(|| format!("failed to write {}", file.display()))?;
    Ok((head, amount))
}

/// Bring an archive back into a data folder that is empty or missing. All or nothing.
pub async fn restore(file: &Path, data: &Path) -> anyhow::Result<(Head, Amount)> {
    if data.exists() && std::fs::read_dir(data)?.next().is_some() {
        bail!("{} is not empty; restore into a new folder", data.display());
    }
    let beside = beside(data)?;
    let (archive, target) = (file.to_owned(), beside.clone());
    let unpacked = tokio::task::spawn_blocking(move || unpack::unpack(&archive, &target)).await?;
    let finished = match unpacked {
        Ok(done) => finish(&beside, data).await.map(|()| done),
        Err(error) => Err(error),
    };
    if finished.is_err() {
        // What is half there helps nobody.
        let _ = std::fs::remove_dir_all(&beside);
    }
    finished.with_context(|| format!("failed to restore {}", file.display()))
}

/// A folder on the same disk, so that a rename makes it the data folder.
fn beside(data: &Path) -> anyhow::Result<PathBuf> {
    let mut name = data.file_name().context("the data folder has no name")?.to_owned();
    name.push(format!(".restoring-{}", fallow_protocol::ids::random_letters(8)));
    Ok(data.with_file_name(name))
}

async fn finish(beside: &Path, data: &Path) -> anyhow::Result<()> {
    let url = format!("sqlite://{}", beside.join(DATABASE).display());
    if !check_sqlite(&url).await.context("failed to read the database")? {
        bail!("the database in the archive is damaged");
    }
    if data.exists() {
        std::fs::remove_dir(data).context("failed to replace the empty folder")?;
    }
    std::fs::rename(beside, data).context("failed to move the data to its place")?;
    if let Some(parent) = data.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(parent).and_then(|folder| folder.sync_all()).context("failed to sync the folder")?;
    }
    Ok(())
}
