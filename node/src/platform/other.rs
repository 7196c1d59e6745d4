//! Systems without Unix sockets: the node runs, but cannot be commanded from another process yet.

use std::fs::File;
use std::io;
use std::path::Path;

/// Stream of a control connection; never made here.
pub type ControlStream = tokio::io::DuplexStream;

fn missing<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "there is no control socket on this system yet"))
}

/// Files are readable as their folder says.
pub fn let_all_read(_file: &File) -> io::Result<()> {
    Ok(())
}

/// The folder inherits its owner's rights.
pub fn only_owner_may_enter(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Folders cannot be synced here; renames are durable with their file.
pub fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Listens for nothing.
#[derive(Debug)]
pub struct ControlListener(());

impl ControlListener {
    /// Not here.
    pub fn bind(_path: &Path) -> io::Result<Self> {
        missing()
    }

    /// Not here.
    pub async fn accept(&self) -> io::Result<ControlStream> {
        missing()
    }
}

/// Not here.
pub async fn connect_control(_path: &Path) -> io::Result<ControlStream> {
    missing()
}

/// Show an address in the owner's browser.
pub fn open_in_browser(link: &str) -> io::Result<()> {
    std::process::Command::new("explorer").arg(link).spawn().map(drop)
}

/// Ends at the first Ctrl-C.
pub async fn asked_to_end() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
