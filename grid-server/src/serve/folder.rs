//! The data folder: made where it is missing, its owner's only, and one server's at a time.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use anyhow::{Context, bail};

/// Make and lock the folder. The lock goes with the file, also when the process is killed.
pub fn open(data: &Path) -> anyhow::Result<File> {
    let fresh = !data.exists();
    fs::create_dir_all(data).with_context(|| format!("failed to make the data folder {}", data.display()))?;
    if fresh {
        private(data).with_context(|| format!("failed to protect the data folder {}", data.display()))?;
    }
    let path = data.join("lock");
    let file = File::options().write(true).create(true).truncate(false).open(&path);
    let file = file.with_context(|| format!("failed to open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another server works in {}", data.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("failed to lock {}", path.display())),
    }
}

#[cfg(unix)]
fn private(data: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(data, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn private(_data: &Path) -> std::io::Result<()> {
    Ok(())
}
