//! People: how accounts are made by themselves, how they log in, and how they go. Routes are in `api/`, rows in `store/`.

use std::sync::OnceLock;
use std::time::Instant;

use fallow_protocol::Digest;

use crate::api::ApiError;
use crate::auth::passwords::Passwords;
use crate::auth::seal::Seal;
use crate::auth::throttle::Throttle;
use crate::config::Config;
use crate::mail::Mailer;

pub mod addresses;
pub mod device;
pub mod export;
pub mod forget;
pub mod login;
pub mod register;
pub mod second_factor;

/// What the server needs for people.
#[derive(Debug)]
pub struct People {
    /// Where passwords are hashed.
    pub passwords: Passwords,
    /// Who guesses too often.
    pub throttle: Throttle,
    /// Encrypts secrets of second factors.
    pub seal: Seal,
    /// Where mails are handed in.
    pub mail: Mailer,
    url: OnceLock<String>,
}

impl People {
    /// As the settings say; the folder of keys exists.
    pub fn open(config: &Config, mail: Mailer) -> anyhow::Result<Self> {
        let url = config.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned());
        Ok(Self {
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            seal: Seal::open(&config.data)?,
            mail,
            url: url.map_or_else(OnceLock::new, OnceLock::from),
        })
    }

    /// The grid's address for people where the settings have none: where it listens.
    pub fn set_url(&self, url: String) {
        let _ = self.url.set(url);
    }

    /// The grid's address for people, without a slash at its end.
    pub fn public_url(&self) -> String {
        self.url.get().cloned().unwrap_or_default()
    }

    /// Begin a try to guess `what`, of which `free` need no wait.
    pub fn begin_try(&self, what: &str, free: u32) -> Result<Digest, ApiError> {
        let key = Digest::of(what.as_bytes());
        match self.throttle.begin(key, free, Instant::now()) {
            Ok(()) => Ok(key),
            Err(wait) => Err(crate::api::rate::refused(wait.as_secs_f64(), "account")),
        }
    }
}
