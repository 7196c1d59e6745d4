//! `fallow account`: for operators.

use fallow_protocol::api::{NewAccount, Page};

use crate::args::AccountCommand;
use crate::client::AccountRow;
use crate::session::{Session, all};
use crate::terminal::escape::line;
use crate::terminal::paint::Paint;
use crate::words::fuel;

/// More accounts than anybody reads.
const ACCOUNTS_MAX: usize = 100_000;

/// The whole command.
pub async fn account(session: &Session, command: AccountCommand) -> anyhow::Result<()> {
    match command {
        AccountCommand::Create { name, quota } => create(session, NewAccount { name, fuel_quota: quota }).await,
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
        assert_eq!(table(&[account], Paint::off()), wanted);
    }
}
