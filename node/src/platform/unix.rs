//! Unix: modes, a Unix socket, SIGTERM and SIGINT.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};

/// Stream of a control connection.
pub type ControlStream = UnixStream;

/// Let everyone read a file.
pub fn let_all_read(file: &File) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(0o644))
}

/// Let only the owner enter a folder.
pub fn only_owner_may_enter(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// Make renames within a folder durable.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Listens for the owner's commands.
#[derive(Debug)]
pub struct ControlListener(UnixListener);

impl ControlListener {
    /// Bind; the caller holds the data folder's lock, so a socket that is there is a dead one's.
    pub fn bind(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(Self(listener))
    }

    /// The next connection.
    pub async fn accept(&self) -> io::Result<ControlStream> {
        Ok(self.0.accept().await?.0)
    }
}

/// Connect to a running node.
pub async fn connect_control(path: &Path) -> io::Result<ControlStream> {
    UnixStream::connect(path).await
}

/// Show an address in the owner's browser.
pub fn open_in_browser(link: &str) -> io::Result<()> {
    let tool = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let null = std::process::Stdio::null;
    std::process::Command::new(tool).arg(link).stdin(null()).stdout(null()).stderr(null()).spawn().map(drop)
}

/// Ends at the first SIGTERM or SIGINT.
pub async fn asked_to_end() -> io::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}
