//! The commands beside `serve`: keys, tokens, backup and restore.

use std::path::Path;

use anyhow::{Context, bail};
use fallow_protocol::keys::OnlineCert;
use serde_json::{Value, json};

use super::{KeysCommand, TokenCommand};
use crate::app::now_ms;
use crate::auth::{Scope, issue};
use crate::config::Config;
use crate::people::{addresses, login};
use crate::store::{Store, accounts};
use crate::{backup as archive, keys as grid_keys, router};

/// Answer on stdout: for programs or for people.
pub(super) fn answer(json: bool, value: Value, text: String) -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{value}")?
    } else {
        writeln!(out, "{text}")?
    }
    Ok(())
}

fn days_left(expires_at_ms: u64) -> u64 {
    expires_at_ms.saturating_sub(now_ms()) / 86_400_000
}

pub fn keys(config: &Config, command: KeysCommand, json: bool) -> anyhow::Result<()> {
    let (data, days) = (config.data.as_path(), config.keys.online_days);
    match command {
        KeysCommand::Show => {
            let shown = grid_keys::show(data)?;
            let place =
                if shown.root_here { "in the data folder (take it offline: keys export-root FILE)" } else { "offline" };
            let left = days_left(shown.expires_at_ms);
            let text = format!(
                "root fingerprint  {}\nroot key          {place}\nonline key        {}\nserial            {}\nexpires           in {left} days",
                shown.root_fingerprint, shown.online, shown.serial
            );
            answer(json, serde_json::to_value(&shown)?, text)
        }
        KeysCommand::Rotate { root } => {
            renewed(&grid_keys::rotate(data, root.as_deref(), days, now_ms())?, "rotated", json)
        }
        KeysCommand::Recover { root } => {
            renewed(&grid_keys::recover(data, root.as_deref(), days, now_ms())?, "recovered", json)
        }
        KeysCommand::ExportRoot { file } => {
            let fingerprint = grid_keys::export_root(data, &file)?;
            let text = format!(
                "The root key is in {} and not in the data folder any more. Keep it offline, with a copy.\n\
                 Its fingerprint is {fingerprint}. Renew the online key before it ends: keys rotate --root FILE",
                file.display()
            );
            answer(json, json!({"event": "root_exported", "file": file, "root_fingerprint": fingerprint}), text)
        }
    }
}

fn renewed(cert: &OnlineCert, event: &str, json: bool) -> anyhow::Result<()> {
    let left = days_left(cert.expires_at_ms);
    let text = format!(
        "The online key is {event}: serial {}, for {left} days. A running server takes it on SIGHUP or restart.",
        cert.serial
    );
    answer(json, json!({"event": event, "serial": cert.serial, "expires_at_ms": cert.expires_at_ms}), text)
}

pub async fn token(config: &Config, command: TokenCommand, json: bool) -> anyhow::Result<()> {
    let TokenCommand::Create { account, name, scopes, days } = command;
    let store = Store::open(config.database().expose()).await?;
    let found = accounts::by_name(store.reader(), &account).await?;
    let found = found.with_context(|| format!("there is no account {account:?}"))?;
    let may: &[Scope] = if found.role == "operator" { &Scope::ALL } else { &Scope::USER };
    let scopes = wished(&scopes, may)?;
    let (row, secret) = issue(&store, found.id, &name, &scopes, days).await?;
    answer(json, json!({"event": "token", "id": row.public_id, "token": secret}), secret.clone())
}

pub async fn operator_link(config: &Config, account: &str, json: bool) -> anyhow::Result<()> {
    let url = addresses::of_settings(config).context("the server's port is not known: set public_url")?;
    let store = Store::open(config.database().expose()).await?;
    let found = accounts::by_name(store.reader(), account).await?;
    let found = found.with_context(|| format!("there is no account {account:?}"))?;
    let link = login::welcome_link(&store, found.id, &url).await?;
    let value = json!({"event": "operator_link", "url": link});
    answer(json, value, link)
}

fn wished(names: &[String], may: &[Scope]) -> anyhow::Result<Vec<Scope>> {
    if names.is_empty() {
        return Ok(may.to_vec());
    }
    let scope = |name: &String| match Scope::parse(name).filter(|scope| may.contains(scope)) {
        Some(scope) => Ok(scope),
        None => bail!("the account may not have the scope {name:?}"),
    };
    names.iter().map(scope).collect()
}

pub async fn backup(config: &Config, file: &Path, json: bool) -> anyhow::Result<()> {
    let (head, amount) = archive::backup(config, file).await?;
    let root = if head.root_key { "the root's, too" } else { "without the root's" };
    let text = format!(
        "{}: database, keys ({root}) and {} blobs with {} bytes. Keep it safe: it can speak for the grid.",
        file.display(),
        amount.blobs,
        amount.bytes
    );
    answer(json, json!({"event": "backup", "file": file, "blobs": amount.blobs, "bytes": amount.bytes}), text)
}

pub async fn restore(config: &Config, file: &Path, json: bool) -> anyhow::Result<()> {
    if config.database_url.is_some() {
        bail!("a backup holds an SQLite database: leave out database_url, and restore PostgreSQL with pg_restore");
    }
    let (head, amount) = archive::restore(file, &config.data).await?;
    let text = format!(
        "{}: as it was at {} ms since 1970, with {} blobs. Start it with: fallow-server serve --data {0}",
        config.data.display(),
        head.created_at_ms,
        amount.blobs
    );
    let value = json!({"event": "restored", "data": config.data, "created_at_ms": head.created_at_ms});
    answer(json, value, text)
}

pub fn openapi() -> anyhow::Result<()> {
    println!("{}", router::openapi().to_pretty_json()?);
    Ok(())
}
