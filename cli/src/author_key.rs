//! The author's secret key: a file that only the user can read, in hexadecimal letters.

use std::path::Path;

use anyhow::Context;
use data_encoding::HEXLOWER;
use fallow_protocol::SecretKey;

use crate::config::write_secret;
use crate::failure::Failure;

/// The key in `file`; None where there is no file.
pub fn load(file: &Path) -> anyhow::Result<Option<SecretKey>> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("failed to read the author key {}", file.display())),
    };
    refuse_if_readable_by_others(file)?;
    let seed = HEXLOWER.decode(text.trim().as_bytes()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let seed = seed.ok_or_else(|| {
        Failure::new(format!("{} is no author key: expected 64 hexadecimal letters", file.display()))
            .help("restore it from your copy, or make a new one: fallow keygen --new")
    })?;
    Ok(Some(SecretKey::from_seed(seed)))
}

/// The key in `file`, which must be there.
pub fn require(file: &Path) -> anyhow::Result<SecretKey> {
    load(file)?.ok_or_else(|| {
        Failure::new("there is no author key to sign with")
            .place(file.display().to_string())
            .help("fallow keygen")
            .into()
    })
}

/// Make a new key and keep it in `file`, over any that is there.
pub fn create(file: &Path) -> anyhow::Result<SecretKey> {
    let key = SecretKey::generate();
    write_secret(file, format!("{}\n", HEXLOWER.encode(&key.seed())).as_bytes())?;
    Ok(key)
}

/// A key that others could read may be theirs too by now.
#[cfg(unix)]
fn refuse_if_readable_by_others(file: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode =
        std::fs::metadata(file).with_context(|| format!("failed to read {}", file.display()))?.permissions().mode();
    if mode & 0o077 != 0 {
        let what = format!("other users of this computer can read the author key (mode {:o})", mode & 0o777);
        let help = format!("chmod 600 {}", file.display());
        return Err(Failure::new(what).place(file.display().to_string()).help(help).into());
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_if_readable_by_others(_file: &Path) -> anyhow::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("author.key");
        assert!(load(&file).unwrap().is_none());
        assert!(require(&file).unwrap_err().to_string().contains("no author key"));
        let key = create(&file).unwrap();
        assert_eq!(require(&file).unwrap().public(), key.public());
        write_secret(&file, b"zz").unwrap();
        assert!(load(&file).unwrap_err().to_string().contains("64 hexadecimal letters"));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("author.key");
        create(&file).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(load(&file).unwrap_err().to_string().contains("mode 644"));
    }
}
