//! Laws of the book, held against random batches, and each refusal by name.

use proptest::prelude::*;

use super::*;
use crate::ids::{AccountNo, JobNo, NodeNo};

const ANN: AccountNo = AccountNo(1);
const BEN: AccountNo = AccountNo(2);
const JOB: JobNo = JobNo(9);

fn work(frame: u64) -> Work {
    Work::Frame { job: JOB, stage: 1, node: NodeNo(4), by: NodeNo(4), frame }
}

fn credits(n: i64) -> Amount {
    Amount::from_micro(n * 1_000_000).unwrap()
}

/// Ann has 100 credits, 60 of them in the job's escrow.
fn book() -> Book {
    let mut book = Book::default();
    Account::SYSTEM.into_iter().for_each(|account| book.open(account));
    [Account::user(ANN), Account::user(BEN), Account::escrow(JOB)].into_iter().for_each(|account| book.open(account));
    let first = [Transfer::grant(ANN, 1, credits(100)), Transfer::fund(ANN, JOB, 0, credits(60))];
    assert_eq!(book.apply(&first, 0), Ok(vec![Applied::New; 2]));
    book
}

fn refused(book: &mut Book, transfers: &[Transfer]) -> Reason {
    let before = book.clone();
    let error = book.apply(transfers, 1_000).unwrap_err();
    assert_eq!(*book, before, "a refused batch moved something: {error}");
    assert_eq!(error.index, transfers.len() - 1, "{error}");
    error.reason
}

fn available(book: &Book, account: Account) -> Amount {
    book.balance(account).unwrap().available()
}

#[test]
fn pay_is_held_then_posted_in_part_and_the_rest_returns() {
    let mut book = book();
    let holds = Transfer::hold(work(1), BEN, credits(19), credits(1));
    book.apply(&holds, 1).unwrap();
    assert_eq!(available(&book, Account::escrow(JOB)), credits(40), "reserved is not available");
    assert_eq!(available(&book, Account::user(BEN)), credits(0), "nor is it the lender's yet");
    book.apply(&[holds[0].post(credits(9)), holds[1].void()], 2).unwrap();
    assert_eq!(available(&book, Account::escrow(JOB)), credits(51));
    assert_eq!(available(&book, Account::user(BEN)), credits(9));
    book.apply(&[Transfer::refund(ANN, JOB, 0, credits(51))], 3).unwrap();
    assert_eq!(available(&book, Account::user(ANN)), credits(91));
    assert_eq!(book.balance(Account::SYSTEM[0]).unwrap().net_micro(), -100_000_000);
}

#[test]
fn again_is_exists_whatever_has_happened_since() {
    let mut book = book();
    let holds = Transfer::hold(work(1), BEN, credits(5), credits(1));
    let all = [holds[0], holds[1], holds[0].post(credits(5)), holds[1].void()];
    assert_eq!(book.apply(&all, 1), Ok(vec![Applied::New; 4]));
    let before = book.clone();
    assert_eq!(book.apply(&all, 999), Ok(vec![Applied::Exists; 4]));
    assert_eq!(book.apply(&[Transfer::fund(ANN, JOB, 0, credits(60))], 999), Ok(vec![Applied::Exists]));
    assert_eq!(book, before);
    let twice = Transfer::fund(ANN, JOB, 1, credits(1));
    assert_eq!(book.apply(&[twice, twice], 5), Ok(vec![Applied::New, Applied::Exists]));
}

#[test]
fn the_same_cause_with_other_fields_is_a_conflict() {
    let mut book = book();
    let fund = Transfer::fund(ANN, JOB, 0, credits(60));
    let grant = Transfer::grant(ANN, 2, credits(1));
    for changed in [
        Transfer { amount: credits(61), ..fund },
        Transfer { debit: Account::user(BEN), ..fund },
        Transfer { credit: Account::user(BEN), ..fund },
        Transfer { timeout_ms: Some(1), ..fund },
    ] {
        assert_eq!(refused(&mut book, &[grant, changed]), Reason::Conflict(fund.id()));
    }
}

#[test]
fn bad_amounts_and_accounts_are_refused() {
    let mut book = book();
    let good = Transfer::fund(ANN, JOB, 1, credits(1));
    let nobody = Account::user(AccountNo(77));
    let foreign = Account { currency: Currency(2), kind: AccountKind::Fees };
    let cases = [
        (Transfer { amount: Amount::ZERO, ..good }, Reason::Zero),
        (Transfer { amount: Amount::MAX, ..good }, Reason::TooLarge(Amount::MAX)),
        (Transfer { credit: good.debit, ..good }, Reason::SameAccount(good.debit)),
        (Transfer { credit: foreign, ..good }, Reason::Currencies { debit: good.debit, credit: foreign }),
        (Transfer { timeout_ms: Some(5), ..good }, Reason::Timeout),
        (Transfer { debit: nobody, ..good }, Reason::UnknownAccount(nobody)),
        (Transfer { credit: nobody, ..good }, Reason::UnknownAccount(nobody)),
    ];
    for (transfer, reason) in cases {
        assert_eq!(refused(&mut book, &[Transfer::grant(BEN, 5, credits(1)), transfer]), reason);
    }
}

#[test]
fn nobody_spends_what_is_not_there() {
    let mut book = book();
    let account = Account::user(ANN);
    let reason = refused(&mut book, &[Transfer::fund(ANN, JOB, 1, credits(41))]);
    assert_eq!(reason, Reason::Insufficient { account, available: credits(40), wanted: credits(41) });
    let reason = refused(&mut book, &Transfer::hold(work(1), BEN, credits(60), credits(1)));
    assert!(matches!(reason, Reason::Insufficient { available: Amount::ZERO, .. }), "{reason}");
    for kind in [AccountKind::Fees, AccountKind::Verification, AccountKind::Forfeit] {
        let debit = Account::credits(kind);
        let reason = refused(&mut book, &[Transfer { debit, ..Transfer::grant(BEN, 7, credits(1)) }]);
        assert!(matches!(reason, Reason::Insufficient { .. }), "{kind} went below zero");
    }
}

#[test]
fn a_reservation_ends_once() {
    let mut book = book();
    let [hold, fee] = Transfer::hold(work(1), BEN, credits(5), credits(1))[..] else { panic!("two transfers") };
    assert_eq!(refused(&mut book, &[hold.void()]), Reason::NotPending(hold.id()), "not reserved yet");
    let grant = Transfer::grant(BEN, 1, credits(1));
    book.apply(&[hold, fee, grant], 1).unwrap();
    let over = Reason::OtherAmount { reserved: credits(5), wanted: credits(6) };
    assert_eq!(refused(&mut book, &[hold.post(credits(6))]), over);
    let part = Transfer { amount: credits(1), ..hold.void() };
    assert!(matches!(refused(&mut book, &[part]), Reason::OtherAmount { .. }), "a void is of the whole");
    let elsewhere = Transfer { credit: Account::user(ANN), ..hold.post(credits(5)) };
    assert_eq!(refused(&mut book, &[elsewhere]), Reason::OtherAccounts(hold.id()));
    assert_eq!(refused(&mut book, &[grant.void()]), Reason::NotPending(grant.id()));
    assert_eq!(refused(&mut book, &[hold.post(credits(5)), hold.void()]), Reason::Resolved(hold.id()));
    book.apply(&[hold.void()], 2).unwrap();
    assert_eq!(refused(&mut book, &[hold.post(credits(5))]), Reason::Resolved(hold.id()));
    assert_eq!(book.resolution(hold.id()).unwrap().posted, Amount::ZERO);
}

#[test]
fn a_reservation_ends_with_its_time() {
    let mut book = book();
    let hold = Transfer { timeout_ms: Some(100), ..Transfer::hold(work(1), BEN, credits(5), credits(0))[0] };
    book.apply(&[hold], 50).unwrap();
    assert_eq!(book.apply(&[hold.expiry()], 149).unwrap_err().reason, Reason::NotExpired);
    assert!(book.expired(149).is_empty());
    assert_eq!(book.apply(&[hold.post(credits(5))], 157).unwrap_err().reason, Reason::Expired { late_ms: 7 });
    assert_eq!(book.expired(150), [hold.expiry()]);
    book.apply(&book.expired(150), 150).unwrap();
    assert_eq!(available(&book, Account::escrow(JOB)), credits(60));
    assert!(book.expired(150).is_empty());
}

#[test]
fn sums_that_would_not_fit_are_refused() {
    let mut book = book();
    let account = Account::user(BEN);
    let full = Balance { credits_posted: Amount::MAX, ..Balance::default() };
    book.put_account(account, full);
    assert_eq!(refused(&mut book, &[Transfer::grant(BEN, 1, credits(1))]), Reason::Overflow(account));
    let issuance = Account::SYSTEM[0];
    book.put_account(issuance, Balance { debits_pending: Amount::MAX, ..Balance::default() });
    assert_eq!(refused(&mut book, &[Transfer::grant(ANN, 9, credits(1))]), Reason::Overflow(issuance));
}

#[test]
fn a_batch_is_bounded() {
    let mut book = book();
    let many: Vec<_> = (0..=BATCH_MAX as u64).map(|n| Transfer::grant(ANN, 10 + n, credits(1))).collect();
    let error = book.apply(&many, 1).unwrap_err();
    assert_eq!(error.reason, Reason::TooMany { len: BATCH_MAX + 1, max: BATCH_MAX });
    assert!(book.apply(&many[1..], 1).is_ok());
    assert_eq!(book.apply(&[], 1), Ok(Vec::new()));
}

#[test]
fn ids_follow_from_causes_and_never_change() {
    let frame = work(8);
    let attempt = Work::Attempt { job: JOB, stage: 1, seq: 4, attempt: 8 };
    let of = Cause::Hold(frame).id();
    let (job, n) = (JOB, 3);
    let causes = [
        Cause::Grant { account: ANN, n },
        Cause::Endow { n },
        Cause::Fund { job, n },
        Cause::Refund { job, n },
        Cause::Hold(frame),
        Cause::Hold(attempt),
        Cause::HoldFee(frame),
        Cause::Pay(frame),
        Cause::Fee(frame),
        Cause::Check(frame),
        Cause::Post { of },
        Cause::Void { of },
        Cause::Expire { of },
        Cause::Storage { job, n },
        Cause::Surplus { n },
        Cause::Forfeit { account: ANN, n },
        Cause::Compensation { job, n },
    ];
    let ids: std::collections::BTreeSet<_> = causes.iter().map(Cause::id).collect();
    assert_eq!(ids.len(), causes.len(), "two causes have one id");
    assert_eq!(Cause::Fund { job: JOB, n: 0 }.id().to_string(), FUND_9_0);
    assert_eq!(Cause::Hold(frame).id().to_string(), HOLD_9_1_4_4_8);
    assert_ne!(Cause::number_of("a"), Cause::number_of("b"));
}

/// As they are in databases.
const FUND_9_0: &str = "a290a23210ad1fb5460d94e65468faef";
const HOLD_9_1_4_4_8: &str = "0b9d3affc3e730425388f9e9e6cd909b";

/// A step of a random history.
#[derive(Clone, Debug)]
enum Step {
    Apply(Vec<Transfer>),
    /// Apply what was asked for before, so many batches ago.
    Again(usize),
    Wait(u64),
    Expire,
}

fn amounts() -> impl Strategy<Value = Amount> {
    prop_oneof![
        8 => (1..50i64).prop_map(|n| Amount::from_micro(n).unwrap()),
        1 => Just(Amount::ZERO),
        1 => Just(TRANSFER_MAX),
        1 => Just(Amount::MAX),
    ]
}

/// Any transfer between few accounts and of few causes, so that they meet.
fn transfers() -> impl Strategy<Value = Transfer> {
    let who = || (1..4i64).prop_map(AccountNo);
    let job = || (1..3i64).prop_map(JobNo);
    let frames = || {
        (1..3i64, 0..4u64).prop_map(|(job, frame)| Work::Frame {
            job: JobNo(job),
            stage: 1,
            node: NodeNo(1),
            by: NodeNo(1),
            frame,
        })
    };
    let hold = |(work, lender, amount, timeout_ms)| {
        let hold = Transfer::hold(work, lender, Amount::CREDIT, Amount::ZERO)[0];
        Transfer { amount, timeout_ms, ..hold }
    };
    let holds = move || (frames(), who(), amounts(), proptest::option::of(0..30u64)).prop_map(hold);
    prop_oneof![
        2 => (who(), 0..3u64, amounts()).prop_map(|(who, n, amount)| Transfer::grant(who, n, amount)),
        2 => (who(), job(), 0..3u64, amounts()).prop_map(|(who, job, n, amount)| Transfer::fund(who, job, n, amount)),
        1 => (who(), job(), 0..3u64, amounts()).prop_map(|(who, job, n, amount)| Transfer::refund(who, job, n, amount)),
        3 => holds(),
        2 => (holds(), amounts()).prop_map(|(hold, amount)| hold.post(amount)),
        1 => holds().prop_map(|hold| hold.void()),
        1 => (holds(), amounts()).prop_map(|(hold, amount)| Transfer { credit: hold.debit, amount, ..hold }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => proptest::collection::vec(transfers(), 1..4).prop_map(Step::Apply),
        2 => (0..8usize).prop_map(Step::Again),
        1 => (1..40u64).prop_map(Step::Wait),
        1 => Just(Step::Expire),
    ];
    proptest::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_histories_keep_the_laws(steps in steps()) {
        let mut book = Book::default();
        Account::SYSTEM.into_iter().for_each(|account| book.open(account));
        (1..4).for_each(|n| book.open(Account::user(AccountNo(n))));
        book.open(Account::escrow(JobNo(1)));
        let (mut now, mut asked) = (0, Vec::<Vec<Transfer>>::new());
        let mut order = Vec::new();
        for step in steps {
            let batch = match step {
                Step::Apply(batch) => batch,
                Step::Again(back) => match asked.len().checked_sub(back + 1) {
                    Some(index) => asked[index].clone(),
                    None => continue,
                },
                Step::Wait(ms) => { now += ms; continue }
                Step::Expire => book.expired(now),
            };
            let before = book.clone();
            match book.apply(&batch, now) {
                Ok(applied) => order.extend(batch.iter().zip(applied).filter(|(_, done)| *done == Applied::New).map(|(t, _)| t.id())),
                Err(_) => prop_assert_eq!(&before, &book),
            }
            asked.push(batch);
        }
        for (account, balance) in book.accounts() {
            prop_assert!(balance.is_allowed(account.kind), "{account} went below zero");
        }
        // In the order in which they were made, everything adds up.
        let mut audit = Audit::default();
        for id in order {
            audit.transfer(id, book.transfer(id).unwrap());
        }
        audit.accounts(book.accounts());
        prop_assert_eq!(audit.findings(), &[]);
        prop_assert_eq!(audit.transfers() as usize, book.transfers().count());
    }
}
