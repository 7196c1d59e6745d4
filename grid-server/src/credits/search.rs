//! The whole ledger as operators read it: each transfer with both of its sides.

use std::collections::{HashMap, HashSet};

use fallow_protocol::JobId;
use fallow_protocol::api::{AccountRef, LedgerParty, LedgerRow, Page};
use grid_core::ledger::{Account, AccountKind, Cause, Kind};

use super::micro_of;
use crate::app::App;
use crate::store::StoreError;
use crate::store::credits as rows;
use crate::store::ledger::search::{self, Search};
use crate::store::ledger::statements::Line;

/// A page of transfers.
pub async fn search(app: &App, wanted: &Search) -> Result<Page<LedgerRow>, StoreError> {
    let db = app.store.reader();
    let lines = search::search(db, wanted).await?;
    let sides = || lines.iter().flat_map(|line| [line.recorded.transfer.debit, line.recorded.transfer.credit]);
    let accounts: HashSet<i64> = sides().filter_map(user_of).collect();
    let jobs: HashSet<i64> = sides().filter_map(job_of).collect();
    let known = Known { accounts: search::names(db, &accounts).await?, jobs: rows::job_ids(db, &jobs).await? };
    let notes = rows::notes(db, lines.iter().map(|line| line.recorded.transfer.id())).await?;
    let full = lines.len() as u64 == wanted.limit;
    let next = lines.last().filter(|_| full).map(|line| line.seq.to_string());
    let row = |line: &Line| {
        let note = notes.get(&line.recorded.transfer.id()).cloned();
        LedgerRow { note, ..shown(line, &known) }
    };
    Ok(Page { items: lines.iter().map(row).collect(), next })
}

struct Known {
    accounts: HashMap<i64, AccountRef>,
    jobs: HashMap<i64, JobId>,
}

fn user_of(account: Account) -> Option<i64> {
    match account.kind {
        AccountKind::User(account) => Some(account.0),
        _ => None,
    }
}

fn job_of(account: Account) -> Option<i64> {
    match account.kind {
        AccountKind::Escrow(job) => Some(job.0),
        _ => None,
    }
}

fn shown(line: &Line, known: &Known) -> LedgerRow {
    let transfer = &line.recorded.transfer;
    let kind = match transfer.kind() {
        Kind::Single => "single",
        Kind::Pending => "pending",
        Kind::Post => "post",
        Kind::Void => "void",
    };
    LedgerRow {
        id: transfer.id().to_string(),
        at_ms: line.recorded.made_at_ms,
        kind: kind.into(),
        cause: Cause::word(transfer.cause.code()).into(),
        resolves: line.reserved_for.map(|cause| Cause::word(cause.code()).into()),
        debit: party(transfer.debit, known),
        credit: party(transfer.credit, known),
        amount: micro_of(transfer.amount),
        note: None,
    }
}

fn party(account: Account, known: &Known) -> LedgerParty {
    let kind = match account.kind {
        AccountKind::Issuance => "issuance",
        AccountKind::Fees => "fees",
        AccountKind::Verification => "verification",
        AccountKind::Forfeit => "forfeit",
        AccountKind::User(_) => "user",
        AccountKind::Escrow(_) => "escrow",
    };
    LedgerParty {
        kind: kind.into(),
        account: user_of(account).and_then(|id| known.accounts.get(&id).cloned()),
        job: job_of(account).and_then(|id| known.jobs.get(&id).cloned()),
    }
}
