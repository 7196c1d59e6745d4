//! Random histories in the database and in the book in memory: the same answers, the same state. `PROPTEST_CASES` asks
//! for more of them.

use std::cell::Cell;
use std::sync::Arc;

use grid_core::ledger::{Account, Amount, Applied, Book, LedgerError, TRANSFER_MAX, Transfer, Work};
use grid_core::{AccountNo, JobNo, NodeNo};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;

use super::super::super::ledger::check::check;
use super::super::super::ledger::{apply, balance, expired, open_account};
use super::super::super::{Store, StoreError};
use super::open;

/// Accounts of one history, and jobs but for one that has no escrow: numbers lie after those of the history before.
const SPAN: i64 = 4;
/// Histories that a database sees where nothing else is asked for.
const ON_SQLITE: u32 = 400;
const ON_POSTGRES: u32 = 60;

/// A step of a history. Accounts and jobs are counted from the history's own first one.
#[derive(Clone, Debug)]
enum Step {
    Apply(Vec<Op>),
    /// What was asked for so many steps ago.
    Again(usize),
    Wait(u64),
    Expire,
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    job: i64,
    frame: u64,
    lender: i64,
    amount: Amount,
    timeout_ms: Option<u64>,
}

#[derive(Clone, Debug)]
enum Op {
    Grant { who: i64, n: u64, amount: Amount },
    Fund { who: i64, job: i64, n: u64, amount: Amount },
    Refund { who: i64, job: i64, n: u64, amount: Amount },
    Hold(Hold),
    Post(Hold, Amount),
    Void(Hold),
    Expire(Hold),
    ToItself(Hold),
}

impl Op {
    /// The transfer, in a history whose numbers begin at `first`.
    fn transfer(&self, first: i64) -> Transfer {
        let who = |n: i64| AccountNo(first + n);
        let job = |n: i64| JobNo(first + n);
        let hold = |hold: &Hold| {
            let node = NodeNo(first + hold.lender);
            let work = Work::Frame { job: job(hold.job), stage: 1, node, by: NodeNo(first - 1), frame: hold.frame };
            let made = Transfer::hold(work, who(hold.lender), Amount::CREDIT, Amount::ZERO)[0];
            Transfer { amount: hold.amount, timeout_ms: hold.timeout_ms, ..made }
        };
        match *self {
            Op::Grant { who: to, n, amount } => Transfer::grant(who(to), n, amount),
            Op::Fund { who: from, job: to, n, amount } => Transfer::fund(who(from), job(to), n, amount),
            Op::Refund { who: to, job: from, n, amount } => Transfer::refund(who(to), job(from), n, amount),
            Op::Hold(ref of) => hold(of),
            Op::Post(ref of, amount) => hold(of).post(amount),
            Op::Void(ref of) => hold(of).void(),
            Op::Expire(ref of) => hold(of).expiry(),
            Op::ToItself(ref of) => Transfer { credit: hold(of).debit, ..hold(of) },
        }
    }
}

fn amounts() -> impl Strategy<Value = Amount> {
    prop_oneof![
        12 => (1..50i64).prop_map(|n| Amount::from_micro(n).unwrap()),
        1 => Just(Amount::ZERO),
        1 => Just(TRANSFER_MAX),
        1 => Just(Amount::MAX),
    ]
}

fn holds() -> impl Strategy<Value = Hold> {
    // Few of each, so that they meet; amounts that belong to the frame, so that most name the same hold.
    let amount = prop_oneof![9 => Just(None), 1 => amounts().prop_map(Some)];
    (0..2i64, 0..4u64, amount).prop_map(|(job, frame, amount)| Hold {
        job,
        frame,
        lender: (frame as i64) % SPAN,
        amount: amount.unwrap_or(Amount::from_micro(7 * (frame as i64 + 1)).unwrap()),
        timeout_ms: (frame % 3 == 2).then_some(40),
    })
}

fn ops() -> impl Strategy<Value = Op> {
    let named = || (0..SPAN, 0..SPAN - 1, 0..8u64, amounts());
    prop_oneof![
        3 => named().prop_map(|(who, _, n, amount)| Op::Grant { who, n, amount }),
        3 => named().prop_map(|(who, job, n, amount)| Op::Fund { who, job, n, amount }),
        1 => named().prop_map(|(who, job, n, amount)| Op::Refund { who, job, n, amount }),
        4 => holds().prop_map(Op::Hold),
        3 => (holds(), amounts()).prop_map(|(hold, amount)| Op::Post(hold, amount)),
        1 => holds().prop_map(Op::Void),
        1 => holds().prop_map(Op::Expire),
        1 => holds().prop_map(Op::ToItself),
    ]
}

fn histories() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => proptest::collection::vec(ops(), 1..3).prop_map(Step::Apply),
        3 => (0..8usize).prop_map(Step::Again),
        2 => (1..40u64).prop_map(Step::Wait),
        1 => Just(Step::Expire),
    ];
    proptest::collection::vec(step, 1..60)
}

/// What is applied, and when. A history is known before it begins, but for what expires.
enum Move {
    Apply(Vec<Transfer>, u64),
    Expire(u64),
}

fn moves(steps: &[Step], first: i64) -> Vec<Move> {
    // Whoever is to spend needs something to spend.
    let rich = |n: i64| Op::Grant { who: n, n: 9, amount: Amount::from_micro(200).unwrap() }.transfer(first);
    let budget = |n: i64| Op::Fund { who: n, job: n, n: 9, amount: Amount::from_micro(150).unwrap() }.transfer(first);
    let begin = (0..SPAN).map(rich).chain((0..SPAN - 2).map(budget));
    let (mut now, mut moves) = (0, vec![Move::Apply(begin.collect(), 0)]);
    for step in steps {
        match step {
            Step::Wait(ms) => now += ms,
            Step::Expire => moves.push(Move::Expire(now)),
            Step::Apply(ops) => moves.push(Move::Apply(ops.iter().map(|op| op.transfer(first)).collect(), now)),
            Step::Again(back) => {
                let earlier = moves.len().checked_sub(back + 1).and_then(|index| moves.get(index));
                if let Some(Move::Apply(batch, _)) = earlier {
                    moves.push(Move::Apply(batch.clone(), now));
                }
            }
        }
    }
    // No history leaves anything that could expire in the next one.
    moves.push(Move::Expire(now + 1_000));
    moves
}

type Answer = Result<Vec<Applied>, LedgerError>;

/// Run a history in the book and in the database, in one transaction; their answers and their accounts.
async fn both(store: &Store, moves: Arc<Vec<Move>>, first: i64) -> Result<(), StoreError> {
    let accounts: Vec<Account> = (0..SPAN)
        .map(|n| Account::user(AccountNo(first + n)))
        .chain((0..SPAN - 2).map(|n| Account::escrow(JobNo(first + n))))
        .collect();
    let accounts: Arc<[Account]> = accounts.into();
    let write = store.write(move |db| {
        let (moves, accounts) = (moves.clone(), accounts.clone());
        Box::pin(async move {
            let mut book = Book::default();
            for account in Account::SYSTEM {
                book.put_account(account, balance(db, account).await?.unwrap());
            }
            for account in accounts.iter() {
                book.open(*account);
                assert!(open_account(db, *account).await?);
            }
            for step in moves.iter() {
                let (batch, now_ms) = match step {
                    Move::Apply(batch, now_ms) => (batch.clone(), *now_ms),
                    Move::Expire(now_ms) => {
                        let mut over = expired(db, *now_ms, 1_000).await?;
                        let mut wanted = book.expired(*now_ms);
                        over.sort_unstable_by_key(Transfer::id);
                        wanted.sort_unstable_by_key(Transfer::id);
                        assert_eq!(over, wanted);
                        (over, *now_ms)
                    }
                };
                let wanted: Answer = book.apply(&batch, now_ms);
                assert_eq!(apply(db, &batch, now_ms).await?, wanted, "{batch:#?}");
                for (account, wanted) in book.accounts() {
                    assert_eq!(balance(db, account).await?, Some(wanted), "{account} after {batch:#?}");
                }
            }
            Ok(())
        })
    });
    write.await
}

async fn histories_agree(store: &Store, cases: u32) {
    // An explicit wish for more goes before ours.
    let wished = Config::default().cases;
    let cases = if wished == 256 { cases } else { wished };
    let (store, handle) = (store.clone(), Handle::current());
    let run = move || {
        let first = Cell::new(1);
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let outcome = TestRunner::new(config).run(&histories(), |steps| {
            let from = first.replace(first.get() + SPAN);
            let done = handle.block_on(both(&store, Arc::new(moves(&steps, from)), from));
            done.map_err(|error| TestCaseError::fail(format!("{error:?}")))
        });
        outcome.unwrap_or_else(|error| panic!("{error}"));
        let report = handle.block_on(check(store.reader(), 1)).unwrap();
        let serious: Vec<_> = report.audit.findings().iter().filter(|finding| finding.invariant() != "I8").collect();
        assert!(serious.is_empty(), "{serious:?}");
        assert!(
            report.audit.transfers() > u64::from(cases) * 10,
            "only {} transfers in {cases} histories",
            report.audit.transfers()
        );
    };
    tokio::task::spawn_blocking(run).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_on_sqlite_are_the_books() {
    let (store, _folder) = open("sqlite").await;
    histories_agree(&store, ON_SQLITE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_on_postgres_are_the_books() {
    let (store, _folder) = open("postgres").await;
    histories_agree(&store, ON_POSTGRES).await;
}
