//! The node's configuration: flags over `FALLOW_NODE_…` variables over a TOML file over defaults.
//!
//! The only file that reads the environment. Unknown keys and variables are refused, so that a typing error is heard.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use fallow_protocol::preferences::DISK_BYTES_MIN;
use serde::Deserialize;

use crate::cli::{Common, RunOptions};

/// Every variable begins so.
const PREFIX: &str = "FALLOW_NODE_";
/// Name of the configuration file within the data folder.
const FILE_NAME: &str = "node.toml";
/// How the place where a browser can be shown stands among the variables.
const DISPLAY: &str = "\0DISPLAY";
/// Disk for modules and inputs where nothing is said.
pub const CACHE_BYTES: u64 = 10 << 30;

/// A number of bytes, written as a number or as `4GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteSize(pub u64);

impl std::str::FromStr for ByteSize {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
        let unit = text[digits.len()..].trim();
        let scale: u64 = match unit {
            "" | "B" => 1,
            "KiB" | "K" => 1 << 10,
            "MiB" | "M" => 1 << 20,
            "GiB" | "G" => 1 << 30,
            "TiB" | "T" => 1 << 40,
            _ => bail!("{text:?} is no number of bytes; write it like 512MiB or 4GiB"),
        };
        let number: u64 = digits.trim().parse().with_context(|| format!("{text:?} is no number of bytes"))?;
        Ok(Self(number.checked_mul(scale).with_context(|| format!("{text:?} is too large"))?))
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u64),
            Text(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(bytes) => Ok(Self(bytes)),
            Either::Text(text) => text.parse().map_err(|error| serde::de::Error::custom(format!("{error:#}"))),
        }
    }
}

/// The file's keys; all may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// Name of the computer.
    pub name: Option<String>,
    /// Units at once.
    pub slots: Option<u32>,
    /// Memory of all units together.
    pub memory: Option<ByteSize>,
    /// Whether strangers' jobs are taken.
    pub takes_strangers: Option<bool>,
    /// Whether they are taken without the operating system's sandbox.
    pub allow_unconfined: Option<bool>,
    /// Disk for modules and inputs.
    pub cache: Option<ByteSize>,
    /// Whether a grid elsewhere may be talked to without TLS.
    pub insecure_http: Option<bool>,
    /// The node's own page.
    #[serde(default)]
    pub page: PageConfig,
    /// How the computer is looked at.
    #[serde(default)]
    pub probe: ProbeConfig,
}

/// The node's own page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PageConfig {
    /// Whether there is one.
    pub enabled: bool,
    /// Its port on 127.0.0.1; the first free one from 8271 on where missing.
    pub port: Option<u16>,
}

impl Default for PageConfig {
    fn default() -> Self {
        Self { enabled: true, port: None }
    }
}

/// How the computer is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeConfig {
    /// Where `sys`, `proc`, `dev` and `usr` are.
    pub root: PathBuf,
    /// How often, milliseconds.
    pub every_ms: u64,
    /// Others' use of the processor is averaged over so long, milliseconds.
    pub window_ms: u64,
}

impl Default for ProbeConfig {
    fn default() -> Self {
        Self { root: "/".into(), every_ms: 2_000, window_ms: 10_000 }
    }
}

/// What the node runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Its folder.
    pub data: PathBuf,
    /// One JSON object a line on stdout.
    pub json: bool,
    /// Name of the computer, where the owner chose one.
    pub name: Option<String>,
    /// Units at once, where the owner chose.
    pub slots: Option<u32>,
    /// Memory of all units together, bytes, where the owner chose.
    pub memory_bytes: Option<u64>,
    /// Whether strangers' jobs are taken.
    pub takes_strangers: bool,
    /// Whether they are taken without the operating system's sandbox.
    pub allow_unconfined: bool,
    /// Disk for modules and inputs, bytes, where the owner fixed it.
    pub cache_bytes: Option<u64>,
    /// Whether a grid elsewhere may be talked to without TLS.
    pub insecure_http: bool,
    /// The node's own page.
    pub page: PageConfig,
    /// How the computer is looked at.
    pub probe: ProbeConfig,
    /// What is logged to stderr, as `tracing` filters are written.
    pub log: String,
    /// Whether a browser can be shown here.
    pub display: bool,
}

/// The variables that concern the node, as name without prefix and value.
pub fn environment() -> Vec<(String, String)> {
    let ours = std::env::vars().filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?.to_owned(), value)));
    let mut all: Vec<_> = ours.collect();
    if let Ok(home) = std::env::var("HOME") {
        all.push(("\0HOME".into(), home));
    }
    if let Ok(display) = std::env::var("WAYLAND_DISPLAY").or_else(|_| std::env::var("DISPLAY")) {
        all.push((DISPLAY.into(), display));
    }
    all
}

impl Config {
    /// Put everything together. Flags win over variables, these over the file, the file over defaults.
    pub fn load(common: &Common, run: &RunOptions, environment: &[(String, String)]) -> anyhow::Result<Self> {
        let (vars, places) = read_variables(environment)?;
        let data = common.data.clone().or(places.data).unwrap_or_else(|| default_data(environment));
        let file = read_file(common.config.as_deref().or(places.config.as_deref()), &data)?;
        let memory = run.memory.as_deref().map(str::parse::<ByteSize>).transpose().context("--memory")?;
        let cache = run.cache.as_deref().map(str::parse::<ByteSize>).transpose().context("--cache")?;
        let config = Self {
            data,
            json: common.json,
            name: run.name.clone().or(vars.name).or(file.name),
            slots: run.slots.or(vars.slots).or(file.slots),
            memory_bytes: memory.or(vars.memory).or(file.memory).map(|size| size.0),
            takes_strangers: !run.own_only && vars.takes_strangers.or(file.takes_strangers).unwrap_or(true),
            allow_unconfined: run.allow_unconfined || vars.allow_unconfined.or(file.allow_unconfined).unwrap_or(false),
            cache_bytes: cache.or(vars.cache).or(file.cache).map(|size| size.0),
            insecure_http: run.insecure_http || vars.insecure_http.or(file.insecure_http).unwrap_or(false),
            page: file.page,
            probe: file.probe,
            log: places.log.unwrap_or_else(|| "info".into()),
            display: cfg!(any(windows, target_os = "macos")) || environment.iter().any(|(name, _)| name == DISPLAY),
        };
        config.check()
    }

    fn check(self) -> anyhow::Result<Self> {
        if self.slots.is_some_and(|slots| !(1..=1_024).contains(&slots)) {
            bail!("slots must be between 1 and 1,024");
        }
        if self.cache_bytes.is_some_and(|bytes| bytes < DISK_BYTES_MIN) {
            bail!("the cache needs at least 64MiB of disk");
        }
        if !(50..=600_000).contains(&self.probe.every_ms) || !(50..=600_000).contains(&self.probe.window_ms) {
            bail!("every_ms and window_ms under [probe] must be between 50 and 600,000");
        }
        if self.name.as_ref().is_some_and(|name| name.is_empty() || name.len() > 255) {
            bail!("the name must have between 1 and 255 bytes");
        }
        Ok(self)
    }
}

#[derive(Default)]
struct Places {
    data: Option<PathBuf>,
    config: Option<PathBuf>,
    log: Option<String>,
}

fn read_variables(environment: &[(String, String)]) -> anyhow::Result<(FileConfig, Places)> {
    let (mut vars, mut places) = (FileConfig::default(), Places::default());
    for (name, value) in environment {
        let wrong = || format!("{PREFIX}{name}={value}");
        match name.as_str() {
            "\0HOME" | DISPLAY => {}
            "DATA" => places.data = Some(value.into()),
            "CONFIG" => places.config = Some(value.into()),
            "LOG" => places.log = Some(value.clone()),
            "NAME" => vars.name = Some(value.clone()),
            "SLOTS" => vars.slots = Some(value.parse().with_context(wrong)?),
            "MEMORY" => vars.memory = Some(value.parse().with_context(wrong)?),
            "CACHE" => vars.cache = Some(value.parse().with_context(wrong)?),
            "TAKES_STRANGERS" => vars.takes_strangers = Some(value.parse().with_context(wrong)?),
            "ALLOW_UNCONFINED" => vars.allow_unconfined = Some(value.parse().with_context(wrong)?),
            "INSECURE_HTTP" => vars.insecure_http = Some(value.parse().with_context(wrong)?),
            _ => bail!("there is no variable {PREFIX}{name}; see `fallow-node run --help`"),
        }
    }
    Ok((vars, places))
}

fn read_file(named: Option<&Path>, data: &Path) -> anyhow::Result<FileConfig> {
    let path = named.map_or_else(|| data.join(FILE_NAME), Path::to_owned);
    match std::fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).with_context(|| format!("failed to read {}", path.display())),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(FileConfig::default()),
        Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
    }
}

fn default_data(environment: &[(String, String)]) -> PathBuf {
    let home = environment.iter().find(|(name, _)| name == "\0HOME");
    match home {
        Some((_, home)) => Path::new(home).join(".local/share/fallow-node"),
        None => PathBuf::from("fallow-node-data"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(run: &RunOptions, environment: &[(&str, &str)], file: &str) -> anyhow::Result<Config> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join(FILE_NAME), file)?;
        let common = Common { data: Some(folder.path().to_owned()), ..Common::default() };
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Config::load(&common, run, &environment)
    }

    #[test]
    fn the_checked_in_example_is_read_and_says_the_defaults() {
        let text = include_str!("../../docs/node.example.toml");
        let lines = text.lines().map(|line| line.strip_prefix("#= ").unwrap_or(line));
        let example: FileConfig = toml::from_str(&lines.collect::<Vec<_>>().join("\n")).unwrap();
        assert_eq!(example.cache, Some(ByteSize(CACHE_BYTES)));
        assert_eq!(example.takes_strangers, Some(true));
        assert_eq!(example.allow_unconfined, Some(false));
        assert!(example.name.is_some() && example.slots.is_some() && example.memory.is_some());
        assert!(example.insecure_http == Some(false));
        assert_eq!(example.page, PageConfig { enabled: true, port: Some(8_271) });
        assert_eq!(example.probe, ProbeConfig::default());
        assert_eq!(
            toml::from_str::<FileConfig>(text).unwrap(),
            FileConfig::default(),
            "as checked in, all is commented"
        );
    }

    #[test]
    fn flags_win_over_variables_and_these_over_the_file() {
        let file = "slots = 1\nmemory = \"1GiB\"\nname = \"file\"";
        let variables = [("SLOTS", "2"), ("MEMORY", "2GiB")];
        let run = RunOptions { slots: Some(3), ..RunOptions::default() };
        let config = load(&run, &variables, file).unwrap();
        assert_eq!((config.slots, config.memory_bytes, config.name.as_deref()), (Some(3), Some(2 << 30), Some("file")));
        assert!(config.takes_strangers && !config.allow_unconfined && !config.insecure_http);
        assert!(!load(&RunOptions { own_only: true, ..run }, &[], "takes_strangers = true").unwrap().takes_strangers);
    }

    #[test]
    fn unknown_keys_and_wrong_values_are_refused() {
        let run = RunOptions::default();
        for (environment, file) in [
            (vec![("SLOT", "2")], ""),
            (vec![("SLOTS", "many")], ""),
            (vec![("SLOTS", "0")], ""),
            (vec![], "slot = 1"),
            (vec![], "memory = \"4 bananas\""),
            (vec![], "cache = 1024"),
            (vec![], "memory = \"99999999999999999999\""),
        ] {
            assert!(load(&run, &environment, file).is_err(), "{environment:?} {file:?}");
        }
    }

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [("12", 12), ("512MiB", 512 << 20), ("4 GiB", 4 << 30), ("1K", 1024)] {
            assert_eq!(text.parse::<ByteSize>().unwrap(), ByteSize(bytes), "{text}");
        }
        assert!("20000000TiB".parse::<ByteSize>().is_err());
    }
}
