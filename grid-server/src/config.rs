//! Settings of the server: one struct, read once. Defaults, then the file, then `FALLOW_*`, then flags.
//!
//! Unknown keys are refused, secrets do not print. This is the only file of the server that reads the environment.
//! `docs/server.example.toml` shows every key; a test parses it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use fallow_protocol::limits::{BLOB_BYTES_MAX, COMPONENT_BYTES_MAX};
use fallow_protocol::manifest;
use grid_core::ledger::Amount;
use grid_core::pricing::Price;
use grid_core::trust::Policy;
use serde::Deserialize;
use toml::{Table, Value};

mod accounts;
mod anchor;
mod grid;
mod secret;

pub use accounts::{Accounts, Mail, Registration};
pub use anchor::Anchor;
pub use grid::{Grid, Trust};
pub use secret::Secret;

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of the grid, for people.
    pub name: String,
    /// Folder of database, blobs and keys.
    pub data: PathBuf,
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Address of the grid for people, as `https://grid.example`: links in mails begin with it. The address that it
    /// listens on where it is missing.
    pub public_url: Option<String>,
    /// `sqlite://PATH` or `postgres://…`; SQLite in the data folder where it is missing.
    pub database_url: Option<Secret>,
    /// Encryption of connections.
    pub tls: Tls,
    /// What is told on stderr.
    pub log: Log,
    /// The grid's keys.
    pub keys: Keys,
    /// What an account, an address or a request may use.
    pub limits: Limits,
    /// How work is handed out and kept.
    pub work: Work,
    /// Who may be on the grid, and whether work costs credits.
    pub grid: Grid,
    /// What work costs.
    #[serde(deserialize_with = "grid::price")]
    pub price: Price,
    /// Constants of verification that are not the usual ones.
    pub trust: Trust,
    /// The server's own worker.
    pub anchor: Anchor,
    /// Who may register, and how long sessions and the audit log last.
    pub accounts: Accounts,
    /// How mails are sent.
    pub mail: Mail,
    /// Executable that is started as sandbox worker; this one where it is missing. Not a setting of the file.
    #[serde(skip)]
    pub worker_exe: Option<PathBuf>,
}

/// Encryption of connections: either certificate and key, or a proxy in front, or loopback only.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Certificate chain, PEM.
    pub cert: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// A proxy in front ends TLS and sets `X-Forwarded-For`; nobody else reaches the port.
    pub behind_proxy: bool,
}

impl Tls {
    /// Whether browsers reach the server by HTTPS only.
    pub fn encrypted(&self) -> bool {
        self.cert.is_some() || self.behind_proxy
    }
}

/// What is told on stderr.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Filter as `info,grid_server=debug`.
    pub filter: String,
    /// One JSON object a line instead of text.
    pub json: bool,
}

/// The grid's keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// Life of the online key, days.
    pub online_days: u32,
    /// Longest life of a module's manifest, days.
    pub module_days_max: u32,
}

/// What an account, an address or a request may use.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest blob, bytes.
    pub blob_bytes_max: u64,
    /// Largest component, bytes.
    pub component_bytes_max: u64,
    /// Blobs of one account together, bytes.
    pub account_bytes_max: u64,
    /// Unfinished uploads of one account or node.
    pub uploads_max: u32,
    /// Unfinished uploads are dropped when untouched for so long, hours.
    pub upload_hours: u32,
    /// Fuel that an account may use where nothing else was said.
    pub fuel_quota: u64,
    /// Jobs of one account that have not ended.
    pub jobs_max: u32,
    /// Open connections.
    pub connections_max: usize,
    /// Requests a second of one account.
    pub requests_per_s: u32,
    /// Requests of one account at once before that counts.
    pub requests_burst: u32,
    /// Requests a second of one address without a valid token. Loopback gets a hundred times as many.
    pub anonymous_per_s: u32,
    /// Requests of one address at once before that counts.
    pub anonymous_burst: u32,
    /// Open streams of events of one account, and of one address.
    pub streams_max: usize,
    /// Components that are validated at once.
    pub validations_max: usize,
    /// Most that the grid lets a unit use; a manifest with more is refused.
    pub unit: manifest::Limits,
}

/// How work is handed out and kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Work {
    /// A node tells its state at least this often, milliseconds.
    pub heartbeat_ms: u64,
    /// A lease ends this long after its node last named it, milliseconds.
    pub lease_ms: u64,
    /// A unit's checkpoints come at most this often, milliseconds.
    pub checkpoint_ms: u64,
    /// Units of one job that wait in the database at a time; more are made as these go.
    pub units_ahead: u64,
    /// Ended jobs with their results are kept so long, days.
    pub keep_days: u32,
    /// Blobs that no account owns and no job uses are kept so long, hours.
    pub orphan_hours: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "fallow grid".into(),
            data: PathBuf::from("fallow-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 7070)),
            public_url: None,
            database_url: None,
            tls: Tls::default(),
            log: Log::default(),
            keys: Keys::default(),
            limits: Limits::default(),
            work: Work::default(),
            grid: Grid::default(),
            price: Price::default(),
            trust: Trust::default(),
            anchor: Anchor::default(),
            accounts: Accounts::default(),
            mail: Mail::default(),
            worker_exe: None,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".into(), json: false }
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self { online_days: 90, module_days_max: 366 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            blob_bytes_max: BLOB_BYTES_MAX,
            component_bytes_max: COMPONENT_BYTES_MAX,
            account_bytes_max: 256 << 30,
            uploads_max: 64,
            upload_hours: 48,
            // A thousand core-days at the rate of one credit a quarter of an hour.
            fuel_quota: 100_000_000_000_000_000,
            jobs_max: 1_000,
            connections_max: 10_000,
            requests_per_s: 200,
            requests_burst: 1_000,
            anonymous_per_s: 20,
            anonymous_burst: 100,
            streams_max: 64,
            validations_max: 2,
            unit: manifest::Limits {
                memory_bytes: 4 << 30,
                fuel: 1_000_000_000_000_000,
                wall_ms: 7 * 86_400_000,
                output_bytes: 4 << 30,
                emit_bytes: 64 << 30,
                log_bytes: 1 << 20,
                scratch_bytes: 16 << 30,
                checkpoint_bytes: 256 << 20,
            },
        }
    }
}

impl Default for Work {
    fn default() -> Self {
        Self {
            heartbeat_ms: 2_000,
            lease_ms: 30_000,
            checkpoint_ms: 10_000,
            units_ahead: 20_000,
            keep_days: 30,
            orphan_hours: 24,
        }
    }
}

/// Environment variables and the keys that they set. All are also keys of the file.
const VARIABLES: &[(&str, &[&str])] = &[
    ("FALLOW_NAME", &["name"]),
    ("FALLOW_DATA", &["data"]),
    ("FALLOW_LISTEN", &["listen"]),
    ("FALLOW_PUBLIC_URL", &["public_url"]),
    ("FALLOW_DATABASE_URL", &["database_url"]),
    ("FALLOW_TLS_CERT", &["tls", "cert"]),
    ("FALLOW_TLS_KEY", &["tls", "key"]),
    ("FALLOW_BEHIND_PROXY", &["tls", "behind_proxy"]),
    ("FALLOW_LOG", &["log", "filter"]),
    ("FALLOW_LOG_JSON", &["log", "json"]),
    ("FALLOW_LEASE_MS", &["work", "lease_ms"]),
    ("FALLOW_HEARTBEAT_MS", &["work", "heartbeat_ms"]),
    ("FALLOW_CHECKPOINT_MS", &["work", "checkpoint_ms"]),
    ("FALLOW_GRID_KIND", &["grid", "kind"]),
    ("FALLOW_GRID_CREDITS", &["grid", "credits"]),
    ("FALLOW_GRID_ALLOWANCE", &["grid", "allowance"]),
    ("FALLOW_PRICE_PER_TERA_FUEL", &["price", "per_tera_fuel"]),
    ("FALLOW_REGISTRATION", &["accounts", "registration"]),
    ("FALLOW_MAIL_FROM", &["mail", "from"]),
    ("FALLOW_SMTP_URL", &["mail", "smtp_url"]),
    ("FALLOW_ANCHOR_SHARE", &["anchor", "share_permille"]),
];

/// Values that flags gave, as key path and value; they win over everything.
pub type Flags = Vec<(&'static [&'static str], Value)>;

impl Config {
    /// Read the file (where there is one), the environment and the flags.
    pub fn load(file: Option<&Path>, flags: Flags) -> anyhow::Result<Self> {
        let file = file.map(Path::to_owned).or_else(|| std::env::var_os("FALLOW_SERVER_CONFIG").map(PathBuf::from));
        let text = match &file {
            Some(path) => std::fs::read_to_string(path)
                .with_context(|| format!("failed to read the settings in {}", path.display()))?,
            None => String::new(),
        };
        let variables = VARIABLES.iter().filter_map(|(name, key)| Some((*name, *key, std::env::var(name).ok()?)));
        let place = file.as_deref().map_or_else(|| "the settings".into(), |path| path.display().to_string());
        Self::merge(&text, variables, flags).with_context(|| format!("failed to understand {place}"))
    }

    fn merge<'a>(
        text: &str,
        variables: impl Iterator<Item = (&'a str, &'static [&'static str], String)>,
        flags: Flags,
    ) -> anyhow::Result<Self> {
        let mut table: Table = text.parse()?;
        for (name, key, value) in variables {
            set(&mut table, key, typed(key, value)).with_context(|| format!("failed to use {name}"))?;
        }
        for (key, value) in flags {
            set(&mut table, key, value)?;
        }
        let config: Self = Value::Table(table).try_into()?;
        config.check()?;
        Ok(config)
    }

    /// What serde cannot see.
    fn check(&self) -> anyhow::Result<()> {
        if self.tls.cert.is_some() != self.tls.key.is_some() {
            bail!("tls.cert and tls.key go together: give both or neither");
        }
        if self.tls.cert.is_some() && self.tls.behind_proxy {
            bail!("tls.behind_proxy means that the proxy ends TLS: leave out tls.cert and tls.key");
        }
        if self.keys.online_days == 0 || self.limits.connections_max == 0 || self.limits.validations_max == 0 {
            bail!("keys.online_days, limits.connections_max and limits.validations_max must be at least 1");
        }
        self.anchor.check()?;
        accounts::check(self)?;
        if self.work.heartbeat_ms == 0 || self.work.lease_ms < 3 * self.work.heartbeat_ms {
            bail!("work.lease_ms must be at least three times work.heartbeat_ms, so that one lost message is harmless");
        }
        grid::check(&self.price, &self.policy())
    }

    /// The constants of verification.
    pub fn policy(&self) -> Policy {
        self.trust.over(Policy::of(self.grid.kind))
    }

    /// Credits of a new account.
    pub fn first_credits(&self) -> Amount {
        if self.grid.takes_credits() { self.grid.allowance } else { Amount::ZERO }
    }

    /// Address of the database.
    pub fn database(&self) -> Secret {
        let default = || Secret::new(format!("sqlite://{}", self.sqlite_file().display()));
        self.database_url.clone().unwrap_or_else(default)
    }

    /// Where SQLite's file is unless the address says otherwise.
    pub fn sqlite_file(&self) -> PathBuf {
        self.data.join("fallow.sqlite")
    }
}

/// Numbers and truth values of the environment are texts; the file has types.
fn typed(key: &[&str], value: String) -> Value {
    match key.last() {
        Some(&"json" | &"behind_proxy" | &"credits") => value.parse().map_or(Value::String(value), Value::Boolean),
        Some(last) if last.ends_with("_ms") || last.ends_with("_permille") => {
            value.parse().map_or(Value::String(value), Value::Integer)
        }
        _ => Value::String(value),
    }
}

fn set(table: &mut Table, key: &[&str], value: Value) -> anyhow::Result<()> {
    let (last, sections) = key.split_last().context("an empty key")?;
    let mut table = table;
    for section in sections {
        let entry = table.entry((*section).to_owned()).or_insert_with(|| Value::Table(Table::new()));
        table = entry.as_table_mut().with_context(|| format!("{section} is not a section"))?;
    }
    table.insert((*last).to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests;
