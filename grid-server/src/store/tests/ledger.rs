//! The ledger's tables on both databases: what the rules say, what the tables refuse, and what the check finds.

use std::sync::Arc;

use grid_core::ledger::{Account, Amount, Applied, BATCH_MAX, Finding, LedgerError, Reason, Transfer, Work};
use grid_core::{AccountNo, JobNo, NodeNo};
use sea_orm::DatabaseTransaction;

use super::super::holdings::{self, Holding, State};
use super::super::ledger::statements::{Page, statement_of};
use super::super::ledger::{apply, balance, check::check, expired, open_account};
use super::super::{Store, StoreError};
use super::open;

mod many;
mod model;
mod schema;

use schema::raw;

on_both! {
    life => super::pay_goes_its_way_and_again_changes_nothing;
    refusals => super::a_refused_batch_writes_nothing_and_its_neighbours_go_on;
    pages => super::a_statement_has_each_line_once;
    times => super::reservations_expire;
    tampered => super::the_check_finds_what_was_tampered_with;
    held => super::the_check_holds_holdings_against_reservations;
    left => super::an_escrow_that_is_left_full_is_found;
}

pub(super) const ANN: AccountNo = AccountNo(1);
pub(super) const BEN: AccountNo = AccountNo(2);
pub(super) const JOB: JobNo = JobNo(9);
const NODE: NodeNo = NodeNo(4);

pub(super) fn credits(n: i64) -> Amount {
    Amount::from_micro(n * 1_000_000).unwrap()
}

pub(super) fn frame(frame: u64) -> Work {
    Work::Frame { job: JOB, stage: 1, node: NODE, by: NODE, frame }
}

pub(super) async fn open_accounts(store: &Store, accounts: &[Account]) {
    let accounts: Arc<[Account]> = accounts.into();
    let opened = store.write(move |db| {
        let accounts = accounts.clone();
        Box::pin(async move {
            for account in accounts.iter() {
                open_account(db, *account).await?;
            }
            Ok(())
        })
    });
    opened.await.unwrap();
}

/// Apply in a transaction of its own.
pub(super) async fn applied(
    store: &Store,
    transfers: &[Transfer],
    now_ms: u64,
) -> Result<Result<Vec<Applied>, LedgerError>, StoreError> {
    let transfers: Arc<[Transfer]> = transfers.into();
    let write = store.write(move |db| {
        let transfers = transfers.clone();
        Box::pin(async move { apply(db, &transfers, now_ms).await })
    });
    write.await
}

/// Apply what must go through.
pub(super) async fn done(store: &Store, transfers: &[Transfer], now_ms: u64) {
    let new = vec![Applied::New; transfers.len()];
    assert_eq!(applied(store, transfers, now_ms).await.unwrap(), Ok(new));
}

async fn available(store: &Store, account: Account) -> Amount {
    balance(store.reader(), account).await.unwrap().unwrap().available()
}

/// Ann has 100 credits, 60 of them in the job's escrow.
pub(super) async fn begin(store: &Store) {
    open_accounts(store, &[Account::user(ANN), Account::user(BEN), Account::escrow(JOB)]).await;
    done(store, &[Transfer::grant(ANN, 1, credits(100)), Transfer::fund(ANN, JOB, 0, credits(60))], 5).await;
}

/// What the check finds at a moment when no escrow is overdue.
pub(super) async fn findings(store: &Store) -> Vec<Finding> {
    check(store.reader(), 10).await.unwrap().audit.findings().to_vec()
}

async fn pay_goes_its_way_and_again_changes_nothing(store: &Store) {
    begin(store).await;
    let holds = Transfer::hold(frame(1), BEN, credits(19), credits(1));
    done(store, &holds, 6).await;
    assert_eq!(available(store, Account::escrow(JOB)).await, credits(40));
    assert_eq!(available(store, Account::user(BEN)).await, credits(0));
    let rest = [holds[0].post(credits(9)), holds[1].void(), Transfer::refund(ANN, JOB, 0, credits(51))];
    done(store, &rest, 7).await;
    let all: Vec<Transfer> = holds.into_iter().chain(rest).collect();
    assert_eq!(applied(store, &all, 99).await.unwrap(), Ok(vec![Applied::Exists; 5]));
    let twice = Transfer::grant(BEN, 8, credits(1));
    let both = Ok(vec![Applied::New, Applied::Exists]);
    assert_eq!(applied(store, &[twice, twice], 8).await.unwrap(), both);
    assert_eq!(available(store, Account::user(BEN)).await, credits(10));
    assert_eq!(available(store, Account::user(ANN)).await, credits(91));
    let issuance = balance(store.reader(), Account::SYSTEM[0]).await.unwrap().unwrap();
    assert_eq!(issuance.net_micro(), -101_000_000);
    assert_eq!(balance(store.reader(), Account::user(AccountNo(77))).await.unwrap(), None);
    assert_eq!(findings(store).await, []);
}

async fn a_refused_batch_writes_nothing_and_its_neighbours_go_on(store: &Store) {
    begin(store).await;
    let write = store.write(|db| {
        Box::pin(async move {
            let good = Transfer::fund(ANN, JOB, 1, credits(30));
            let much = Transfer::fund(ANN, JOB, 2, credits(11));
            let refused = apply(db, &[good, much], 6).await?.unwrap_err();
            let again = apply(db, &[good], 6).await?;
            Ok((refused, again))
        })
    });
    let (refused, again) = write.await.unwrap();
    assert_eq!(refused.index, 1);
    let account = Account::user(ANN);
    assert_eq!(refused.reason, Reason::Insufficient { account, available: credits(10), wanted: credits(11) });
    assert_eq!(again, Ok(vec![Applied::New]), "the first of the refused batch had not moved");
    let nobody = Account::user(AccountNo(77));
    let cases = [
        (Transfer::grant(AccountNo(77), 1, credits(1)), Reason::UnknownAccount(nobody)),
        (Transfer::grant(AccountNo(-1), 1, credits(1)), Reason::UnknownAccount(Account::user(AccountNo(-1)))),
        (Transfer::fund(ANN, JOB, 0, credits(59)), Reason::Conflict(Transfer::fund(ANN, JOB, 0, credits(1)).id())),
        (Transfer::fund(ANN, JOB, 3, Amount::ZERO), Reason::Zero),
        (Transfer::fund(ANN, JOB, 3, Amount::MAX), Reason::TooLarge(Amount::MAX)),
    ];
    for (transfer, reason) in cases {
        assert_eq!(applied(store, &[transfer], 7).await.unwrap().unwrap_err().reason, reason);
    }
    let many: Vec<Transfer> = (0..=BATCH_MAX as u64).map(|n| Transfer::grant(ANN, 10 + n, credits(1))).collect();
    assert!(applied(store, &many, 7).await.unwrap().is_err());
    done(store, &many[1..], 8).await;
    assert_eq!(available(store, account).await, credits(10 + BATCH_MAX as i64));
    assert_eq!(findings(store).await, []);
}

async fn a_statement_has_each_line_once(store: &Store) {
    begin(store).await;
    for n in 0..20 {
        let hold = Transfer::hold(frame(n), BEN, credits(1), Amount::ZERO)[0];
        done(store, &[hold, hold.post(credits(1))], 100 + n / 3).await;
    }
    let escrow = Account::escrow(JOB);
    let (mut after, mut lines) = (None, Vec::new());
    loop {
        let page = Page { from_ms: 0, to_ms: 1_000, after, limit: 7 };
        let more = statement_of(store.reader(), escrow, &page).await.unwrap();
        let Some(last) = more.last() else { break };
        after = Some((last.recorded.made_at_ms, last.seq));
        assert!(more.len() <= 7);
        lines.extend(more);
    }
    assert_eq!(lines.len(), 41);
    assert!(lines.windows(2).all(|pair| pair[0].seq > pair[1].seq));
    assert!(lines.iter().all(|line| line.recorded.transfer.debit == escrow || line.recorded.transfer.credit == escrow));
    let hold = Transfer::hold(frame(19), BEN, credits(1), Amount::ZERO)[0];
    assert_eq!((lines[0].recorded.transfer, lines[0].reserved_for), (hold.post(credits(1)), Some(hold.cause)));
    let page = Page { from_ms: 101, to_ms: 103, after: None, limit: 99 };
    assert_eq!(statement_of(store.reader(), Account::user(BEN), &page).await.unwrap().len(), 12);
}

async fn reservations_expire(store: &Store) {
    begin(store).await;
    let timed = |n| Transfer { timeout_ms: Some(100), ..Transfer::hold(frame(n), BEN, credits(5), credits(0))[0] };
    done(store, &[timed(1), timed(2), timed(3)], 50).await;
    done(store, &[timed(2).post(credits(5))], 60).await;
    assert_eq!(expired(store.reader(), 149, 9).await.unwrap(), []);
    let early = applied(store, &[timed(1).expiry()], 149).await.unwrap().unwrap_err();
    assert_eq!(early.reason, Reason::NotExpired);
    let late = applied(store, &[timed(1).post(credits(5))], 150).await.unwrap().unwrap_err();
    assert_eq!(late.reason, Reason::Expired { late_ms: 0 });
    let mut over = expired(store.reader(), 150, 9).await.unwrap();
    over.sort_unstable_by_key(Transfer::id);
    let mut wanted = vec![timed(1).expiry(), timed(3).expiry()];
    wanted.sort_unstable_by_key(Transfer::id);
    assert_eq!(over, wanted);
    done(store, &over, 150).await;
    assert_eq!(expired(store.reader(), 999, 9).await.unwrap(), []);
    assert_eq!(available(store, Account::escrow(JOB)).await, credits(55));
}

async fn the_check_finds_what_was_tampered_with(store: &Store) {
    begin(store).await;
    raw(store, "UPDATE ledger_accounts SET credits_posted = credits_posted + 1 WHERE kind = 5").await.unwrap();
    let found = findings(store).await;
    let invariants: Vec<&str> = found.iter().map(Finding::invariant).collect();
    assert_eq!(invariants, ["I3", "I3", "I1"], "{found:?}");
    let triggers = match store.backend() {
        sea_orm::DbBackend::Sqlite => "DROP TRIGGER transfers_stay",
        _ => "DROP TRIGGER transfers_stay ON transfers",
    };
    raw(store, triggers).await.unwrap();
    raw(store, "UPDATE transfers SET amount = 100000001 WHERE code = 2").await.unwrap();
    let found = findings(store).await;
    assert!(found.iter().any(|finding| finding.invariant() == "I4"), "{found:?}");
    raw(store, "UPDATE transfers SET kind = 2 WHERE code = 2").await.unwrap();
    let found = findings(store).await;
    assert!(found.iter().any(|finding| matches!(finding, Finding::Unreadable { .. })), "{found:?}");
    let cause = match store.backend() {
        sea_orm::DbBackend::Sqlite => "UPDATE transfers SET cause = x'c1' WHERE code = 1",
        _ => "UPDATE transfers SET cause = '\\xc1'::bytea WHERE code = 1",
    };
    raw(store, cause).await.unwrap();
    assert!(findings(store).await.len() > found.len());
}

/// A holding of three units as a frame brings it.
pub(super) fn holding(frame: u64, pay: Amount, fee: Amount) -> Holding {
    Holding {
        id: 0,
        job: JOB,
        stage: 1,
        node: NODE,
        owner: BEN,
        frame,
        position: frame * 3,
        units: vec![frame, frame + 1, frame + 5],
        fuel: 7,
        amount: pay,
        fee,
        made_at_ms: 100 + frame,
        state: State::Held,
    }
}

async fn insert_holding(db: &DatabaseTransaction, frame: u64) -> Result<i64, StoreError> {
    let holding = holding(frame, credits(2), credits(1));
    Ok(holdings::insert(db, &[holding]).await?[0].expect("a new frame"))
}

async fn the_check_holds_holdings_against_reservations(store: &Store) {
    begin(store).await;
    let pay = |n| Transfer::hold(frame(n), BEN, credits(2), credits(1));
    for n in 1..4 {
        done(store, &pay(n), 6).await;
    }
    let missing = findings(store).await;
    assert_eq!(missing.len(), 6);
    assert!(missing.iter().all(|finding| matches!(finding, Finding::NoHolding { .. })), "{missing:?}");
    let ids = store.write(|db| {
        Box::pin(async move {
            let mut ids = Vec::new();
            for n in 1..4 {
                ids.push(insert_holding(db, n).await?);
            }
            Ok(ids)
        })
    });
    let ids = ids.await.unwrap();
    assert_eq!(findings(store).await, []);
    done(store, &[pay(1)[0].post(credits(2)), pay(1)[1].post(credits(1))], 7).await;
    let found = findings(store).await;
    assert_eq!(found.len(), 2, "held without a reservation: {found:?}");
    let set = |id: i64, to| {
        store.write(move |db| Box::pin(async move { holdings::set_states(db, &[id], State::Held, to).await }))
    };
    assert_eq!(set(ids[0], State::Posted).await.unwrap(), [ids[0]]);
    assert_eq!(set(ids[0], State::Void).await.unwrap(), Vec::<i64>::new(), "it is not held any more");
    assert_eq!(findings(store).await, []);
    set(ids[1], State::Void).await.unwrap();
    let found = findings(store).await;
    assert!(matches!(found[..], [Finding::Holding { id, .. }, Finding::Holding { .. }] if id == ids[1]), "{found:?}");
    raw(store, "UPDATE holdings SET amount = amount + 1 WHERE frame = 3").await.unwrap();
    assert_eq!(findings(store).await.len(), 3);
}

async fn an_escrow_that_is_left_full_is_found(store: &Store) {
    begin(store).await;
    assert_eq!(check(store.reader(), 3_600_005).await.unwrap().audit.findings(), &[]);
    let report = check(store.reader(), 3_600_006).await.unwrap();
    let wanted = Finding::Escrow { account: Account::escrow(JOB), left: credits(60) };
    assert_eq!(report.audit.findings(), &[wanted]);
    done(store, &[Transfer::refund(ANN, JOB, 0, credits(60))], 7).await;
    assert_eq!(check(store.reader(), u64::MAX / 2).await.unwrap().audit.found(), 0);
    assert_eq!((report.accounts, report.holdings), (4 + 3, 0));
}
