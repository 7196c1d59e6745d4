//! The tool's own configuration: which grid, with which token. The only place where it reads the environment.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Largest configuration file; more is a mistake.
const BYTES_MAX: u64 = 64 * 1024;

/// What `login` stored.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// The grid's address.
    pub url: Option<String>,
    /// The account's token.
    pub token: Option<String>,
    /// The user said that plain HTTP to another computer is right here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_plain_http: bool,
    /// PEM file with the only certificate authorities to believe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stored").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What the environment says. Holds a token: never printed.
#[derive(Clone, Default)]
pub struct Environment {
    config: Option<PathBuf>,
    url: Option<String>,
    token: Option<String>,
    ca: Option<PathBuf>,
    home: Option<PathBuf>,
    host: Option<String>,
    display: bool,
    /// Whether NO_COLOR is set.
    pub no_color: bool,
}

impl Environment {
    /// Of this process.
    pub fn read() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = path("XDG_CONFIG_HOME")
            .or_else(|| path("APPDATA"))
            .or_else(|| path("HOME").map(|home| home.join(".config")));
        Self {
            config: path("FALLOW_CONFIG"),
            url: text("FALLOW_URL"),
            token: text("FALLOW_TOKEN"),
            ca: path("FALLOW_CA"),
            home,
            host: text("HOSTNAME").or_else(|| text("COMPUTERNAME")),
            display: cfg!(any(windows, target_os = "macos"))
                || text("DISPLAY").is_some()
                || text("WAYLAND_DISPLAY").is_some(),
            no_color: text("NO_COLOR").is_some(),
        }
    }
}

/// The configuration of this call. Never printed with its tokens.
#[derive(Clone)]
pub struct Config {
    file: PathBuf,
    environment_token: Option<String>,
    host: String,
    /// Whether a browser can be shown here.
    pub display: bool,
    /// What the file holds, overridden by the environment.
    pub stored: Stored,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").field("file", &self.file).field("stored", &self.stored).finish_non_exhaustive()
    }
}

impl Config {
    /// Read it: `file` (`--config`), else FALLOW_CONFIG, else `fallow/author.toml` in the user's configuration folder. A
    /// missing file is an empty one.
    pub fn load(file: Option<&Path>, environment: &Environment) -> anyhow::Result<Self> {
        let default = || environment.home.as_ref().map(|home| home.join("fallow/author.toml"));
        let file = file.map(Path::to_owned).or_else(|| environment.config.clone()).or_else(default);
        let file = file.ok_or_else(|| Failure::usage("this user has no home folder", "fallow --config FILE …"))?;
        let mut stored = read(&file)?;
        if let Some(url) = &environment.url {
            // A token is never sent to a grid that it was not given for.
            if stored.url.as_deref().map(plain_url) != Some(plain_url(url)) {
                stored.token = None;
            }
            stored.url = Some(url.clone());
        }
        stored.token = environment.token.clone().or(stored.token);
        stored.ca = environment.ca.clone().or(stored.ca);
        let kernel = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let host = environment.host.clone().or_else(kernel).unwrap_or_default();
        let host = host.chars().filter(|c| c.is_ascii_graphic()).take(64).collect();
        let (environment_token, display) = (environment.token.clone(), environment.display);
        Ok(Self { file, environment_token, host, display, stored })
    }

    /// What the one who approves a login is told of this computer.
    pub fn device_name(&self) -> String {
        if self.host.is_empty() { "a computer".into() } else { self.host.clone() }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// FALLOW_TOKEN, for a login that names no token.
    pub fn environment_token(&self) -> Option<&str> {
        self.environment_token.as_deref()
    }

    /// The author's secret key lies beside it.
    pub fn key_file(&self) -> PathBuf {
        self.file.with_extension("key")
    }

    /// Write `stored` so that only this user can read it, at once or not at all.
    pub fn store(&mut self, stored: Stored) -> anyhow::Result<()> {
        let text = toml::to_string(&stored).context("failed to encode the configuration")?;
        write_secret(&self.file, text.as_bytes())?;
        self.stored = stored;
        Ok(())
    }
}

fn plain_url(url: &str) -> &str {
    url.trim_end_matches('/')
}

fn read(file: &Path) -> anyhow::Result<Stored> {
    let step = || format!("failed to read {}", file.display());
    match std::fs::metadata(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Stored::default()),
        Err(error) => return Err(error).with_context(step),
        Ok(meta) if meta.len() > BYTES_MAX => {
            return Err(Failure::new(format!("{} is no configuration of fallow: too large", file.display())).into());
        }
        Ok(_) => {}
    }
    let text = std::fs::read_to_string(file).with_context(step)?;
    toml::from_str(&text).map_err(|error| {
        Failure::new(format!("{} is no configuration of fallow", file.display()))
            .place(error.message().to_owned())
            .help("remove it and log in again: fallow login URL")
            .into()
    })
}

/// Write a file that only this user can read (0600, its folder 0700 where it is new): beside it first, then renamed.
pub fn write_secret(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let step = || format!("failed to write {}", file.display());
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    private_folder(folder).with_context(step)?;
    let part = file.with_extension(format!("part-{}", std::process::id()));
    let _ = std::fs::remove_file(&part);
    let written = private_file(&part).and_then(|mut out| out.write_all(bytes).and_then(|()| out.sync_all()));
    written.and_then(|()| std::fs::rename(&part, file)).with_context(step)
}

fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn private_file(file: &Path) -> std::io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(url: &str) -> Stored {
        Stored { url: Some(url.into()), token: Some("s3cret".into()), ..Stored::default() }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("new/author.toml");
        let mut config = Config::load(Some(&file), &Environment::default()).unwrap();
        config.store(stored("https://grid.example")).unwrap();
        config.store(stored("https://other.example")).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(file.parent().unwrap()), 0o700);
        let again = Config::load(Some(&file), &Environment::default()).unwrap();
        assert_eq!(again.stored, stored("https://other.example"));
        assert!(!format!("{again:?}").contains("s3cret"));
        assert_eq!(again.key_file(), dir.path().join("new/author.key"));
        assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn the_environment_wins_but_a_token_stays_with_its_grid() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("author.toml");
        Config::load(Some(&file), &Environment::default()).unwrap().store(stored("https://grid.example")).unwrap();
        let with = |url: &str, token: Option<&str>| {
            let (url, token) = (Some(url.to_owned()), token.map(str::to_owned));
            Config::load(Some(&file), &Environment { url, token, ..Environment::default() }).unwrap().stored
        };
        assert_eq!(with("https://grid.example/", None).token.as_deref(), Some("s3cret"));
        assert_eq!(with("https://evil.example", None).token, None);
        assert_eq!(with("https://evil.example", Some("t")).token.as_deref(), Some("t"));
    }

    #[test]
    fn a_file_of_something_else_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("author.toml");
        std::fs::write(&file, "url = 3\n").unwrap();
        let error = Config::load(Some(&file), &Environment::default()).unwrap_err();
        assert!(error.to_string().contains("is no configuration of fallow"), "{error}");
    }
}
