//! `fallow credits` and `fallow topup`: what an account has, what moved it, and more budget for a job.

use fallow_protocol::api::{Credits, Movement, MovementState};
use serde_json::json;

use crate::args::{CreditsArgs, TopupArgs};
use crate::client::idempotency_key;
use crate::parse::minute;
use crate::session::{Session, all};
use crate::terminal::escape::line;
use crate::terminal::paint::Paint;
use crate::words::{credits as words, credits_signed};

/// Movements that are shown without `--all`.
const SHOWN: usize = 20;
/// More movements than anybody reads.
const MOVEMENTS_MAX: usize = 1_000_000;

/// The balance, then movements, newest first.
pub async fn credits(session: &Session, args: &CreditsArgs) -> anyhow::Result<()> {
    let client = &session.client()?;
    let balance = client.credits().await?;
    let dated = args.since.is_some() || args.until.is_some();
    let max = if args.all || dated { MOVEMENTS_MAX } else { SHOWN };
    let (from, to) = (args.since, args.until);
    let page = |cursor: Option<String>, rows| async move { client.statement(from, to, cursor.as_deref(), rows).await };
    let items = all(max, page).await?;
    let terminal = &session.terminal;
    terminal.document(&json!({ "balance": balance, "items": items }));
    if terminal.quiet {
        terminal.line(words(balance.available));
        return Ok(());
    }
    terminal.line(balance_line(&balance));
    table(&items, terminal.paint).iter().for_each(|row| terminal.line(row));
    if items.len() == SHOWN && max == SHOWN {
        terminal.remark("  the newest 20; `fallow credits --all` shows all of them");
    }
    Ok(())
}

/// More budget for a job.
pub async fn topup(session: &Session, args: &TopupArgs) -> anyhow::Result<()> {
    let client = session.client()?;
    let job = session.job(&client, Some(&args.job)).await?;
    let info = client.topup(&job, args.credits, &idempotency_key()).await?;
    session.terminal.document(&info);
    let left = info.budget.unwrap_or(0).saturating_sub(info.spent).saturating_sub(info.held);
    session.terminal.talk(format!(
        "  {} ({})  may cost {} credits now; {} are left",
        session.terminal.paint.bold(job.as_str()),
        line(&info.name),
        words(info.budget.unwrap_or(0)),
        words(left),
    ));
    Ok(())
}

fn balance_line(balance: &Credits) -> String {
    let mut said = format!("  {} credits", words(balance.available));
    if balance.pending > 0 {
        said.push_str(&format!("; {} earned, held until checked", words(balance.pending)));
    }
    if balance.reserved > 0 {
        said.push_str(&format!("; {} reserved for your jobs", words(balance.reserved)));
    }
    said
}

fn table(movements: &[Movement], paint: Paint) -> Vec<String> {
    if movements.is_empty() {
        return vec!["  nothing moved".into()];
    }
    let head = format!("  {:16}  {:14}  {:16}  {:>16}  {:>16}", "when (UTC)", "what", "job", "credits", "left");
    let row = |movement: &Movement| {
        let job = movement.job.as_ref().map_or("", |job| job.as_str());
        let amount = match movement.state {
            MovementState::Moved => credits_signed(movement.amount),
            // Neither changes what can be spent.
            MovementState::Held | MovementState::Voided => format!("({})", words(movement.amount.unsigned_abs())),
        };
        let balance = movement.balance.map(words).unwrap_or_default();
        let note = movement.note.as_deref().map(|note| format!("  {}", line(note))).unwrap_or_default();
        let what: String = line(&movement.cause).chars().take(14).collect();
        let text = format!("  {}  {what:14}  {job:16}  {amount:>16}  {balance:>16}{note}", minute(movement.at_ms));
        if movement.state == MovementState::Moved { text } else { paint.dim(&text) }
    };
    std::iter::once(paint.dim(&head)).chain(movements.iter().map(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_says_what_is_where() {
        let balance = Credits { available: 12_500_000, pending: 0, reserved: 0 };
        assert_eq!(balance_line(&balance), "  12.5 credits");
        let balance = Credits { pending: 1_100_000, reserved: 60_000_000, ..balance };
        let wanted = "  12.5 credits; 1.1 earned, held until checked; 60 reserved for your jobs";
        assert_eq!(balance_line(&balance), wanted);
    }

    #[test]
    fn a_table_of_movements() {
        let movement = |cause: &str, state, amount, job: Option<&str>| Movement {
            id: "00".into(),
            at_ms: 1_795_270_200_000,
            cause: cause.into(),
            job: job.map(|job| job.parse().unwrap()),
            state,
            amount,
            balance: (state == MovementState::Moved).then_some(40_000_000),
            note: None,
        };
        let budget = movement("budget", MovementState::Moved, -60_000_000, Some("job-7f3b00000000"));
        let held = movement("pay, held", MovementState::Held, 1_250_000, None);
        let grant = Movement {
            note: Some("thanks\u{1b}[2J".into()),
            ..movement("grant", MovementState::Moved, 100_000_000, None)
        };
        let wanted = [
            "  when (UTC)        what            job                        credits              left",
            "  2026-11-21 14:10  budget          job-7f3b00000000               -60                40",
            "  2026-11-21 14:10  pay, held                                   (1.25)                  ",
            "  2026-11-21 14:10  grant                                         +100                40  thanks\\u{1b}[2J",
        ];
        assert_eq!(table(&[budget, held, grant], Paint::off()), wanted);
    }
}
