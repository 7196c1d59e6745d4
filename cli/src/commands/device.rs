//! A login without a token: show a short code, open the page where it is approved, and wait for that.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use fallow_protocol::api::{DeviceCode, NewDeviceCode};
use serde_json::json;
use tokio::time::Instant;

use crate::client::{Client, ClientError};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::terminal::escape::line;

/// Bounds of the pause between two questions, whatever the grid says.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// What a grid that finds us too fast adds to it.
const SLOWER: Duration = Duration::from_secs(5);
/// Longest life of a code that is waited for.
const LIFE_MAX: Duration = Duration::from_secs(3_600);

/// Ask for a token with `scopes` (those of a user where there are none), and wait until a person approves.
pub async fn approve(session: &Session, client: &Client, scopes: Vec<String>) -> anyhow::Result<String> {
    let scopes = (!scopes.is_empty()).then_some(scopes);
    let new = NewDeviceCode { client: "fallow".into(), name: session.config.device_name(), scopes };
    let code = client.device_code(&new).await?;
    tell(session, &code);
    let given = wait(client, &code).await?;
    given.context("the grid approved, but gave no token")
}

fn tell(session: &Session, code: &DeviceCode) {
    let (terminal, page) = (&session.terminal, &code.verification_uri_complete);
    terminal.event(&json!({
        "event": "device_code",
        "user_code": code.user_code,
        "verification_uri": code.verification_uri,
        "verification_uri_complete": page,
        "expires_in_s": code.expires_in_s,
    }));
    terminal.line(format!("  open      {}", line(page)));
    terminal.line(format!("  code      {}", terminal.paint.good(&line(&code.user_code))));
    terminal.talk("  waiting until you approve it there, while you are logged in");
    if session.config.display && !terminal.json {
        open_browser(page);
    }
}

/// Try to; without a browser the person opens the page elsewhere.
fn open_browser(page: &str) {
    if !(page.starts_with("https://") || page.starts_with("http://")) {
        return;
    }
    let program = match () {
        () if cfg!(target_os = "macos") => "open",
        () if cfg!(windows) => "explorer",
        () => "xdg-open",
    };
    let silent =
        Command::new(program).arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    drop(silent);
}

async fn wait(client: &Client, code: &DeviceCode) -> Result<Option<String>, Failure> {
    let end = Instant::now() + Duration::from_secs(code.expires_in_s).min(LIFE_MAX);
    let mut pause = Duration::from_secs(code.interval_s).clamp(PAUSE_MIN, PAUSE_MAX);
    while Instant::now() < end {
        tokio::time::sleep(pause).await;
        match client.device_token(&code.device_code).await {
            Ok(given) => return Ok(given.token),
            Err(error) if error.is_kind("authorization-pending") => {}
            Err(error) if error.is_kind("slow-down") => pause = (pause + SLOWER).min(PAUSE_MAX),
            // Away for a moment: it may come back before the code ends.
            Err(ClientError::Unreachable { .. } | ClientError::Broken { .. }) => pause = (pause * 2).min(PAUSE_MAX),
            Err(error) if error.is_kind("access-denied") => {
                return Err(Failure::new("the login was denied in the browser")
                    .kind("access-denied")
                    .exit(Exit::NotAllowed));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let failure = Failure::new("nobody approved the code in time").help("fallow login URL").kind("expired-token");
    Err(failure.exit(Exit::NotAllowed))
}
