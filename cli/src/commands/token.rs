//! `fallow token`: tokens of the account.

use fallow_protocol::api::{NewToken, Page, TokenInfo};
use serde_json::json;

use crate::args::TokenCommand;
use crate::session::{Session, all};
use crate::terminal::escape::line;
use crate::terminal::paint::Paint;
use crate::words::now_ms;

/// More tokens than one account has.
const TOKENS_MAX: usize = 10_000;

/// The whole command.
pub async fn token(session: &Session, command: TokenCommand) -> anyhow::Result<()> {
    match command {
        TokenCommand::Create { name, scopes, days } => create(session, NewToken { name, scopes, days }).await,
        TokenCommand::List => list(session).await,
        TokenCommand::Revoke { id } => revoke(session, &id).await,
    }
}

async fn create(session: &Session, token: NewToken) -> anyhow::Result<()> {
    let made = session.client()?.create_token(&token).await?;
    let terminal = &session.terminal;
    terminal.document(&made);
    terminal.line(line(made.token.as_deref().unwrap_or_default()));
    terminal.remark(format!(
        "  {} ({}), for {} days; it is shown only now",
        line(&made.name),
        line(&made.id),
        token.days
    ));
    Ok(())
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let client = &session.client()?;
    let page = |cursor: Option<String>, rows| async move { client.tokens(cursor.as_deref(), rows).await };
    let items = all(TOKENS_MAX, page).await?;
    table(&items, now_ms(), session.terminal.paint).iter().for_each(|row| session.terminal.line(row));
    session.terminal.document(&Page { items, next: None });
    Ok(())
}

async fn revoke(session: &Session, id: &str) -> anyhow::Result<()> {
    session.client()?.revoke_token(id).await?;
    session.terminal.document(&json!({ "revoked": id }));
    session.terminal.talk(format!("  {} is worth nothing any more", line(id)));
    Ok(())
}

fn table(tokens: &[TokenInfo], now_ms: u64, paint: Paint) -> Vec<String> {
    let head = format!("  {:16}  {:20}  {:10}  {}", "token", "name", "ends", "scopes");
    let row = |token: &TokenInfo| {
        let name: String = line(&token.name).chars().take(20).collect();
        let ends = match token.expires_at_ms.saturating_sub(now_ms) {
            0 => "ended".to_owned(),
            left => format!("in {} d", left.div_ceil(86_400_000)),
        };
        format!("  {:16}  {name:20}  {ends:10}  {}", line(&token.id), line(&token.scopes.join(" ")))
    };
    std::iter::once(paint.dim(&head)).chain(tokens.iter().map(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_tokens() {
        let token = TokenInfo {
            id: "t7f3b".into(),
            name: "laptop".into(),
            scopes: vec!["jobs:read".into(), "jobs:write".into()],
            expires_at_ms: 86_400_001,
            token: None,
        };
        let wanted = [
            "  token             name                  ends        scopes",
            "  t7f3b             laptop                in 2 d      jobs:read jobs:write",
        ];
        assert_eq!(table(std::slice::from_ref(&token), 0, Paint::off()), wanted);
        assert!(table(&[token], 86_400_001, Paint::off())[1].contains("ended"));
    }
}
