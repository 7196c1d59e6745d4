//! Passwords: which are taken, and their argon2id hashes. Hashing has limits of its own, so that log-ins cannot eat the
//! machine: some at a time, some more that wait, and nobody else.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use axum::http::{StatusCode, header};
use tokio::sync::Semaphore;

use crate::api::ApiError;

/// Shortest password, in characters.
pub const CHARS_MIN: usize = 10;
/// Longest password, in bytes.
pub const BYTES_MAX: usize = 1_024;
/// The commonest passwords that are long enough, one a line.
const COMMON: &str = include_str!("common_passwords.txt");
/// argon2id as OWASP's Password Storage Cheat Sheet has it at least: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Those that wait for their turn.
const WAITING_MAX: usize = 64;
/// How long they wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// Refuse what is guessed first. `others` are texts that a password must not be: the name, the address.
pub fn check(field: &str, password: &str, others: &[&str]) -> Result<(), ApiError> {
    if password.len() > BYTES_MAX {
        return Err(ApiError::invalid(field, format!("a password has at most {BYTES_MAX} bytes")));
    }
    if password.chars().count() < CHARS_MIN {
        return Err(ApiError::invalid(field, format!("a password has at least {CHARS_MIN} characters")));
    }
    let lower = password.to_lowercase();
    let first = lower.chars().next();
    let dull = lower.chars().all(|c| Some(c) == first) || COMMON.lines().any(|common| common == lower);
    if dull || others.iter().any(|other| other.to_lowercase() == lower) {
        return Err(ApiError::invalid(field, "this password is among the first that are guessed; choose another"));
    }
    Ok(())
}

/// Where passwords are hashed.
#[derive(Debug)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Semaphore,
    /// Hash of no password, for accounts that are not there.
    nobody: Arc<OnceLock<String>>,
}

impl Default for Passwords {
    fn default() -> Self {
        let at_once = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            running: Arc::new(Semaphore::new(at_once)),
            waiting: Semaphore::new(at_once + WAITING_MAX),
            nobody: Arc::default(),
        }
    }
}

impl Passwords {
    /// The hash of a password in PHC form.
    pub async fn hash(&self, password: String) -> Result<String, ApiError> {
        self.work(move || hash(&password)).await?
    }

    /// Whether it is the password of `kept`; where there is none, no is said after the same time.
    pub async fn verify(&self, password: String, kept: Option<String>) -> Result<bool, ApiError> {
        if password.len() > BYTES_MAX {
            return Ok(false);
        }
        let nobody = self.nobody.clone();
        self.work(move || match kept {
            Some(kept) => verify(&password, &kept),
            None => {
                let nobody = match nobody.get() {
                    Some(nobody) => nobody,
                    None => nobody.get_or_init(|| hash(&super::random_secret()).unwrap_or_default()),
                };
                std::hint::black_box(verify(&password, nobody));
                false
            }
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let _place = self.waiting.try_acquire().map_err(|_| busy())?;
        let turn = tokio::time::timeout(PATIENCE, self.running.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| busy())?.map_err(ApiError::internal)?;
        // The turn goes with the work, also where nobody waits for it any more.
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(ApiError::internal)
    }
}

fn busy() -> ApiError {
    let detail = "too many people log in at this moment; try again in a few seconds";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).header(header::RETRY_AFTER, "5")
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the constants are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &str) -> Result<String, ApiError> {
    let mut salt = [0u8; 16];
    getrandom::fill(&mut salt).map_err(|error| ApiError::internal(anyhow::anyhow!("no random bytes: {error}")))?;
    let hashed = hasher().hash_password_with_salt(password.as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|error| ApiError::internal(anyhow::anyhow!("argon2: {error}")))
}

fn verify(password: &str, kept: &str) -> bool {
    PasswordVerifier::<str>::verify_password(&hasher(), password.as_bytes(), kept).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_long_and_common_passwords_are_refused() {
        let taken = |password: &str| check("password", password, &["margaret hamilton", "ann@example.org"]).is_ok();
        for right in ["correct horse battery", "æøåæøåæøåæ", &"xy".repeat(512)] {
            assert!(taken(right), "{right}");
        }
        for wrong in ["", "short", "password123", "PassWord123", "aaaaaaaaaaaa", "Margaret Hamilton", "ann@example.org"]
        {
            assert!(!taken(wrong), "{wrong}");
        }
        assert!(!taken(&"x".repeat(BYTES_MAX + 1)));
        assert!(COMMON.lines().all(|line| line.chars().count() >= CHARS_MIN && line == line.to_lowercase()));
    }

    #[tokio::test]
    async fn only_the_password_itself_is_right() {
        let passwords = Passwords::default();
        let kept = passwords.hash("correct horse battery".into()).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_ne!(kept, passwords.hash("correct horse battery".into()).await.unwrap(), "each has its salt");
        assert!(passwords.verify("correct horse battery".into(), Some(kept.clone())).await.unwrap());
        assert!(!passwords.verify("correct horse batterz".into(), Some(kept.clone())).await.unwrap());
        assert!(!passwords.verify("correct horse battery".into(), None).await.unwrap());
        assert!(!passwords.verify("x".repeat(1 << 20), Some(kept)).await.unwrap());
    }

    #[tokio::test]
    async fn those_who_find_no_place_are_sent_away() {
        let passwords = Passwords { waiting: Semaphore::new(0), ..Passwords::default() };
        assert_eq!(passwords.hash("correct horse".into()).await.unwrap_err().status().as_u16(), 503);
    }
}
