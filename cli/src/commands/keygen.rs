//! `fallow keygen`: the author's key, made once, registered on each grid.

use fallow_protocol::SecretKey;
use fallow_protocol::api::NewAuthorKey;
use serde_json::json;

use crate::args::KeygenArgs;
use crate::author_key;
use crate::client::{Client, ClientError};
use crate::session::Session;

/// The whole command. A key that is there stays, and is registered again.
pub async fn keygen(session: &Session, args: &KeygenArgs) -> anyhow::Result<()> {
    let file = session.config.key_file();
    let found = if args.new { None } else { author_key::load(&file)? };
    let (key, made) = match found {
        Some(key) => (key, false),
        None => (author_key::create(&file)?, true),
    };
    let logged_in = session.config.stored.url.is_some() && session.config.stored.token.is_some();
    if logged_in {
        register(&session.client()?, &key, &args.name).await?;
    }
    let terminal = &session.terminal;
    terminal.document(&json!({ "key": key.public(), "file": file, "made": made, "registered": logged_in }));
    if terminal.quiet {
        terminal.line(key.public().to_string());
        return Ok(());
    }
    let verb = if made { "made" } else { "kept" };
    terminal.talk(format!("  {}  {} in {}", terminal.paint.good(verb), key.public(), file.display()));
    terminal.talk(if logged_in {
        "  registered on the grid; keep a copy of the file where only you can read it"
    } else {
        "  not registered yet: `fallow login URL` does that"
    });
    Ok(())
}

/// Tell the grid that this key signs for the account.
pub async fn register(client: &Client, key: &SecretKey, name: &str) -> Result<(), ClientError> {
    client.register_key(&NewAuthorKey { key: key.public(), name: name.to_owned() }).await.map(drop)
}
