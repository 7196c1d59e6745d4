//! `fallow account`: for operators.

use fallow_protocol::api::{NewAccount, NewGrant, Page};

use crate::args::AccountCommand;
use crate::client::{AccountRow, idempotency_key};
use crate::failure::Failure;
use crate::session::{Session, all};
use crate::terminal::escape::line;
use crate::terminal::paint::Paint;
use crate::words::{credits, fuel};

/// More accounts than anybody reads.
const ACCOUNTS_MAX: usize = 100_000;

/// The whole command.
pub async fn account(session: &Session, command: AccountCommand) -> anyhow::Result<()> {
    match command {
        AccountCommand::Create { name, quota } => create(session, NewAccount { name, fuel_quota: quota }).await,
        AccountCommand::Grant { account, credits, note } => {
            grant(session, &account, NewGrant { amount: credits, note }).await
        }
        AccountCommand::List => list(session).await,
    }
}

async fn create(session: &Session, account: NewAccount) -> anyhow::Result<()> {
    let client = session.client()?;
    let made = client.create_account(&account).await?;
    let terminal = &session.terminal;
    terminal.document(&made);
    if terminal.quiet {
        terminal.line(line(&made.token));
        return Ok(());
    }
    terminal.line(format!("fallow login {} --token {}", client.url(), line(&made.token)));
    terminal.remark(format!("  {} ({}) logs in with this; the token is shown only now", line(&made.name), made.id));
    Ok(())
}

async fn grant(session: &Session, said: &str, grant: NewGrant) -> anyhow::Result<()> {
    let client = &session.client()?;
    let page = |cursor: Option<String>, rows| async move { client.accounts(cursor.as_deref(), rows).await };
    let accounts = all(ACCOUNTS_MAX, page).await?;
    let account = find(&accounts, said)?;
    let granted = client.grant(&account.id, &grant, &idempotency_key()).await?;
    session.terminal.document(&granted);
    session.terminal.talk(format!(
        "  {} ({}) got {} credits and may spend {} now",
        line(&account.name),
        account.id,
        credits(granted.amount),
        credits(granted.available),
    ));
    Ok(())
}

/// The account with this id, else with this name.
fn find<'a>(accounts: &'a [AccountRow], said: &str) -> Result<&'a AccountRow, Failure> {
    let by_id = accounts.iter().find(|account| account.id.as_str() == said);
    let found = by_id.or_else(|| accounts.iter().find(|account| account.name == said));
    found
        .ok_or_else(|| Failure::usage(format!("there is no account {said:?}"), "fallow account list shows all of them"))
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let client = &session.client()?;
    let page = |cursor: Option<String>, rows| async move { client.accounts(cursor.as_deref(), rows).await };
    let items = all(ACCOUNTS_MAX, page).await?;
    table(&items, session.terminal.paint).iter().for_each(|row| session.terminal.line(row));
    session.terminal.document(&Page { items, next: None });
    Ok(())
}

fn table(accounts: &[AccountRow], paint: Paint) -> Vec<String> {
    let head = format!("  {:16}  {:20}  {:8}  {:>8}  {:>8}", "account", "name", "role", "used", "of fuel");
    let row = |account: &AccountRow| {
        let name: String = line(&account.name).chars().take(20).collect();
        let (used, quota) = (fuel(account.fuel_used), fuel(account.fuel_quota));
        format!("  {:16}  {name:20}  {:8}  {used:>8}  {quota:>8}", account.id.as_str(), line(&account.role))
    };
    std::iter::once(paint.dim(&head)).chain(accounts.iter().map(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_accounts() {
        let account = AccountRow {
            id: "acc-7f3b00000000".parse().unwrap(),
            name: "ada".into(),
            role: "user".into(),
            fuel_quota: 500_000_000_000_000,
            fuel_used: 1_900_000_000,
        };
        let wanted = [
            "  account           name                  role          used   of fuel",
            "  acc-7f3b00000000  ada                   user         1.9 G     500 T",
        ];
        assert_eq!(table(std::slice::from_ref(&account), Paint::off()), wanted);
        let accounts = [account];
        assert!(find(&accounts, "ada").is_ok() && find(&accounts, "acc-7f3b00000000").is_ok());
        assert!(find(&accounts, "bob").unwrap_err().what.contains("no account"));
    }
}
