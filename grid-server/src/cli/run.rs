//! `serve`: start, say where, and wait for the signal to stop.

use std::io::Write;

use serde_json::json;

use crate::config::Config;
use crate::serve::{self, Running};

/// Run until SIGTERM or SIGINT.
pub async fn serve(config: Config, json: bool) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let running = serve::start(config).await?;
    tell(&running, json)?;
    loop {
        match signals.next().await {
            Signal::Stop => break,
            Signal::Reload => {
                if let Err(error) = running.reload().await {
                    tracing::error!(error = format!("{error:#}"), "failed to read keys and certificates again");
                }
            }
        }
    }
    running.stop().await;
    Ok(())
}

/// Both events are on stdout: programs and people wait for them.
fn tell(running: &Running, json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let url = running.url();
    if json {
        if let Some(token) = &running.operator_token {
            writeln!(out, "{}", json!({"event": "operator_token", "token": token}))?;
        }
        if let Some(link) = &running.operator_link {
            writeln!(out, "{}", json!({"event": "operator_link", "url": link}))?;
        }
        writeln!(out, "{}", json!({"event": "listening", "url": url}))?;
        return out.flush();
    }
    if let Some(token) = &running.operator_token {
        writeln!(out, "This grid is new. The operator's token, shown only now:\n\n  {token}\n")?;
        writeln!(out, "Use it with: fallow login {url} --token TOKEN")?;
        if let Some(link) = &running.operator_link {
            writeln!(out, "In a browser, within a day and once:\n\n  {link}\n")?;
        }
        writeln!(out, "Take the root key offline soon: fallow-server keys export-root FILE\n")?;
    }
    writeln!(out, "Listening on {url} (API: {url}/api/docs)")?;
    out.flush()
}

enum Signal {
    Stop,
    Reload,
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.hangup.recv() => Signal::Reload,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        let _ = tokio::signal::ctrl_c().await;
        Signal::Stop
    }
}
