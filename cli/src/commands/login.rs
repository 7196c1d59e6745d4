//! `fallow login`: check address and token with the grid, then store them.

use std::io::Read;

use anyhow::Context;
use serde_json::json;

use super::device;
use super::keygen::register;
use crate::args::LoginArgs;
use crate::author_key;
use crate::config::Stored;
use crate::failure::Failure;
use crate::session::{Session, open};
use crate::terminal::escape::line;
use crate::words::fuel;

/// No token is longer.
const TOKEN_BYTES_MAX: u64 = 4096;
/// A wrong address should be known at once.
const RETRIES: u32 = 1;

/// The whole command. Nothing is stored when the grid refuses.
pub async fn login(session: &mut Session, args: LoginArgs) -> anyhow::Result<()> {
    let ca = args.ca.map(|file| std::path::absolute(&file)).transpose().context("failed to find the --ca file")?;
    let ca = ca.or_else(|| session.config.stored.ca.clone());
    let mut stored = Stored { url: None, token: None, allow_plain_http: args.allow_plain_http, ca };
    let token = match token(session, args.token)? {
        Some(token) => token,
        None => device::approve(session, &open(&stored, &args.url)?.with_retries(RETRIES), args.scopes).await?,
    };
    stored.token = Some(token);
    let client = open(&stored, &args.url)?.with_retries(RETRIES);
    let me = client.me().await?;
    let url = client.url().to_owned();
    session.config.store(Stored { url: Some(url.clone()), ..stored })?;
    let key = author_key::load(&session.config.key_file())?;
    let terminal = &session.terminal;
    if let Some(key) = &key {
        // A token that may only look cannot register a key, and needs none.
        if let Err(error) = register(&client, key, "author key").await {
            terminal.remark(format!("  the author key is not registered: {}", line(&error.to_string())));
        }
    }
    terminal.document(&json!({ "url": url, "account": me, "config": session.config.file() }));
    terminal.talk(format!(
        "  {}  {} as {} ({}), {} of {} fuel left",
        terminal.paint.good("logged in"),
        line(&url),
        line(&me.name),
        line(&me.role),
        fuel(me.fuel_quota.saturating_sub(me.fuel_used)),
        fuel(me.fuel_quota),
    ));
    if key.is_none() {
        terminal.talk("  next: `fallow keygen` makes the key that your programs are signed with");
    }
    Ok(())
}

/// The token that was said, or that the environment has.
fn token(session: &Session, said: Option<String>) -> anyhow::Result<Option<String>> {
    let meant = said.is_some();
    let token = match said.as_deref() {
        Some("-") => {
            let mut text = String::new();
            std::io::stdin()
                .lock()
                .take(TOKEN_BYTES_MAX)
                .read_to_string(&mut text)
                .context("failed to read the token")?;
            Some(text)
        }
        Some(token) => Some(token.to_owned()),
        None => session.config.environment_token().map(str::to_owned),
    };
    let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
    match token {
        None if meant => Err(Failure::usage("the token is empty", "leave --token out to approve in a browser").into()),
        token => Ok(token),
    }
}
