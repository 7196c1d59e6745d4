//! Who may register, how long sessions and the audit log last, and how mails are sent.

use anyhow::{Context, bail};
use grid_core::trust::GridKind;
use lettre::message::Mailbox;
use serde::Deserialize;

use super::{Config, Secret};

const HOUR_MS: u64 = 3_600_000;

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Anybody.
    Open,
    /// Nobody; operators make accounts.
    Closed,
}

impl Registration {
    /// Its word in the API.
    pub fn word(self) -> &'static str {
        match self {
            Registration::Open => "open",
            Registration::Closed => "closed",
        }
    }
}

/// Accounts of people.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    /// Who may register; where missing, anybody on an open grid and nobody on others.
    pub registration: Option<Registration>,
    /// A session ends when nothing was heard of it for so long, hours.
    pub session_idle_hours: u32,
    /// A session ends so long after its log-in, days.
    pub session_days: u32,
    /// The audit log is kept so long, days.
    pub audit_days: u32,
}

impl Default for Accounts {
    fn default() -> Self {
        Self { registration: None, session_idle_hours: 24, session_days: 14, audit_days: 365 }
    }
}

impl Accounts {
    /// A session that was quiet for longer has ended, milliseconds.
    pub fn idle_ms(&self) -> u64 {
        u64::from(self.session_idle_hours) * HOUR_MS
    }

    /// Older events of the audit log are forgotten, milliseconds.
    pub fn audit_ms(&self) -> u64 {
        u64::from(self.audit_days) * 24 * HOUR_MS
    }

    /// Longest life of a session, milliseconds.
    pub fn session_ms(&self) -> u64 {
        u64::from(self.session_days) * 24 * HOUR_MS
    }
}

/// How mails are sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// Who they come from.
    pub from: String,
    /// `smtps://USER:PASSWORD@HOST` or `smtp://…?tls=required`; where missing, mails become files in `outbox/` of the
    /// data folder.
    pub smtp_url: Option<Secret>,
}

impl Default for Mail {
    fn default() -> Self {
        Self { from: "Fallow <fallow@localhost>".into(), smtp_url: None }
    }
}

impl Config {
    /// Who may register.
    pub fn registration(&self) -> Registration {
        let usual = if self.grid.kind == GridKind::Open { Registration::Open } else { Registration::Closed };
        self.accounts.registration.unwrap_or(usual)
    }
}

/// What serde cannot see.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    let accounts = &config.accounts;
    if accounts.session_idle_hours == 0 || accounts.session_days == 0 || accounts.audit_days == 0 {
        bail!("accounts.session_idle_hours, accounts.session_days and accounts.audit_days must be at least 1");
    }
    if let Some(url) = &config.public_url {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
        if rest.is_empty()
            || rest.len() > 255
            || !rest.is_ascii()
            || rest.contains(['/', '?', '#', '@', ' ', '\r', '\n'])
        {
            bail!("public_url must be an address like https://grid.example without a path, not {url:?}");
        }
    }
    let from: Result<Mailbox, _> = config.mail.from.parse();
    from.map(drop)
        .with_context(|| format!("mail.from must be like \"Fallow <grid@example.org>\", not {:?}", config.mail.from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> anyhow::Result<Config> {
        Config::merge(text, std::iter::empty(), Vec::new())
    }

    #[test]
    fn only_open_grids_let_anybody_register() {
        for (text, wanted) in [
            ("", Registration::Closed),
            ("[grid]\nkind = 'members'", Registration::Closed),
            ("[grid]\nkind = 'open'", Registration::Open),
            ("[grid]\nkind = 'open'\n[accounts]\nregistration = 'closed'", Registration::Closed),
            ("[accounts]\nregistration = 'open'", Registration::Open),
        ] {
            assert_eq!(config(text).unwrap().registration(), wanted, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for text in [
            "[accounts]\nregistration = 'maybe'",
            "[accounts]\nsession_days = 0",
            "public_url = 'grid.example'",
            "public_url = 'https://grid.example/path'",
            "[mail]\nfrom = 'nobody'",
        ] {
            assert!(config(text).is_err(), "{text}");
        }
        let config = config("[mail]\nsmtp_url = 'smtps://me:secret@mail.example'").unwrap();
        assert!(!format!("{config:?}").contains("secret"));
    }
}
