//! Joining without a token: show a short code, open the page where its owner approves it, and wait for that.
//!
//! What comes back is a join token like any other, so everything after it is the same.

use std::process::{Command, Stdio};
use std::time::Duration;

use fallow_protocol::api::{DeviceCode, DevicePoll, DeviceToken, JoinToken, NewDeviceCode};
use fallow_protocol::problem::Problem;
use reqwest::{Client, Response};
use serde::Serialize;
use tokio::time::Instant;

use crate::config::Config;
use crate::events::{Event, Teller};
use crate::exit::{Code, Failure};
use crate::http::{self, GridUrl};

/// Bounds of the pause between two questions, whatever the grid says.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// What a grid that finds us too fast adds to it.
const SLOWER: Duration = Duration::from_secs(5);
/// Longest life of a code that is waited for.
const LIFE_MAX: Duration = Duration::from_secs(3_600);
/// Longest text of the grid that is shown, characters.
const SHOWN_CHARS_MAX: usize = 300;

/// Ask for a join token, and wait until a person approves.
pub async fn approve(url: &GridUrl, name: &str, config: &Config, teller: &mut Teller) -> Result<String, Failure> {
    let client = http::client()?;
    let new = NewDeviceCode { client: "fallow-node".into(), name: name.to_owned(), scopes: None };
    let response = post(&client, url, "device/code", &new).await.map_err(|why| unreachable(url, &why))?;
    if !response.status().is_success() {
        let (status, text) = http::problem(response).await;
        let code = if status.is_client_error() { Code::Refused } else { Code::Unreachable };
        return Err(Failure::new(code, format!("{} gives this computer no code: {text}", url.as_str())));
    }
    let code: DeviceCode = response.json().await.map_err(|error| strange(url, &error))?;
    tell(&code, config, teller);
    let token = wait(&client, url, &code).await?;
    match JoinToken::parse(&token) {
        Some((_, root)) if root == code.root_fingerprint => Ok(token),
        _ => Err(Failure::new(
            Code::WrongGrid,
            "the grid approved for another root key than it showed; nothing was kept",
        )),
    }
}

fn tell(code: &DeviceCode, config: &Config, teller: &mut Teller) {
    let page = shown(&code.verification_uri_complete);
    eprintln!("open      {page}");
    eprintln!("code      {}", shown(&code.user_code));
    eprintln!("root key  {}  (the page shows the same)", code.root_fingerprint);
    eprintln!("waiting until you approve this computer there, while you are logged in");
    teller.tell(Event::DeviceCode {
        user_code: code.user_code.clone(),
        verification_uri: code.verification_uri.clone(),
        verification_uri_complete: code.verification_uri_complete.clone(),
        root: code.root_fingerprint,
    });
    if config.display && !config.json {
        open_browser(&code.verification_uri_complete);
    }
}

/// What the grid says must not command the terminal.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS_MAX).collect()
}

/// Try to; without a browser the owner opens the page elsewhere.
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

async fn post(client: &Client, url: &GridUrl, path: &str, body: &impl Serialize) -> Result<Response, String> {
    client.post(url.api(path)).json(body).send().await.map_err(|error| http::chain(&error))
}

/// What an answer means for who waits.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Token(String),
    Pending,
    Slower,
    Away,
    Refused(String),
}

async fn wait(client: &Client, url: &GridUrl, code: &DeviceCode) -> Result<String, Failure> {
    let end = Instant::now() + Duration::from_secs(code.expires_in_s).min(LIFE_MAX);
    let mut pause = Duration::from_secs(code.interval_s).clamp(PAUSE_MIN, PAUSE_MAX);
    let poll = DevicePoll { device_code: code.device_code.clone() };
    while Instant::now() < end {
        tokio::time::sleep(pause).await;
        let answer = match post(client, url, "device/token", &poll).await {
            Ok(response) => read(response).await,
            Err(_) => Answer::Away,
        };
        match answer {
            Answer::Token(token) => return Ok(token),
            Answer::Pending => {}
            Answer::Slower => pause = (pause + SLOWER).min(PAUSE_MAX),
            Answer::Away => pause = (pause * 2).min(PAUSE_MAX),
            Answer::Refused(why) => {
                return Err(Failure::new(Code::Refused, format!("this computer may not join: {why}")));
            }
        }
    }
    Err(Failure::new(Code::Refused, "nobody approved the code in time; run `fallow-node join` again"))
}

async fn read(response: Response) -> Answer {
    let status = response.status();
    if status.is_success() {
        let token = response.json::<DeviceToken>().await.ok().and_then(|given| given.join_token);
        return token.map_or_else(|| Answer::Refused("the grid gave no join token".into()), Answer::Token);
    }
    let body = http::limited_body(response).await;
    match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => meaning(&problem),
        Err(_) if status.is_client_error() => Answer::Refused(format!("the server answered {status}")),
        Err(_) => Answer::Away,
    }
}

fn meaning(problem: &Problem) -> Answer {
    match (problem.kind.as_str(), problem.status) {
        ("authorization-pending", _) => Answer::Pending,
        ("slow-down", _) | (_, 429) => Answer::Slower,
        (_, 500..) => Answer::Away,
        _ => Answer::Refused(shown(&problem.detail)),
    }
}

fn unreachable(url: &GridUrl, why: &str) -> Failure {
    let message = format!("cannot reach {}: {why}; check the address, and that the server runs", url.as_str());
    Failure::new(Code::Unreachable, message)
}

fn strange(url: &GridUrl, error: &reqwest::Error) -> Failure {
    Failure::new(Code::WrongGrid, format!("{} does not answer like a grid: {}", url.as_str(), http::chain(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_mean_what_the_standard_says() {
        let answer = |kind: &str, status| {
            let (kind, title, detail) = (kind.to_owned(), String::new(), "no\u{1b}[2J".to_owned());
            meaning(&Problem { kind, title, status, detail, help: None, field: None })
        };
        assert_eq!(answer("authorization-pending", 400), Answer::Pending);
        assert_eq!(answer("slow-down", 400), Answer::Slower);
        assert_eq!(answer("rate-limited", 429), Answer::Slower);
        assert_eq!(answer("internal", 500), Answer::Away);
        assert_eq!(answer("access-denied", 400), Answer::Refused("no[2J".into()));
        assert_eq!(answer("expired-token", 400), Answer::Refused("no[2J".into()));
    }
}
