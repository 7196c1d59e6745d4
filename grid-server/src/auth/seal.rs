//! Secrets that must be read again (those of second factors) are encrypted in the database, with a key in the folder of
//! the grid's keys: a copy of the database alone does not give them away.

use std::path::Path;

use anyhow::Context;
use data_encoding::HEXLOWER;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// The file in `keys/` of the data folder.
const FILE: &str = "accounts.key";

/// The key. Never printed.
pub struct Seal(LessSafeKey);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(…)")
    }
}

impl Seal {
    /// Read the key of a data folder; made where there is none.
    pub fn open(data: &Path) -> anyhow::Result<Self> {
        let path = data.join("keys").join(FILE);
        if !path.exists() {
            let mut key = [0u8; 32];
            getrandom::fill(&mut key).context("no random bytes")?;
            write_new(&path, HEXLOWER.encode(&key).as_bytes())
                .with_context(|| format!("failed to write {}", path.display()))?;
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
        let key = HEXLOWER.decode(text.trim().as_bytes()).ok();
        let key = key.and_then(|key| UnboundKey::new(&CHACHA20_POLY1305, &key).ok());
        let key = key.with_context(|| format!("{} does not hold a key of 32 bytes in hexadecimal", path.display()))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Encrypt a secret of an account.
    pub fn close(&self, account: i64, secret: &[u8]) -> Vec<u8> {
        let mut nonce = [0u8; NONCE_LEN];
        getrandom::fill(&mut nonce).expect("the operating system gives random bytes");
        let mut sealed = secret.to_vec();
        let aad = Aad::from(account.to_le_bytes());
        let done = self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed);
        done.expect("a short secret can be encrypted");
        [&nonce[..], &sealed].concat()
    }

    /// Decrypt it; none where it is another account's, was made with another key, or is damaged.
    pub fn open_secret(&self, account: i64, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut secret = sealed.to_vec();
        let opened = self.0.open_in_place(nonce, Aad::from(account.to_le_bytes()), &mut secret).ok()?;
        Some(opened.to_vec())
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_its_accounts_and_its_keys() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let open = |folder: &tempfile::TempDir| {
            std::fs::create_dir_all(folder.path().join("keys")).unwrap();
            Seal::open(folder.path()).unwrap()
        };
        let sealed = open(&one).close(7, b"secret");
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_eq!(open(&one).open_secret(7, &sealed), Some(b"secret".to_vec()), "the key is kept");
        assert_eq!(open(&one).open_secret(8, &sealed), None);
        assert_eq!(open(&other).open_secret(7, &sealed), None);
        assert_eq!(open(&one).open_secret(7, &sealed[..5]), None);
    }
}
