//! The node as a service of the operating system: started with the computer, or with its owner's session.
//!
//! What differs between systems is the library's; the unit of systemd is our own, because it knows which exits of the
//! node are final.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use service_manager::{
    RestartPolicy, ServiceInstallCtx, ServiceLabel, ServiceLevel, ServiceManager, ServiceStartCtx, ServiceStatus,
    ServiceStatusCtx, ServiceStopCtx, ServiceUninstallCtx, native_service_manager,
};

/// Whose service it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// This user's: it runs while he is logged in, and where he lingers also before.
    User,
    /// The computer's: it runs from its start on.
    System,
}

/// What is installed.
#[derive(Clone, Debug)]
pub struct Service {
    /// Whose.
    pub level: Level,
    /// The executable.
    pub exe: PathBuf,
    /// Data folder, absolute.
    pub data: PathBuf,
    /// Configuration file, where one is named, absolute.
    pub config: Option<PathBuf>,
    /// The account that a service of the computer runs as.
    pub user: Option<String>,
}

/// `io.fallow.node` on macOS, `fallow-node` elsewhere.
fn label() -> ServiceLabel {
    let mac = cfg!(target_os = "macos");
    ServiceLabel {
        qualifier: mac.then(|| "io".to_owned()),
        organization: mac.then(|| "fallow".to_owned()),
        application: if mac { "node".into() } else { "fallow-node".into() },
    }
}

fn manager(level: Level) -> anyhow::Result<Box<dyn ServiceManager>> {
    let mut manager: Box<dyn ServiceManager> = match cfg!(target_os = "linux") && systemd_is_here() {
        true => Box::new(service_manager::SystemdServiceManager::system()),
        false => native_service_manager().context("there is no service manager that is known here")?,
    };
    let wanted = match level {
        Level::User => ServiceLevel::User,
        Level::System => ServiceLevel::System,
    };
    manager.set_level(wanted).context("the service manager here has no services of users; use --system")?;
    Ok(manager)
}

/// A computer whose units lie where systemd's do, also where it does not run now (an image that is being built).
fn systemd_is_here() -> bool {
    ["/run/systemd/system", "/etc/systemd/system", "/usr/lib/systemd/system"]
        .iter()
        .any(|path| Path::new(path).exists())
}

impl Service {
    fn args(&self) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec!["run".into(), "--data".into(), self.data.clone().into()];
        args.extend(self.config.iter().flat_map(|path| ["--config".into(), path.clone().into()]));
        args
    }

    /// Install it, and with `start` start it now and at every start.
    pub fn install(&self, start: bool) -> anyhow::Result<String> {
        if self.level == Level::System && self.user.is_none() && cfg!(unix) {
            bail!("a service of the computer needs an account that it runs as: add --user NAME, best one of its own");
        }
        let manager = manager(self.level)?;
        let context = ServiceInstallCtx {
            label: label(),
            program: self.exe.clone(),
            args: self.args(),
            contents: (cfg!(target_os = "linux") && systemd_is_here()).then(|| self.unit()),
            username: self.user.clone(),
            working_directory: None,
            environment: None,
            autostart: start,
            restart_policy: RestartPolicy::OnFailure {
                delay_secs: Some(10),
                max_retries: None,
                reset_after_secs: None,
            },
        };
        manager.install(context).context("the service could not be installed")?;
        if start {
            manager.start(ServiceStartCtx { label: label() }).context("it is installed, but did not start")?;
        }
        let linger = match self.level {
            Level::User if cfg!(target_os = "linux") => "; `loginctl enable-linger` lets it run before you log in, too",
            _ => "",
        };
        let now = if start { "runs, and starts by itself from now on" } else { "is installed and not started" };
        Ok(format!("fallow-node {now}{linger}"))
    }

    /// The unit of systemd.
    fn unit(&self) -> String {
        let words: Vec<String> = self.args().iter().map(|arg| quoted(&arg.to_string_lossy())).collect();
        let user = self.user.as_ref().filter(|_| self.level == Level::System);
        let user = user.map(|user| format!("User={user}\n")).unwrap_or_default();
        let wanted = if self.level == Level::System { "multi-user.target" } else { "default.target" };
        // 2, 4 and 5: wrong configuration, refused by the grid, another grid. Trying again does not help.
        format!(
            "[Unit]\nDescription=Lends this computer to a Fallow grid\nDocumentation=man:fallow-node(1)\n\
             After=network-online.target\nWants=network-online.target\n\n\
             [Service]\nType=exec\n{user}ExecStart={} {}\nRestart=on-failure\nRestartSec=10\n\
             RestartPreventExitStatus=2 4 5\nKillMode=mixed\nTimeoutStopSec=20\nNice=19\nCPUSchedulingPolicy=idle\n\
             IOSchedulingClass=idle\nNoNewPrivileges=yes\n\n\
             [Install]\nWantedBy={wanted}\n",
            quoted(&self.exe.to_string_lossy()),
            words.join(" "),
        )
    }
}

/// A word of a unit's command line.
fn quoted(word: &str) -> String {
    let word = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    if word.contains(|c: char| c.is_whitespace() || c == '"' || c == '\'' || c == ';') {
        format!("\"{word}\"")
    } else {
        word
    }
}

/// Stop it and take it away. The data folder stays.
pub fn uninstall(level: Level) -> anyhow::Result<String> {
    let manager = manager(level)?;
    // One that does not run cannot be stopped, which is as well.
    let _ = manager.stop(ServiceStopCtx { label: label() });
    manager.uninstall(ServiceUninstallCtx { label: label() }).context("the service could not be taken away")?;
    Ok("fallow-node is no service any more; its data folder stays".into())
}

/// What the service manager says.
pub fn status(level: Level) -> anyhow::Result<String> {
    let status = manager(level)?.status(ServiceStatusCtx { label: label() });
    Ok(match status.context("the service manager does not answer")? {
        ServiceStatus::NotInstalled => "fallow-node is not installed as a service".into(),
        ServiceStatus::Running => "the service runs".into(),
        ServiceStatus::Stopped(None) => "the service is stopped".into(),
        ServiceStatus::Stopped(Some(reason)) => format!("the service is stopped: {reason}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(level: Level) -> Service {
        Service {
            level,
            exe: "/opt/my tools/fallow-node".into(),
            data: "/home/ann/50% \"mine\"".into(),
            config: Some("/etc/node.toml".into()),
            user: Some("lender".into()),
        }
    }

    #[test]
    fn the_unit_quotes_what_it_runs() {
        let unit = service(Level::User).unit();
        let wanted =
            r#"ExecStart="/opt/my tools/fallow-node" run --data "/home/ann/50%% \"mine\"" --config /etc/node.toml"#;
        assert!(unit.lines().any(|line| line == wanted), "{unit}");
        assert!(unit.contains("WantedBy=default.target") && !unit.contains("User="), "{unit}");
        let unit = service(Level::System).unit();
        assert!(unit.contains("WantedBy=multi-user.target") && unit.contains("User=lender"), "{unit}");
    }

    #[test]
    fn a_service_of_the_computer_needs_an_account() {
        let nobody = Service { user: None, ..service(Level::System) };
        assert!(nobody.install(false).unwrap_err().to_string().contains("--user"));
    }
}
