//! What accounts and operators see of credits, on both databases; and pay that waited for a budget.

use grid_core::ledger::{Account, Amount, Transfer};
use grid_core::pricing::Price;
use grid_core::{AccountNo, JobNo};

use super::super::credits::{self, Money};
use super::super::holdings::{self, Holding, State};
use super::super::ledger::statements::Page;
use super::super::{Store, disputes, trust};
use super::ledger::{credits, done, holding, open_accounts};
use super::{jobs, new_job, open};
use crate::workers::due;

on_both! {
    money => super::a_jobs_money_is_what_its_transfers_say;
    notes => super::notes_stay_with_their_transfers;
    waits => super::what_is_due_is_held_once_there_is_more;
    contested => super::disputes_are_read_newest_first;
}

/// Nobody who has jobs.
const LENDER: AccountNo = AccountNo(900);

/// A job whose author has 100 credits, 60 of them in its escrow.
async fn funded(store: &Store) -> (i64, AccountNo) {
    let job = new_job(store, 3).await;
    let author = AccountNo(jobs::by_id(store.reader(), job).await.unwrap().unwrap().account);
    open_accounts(store, &[Account::user(author), Account::user(LENDER), Account::escrow(JobNo(job))]).await;
    let begin = [Transfer::grant(author, 1, credits(100)), Transfer::fund(author, JobNo(job), 0, credits(60))];
    done(store, &begin, 5).await;
    (job, author)
}

async fn money(store: &Store, job: i64) -> Money {
    credits::of_jobs(store.reader(), &[job, 999]).await.unwrap().remove(&job).unwrap()
}

async fn a_jobs_money_is_what_its_transfers_say(store: &Store) {
    let free = new_job(store, 1).await;
    assert_eq!(money(store, free).await, Money { price: Some(Price::default()), ..Money::default() });
    let (job, author) = funded(store).await;
    let work = Holding { job: JobNo(job), ..holding(1, credits(19), credits(1)) };
    let holds = Transfer::hold(work.work(), LENDER, credits(19), credits(1));
    done(store, &holds, 6).await;
    let held = money(store, job).await;
    assert_eq!((held.budget, held.spent, held.held), (Some(credits(60)), Amount::ZERO, credits(20)));
    let rest = [holds[0].post(credits(9)), holds[1].void(), Transfer::refund(author, JobNo(job), 0, credits(40))];
    done(store, &rest, 7).await;
    done(store, &[Transfer::refund(author, JobNo(job), 1, credits(10))], 8).await;
    let ended = money(store, job).await;
    assert_eq!((ended.spent, ended.held, ended.left), (credits(9), Amount::ZERO, credits(1)));
    assert_eq!(credits::reserved(store.reader(), author.0).await.unwrap(), credits(1));
    assert_eq!(credits::reserved(store.reader(), 999).await.unwrap(), Amount::ZERO);

    let part = Page { from_ms: 0, to_ms: 99, after: None, limit: 9 };
    let (lines, balance) = credits::statement_with_balance(store.reader(), Account::user(author), &part).await.unwrap();
    assert_eq!((lines.len(), balance.available()), (4, credits(90)));
    let known = credits::job_ids(store.reader(), &[job, 999].into()).await.unwrap();
    assert_eq!(known.len(), 1);
    let kinds = credits::kinds(store.reader()).await.unwrap();
    assert_eq!(kinds.iter().map(|kind| kind.net).sum::<i64>(), 0);
    assert_eq!(kinds.iter().map(|kind| kind.code).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
}

async fn notes_stay_with_their_transfers(store: &Store) {
    let (_, author) = funded(store).await;
    let id = Transfer::grant(author, 1, credits(100)).id();
    let write = store.write(move |db| Box::pin(async move { credits::put_note(db, id, 1, "for the slides").await }));
    write.await.unwrap();
    let other = Transfer::grant(author, 2, credits(1)).id();
    let found = credits::notes(store.reader(), [id, other].into_iter()).await.unwrap();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [(id, "for the slides".to_owned())]);
    assert!(credits::notes(store.reader(), std::iter::empty()).await.unwrap().is_empty());
}

async fn what_is_due_is_held_once_there_is_more(store: &Store) {
    let (job, author) = funded(store).await;
    let due = |frame, amount| Holding {
        job: JobNo(job),
        owner: LENDER,
        state: State::Unpaid,
        ..holding(frame, credits(amount), Amount::ZERO)
    };
    let rows = vec![due(1, 50), due(2, 30), due(3, 0)];
    let write = store.write(move |db| {
        let rows = rows.clone();
        Box::pin(async move { holdings::insert(db, &rows).await })
    });
    write.await.unwrap();
    let hold = || store.write(move |db| Box::pin(async move { due::hold(db, JobNo(job), 7).await }));
    assert!(!hold().await.unwrap(), "60 credits are not 80");
    let state = async |state| holdings::of_job(store.reader(), JobNo(job), state, 0, 9).await.unwrap().len();
    assert_eq!((state(State::Held).await, state(State::Unpaid).await), (1, 2), "the oldest comes first");
    assert_eq!(money(store, job).await.held, credits(50));
    done(store, &[Transfer::fund(author, JobNo(job), 1, credits(20))], 8).await;
    assert!(hold().await.unwrap() && hold().await.unwrap());
    assert_eq!((state(State::Held).await, state(State::Unpaid).await), (3, 0));
    assert_eq!((money(store, job).await.held, money(store, job).await.left), (credits(80), Amount::ZERO));
}

async fn disputes_are_read_newest_first(store: &Store) {
    let job = new_job(store, 3).await;
    for (job, seq) in [(job, 1), (job, 2), (999, 3)] {
        let key = fallow_protocol::unit::UnitKey { stage: 1, seq };
        let write = store
            .write(move |db| Box::pin(async move { trust::put_dispute(db, job, key, 5, "{\"wrong\":[7]}").await }));
        write.await.unwrap();
    }
    let page = disputes::page(store.reader(), None, 2).await.unwrap();
    assert_eq!(
        page.iter().map(|dispute| (dispute.seq, dispute.job.is_some())).collect::<Vec<_>>(),
        [(3, false), (2, true)]
    );
    assert_eq!((page[0].evidence["wrong"][0].as_u64(), page[0].at_ms), (Some(7), 5));
    let rest = disputes::page(store.reader(), Some(page[1].id as i64), 9).await.unwrap();
    assert_eq!(rest.iter().map(|dispute| dispute.seq).collect::<Vec<_>>(), [1]);
}
