//! A process that confines itself as a worker does and then tries to get out, for the sandbox's own test.

use super::ServeError;

/// What was tried, and whether it was denied.
#[cfg(target_os = "linux")]
pub fn serve() -> Result<Vec<(String, bool)>, ServeError> {
    use crate::confine::{self, Confinement};
    use crate::os::escapes;
    use anyhow::Context;

    let confinement = Confinement { data_bytes: Some(1 << 30), ..Confinement::run(None) };
    confine::files(&confinement).context("failed to confine files")?;
    confine::calls(&confinement).context("failed to confine calls")?;
    let mut tried = files();
    tried.extend(escapes::sockets());
    tried.extend([escapes::connect(), escapes::fork(), escapes::thread(), escapes::kill()]);
    tried.extend(escapes::ptrace());
    tried.push(("spawn".into(), std::process::Command::new("/bin/true").spawn().is_err()));
    tried.push(escapes::exec());
    Ok(tried)
}

#[cfg(target_os = "linux")]
fn files() -> Vec<(String, bool)> {
    use std::fs::File;
    let new = std::env::temp_dir().join(format!("fallow-escape-{}", std::process::id()));
    vec![
        ("open for reading".into(), File::open("/etc/passwd").is_err()),
        ("open own environment".into(), File::open("/proc/self/environ").is_err()),
        ("create a file".into(), File::create(&new).is_err()),
        ("list a directory".into(), std::fs::read_dir("/").is_err()),
        (
            "remove a file".into(),
            std::fs::remove_file("/etc/passwd.none")
                .is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied),
        ),
    ]
}

/// Other systems cannot confine a worker yet.
#[cfg(not(target_os = "linux"))]
pub fn serve() -> Result<Vec<(String, bool)>, ServeError> {
    Err(anyhow::anyhow!("this system cannot confine a worker").into())
}
