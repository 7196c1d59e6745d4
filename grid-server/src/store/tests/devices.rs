//! States, earnings and choices of devices on both databases.

use fallow_protocol::api::{Interval, IntervalState};
use fallow_protocol::link::{OwnerWord, RemotePause};
use fallow_protocol::preferences::Preferences;
use fallow_protocol::{Digest, NodeId, SecretKey};
use grid_core::ledger::{Account, Transfer, Work};
use grid_core::{AccountNo, JobNo, NodeNo};

use super::super::devices::{self, Report, Settings};
use super::super::{Store, earnings, intervals, ledger, nodes};
use super::ledger::credits;
use super::{new_account, open};

on_both! {
    states => super::an_interval_grows_and_is_found_by_time;
    pay => super::earnings_follow_the_ledger;
    choices => super::choices_are_kept_and_reports_are_bounded;
}

fn interval(from_ms: u64, to_ms: u64, state: IntervalState) -> Interval {
    let reason = (state == IntervalState::Paused).then(|| "by its owner".to_owned());
    Interval { from_ms, to_ms, state, reason }
}

async fn put(store: &Store, list: Vec<(i64, Interval)>) {
    let write = store.write(move |db| {
        let list = list.clone();
        Box::pin(async move { intervals::put(db, &list).await })
    });
    write.await.unwrap();
}

async fn an_interval_grows_and_is_found_by_time(store: &Store) {
    use IntervalState::{Idle, Paused, Working};
    let db = store.reader();
    put(store, vec![(1, interval(10, 10, Idle)), (2, interval(5, 90, Working))]).await;
    put(store, vec![(1, interval(10, 20, Idle)), (1, interval(20, 40, Paused)), (1, interval(60, 70, Working))]).await;
    let all = [interval(10, 20, Idle), interval(20, 40, Paused), interval(60, 70, Working)];
    assert_eq!(intervals::between(db, 1, 0, 100, 9).await.unwrap(), all);
    assert_eq!(intervals::between(db, 1, 30, 60, 9).await.unwrap(), all[1..2]);
    assert_eq!(intervals::between(db, 1, 45, 61, 9).await.unwrap(), all[2..]);
    assert_eq!(intervals::between(db, 1, 0, 100, 2).await.unwrap(), all[1..], "of more, the newest");
    assert_eq!(intervals::last(db, 1).await.unwrap(), Some(all[2].clone()));
    assert_eq!(intervals::last(db, 3).await.unwrap(), None);
    let forget = store.write(|db| Box::pin(intervals::forget(db, 50, 9)));
    assert_eq!(forget.await.unwrap(), 2, "what still lasts is kept");
    assert_eq!(intervals::between(db, 1, 0, 100, 9).await.unwrap(), all[2..]);
    assert_eq!(intervals::between(db, 2, 0, 100, 9).await.unwrap(), [interval(5, 90, Working)]);
}

async fn new_node(store: &Store) -> (i64, i64) {
    let account = new_account(store).await;
    let key = SecretKey::generate().public();
    let write = store.write(move |db| {
        Box::pin(async move {
            let id = NodeId::random();
            nodes::insert(db, &id, account, "heron", &key, 7).await?;
            Ok(nodes::by_public_id(db, &id).await?.expect("it was just made").id)
        })
    });
    (account, write.await.unwrap())
}

async fn earnings_follow_the_ledger(store: &Store) {
    const DAY_MS: u64 = 24 * 3_600_000;
    let (account, node) = new_node(store).await;
    let (lender, author, job) = (AccountNo(account), AccountNo(account + 1_000), JobNo(70));
    let work = |frame| Work::Frame { job, stage: 1, node: NodeNo(node), by: NodeNo(node), frame };
    let held = Transfer::hold(work(1), lender, credits(4), credits(0))[0];
    let steps = [
        (DAY_MS, vec![Transfer::grant(author, 1, credits(100)), Transfer::fund(author, job, 0, credits(50))]),
        (DAY_MS, Transfer::pay(work(2), lender, credits(3), credits(0))),
        (DAY_MS, vec![held]),
        (2 * DAY_MS + 1, vec![held.post(credits(4))]),
        (2 * DAY_MS + 2, Transfer::pay(work(3), lender, credits(1), credits(0))),
    ];
    let write = store.write(move |db| {
        let steps = steps.clone();
        Box::pin(async move {
            for account in [Account::user(lender), Account::user(author), Account::escrow(job)] {
                ledger::open_account(db, account).await?;
            }
            for (at_ms, transfers) in steps {
                ledger::apply(db, &transfers, at_ms).await?.expect("the ledger takes them");
                // Said again, as after a crash, nothing is paid twice.
                ledger::apply(db, &transfers, at_ms).await?.expect("the ledger knows them");
            }
            Ok(())
        })
    });
    write.await.unwrap();
    let db = store.reader();
    let micro = |amount| credits(amount).micro().unsigned_abs();
    assert_eq!(earnings::since(db, &[node], 2 * DAY_MS).await.unwrap(), [(node, micro(5))].into());
    let quarters = earnings::quarters(db, node, 0).await.unwrap();
    let paid: Vec<_> = quarters.iter().map(|(at_ms, paid)| (*at_ms, paid.work, paid.checks)).collect();
    assert_eq!(paid, [(DAY_MS, micro(3), 0), (2 * DAY_MS, micro(5), 0)]);
    assert_eq!(nodes::by_id(db, node).await.unwrap().unwrap().earned, micro(8));
}

async fn choices_are_kept_and_reports_are_bounded(store: &Store) {
    let (account, node) = new_node(store).await;
    let settings = Settings {
        preferences: Some(Preferences { slots: Some(3), ..Preferences::default() }),
        not_authors: vec![account],
        not_modules: vec![Digest::of(b"x")],
        pause: Some(RemotePause { since_ms: 5, until_ms: None, finish: true }),
        ..Settings::default()
    };
    let word = OwnerWord { resumed: Some(5), ..OwnerWord::default() };
    let (kept, said) = (settings.clone(), word.clone());
    let write = store.write(move |db| {
        let (settings, word) = (kept.clone(), said.clone());
        Box::pin(async move {
            devices::put_settings(db, node, &settings).await?;
            devices::put_word(db, node, &word).await
        })
    });
    write.await.unwrap();
    let chosen = devices::chosen(store.reader(), node).await.unwrap();
    assert_eq!((chosen.settings, chosen.word), (settings, word));
    let names = devices::account_names(store.reader(), &[account]).await.unwrap();
    assert_eq!(devices::account_ids(store.reader(), &names).await.unwrap(), [(names[0].clone(), account)].into());
    let mut kept = 0;
    for at in 0..4 {
        let report = Report { account, module: None, job: None, note: "it mines".into(), made_at_ms: 100 + at };
        let write = store.write(move |db| {
            let report = report.clone();
            Box::pin(async move { devices::report(db, &report, 50, 2).await })
        });
        kept += u64::from(write.await.unwrap());
    }
    assert_eq!(kept, 2);
}
