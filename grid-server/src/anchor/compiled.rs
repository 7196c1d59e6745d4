//! The folder of compiled modules: bounded in bytes and files, the longest unused go first.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use fallow_protocol::Digest;
use fallow_protocol::manifest::Builds;

/// Files in the folder.
const FILES_MAX: usize = 256;

/// The folder, and which builds in it are in use.
#[derive(Debug)]
pub struct Compiled {
    dir: PathBuf,
    bytes_max: u64,
    in_use: Mutex<Vec<Digest>>,
}

/// Keeps both builds of a module from eviction.
#[derive(Debug)]
pub struct InUse<'a> {
    compiled: &'a Compiled,
    builds: Builds,
}

impl Compiled {
    /// A folder, which need not be there yet.
    pub fn new(dir: PathBuf, bytes_max: u64) -> Self {
        Self { dir, bytes_max, in_use: Mutex::default() }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Digest>> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Use a module's builds for as long as this is held.
    pub fn hold(&self, builds: Builds) -> InUse<'_> {
        self.lock().extend([builds.plain, builds.canonical]);
        InUse { compiled: self, builds }
    }

    /// A compiled file was used; make room for it, off the runtime.
    pub async fn used(&self, path: PathBuf) -> io::Result<()> {
        let keep: Vec<String> = self.lock().iter().map(ToString::to_string).collect();
        let (dir, bytes_max) = (self.dir.clone(), self.bytes_max);
        let work = move || {
            std::fs::File::options().append(true).open(path)?.set_modified(SystemTime::now())?;
            evict(&dir, bytes_max, FILES_MAX, &keep)
        };
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
    }
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        let mut in_use = self.compiled.lock();
        for build in [self.builds.plain, self.builds.canonical] {
            if let Some(at) = in_use.iter().position(|held| *held == build) {
                in_use.swap_remove(at);
            }
        }
    }
}

/// Remove the longest unused files, but none whose name begins as one of `keep`, until the rest fits.
fn evict(dir: &Path, bytes_max: u64, files_max: usize, keep: &[String]) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() {
            files.push((metadata.modified()?, metadata.len(), entry.file_name(), entry.path()));
        }
    }
    files.sort();
    let (mut bytes, mut count): (u64, usize) = (files.iter().map(|(_, len, ..)| len).sum(), files.len());
    for (_, len, name, path) in files {
        if bytes <= bytes_max && count <= files_max {
            break;
        }
        let name = name.to_string_lossy();
        // A file that is being written begins with a dot before its build.
        if !keep.iter().any(|build| name.trim_start_matches('.').starts_with(build)) {
            std::fs::remove_file(path)?;
            (bytes, count) = (bytes - len, count - 1);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_longest_unused_files_go_first_and_those_in_use_stay() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["aa-x", ".bb-x.17", "cc-x", "dd-x", "ee-x"];
        for (age, name) in (0..).zip(names) {
            let path = folder.path().join(name);
            std::fs::write(&path, [0; 100]).unwrap();
            let file = std::fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 + age)).unwrap();
        }
        let there = || names.map(|name| folder.path().join(name).exists());
        let keep = ["aa".to_owned(), "bb".to_owned()];
        evict(folder.path(), 400, 9, &keep).unwrap();
        assert_eq!(there(), [true, true, false, true, true], "bytes");
        evict(folder.path(), 400, 3, &keep).unwrap();
        assert_eq!(there(), [true, true, false, false, true], "files");
        evict(folder.path(), 0, 9, &[]).unwrap();
        assert_eq!(there(), [false; 5]);
    }

    #[test]
    fn a_build_is_in_use_until_its_last_holder_lets_go() {
        let compiled = Compiled::new(PathBuf::new(), 0);
        let builds = Builds { plain: Digest([1; 32]), canonical: Digest([2; 32]) };
        let (first, second) = (compiled.hold(builds), compiled.hold(builds));
        drop(first);
        assert_eq!(compiled.lock().len(), 2);
        drop(second);
        assert!(compiled.lock().is_empty());
    }
}
