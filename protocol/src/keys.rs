//! ed25519 keys and signatures, always over a domain and a digest, and the grid's chain of keys.
//!
//! A *root* key, kept offline, signs the *online* key with an expiry. Nodes pin the root.

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::{Digest, FieldHasher, fixed};

/// What a signature is for: a signature made for one purpose never serves another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An author's consent to a module.
    AuthorManifest,
    /// The grid's consent to a module.
    GridManifest,
    /// The root's consent to an online key.
    OnlineKey,
    /// A node's answer to the server's challenge.
    NodeLogin,
    /// A node's request to be enrolled.
    NodeEnrol,
    /// A node's frame of results.
    Results,
}

impl Purpose {
    fn domain(self) -> &'static str {
        match self {
            Purpose::AuthorManifest => "fallow author manifest v1",
            Purpose::GridManifest => "fallow grid manifest v1",
            Purpose::OnlineKey => "fallow online key v1",
            Purpose::NodeLogin => "fallow node login v1",
            Purpose::NodeEnrol => "fallow node enrol v1",
            Purpose::Results => "fallow results v1",
        }
    }

    /// What is signed for `bytes`: a digest that no other purpose gives.
    pub fn message(self, bytes: &[u8]) -> Digest {
        FieldHasher::new(self.domain()).bytes(bytes).finish()
    }
}

/// Why a signature or a key is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The 32 bytes are no point that a key may be.
    #[error("not a valid public key")]
    NotAKey,
    /// The signature does not fit the key, the purpose and the bytes.
    #[error("the signature does not match")]
    BadSignature,
    /// The certificate of the online key has ended.
    #[error("the grid's online key expired at {expired_at_ms} ms since 1970")]
    Expired {
        /// End of its life, milliseconds since 1970.
        expired_at_ms: u64,
    },
    /// The certificate is older than one seen before.
    #[error("the grid's online key has serial {found}, but {seen} was seen before")]
    RolledBack {
        /// Serial in the certificate.
        found: u64,
        /// Highest serial seen.
        seen: u64,
    },
}

/// A public key, 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey(pub [u8; 32]);

/// A signature, 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

/// A secret key. Never printed.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// A new key from the operating system's generator.
    pub fn generate() -> Self {
        let mut seed = [0u8; 32];
        getrandom::fill(&mut seed).expect("the operating system gives random bytes");
        Self::from_seed(seed)
    }

    /// The key of a 32-byte seed.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The 32-byte seed, to be stored with care.
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Sign `bytes` for `purpose`.
    pub fn sign(&self, purpose: Purpose, bytes: &[u8]) -> Signature {
        Signature(self.0.sign(purpose.message(bytes).as_bytes()).to_bytes())
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey(of {})", self.public())
    }
}

impl PublicKey {
    /// Check a signature strictly (no small-order keys, no malleated signatures).
    pub fn verify(&self, purpose: Purpose, bytes: &[u8], signature: &Signature) -> Result<(), KeyError> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| KeyError::NotAKey)?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(purpose.message(bytes).as_bytes(), &signature).map_err(|_| KeyError::BadSignature)
    }

    /// What people and join tokens compare: BLAKE3 of the key.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signature(…)")
    }
}

impl std::str::FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| KeyError::NotAKey)?;
        Ok(Self(bytes.try_into().map_err(|_| KeyError::NotAKey)?))
    }
}

macro_rules! fixed_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                fixed::serialize(&self.0, serializer)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                fixed::deserialize(deserializer).map(Self)
            }
        }
    };
}
fixed_serde!(PublicKey);
fixed_serde!(Signature);

/// The root's word that an online key speaks for the grid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnlineCert {
    /// The root key that signed.
    pub root: PublicKey,
    /// The online key.
    pub online: PublicKey,
    /// Rises with every rotation; a node never goes back.
    pub serial: u64,
    /// End of its life, milliseconds since 1970.
    pub expires_at_ms: u64,
    /// The root's signature over the three fields above.
    pub signature: Signature,
}

impl OnlineCert {
    fn signed_bytes(online: &PublicKey, serial: u64, expires_at_ms: u64) -> Vec<u8> {
        let mut bytes = online.0.to_vec();
        bytes.extend(serial.to_le_bytes());
        bytes.extend(expires_at_ms.to_le_bytes());
        bytes
    }

    /// Certify `online` with the root key.
    pub fn issue(root: &SecretKey, online: PublicKey, serial: u64, expires_at_ms: u64) -> Self {
        let signature = root.sign(Purpose::OnlineKey, &Self::signed_bytes(&online, serial, expires_at_ms));
        Self { root: root.public(), online, serial, expires_at_ms, signature }
    }

    /// Whether the pinned `root` signed this, it still lives at `now_ms`, and it is not older than `seen_serial`.
    pub fn verify(&self, root: &PublicKey, now_ms: u64, seen_serial: u64) -> Result<(), KeyError> {
        let bytes = Self::signed_bytes(&self.online, self.serial, self.expires_at_ms);
        root.verify(Purpose::OnlineKey, &bytes, &self.signature)?;
        if self.serial < seen_serial {
            return Err(KeyError::RolledBack { found: self.serial, seen: seen_serial });
        }
        if now_ms >= self.expires_at_ms {
            return Err(KeyError::Expired { expired_at_ms: self.expires_at_ms });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_serves_one_purpose_and_one_text() {
        let key = SecretKey::generate();
        let signature = key.sign(Purpose::Results, b"frame");
        assert_eq!(key.public().verify(Purpose::Results, b"frame", &signature), Ok(()));
        assert_eq!(key.public().verify(Purpose::NodeLogin, b"frame", &signature), Err(KeyError::BadSignature));
        assert_eq!(key.public().verify(Purpose::Results, b"Frame", &signature), Err(KeyError::BadSignature));
        assert!(SecretKey::generate().public().verify(Purpose::Results, b"frame", &signature).is_err());
    }

    #[test]
    fn certificates_end_and_never_go_back() {
        let (root, online) = (SecretKey::generate(), SecretKey::generate());
        let cert = OnlineCert::issue(&root, online.public(), 3, 1_000);
        assert_eq!(cert.verify(&root.public(), 999, 3), Ok(()));
        assert_eq!(cert.verify(&root.public(), 1_000, 3), Err(KeyError::Expired { expired_at_ms: 1_000 }));
        assert_eq!(cert.verify(&root.public(), 999, 4), Err(KeyError::RolledBack { found: 3, seen: 4 }));
        assert_eq!(cert.verify(&online.public(), 999, 3), Err(KeyError::BadSignature));
        let forged = OnlineCert { expires_at_ms: u64::MAX, ..cert };
        assert_eq!(forged.verify(&root.public(), 999, 3), Err(KeyError::BadSignature));
    }
}
