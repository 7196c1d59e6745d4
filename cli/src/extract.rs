//! Unpacking an archive that strangers may have filled: only plain files and folders, only below one new folder.

use std::fs::OpenOptions;
use std::io::{BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use tar::{Archive, EntryType};
use tempfile::TempDir;

use crate::failure::Failure;

/// Longest name of one part of a path, bytes.
const PART_BYTES_MAX: usize = 255;
/// Bytes that are read and written at a time.
const BUFFER_BYTES: usize = 512 * 1024;
/// Bytes of an archive's first header.
const BLOCK_BYTES: usize = 512;
/// Deepest path.
const PARTS_MAX: usize = 32;

/// Unpack `archive` into `folder`, which is made and must not hold anything. It appears only when all is there.
/// Returns the number of files.
pub fn extract(archive: &Path, folder: &Path) -> anyhow::Result<u64> {
    let opened = std::fs::File::open(archive).with_context(|| format!("failed to read {}", archive.display()))?;
    extract_beside(BufReader::with_capacity(BUFFER_BYTES, opened), folder)?.appear(folder)
}

/// Unpack what comes from `archive` into a hidden folder beside `folder`.
pub fn extract_beside(archive: impl Read, folder: &Path) -> anyhow::Result<Extracted> {
    refuse_full(folder)?;
    let mut archive = begun(archive)?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).with_context(|| format!("failed to create {}", parent.display()))?;
    let hidden = tempfile::Builder::new()
        .prefix(".fallow-extract-")
        .tempdir_in(parent)
        .with_context(|| format!("failed to create a folder in {}", parent.display()))?;
    let inside = hidden.path().join("files");
    std::fs::create_dir(&inside).context("failed to create a folder")?;
    let files = unpack(&mut archive, &inside)?;
    // Whoever writes it may fill it up behind its end.
    std::io::copy(&mut archive, &mut std::io::sink()).context("failed to read the archive")?;
    Ok(Extracted { hidden, inside, files })
}

/// The archive from its first byte on, once that and what follows look like one.
fn begun(mut archive: impl Read) -> anyhow::Result<impl Read> {
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    archive.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block).context("failed to read the archive")?;
    let is_archive =
        block.len() == BLOCK_BYTES && (&block[257..262] == b"ustar" || block.iter().all(|byte| *byte == 0));
    if !is_archive {
        let what = "the result is no archive, so there is nothing to extract";
        return Err(Failure::usage(what, "fetch it without --extract").into());
    }
    Ok(std::io::Cursor::new(block).chain(archive))
}

/// Files of an archive in a hidden folder. Dropped, they are removed.
#[derive(Debug)]
pub struct Extracted {
    // Removed with everything in it when this is dropped.
    #[expect(dead_code, reason = "held for its end")]
    hidden: TempDir,
    inside: PathBuf,
    files: u64,
}

impl Extracted {
    /// Give the folder its name; the number of files in it.
    pub fn appear(self, folder: &Path) -> anyhow::Result<u64> {
        refuse_full(folder)?;
        let _ = std::fs::remove_dir(folder);
        std::fs::rename(&self.inside, folder).with_context(|| format!("failed to create {}", folder.display()))?;
        Ok(self.files)
    }
}

/// Say that a result would be in the way of what is there.
pub fn refuse_full(folder: &Path) -> anyhow::Result<()> {
    let full = match std::fs::read_dir(folder) {
        Ok(mut inside) => inside.next().is_some(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    };
    if full {
        let what = format!("{} is there already and not an empty folder", folder.display());
        return Err(Failure::usage(what, "choose another folder with --output").into());
    }
    Ok(())
}

fn unpack(archive: &mut impl Read, folder: &Path) -> anyhow::Result<u64> {
    let mut archive = Archive::new(archive);
    let mut files = 0;
    for entry in archive.entries().context("failed to read the archive")? {
        let mut entry = entry.context("failed to read the archive")?;
        let name = entry.path_bytes().into_owned();
        let step = || format!("failed to extract {:?}", String::from_utf8_lossy(&name));
        match entry.header().entry_type() {
            EntryType::Directory => {
                let path = folder.join(inner_path(&name)?);
                std::fs::create_dir_all(path).with_context(step)?;
            }
            EntryType::Regular => {
                let path = folder.join(inner_path(&name)?);
                write_file(&mut entry, &path).with_context(step)?;
                files += 1;
            }
            EntryType::XGlobalHeader => {}
            other => refuse(&name, &format!("is no plain file or folder ({other:?})"))?,
        }
    }
    Ok(files)
}

fn write_file(entry: &mut impl Read, path: &Path) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    // A name that comes twice is refused here: nothing is written over.
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let mut file = std::io::BufWriter::with_capacity(BUFFER_BYTES, file);
    std::io::copy(entry, &mut file)?;
    file.flush()
}

/// The path below the folder, of plain names only.
fn inner_path(name: &[u8]) -> anyhow::Result<PathBuf> {
    let Ok(text) = std::str::from_utf8(name) else {
        return refuse(name, "is not UTF-8").map(|()| PathBuf::new());
    };
    let mut inner = PathBuf::new();
    for part in Path::new(text).components() {
        match part {
            Component::Normal(part) if is_plain(part.to_str().unwrap_or_default()) => inner.push(part),
            Component::CurDir => {}
            _ => refuse(name, "leads out of its folder or holds letters that file names do not")?,
        }
    }
    if inner.components().count() > PARTS_MAX {
        refuse(name, "is too deep")?;
    }
    Ok(inner)
}

/// A name that means the same on every system, and commands no terminal.
fn is_plain(part: &str) -> bool {
    let odd = |letter: char| letter.is_control() || matches!(letter, '\\' | ':');
    !part.is_empty() && part.len() <= PART_BYTES_MAX && !part.chars().any(odd)
}

fn refuse(name: &[u8], why: &str) -> anyhow::Result<()> {
    let name = String::from_utf8_lossy(name);
    let failure = Failure::new(format!("the archive holds {name:?}, which {why}"))
        .help("nothing was extracted; fetch without --extract to get the archive as it is")
        .kind("unsafe-archive");
    bail!(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive with these raw names, so that also wrong ones get in.
    fn archive(entries: &[(&str, EntryType, &[u8])]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut builder = tar::Builder::new(file.reopen().unwrap());
        for (name, kind, bytes) in entries {
            let mut header = tar::Header::new_ustar();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(bytes.len() as u64);
            header.set_mode(0o6777);
            if matches!(kind, EntryType::Symlink | EntryType::Link) {
                header.set_link_name("/etc").unwrap();
            }
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        builder.finish().unwrap();
        file
    }

    fn check_refused(entries: &[(&str, EntryType, &[u8])]) {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("out/result");
        let error = extract(archive(entries).path(), &folder).unwrap_err();
        assert!(!folder.exists(), "{entries:?}: {error:#}");
        let left = std::fs::read_dir(dir.path().join("out")).unwrap().count();
        assert_eq!(left, 0, "{entries:?} left something: {error:#}");
        assert!(!dir.path().join("evil").exists() && !dir.path().join("out/evil").exists());
    }

    #[test]
    fn plain_files_and_folders_are_extracted() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("result");
        std::fs::create_dir(&folder).unwrap();
        let file = archive(&[
            ("a.txt", EntryType::Regular, b"a"),
            ("./sub/", EntryType::Directory, b""),
            ("sub/deep/b.bin", EntryType::Regular, b"bb"),
        ]);
        assert_eq!(extract(file.path(), &folder).unwrap(), 2);
        assert_eq!(std::fs::read(folder.join("sub/deep/b.bin")).unwrap(), b"bb");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(folder.join("a.txt")).unwrap().permissions().mode() & 0o7111, 0);
        }
        let full = extract(file.path(), &folder).unwrap_err();
        assert!(full.to_string().contains("not an empty folder"), "{full}");
    }

    #[test]
    fn tricks_with_paths_and_links_are_refused() {
        use EntryType::{Block, Fifo, Link, Regular, Symlink};
        for name in ["../evil", "/tmp/evil", "a/../../evil", "a/..", "c:\\evil", "..\\evil", "\u{1b}[2J", "con:x"] {
            check_refused(&[(name, Regular, b"x")]);
        }
        check_refused(&[("link", Symlink, b"")]);
        check_refused(&[("good", Regular, b"x"), ("hard", Link, b"")]);
        check_refused(&[("fifo", Fifo, b"")]);
        check_refused(&[("disk", Block, b"")]);
        check_refused(&[("sparse", EntryType::GNUSparse, b"")]);
        check_refused(&[("twice", Regular, b"x"), ("twice", Regular, b"y")]);
        check_refused(&[("file", Regular, b"x"), ("file/inside", Regular, b"y")]);
    }

    #[test]
    fn something_else_is_no_archive() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![b'x'; 2_000]).unwrap();
        let dir = tempfile::tempdir().unwrap();
        for len in [2_000, 100, 0] {
            file.as_file().set_len(len).unwrap();
            let error = extract(file.path(), &dir.path().join("out")).unwrap_err();
            assert!(error.to_string().contains("no archive"), "{len} bytes: {error}");
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
