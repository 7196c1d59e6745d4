//! Reading an archive: only the names that a backup writes, only plain files, and every blob is what its name says.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use fallow_protocol::blocks::{BlockList, BlockListBuilder};
use fallow_protocol::{Digest, wire};
use tar::Archive;

use super::{Amount, DATABASE, END, FORMAT, HEAD, Head};

/// 8 GiB have 1 MiB of blocks; operators may allow more.
const BLOCKS_BYTES_MAX: usize = 1 << 30;
pub(super) const KEY_FILES: [&str; 6] =
    ["root.key", "root.pub", "online.key", "online.key.next", "cert.json", "accounts.key"];

/// What an entry is, by its name.
enum Entry {
    Database,
    Key(&'static str),
    Blob(Digest),
    Blocks(Digest),
    End,
}

/// Unpack `file` into the folder `target`, which is made.
pub fn unpack(file: &Path, target: &Path) -> anyhow::Result<(Head, Amount)> {
    let mut archive = Archive::new(std::io::BufReader::new(File::open(file)?));
    let mut entries = archive.entries()?;
    let head = head(entries.next().context("the archive is empty")??)?;
    make_private(target)?;
    make_private(&target.join("keys"))?;
    let (mut amount, mut database, mut end) = (Amount::default(), false, None);
    for entry in entries {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        ensure!(entry.header().entry_type().is_file(), "{name:?} in the archive is not a plain file");
        let kind = kind(&name).with_context(|| format!("{name:?} does not belong into a backup"))?;
        if matches!(kind, Entry::End) {
            end = Some(json::<Amount>(&mut entry)?);
            continue;
        }
        let path = place(target, &kind, &name)?;
        let bytes = match kind {
            Entry::Blocks(digest) => blocks(&mut entry, &path, &digest)?,
            Entry::Blob(digest) => blob(&mut entry, &path, &digest)?,
            Entry::Database | Entry::Key(_) | Entry::End => copy(&mut entry, &path, |_| {})?,
        };
        database |= matches!(kind, Entry::Database);
        if matches!(kind, Entry::Blob(_)) {
            amount = Amount { blobs: amount.blobs + 1, bytes: amount.bytes + bytes };
        }
    }
    ensure!(database && end == Some(amount), "the archive is not whole: it was cut or written by something else");
    Ok((head, amount))
}

fn json<T: serde::de::DeserializeOwned>(entry: &mut impl Read) -> anyhow::Result<T> {
    let mut text = Vec::new();
    entry.take(64 * 1024).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

fn head(mut entry: impl Read) -> anyhow::Result<Head> {
    let head: Head = json(&mut entry).with_context(|| format!("the archive does not begin with {HEAD}"))?;
    if head.format != FORMAT {
        bail!("the archive has layout {}, this server reads {FORMAT}", head.format);
    }
    Ok(head)
}

fn kind(name: &str) -> Option<Entry> {
    if name == DATABASE || name == END {
        return Some(if name == END { Entry::End } else { Entry::Database });
    }
    if let Some(key) = name.strip_prefix("keys/") {
        return KEY_FILES.into_iter().find(|known| *known == key).map(Entry::Key);
    }
    let (folder, file) = name.strip_prefix("blobs/")?.split_once('/')?;
    let blocks = file.strip_suffix(".blocks");
    let digest: Digest = blocks.unwrap_or(file).parse().ok()?;
    let right = file.starts_with(folder) && folder.len() == 2;
    right.then_some(if blocks.is_some() { Entry::Blocks(digest) } else { Entry::Blob(digest) })
}

fn place(target: &Path, kind: &Entry, name: &str) -> std::io::Result<PathBuf> {
    match kind {
        Entry::Database => Ok(target.join(DATABASE)),
        Entry::End => Ok(target.join(END)),
        Entry::Key(key) => Ok(target.join("keys").join(key)),
        Entry::Blob(digest) | Entry::Blocks(digest) => {
            let folder = target.join("blobs").join(&digest.to_string()[..2]);
            fs::create_dir_all(&folder)?;
            Ok(folder.join(name.rsplit('/').next().unwrap_or(name)))
        }
    }
}

fn blob(entry: &mut impl Read, path: &Path, digest: &Digest) -> anyhow::Result<u64> {
    let mut builder = BlockListBuilder::default();
    let len = copy(entry, path, |bytes| builder.update(bytes))?;
    ensure!(builder.finish().0 == *digest, "the blob {digest} in the archive is damaged");
    Ok(len)
}

fn blocks(entry: &mut impl Read, path: &Path, digest: &Digest) -> anyhow::Result<u64> {
    let mut bytes = Vec::new();
    let len = copy(entry, path, |part| bytes.extend_from_slice(part))?;
    let list: BlockList = wire::decode(&bytes, BLOCKS_BYTES_MAX)?;
    list.verify(digest).with_context(|| format!("the list of blocks of {digest} in the archive is damaged"))?;
    Ok(len)
}

fn copy(entry: &mut impl Read, path: &Path, mut each: impl FnMut(&[u8])) -> anyhow::Result<u64> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| format!("failed to make {}", path.display()))?;
    let (mut buffer, mut len) = (vec![0; 256 * 1024], 0);
    loop {
        let count = entry.read(&mut buffer)?;
        if count == 0 {
            file.sync_all()?;
            return Ok(len);
        }
        each(&buffer[..count]);
        file.write_all(&buffer[..count])?;
        len += count as u64;
    }
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}
