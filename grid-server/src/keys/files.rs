//! Key files: hexadecimal seeds and a JSON certificate, written whole, synced, and readable by their owner only.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use data_encoding::HEXLOWER;
use fallow_protocol::keys::OnlineCert;
use fallow_protocol::{PublicKey, SecretKey};

use super::KeysError;

pub const ROOT: &str = "root.key";
pub const ROOT_PUBLIC: &str = "root.pub";
pub const ONLINE: &str = "online.key";
pub const NEXT: &str = "online.key.next";
pub const CERT: &str = "cert.json";

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> KeysError {
    move |source| KeysError::File { action, path: path.to_owned(), source }
}

pub fn make_dir(dir: &Path) -> Result<(), KeysError> {
    fs::create_dir_all(dir).map_err(failed("make", dir))?;
    private(dir, 0o700).map_err(failed("protect", dir))
}

pub fn read_secret(path: &Path) -> Result<SecretKey, KeysError> {
    let text = read(path)?;
    let seed = HEXLOWER.decode(text.trim().as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    seed.map(SecretKey::from_seed).ok_or(KeysError::Damaged { path: path.to_owned(), what: "a secret key" })
}

pub fn write_secret(path: &Path, key: &SecretKey) -> Result<(), KeysError> {
    write(path, &format!("{}\n", HEXLOWER.encode(&key.seed())))
}

pub fn read_public(path: &Path) -> Result<PublicKey, KeysError> {
    read(path)?.trim().parse().map_err(|_| KeysError::Damaged { path: path.to_owned(), what: "a public key" })
}

pub fn write_public(path: &Path, key: &PublicKey) -> Result<(), KeysError> {
    write(path, &format!("{key}\n"))
}

pub fn read_cert(path: &Path) -> Result<OnlineCert, KeysError> {
    serde_json::from_str(&read(path)?).map_err(|_| KeysError::Damaged { path: path.to_owned(), what: "a certificate" })
}

pub fn write_cert(path: &Path, cert: &OnlineCert) -> Result<(), KeysError> {
    let text = serde_json::to_string_pretty(cert).expect("a certificate always encodes");
    write(path, &format!("{text}\n"))
}

pub fn remove(path: &Path) -> Result<(), KeysError> {
    fs::remove_file(path).map_err(failed("remove", path))?;
    sync_dir(path).map_err(failed("sync the folder of", path))
}

/// Rename a synced file. Another process may have done the same meanwhile.
pub fn rename(from: &Path, to: &Path) -> Result<(), KeysError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && to.exists() => Ok(()),
        renamed => renamed.and_then(|()| sync_dir(to)).map_err(failed("rename", from)),
    }
}

fn read(path: &Path) -> Result<String, KeysError> {
    fs::read_to_string(path).map_err(failed("read", path))
}

/// Beside it first, then renamed, so that there is always a whole file.
fn write(path: &Path, text: &str) -> Result<(), KeysError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let beside = Path::new(&name);
    // A left-over of a broken-off write may have other permissions.
    let _ = fs::remove_file(beside);
    let put = || -> std::io::Result<()> {
        let mut file = create_private(beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(beside, path)?;
        sync_dir(path)
    };
    put().map_err(failed("write", path))
}

fn sync_dir(path: &Path) -> std::io::Result<()> {
    match path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        Some(dir) => File::open(dir)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

fn create_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn private(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn private(_path: &Path, _mode: u32) -> std::io::Result<()> {
    Ok(())
}
