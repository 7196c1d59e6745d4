//! What people log in with, on both databases.

use fallow_protocol::{AccountId, Digest};

use super::super::audit::{self, NewEvent, Wanted};
use super::super::device_codes::{self, Decision};
use super::super::registrations::{self, Registration};
use super::super::sessions::{self, NewRow};
use super::super::{Store, accounts, links, people};
use super::open;

on_both! {
    session => super::a_session_lives_while_it_is_heard_of;
    link => super::a_link_is_used_once;
    registration => super::registrations_wait_in_bounds;
    factor => super::steps_and_recovery_codes_are_used_once;
    device => super::a_device_is_decided_about_once;
    events => super::events_are_those_of_and_about_an_account;
    deleted => super::a_forgotten_account_leaves_nothing_of_itself;
}

async fn account(store: &Store, name: &'static str) -> i64 {
    let id = AccountId::random();
    let write = store.write(move |db| {
        let id = id.clone();
        Box::pin(async move { accounts::insert(db, &id, name, "user", 1, 1).await })
    });
    write.await.unwrap().expect("the name is free")
}

fn session(account_id: i64, n: u8, now_ms: u64) -> NewRow {
    NewRow {
        account_id,
        public_id: format!("ses-{n}"),
        hash: Digest([n; 32]),
        address: "::1".into(),
        agent: "a browser".into(),
        expires_at_ms: 1_000,
        now_ms,
    }
}

macro_rules! write {
    ($store:expr, |$db:ident| $work:expr) => {
        $store.write(move |$db| Box::pin(async move { $work.await })).await.unwrap()
    };
}

async fn a_session_lives_while_it_is_heard_of(store: &Store) {
    let ann = account(store, "ann").await;
    for n in 1..=3 {
        let row = session(ann, n, 10);
        let put = store.write(move |db| {
            let row = row.clone();
            Box::pin(async move { sessions::insert(db, &row, 2).await })
        });
        put.await.unwrap();
    }
    let db = store.reader();
    let living = async |n: u8, now, after| sessions::by_hash(db, &Digest([n; 32]), now, after).await;
    assert!(living(1, 11, 0).await.unwrap().is_none(), "of more than two the oldest ended");
    let found = living(2, 11, 0).await.unwrap().expect("it lives");
    assert_eq!((found.account_id, found.operator, found.suspended), (ann, false, None));
    assert!(living(2, 1_000, 0).await.unwrap().is_none(), "past its end");
    assert!(living(2, 900, 10).await.unwrap().is_none(), "quiet for too long");
    let id = found.session.id;
    write!(store, |db| sessions::seen(db, id, 899));
    assert!(living(2, 900, 10).await.unwrap().is_some());
    assert_eq!(sessions::list(db, ann, 0, 10, 900, 10).await.unwrap().len(), 1);
    assert_eq!(write!(store, |db| sessions::delete_others(db, ann, Some(id))), 1);
    assert!(!write!(store, |db| sessions::delete(db, ann + 1, "ses-2")), "it is another's");
    assert_eq!(write!(store, |db| sessions::tidy(db, 1_000, 0)), 1);
}

async fn a_link_is_used_once(store: &Store) {
    let ann = account(store, "ann").await;
    for n in 1..=3u8 {
        write!(store, |db| links::insert(db, ann, links::Kind::Reset, &Digest([n; 32]), "v", 100, 2));
    }
    let take = |n: u8, kind, now| {
        store.write(move |db| Box::pin(async move { links::take(db, kind, &Digest([n; 32]), now).await }))
    };
    assert_eq!(take(1, links::Kind::Reset, 1).await.unwrap(), None, "of more than two the oldest ended");
    assert_eq!(take(2, links::Kind::Welcome, 1).await.unwrap(), None, "it is for something else");
    assert_eq!(take(2, links::Kind::Reset, 100).await.unwrap(), None, "past its end");
    assert_eq!(take(2, links::Kind::Reset, 1).await.unwrap(), Some((ann, "v".into())));
    assert_eq!(take(2, links::Kind::Reset, 1).await.unwrap(), None, "used");
}

fn registration(n: u8, name: &str, key: &str) -> Registration {
    Registration {
        hash: Digest([n; 32]),
        name: name.into(),
        email: key.to_uppercase(),
        email_key: key.into(),
        password: "hash".into(),
        created_at_ms: 1,
        expires_at_ms: 100,
    }
}

async fn registrations_wait_in_bounds(store: &Store) {
    account(store, "taken").await;
    let put = |new: Registration| {
        store.write(move |db| {
            let new = new.clone();
            Box::pin(async move { registrations::insert(db, &new, 2, 3).await })
        })
    };
    assert!(put(registration(1, "ann", "a@x.org")).await.unwrap());
    assert!(put(registration(2, "ann", "a@x.org")).await.unwrap());
    assert!(!put(registration(3, "ann", "a@x.org")).await.unwrap(), "one address has two at most");
    assert!(put(registration(4, "bob", "b@x.org")).await.unwrap());
    assert!(!put(registration(5, "carl", "c@x.org")).await.unwrap(), "all together are three at most");
    let db = store.reader();
    for (name, key, now, wanted) in [
        ("taken", "z@x.org", 1, true),
        ("ann", "z@x.org", 1, true),
        ("ann", "a@x.org", 1, false),
        ("ann", "z@x.org", 100, false),
    ] {
        assert_eq!(registrations::name_taken(db, name, key, now).await.unwrap(), wanted, "{name} {key} {now}");
    }
    assert!(registrations::by_hash(db, &Digest([1; 32]), 100).await.unwrap().is_none());
    assert_eq!(registrations::waiting(db, "a@x.org", "-", 1).await.unwrap().unwrap().hash, Digest([2; 32]));
    assert_eq!(registrations::waiting(db, "-", "bob", 1).await.unwrap().unwrap().email, "B@X.ORG");
    write!(store, |db| registrations::delete_of(db, "a@x.org"));
    assert!(registrations::waiting(db, "a@x.org", "ann", 1).await.unwrap().is_none());
    assert_eq!(write!(store, |db| registrations::tidy(db, 100)), 1);
}

async fn steps_and_recovery_codes_are_used_once(store: &Store) {
    let ann = account(store, "ann").await;
    assert!(!write!(store, |db| people::take_totp(db, ann, 5, &[])), "nothing was offered");
    write!(store, |db| people::offer_totp(db, ann, vec![1, 2]));
    assert!(write!(store, |db| people::take_totp(db, ann, 5, &[Digest([1; 32]), Digest([2; 32])])));
    let person = people::by_id(store.reader(), ann).await.unwrap().unwrap();
    assert!(person.account.has_totp && !person.account.has_password);
    assert_eq!((person.totp, person.totp_next, person.totp_step), (Some(vec![1, 2]), None, 5));
    assert!(!write!(store, |db| people::use_step(db, ann, 5)));
    assert!(write!(store, |db| people::use_step(db, ann, 6)));
    assert!(write!(store, |db| people::use_recovery(db, ann, &Digest([1; 32]))));
    assert!(!write!(store, |db| people::use_recovery(db, ann, &Digest([1; 32]))));
    write!(store, |db| people::drop_totp(db, ann));
    assert!(!write!(store, |db| people::use_recovery(db, ann, &Digest([2; 32]))));
}

async fn a_device_is_decided_about_once(store: &Store) {
    let (ann, bob) = (account(store, "ann").await, account(store, "bob").await);
    let put = |n: u8, code: &'static str| {
        store.write(move |db| {
            let new = device_codes::NewRow {
                hash: Digest([n; 32]),
                user_code: code.into(),
                client: "fallow".into(),
                name: "laptop".into(),
                scopes: "jobs:read".into(),
                address: "::1".into(),
                expires_at_ms: 100,
            };
            Box::pin(async move { device_codes::insert(db, &new, 2).await })
        })
    };
    assert!(put(1, "BCDFGHJK").await.unwrap());
    assert!(!put(2, "BCDFGHJK").await.unwrap(), "the code is in use");
    assert!(put(2, "BCDFGHJL").await.unwrap());
    assert!(!put(3, "BCDFGHJM").await.unwrap(), "two ask at most");
    let row = device_codes::by_user_code(store.reader(), "BCDFGHJK", 1).await.unwrap().unwrap();
    let id = row.id;
    assert!(!write!(store, |db| device_codes::decide(db, id, ann, true, 100)), "past its end");
    assert!(write!(store, |db| device_codes::decide(db, id, ann, true, 1)));
    assert!(!write!(store, |db| device_codes::decide(db, id, bob, false, 1)));
    let row = device_codes::by_hash(store.reader(), &Digest([1; 32]), 1).await.unwrap().unwrap();
    assert_eq!((row.decision, row.account_id), (Decision::Approved, Some(ann)));
    assert!(write!(store, |db| device_codes::delete(db, id)));
    assert!(!write!(store, |db| device_codes::delete(db, id)));
    assert_eq!(write!(store, |db| device_codes::tidy(db, 100)), 1);
}

async fn events_are_those_of_and_about_an_account(store: &Store) {
    let (ann, bob) = (account(store, "ann").await, account(store, "bob").await);
    for (at_ms, actor, subject) in [(1, Some(ann), Some(ann)), (2, Some(bob), Some(ann)), (3, None, Some(bob))] {
        let event = NewEvent { at_ms, actor, subject, action: format!("a{at_ms}"), ..NewEvent::default() };
        let put = store.write(move |db| {
            let event = event.clone();
            Box::pin(async move { audit::insert(db, &event).await })
        });
        put.await.unwrap();
    }
    let list = async |wanted| -> Vec<(u64, Option<String>)> {
        let rows = audit::list(store.reader(), wanted, None, 10).await.unwrap();
        rows.into_iter().map(|row| (row.at_ms, row.actor)).collect()
    };
    let (a, b) = (Some("ann".to_owned()), Some("bob".to_owned()));
    assert_eq!(list(Wanted::default()).await, [(3, None), (2, b.clone()), (1, a.clone())]);
    assert_eq!(list(Wanted { of: Some(ann), ..Wanted::default() }).await, [(2, b.clone()), (1, a)]);
    assert_eq!(list(Wanted { actor: Some(bob), ..Wanted::default() }).await, [(2, b)]);
    assert_eq!(list(Wanted { action: Some("a3"), ..Wanted::default() }).await, [(3, None)]);
    assert_eq!(write!(store, |db| audit::forget_before(db, 3, 1)), 1);
    assert_eq!(write!(store, |db| audit::forget_before(db, 3, 10)), 1);
    assert_eq!(list(Wanted::default()).await.len(), 1);
}

async fn a_forgotten_account_leaves_nothing_of_itself(store: &Store) {
    let ann = account(store, "ann").await;
    assert!(write!(store, |db| people::set_email(db, ann, "Ann@x.org", "ann@x.org", Some(1))));
    let bob = account(store, "bob").await;
    assert!(!write!(store, |db| people::set_email(db, bob, "ann@x.org", "ann@x.org", None)), "it is another's");
    assert!(!write!(store, |db| accounts::rename(db, bob, "ann")));
    write!(store, |db| people::set_password(db, ann, "hash"));
    write!(store, |db| links::insert(db, ann, links::Kind::Reset, &Digest([9; 32]), "", 100, 2));
    assert_eq!(write!(store, |db| people::forget(db, ann, "deleted 1", 5)), Vec::<i64>::new());
    assert!(people::by_email(store.reader(), "ann@x.org").await.unwrap().is_none());
    assert!(people::by_name(store.reader(), "ann").await.unwrap().is_none());
    let gone = people::by_id(store.reader(), ann).await.unwrap().unwrap();
    assert_eq!((gone.account.email, gone.password, gone.account.has_password), (None, None, false));
    assert_eq!(write!(store, |db| links::take(db, links::Kind::Reset, &Digest([9; 32]), 1)), None);
    let listed = accounts::list(store.reader(), 0, 10).await.unwrap();
    assert_eq!(listed.iter().map(|account| account.name.as_str()).collect::<Vec<_>>(), ["bob"]);
}
