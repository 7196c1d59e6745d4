//! The grid's keys: a root that is meant to be kept offline, and the online key that it signed for a time.
//!
//! Files in `keys/` of the data folder, readable by their owner only: `root.key` (until it is exported), `root.pub`,
//! `online.key` and `cert.json`; for a moment of a rotation `online.key.next`, until its certificate is there. Nodes pin the root; a rotation raises the serial and they never go back.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use fallow_protocol::keys::{KeyError, OnlineCert};
use fallow_protocol::manifest::{AuthoredManifest, SignedManifest};
use fallow_protocol::{Digest, PublicKey, SecretKey};

mod files;

use files::{CERT, NEXT, ONLINE, ROOT, ROOT_PUBLIC};

const DAY_MS: u64 = 86_400_000;

/// What can be wrong with the grid's keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file could not be read or written.
    #[error("failed to {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} does not hold {what}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// There are other keys but not this one.
    #[error("{} is missing; get the grid a new online key with: fallow-server keys recover --root FILE", .0.display())]
    Missing(PathBuf),
    /// The root key is not here.
    #[error("the root key is not in the data folder; give it with --root FILE")]
    NoRoot,
    /// Another root than the one that nodes have pinned.
    #[error("this root key has the fingerprint {found}, but the grid's is {wanted}")]
    OtherRoot {
        /// Fingerprint of the key given.
        found: Digest,
        /// Fingerprint of the grid's root.
        wanted: Digest,
    },
    /// The certificate is not valid.
    #[error("the online key cannot be used: {0}; renew it with: fallow-server keys rotate --root FILE")]
    Cert(#[source] KeyError),
    /// The file to export to exists.
    #[error("{} exists already; nothing was exported", .0.display())]
    Exists(PathBuf),
}

#[derive(Debug)]
struct Pair {
    online: SecretKey,
    cert: OnlineCert,
}

/// The online key with its certificate, as the running server uses them.
#[derive(Clone, Debug)]
pub struct GridKeys {
    dir: PathBuf,
    pair: Arc<RwLock<Arc<Pair>>>,
}

impl GridKeys {
    /// As [`Self::open`] for a grid that is not new: its nodes have pinned a root, so that no other is made for it.
    pub fn reopen(data: &Path, online_days: u32, now_ms: u64) -> Result<Self, KeysError> {
        let dir = data.join("keys");
        if !any(&dir) {
            return Err(KeysError::Missing(dir.join(ONLINE)));
        }
        Self::open(data, online_days, now_ms)
    }

    /// Read the keys of a data folder; make them where there are none at all. An online key near its end is renewed
    /// where the root key is here.
    pub fn open(data: &Path, online_days: u32, now_ms: u64) -> Result<Self, KeysError> {
        let dir = data.join("keys");
        if !any(&dir) {
            create(&dir, online_days, now_ms)?;
        } else if dir.join(ROOT).exists() && !dir.join(CERT).exists() {
            // A first start that broke off, or a certificate that was lost: nothing that only a person could give.
            recover(data, None, online_days, now_ms)?;
        }
        let mut pair = load(&dir)?;
        if ends_soon(&pair.cert, online_days, now_ms) && dir.join(ROOT).exists() {
            pair = rotate_in(&dir, None, online_days, now_ms)?;
        }
        pair.cert.verify(&pair.cert.root, now_ms, 0).map_err(KeysError::Cert)?;
        Ok(Self { dir, pair: Arc::new(RwLock::new(Arc::new(pair))) })
    }

    /// Read the files again, after a rotation by another process.
    pub fn reload(&self, now_ms: u64) -> Result<(), KeysError> {
        let pair = load(&self.dir)?;
        pair.cert.verify(&self.root(), now_ms, self.pair().cert.serial).map_err(KeysError::Cert)?;
        *self.pair.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
        Ok(())
    }

    /// Renew the online key where it ends soon and the root key is here. True when it was; an error where it ends soon
    /// and the root key is elsewhere.
    pub fn renew(&self, online_days: u32, now_ms: u64) -> Result<bool, KeysError> {
        if !ends_soon(&self.pair().cert, online_days, now_ms) {
            return Ok(false);
        }
        rotate_in(&self.dir, None, online_days, now_ms)?;
        self.reload(now_ms)?;
        Ok(true)
    }

    fn pair(&self) -> Arc<Pair> {
        self.pair.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The root's word for the online key.
    pub fn cert(&self) -> OnlineCert {
        self.pair().cert.clone()
    }

    /// The root key that nodes pin.
    pub fn root(&self) -> PublicKey {
        self.pair().cert.root
    }

    /// What people and join tokens compare.
    pub fn fingerprint(&self) -> Digest {
        self.root().fingerprint()
    }

    /// The grid's consent to a module.
    pub fn countersign(&self, authored: AuthoredManifest) -> SignedManifest {
        let pair = self.pair();
        SignedManifest::countersign(authored, &pair.online, pair.cert.clone())
    }

    /// The same manifest under today's online key: nodes never go back behind a rotation that they have seen.
    pub fn refresh(&self, signed: SignedManifest) -> SignedManifest {
        if signed.cert.serial == self.pair().cert.serial { signed } else { self.countersign(signed.authored) }
    }
}

/// What `keys show` tells.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Shown {
    /// BLAKE3 of the root's public key.
    pub root_fingerprint: Digest,
    /// Whether the root's secret is in the data folder.
    pub root_here: bool,
    /// The online public key.
    pub online: PublicKey,
    /// Its serial.
    pub serial: u64,
    /// End of its life, milliseconds since 1970.
    pub expires_at_ms: u64,
}

/// What there is in a data folder.
pub fn show(data: &Path) -> Result<Shown, KeysError> {
    let dir = data.join("keys");
    let cert = load(&dir)?.cert;
    Ok(Shown {
        root_fingerprint: cert.root.fingerprint(),
        root_here: dir.join(ROOT).exists(),
        online: cert.online,
        serial: cert.serial,
        expires_at_ms: cert.expires_at_ms,
    })
}

/// Make a new online key with a higher serial. `root` is a file of the exported root key.
pub fn rotate(data: &Path, root: Option<&Path>, online_days: u32, now_ms: u64) -> Result<OnlineCert, KeysError> {
    Ok(rotate_in(&data.join("keys"), root, online_days, now_ms)?.cert)
}

/// Move the root key out of the data folder to `file`, which must not exist.
pub fn export_root(data: &Path, file: &Path) -> Result<Digest, KeysError> {
    let dir = data.join("keys");
    let root = root_key(&dir, None)?;
    if file.exists() {
        return Err(KeysError::Exists(file.to_owned()));
    }
    files::write_secret(file, &root)?;
    let back = files::read_secret(file)?;
    files::remove(&dir.join(ROOT))?;
    Ok(back.public().fingerprint())
}

/// Give a grid that lost its online key (or its certificate) new ones, from the root key.
pub fn recover(data: &Path, root: Option<&Path>, online_days: u32, now_ms: u64) -> Result<OnlineCert, KeysError> {
    let dir = data.join("keys");
    let key = root_key(&dir, root)?;
    files::make_dir(&dir)?;
    let seen = files::read_cert(&dir.join(CERT)).map_or(0, |cert| cert.serial);
    // Where no certificate is left to tell the last serial: seconds since 1970 are surely more than the rotations.
    let serial = if seen > 0 { seen + 1 } else { now_ms / 1000 };
    files::write_public(&dir.join(ROOT_PUBLIC), &key.public())?;
    Ok(issue(&dir, &key, serial, online_days, now_ms)?.cert)
}

/// Less than a third of its life is left.
fn ends_soon(cert: &OnlineCert, online_days: u32, now_ms: u64) -> bool {
    cert.expires_at_ms < now_ms.saturating_add(u64::from(online_days) * DAY_MS / 3)
}

fn any(dir: &Path) -> bool {
    [ROOT, ROOT_PUBLIC, ONLINE, CERT].iter().any(|name| dir.join(name).exists())
}

fn create(dir: &Path, online_days: u32, now_ms: u64) -> Result<(), KeysError> {
    files::make_dir(dir)?;
    let root = SecretKey::generate();
    files::write_secret(&dir.join(ROOT), &root)?;
    files::write_public(&dir.join(ROOT_PUBLIC), &root.public())?;
    issue(dir, &root, 1, online_days, now_ms)?;
    Ok(())
}

fn load(dir: &Path) -> Result<Pair, KeysError> {
    if let Ok(cert) = files::read_cert(&dir.join(CERT)) {
        take_next(dir, &cert)?;
    }
    for name in [ONLINE, CERT] {
        let path = dir.join(name);
        if !path.exists() {
            return Err(KeysError::Missing(path));
        }
    }
    let (online, cert) = (files::read_secret(&dir.join(ONLINE))?, files::read_cert(&dir.join(CERT))?);
    let root = files::read_public(&dir.join(ROOT_PUBLIC))?;
    if cert.root != root {
        return Err(KeysError::OtherRoot { found: cert.root.fingerprint(), wanted: root.fingerprint() });
    }
    if online.public() != cert.online {
        return Err(KeysError::Damaged { path: dir.join(ONLINE), what: "the key that cert.json names" });
    }
    Ok(Pair { online, cert })
}

fn rotate_in(dir: &Path, root: Option<&Path>, online_days: u32, now_ms: u64) -> Result<Pair, KeysError> {
    let key = root_key(dir, root)?;
    let serial = files::read_cert(&dir.join(CERT))?.serial + 1;
    issue(dir, &key, serial, online_days, now_ms)
}

/// The root's secret from `file`, else from the data folder; it must be the one that the grid's nodes have pinned.
fn root_key(dir: &Path, file: Option<&Path>) -> Result<SecretKey, KeysError> {
    let path = file.map_or_else(|| dir.join(ROOT), Path::to_owned);
    if file.is_none() && !path.exists() {
        return Err(KeysError::NoRoot);
    }
    let key = files::read_secret(&path)?;
    let public = dir.join(ROOT_PUBLIC);
    if public.exists() {
        let (found, wanted) = (key.public(), files::read_public(&public)?);
        if found != wanted {
            return Err(KeysError::OtherRoot { found: found.fingerprint(), wanted: wanted.fingerprint() });
        }
    }
    Ok(key)
}

fn issue(dir: &Path, root: &SecretKey, serial: u64, online_days: u32, now_ms: u64) -> Result<Pair, KeysError> {
    let online = SecretKey::generate();
    let expires_at_ms = now_ms.saturating_add(u64::from(online_days) * DAY_MS);
    let cert = OnlineCert::issue(root, online.public(), serial, expires_at_ms);
    // The certificate decides which key is meant: when the power goes before it is written, the old pair is whole, and
    // after that, the next start gives the new key its name.
    files::write_secret(&dir.join(NEXT), &online)?;
    files::write_cert(&dir.join(CERT), &cert)?;
    take_next(dir, &cert)?;
    Ok(Pair { online, cert })
}

/// Give the next key its name, where it is the one that the certificate names.
fn take_next(dir: &Path, cert: &OnlineCert) -> Result<(), KeysError> {
    let next = dir.join(NEXT);
    match files::read_secret(&next) {
        Ok(key) if key.public() == cert.online => files::rename(&next, &dir.join(ONLINE)),
        // Of a rotation that came no further: the next one writes over it.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
