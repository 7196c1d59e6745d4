//! An account's statement: transfers of the ledger as that account reads them.

use std::collections::HashSet;

use fallow_protocol::api::{Movement, MovementState, Page};
use grid_core::ledger::{Account, Amount, Cause, Kind};
use grid_core::{AccountNo, JobNo};

use super::{CreditsError, micro_of};
use crate::app::App;
use crate::store::credits as rows;
use crate::store::ledger::statements::{Line, Page as Part};

/// Which part of a statement.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// From this time on, milliseconds since 1970.
    pub from_ms: Option<u64>,
    /// Before this time.
    pub to_ms: Option<u64>,
    /// After the page before.
    pub cursor: Option<&'a str>,
    /// Rows.
    pub limit: u64,
}

/// Where a page goes on: the last line of the one before, and the balance before that line, where it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    at_ms: u64,
    seq: i64,
    balance: Option<Amount>,
}

impl Cursor {
    fn text(&self) -> String {
        let balance = self.balance.map(|balance| format!(".{}", balance.micro())).unwrap_or_default();
        format!("{}.{}{balance}", self.at_ms, self.seq)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (at_ms, seq) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let balance = parts.next().map(|micro| Amount::from_micro(micro.parse().ok()?).ok());
        let whole = parts.next().is_none() && balance != Some(None);
        whole.then(|| Self { at_ms, seq, balance: balance.flatten() })
    }
}

/// A page of what moved, newest first. Balances are given where the statement goes up to now.
pub async fn statement(app: &App, account: i64, wanted: Wanted<'_>) -> Result<Page<Movement>, CreditsError> {
    let cursor = wanted.cursor.map(|text| Cursor::parse(text).ok_or(CreditsError::Cursor)).transpose()?;
    let part = Part {
        from_ms: wanted.from_ms.unwrap_or(0),
        to_ms: wanted.to_ms.unwrap_or(u64::MAX),
        after: cursor.map(|cursor| (cursor.at_ms, cursor.seq)),
        limit: wanted.limit + 1,
    };
    let user = Account::user(AccountNo(account));
    let (mut lines, now) = rows::statement_with_balance(app.store.reader(), user, &part).await?;
    let more = lines.len() as u64 > wanted.limit;
    lines.truncate(wanted.limit as usize);
    let mut balance = match cursor {
        Some(cursor) => cursor.balance,
        None => wanted.to_ms.is_none().then(|| now.available()),
    };
    let mut items: Vec<Movement> = lines.iter().map(|line| movement(line, user, &mut balance)).collect();
    let last = lines.last().filter(|_| more);
    let next = last.map(|line| Cursor { at_ms: line.recorded.made_at_ms, seq: line.seq, balance }.text());
    name_jobs(app, &lines, &mut items).await?;
    Ok(Page { items, next })
}

/// A line as `user` reads it. `balance` is what the account had after it, and becomes what it had before.
fn movement(line: &Line, user: Account, balance: &mut Option<Amount>) -> Movement {
    let transfer = &line.recorded.transfer;
    let gives = transfer.debit == user;
    let state = match transfer.kind() {
        Kind::Single | Kind::Post => MovementState::Moved,
        Kind::Pending => MovementState::Held,
        Kind::Void => MovementState::Voided,
    };
    let after = *balance;
    if state == MovementState::Moved {
        *balance = after.and_then(|after| match gives {
            true => after.checked_add(transfer.amount),
            false => after.checked_sub(transfer.amount),
        });
    }
    Movement {
        id: transfer.id().to_string(),
        at_ms: line.recorded.made_at_ms,
        cause: label(line).into(),
        job: None,
        state,
        amount: if gives { -transfer.amount.micro() } else { transfer.amount.micro() },
        balance: after.map(micro_of),
        note: None,
    }
}

/// A word or two. What was held and then came is simply pay.
fn label(line: &Line) -> &'static str {
    match (line.recorded.transfer.kind(), line.reserved_for) {
        (Kind::Post, Some(Cause::Hold(_))) => "pay",
        (Kind::Post, Some(Cause::HoldFee(_))) => "fee",
        (Kind::Void, Some(Cause::Hold(_))) => "pay, voided",
        (Kind::Void, Some(Cause::HoldFee(_))) => "fee, voided",
        _ => line.recorded.transfer.cause.label(),
    }
}

/// The job that a line is about.
fn job_of(line: &Line) -> Option<JobNo> {
    match line.reserved_for.unwrap_or(line.recorded.transfer.cause) {
        Cause::Fund { job, .. }
        | Cause::Refund { job, .. }
        | Cause::Storage { job, .. }
        | Cause::Compensation { job, .. } => Some(job),
        Cause::Hold(work) | Cause::HoldFee(work) | Cause::Pay(work) | Cause::Fee(work) | Cause::Check(work) => {
            Some(work.job())
        }
        _ => None,
    }
}

/// Public ids and notes, for the whole page at once.
async fn name_jobs(app: &App, lines: &[Line], items: &mut [Movement]) -> Result<(), CreditsError> {
    let jobs: HashSet<i64> = lines.iter().filter_map(job_of).map(|job| job.0).collect();
    let ids = rows::job_ids(app.store.reader(), &jobs).await?;
    let granted = lines.iter().filter(|line| matches!(line.recorded.transfer.cause, Cause::Grant { .. }));
    let notes = rows::notes(app.store.reader(), granted.map(|line| line.recorded.transfer.id())).await?;
    for (line, item) in lines.iter().zip(items) {
        item.job = job_of(line).and_then(|job| ids.get(&job.0).cloned());
        item.note = notes.get(&line.recorded.transfer.id()).cloned();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use grid_core::NodeNo;
    use grid_core::ledger::{Recorded, Transfer, Work};

    use super::*;

    const ANN: AccountNo = AccountNo(1);
    const JOB: JobNo = JobNo(7);

    fn credits(credits: i64) -> Amount {
        Amount::from_micro(credits * 1_000_000).unwrap()
    }

    fn line(transfer: Transfer, reserved_for: Option<Cause>) -> Line {
        Line { recorded: Recorded { transfer, made_at_ms: 5 }, seq: 1, reserved_for }
    }

    #[test]
    fn balances_go_backwards_over_what_moved() {
        let work = Work::Frame { job: JOB, stage: 1, node: NodeNo(2), by: NodeNo(2), frame: 3 };
        let hold = Transfer::hold(work, ANN, credits(4), Amount::ZERO)[0];
        let lines = [
            line(hold.void(), Some(hold.cause)),
            line(hold.post(credits(3)), Some(hold.cause)),
            line(hold, None),
            line(Transfer::fund(ANN, JOB, 0, credits(60)), None),
            line(Transfer::grant(ANN, 0, credits(100)), None),
        ];
        let mut balance = Some(credits(43));
        let read: Vec<_> = lines
            .iter()
            .map(|line| movement(line, Account::user(ANN), &mut balance))
            .map(|item| (item.cause, item.state, item.amount / 1_000_000, item.balance.unwrap() / 1_000_000))
            .collect();
        use MovementState::*;
        let wanted = [
            ("pay, voided", Voided, 4, 43),
            ("pay", Moved, 3, 43),
            ("pay, held", Held, 4, 40),
            ("budget", Moved, -60, 40),
            ("allowance", Moved, 100, 100),
        ];
        assert_eq!(read, wanted.map(|(cause, state, amount, balance)| (cause.to_owned(), state, amount, balance)));
        assert_eq!(balance, Some(Amount::ZERO));
        assert_eq!(lines.map(|line| job_of(&line)), [Some(JOB), Some(JOB), Some(JOB), Some(JOB), None]);
    }

    #[test]
    fn cursors_are_read_strictly() {
        for cursor in
            [Cursor { at_ms: 5, seq: 7, balance: None }, Cursor { at_ms: u64::MAX, seq: 0, balance: Some(credits(3)) }]
        {
            assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
        }
        for wrong in ["", "5", "5.x", "5.7.-1", "5.7.8.9", "5.7.", "-1.2"] {
            assert_eq!(Cursor::parse(wrong), None, "{wrong}");
        }
    }
}
