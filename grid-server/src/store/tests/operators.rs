//! Groups, and what operators see and stop, on both databases.

use fallow_protocol::api::GroupRole;
use fallow_protocol::keys::OnlineCert;
use fallow_protocol::link::Machine;
use fallow_protocol::manifest::{AuthoredManifest, Builds, Exports, Limits, Manifest, SignedManifest};
use fallow_protocol::{AccountId, Digest, NodeId, SecretKey};
use grid_core::ledger::{Account, Cause, Transfer};
use grid_core::{AccountNo, JobNo};

use super::super::admin::{self, Part};
use super::super::ledger::search::{Search, search};
use super::super::{Store, StoreError, Work, accounts, groups, modules, nodes, suspensions};
use super::ledger::{credits, done, open_accounts};
use super::{job_row, jobs, open, stages};

on_both! {
    groups_live => super::members_come_and_go;
    forgotten => super::who_is_forgotten_leaves_groups;
    stopped => super::what_is_stopped_is_read_back;
    lists => super::operators_lists_are_searched;
    transfers => super::transfers_are_found_by_who_and_why;
}

async fn write<T, F>(store: &Store, work: F) -> T
where
    T: Send + 'static,
    F: for<'a> Fn(&'a sea_orm::DatabaseTransaction) -> Work<'a, T> + Send + Sync + 'static,
{
    store.write(work).await.unwrap()
}

async fn account(store: &Store, name: &'static str) -> i64 {
    let id = write(store, move |db| {
        Box::pin(async move { accounts::insert(db, &AccountId::random(), name, "user", 100, 5).await })
    });
    id.await.unwrap()
}

async fn node(store: &Store, owner: i64, name: &'static str) -> NodeId {
    let (id, key) = (NodeId::random(), SecretKey::generate().public());
    let made = id.clone();
    write(store, move |db| {
        let id = made.clone();
        Box::pin(async move { nodes::insert(db, &id, owner, name, &key, 7).await })
    })
    .await;
    id
}

async fn members_come_and_go(store: &Store) {
    let (ann, bob, eve) = (account(store, "ann").await, account(store, "bob").await, account(store, "eve").await);
    let lab = write(store, move |db| Box::pin(async move { groups::insert(db, "lab", ann, 10).await })).await.unwrap();
    assert_eq!(write(store, move |db| Box::pin(async move { groups::insert(db, "lab", bob, 10).await })).await, None);
    for first in [true, false] {
        let asked = write(store, move |db| Box::pin(async move { groups::invite(db, lab, bob, 11).await })).await;
        assert_eq!(asked, first);
    }
    let db = store.reader();
    assert_eq!(groups::count_of_group(db, lab).await.unwrap(), (1, 1));
    assert_eq!(groups::invitations(db, bob, 0, 9).await.unwrap()[0].1.by, "ann");
    assert_eq!(groups::invited(db, lab).await.unwrap()[0].name, "bob");
    assert!(write(store, move |db| Box::pin(async move { groups::uninvite(db, lab, bob).await })).await);
    for first in [true, false] {
        let added = write(store, move |db| Box::pin(async move { groups::add(db, lab, bob, 12).await })).await;
        assert_eq!(added, first);
    }
    assert!(groups::share_group(db, ann, bob).await.unwrap() && !groups::share_group(db, ann, eve).await.unwrap());
    assert!(groups::is_in(db, lab, bob).await.unwrap());
    node(store, bob, "laptop").await;
    let (id, info) = groups::list(db, bob, 0, 9).await.unwrap().remove(0);
    assert_eq!((id, info.role, info.members, info.nodes), (lab, GroupRole::Member, 2, 1));
    assert_eq!(groups::devices(db, lab, 9).await.unwrap()[0].owner, "bob");
    let group = groups::of_member(db, "lab", bob).await.unwrap().unwrap();
    assert_eq!(groups::of_member(db, "lab", eve).await.unwrap(), None);
    let names: Vec<_> = groups::members(db, &group).await.unwrap().into_iter().map(|it| (it.name, it.role)).collect();
    assert_eq!(names, [("ann".to_owned(), GroupRole::Owner), ("bob".to_owned(), GroupRole::Member)]);
    let mut all = groups::memberships(db).await.unwrap();
    all.sort_unstable();
    assert_eq!(all, [("lab".to_owned(), ann), ("lab".to_owned(), bob)]);
    assert!(write(store, move |db| Box::pin(async move { groups::remove(db, lab, bob).await })).await);
    write(store, move |db| Box::pin(async move { groups::delete(db, lab).await })).await;
    assert!(groups::memberships(db).await.unwrap().is_empty());
}

async fn who_is_forgotten_leaves_groups(store: &Store) {
    let (ann, bob) = (account(store, "ann").await, account(store, "bob").await);
    let (own, other) = write(store, move |db| {
        Box::pin(async move {
            let own = groups::insert(db, "anns", ann, 1).await?.ok_or(StoreError::Corrupt("a group"))?;
            let other = groups::insert(db, "bobs", bob, 1).await?.ok_or(StoreError::Corrupt("a group"))?;
            groups::add(db, own, bob, 2).await?;
            groups::add(db, other, ann, 2).await?;
            Ok((own, other))
        })
    })
    .await;
    assert_ne!(own, other);
    write(store, move |db| Box::pin(async move { groups::leave_all(db, ann).await })).await;
    assert_eq!(groups::memberships(store.reader()).await.unwrap(), [("bobs".to_owned(), bob)]);
}

/// A module of this account; the manifests differ by `serial`, the components do not.
async fn module(store: &Store, owner: i64, serial: u64) -> (Digest, Digest) {
    let (author, component) = (SecretKey::generate(), Digest::of(b"component"));
    let manifest = Manifest {
        source: None,
        component,
        executed: Builds { plain: component, canonical: component },
        limits: Limits::default(),
        profile: "p".into(),
        author: author.public(),
        serial,
        expires_at_ms: 1_000,
    };
    let authored = AuthoredManifest::sign(&manifest, &author);
    let digest = Digest::of(&authored.bytes);
    let signed = SignedManifest::countersign(authored, &author, OnlineCert::issue(&author, author.public(), 1, 1_000));
    write(store, move |db| {
        let (manifest, signed) = (manifest.clone(), signed.clone());
        Box::pin(async move { modules::insert(db, owner, &manifest, &signed, 9, &Exports::default(), "", 8).await })
    })
    .await;
    (digest, component)
}

async fn what_is_stopped_is_read_back(store: &Store) {
    let ann = account(store, "ann").await;
    let id = node(store, ann, "laptop").await;
    let ((one, component), (other, _)) = (module(store, ann, 1).await, module(store, ann, 2).await);
    let shared = id.clone();
    let stopped = write(store, move |db| {
        let id = shared.clone();
        Box::pin(async move {
            Ok([
                accounts::suspend(db, ann, Some("a")).await?,
                suspensions::set_node(db, &id, Some("n")).await?,
                suspensions::set_node(db, &NodeId::random(), Some("n")).await?,
                suspensions::stop_module(db, &one, "m", 5).await?,
                suspensions::stop_module(db, &one, "better words", 6).await?,
                suspensions::stop_module(db, &Digest::of(b"nothing"), "m", 5).await?,
            ])
        })
    });
    assert_eq!(stopped.await, [true, true, false, true, true, false]);
    let all = suspensions::all(store.reader()).await.unwrap();
    assert_eq!((all.accounts[&ann].as_str(), all.nodes.len()), ("a", 1));
    assert_eq!(all.modules.len(), 2, "the manifest that was named, and its component");
    assert_eq!((all.modules[&one].as_str(), all.modules[&component].as_str()), ("better words", "better words"));
    let restored = write(store, move |db| {
        let id = id.clone();
        Box::pin(async move {
            accounts::suspend(db, ann, None).await?;
            suspensions::set_node(db, &id, None).await?;
            // The other manifest of the same component will do.
            Ok((suspensions::restore_module(db, &other).await?, suspensions::restore_module(db, &other).await?))
        })
    });
    assert_eq!(restored.await, (true, false));
    assert_eq!(suspensions::all(store.reader()).await.unwrap(), suspensions::Stopped::default());
    let by_component =
        write(store, move |db| Box::pin(async move { suspensions::stop_module(db, &component, "m", 5).await }));
    assert!(by_component.await);
    assert_eq!(suspensions::all(store.reader()).await.unwrap().modules.len(), 3);
    assert_eq!(suspensions::jobs_max(store.reader(), ann).await.unwrap(), None);
    let public = accounts::by_id(store.reader(), ann).await.unwrap().unwrap().public_id;
    let changed = write(store, move |db| {
        let public = public.clone();
        Box::pin(async move {
            suspensions::change_account(db, &public, None, None, Some(3)).await?;
            suspensions::change_account(db, &public, Some("operator"), Some(77), None).await
        })
    });
    assert!(changed.await);
    assert_eq!(suspensions::jobs_max(store.reader(), ann).await.unwrap(), Some(3));
    let row = accounts::by_id(store.reader(), ann).await.unwrap().unwrap();
    assert_eq!((row.role.as_str(), row.fuel_quota), ("operator", 77));
}

async fn operators_lists_are_searched(store: &Store) {
    let (ann, bob) = (account(store, "Ann").await, account(store, "bob").await);
    node(store, ann, "laptop").await;
    let tower = node(store, bob, "50%_tower").await;
    module(store, ann, 1).await;
    let job = write(store, move |db| {
        Box::pin(async move {
            let id = jobs::insert(db, &job_row(ann)).await?;
            stages::insert(db, id, 1, false).await?;
            stages::grow(db, id, 1, 0, 4, true, None).await?;
            Ok(id)
        })
    })
    .await;
    open_accounts(store, &[Account::user(AccountNo(ann))]).await;
    done(store, &[Transfer::grant(AccountNo(ann), 1, credits(3))], 5).await;
    let db = store.reader();
    let part = |query| Part { query, after: None, limit: 9 };
    let users = admin::users(db, part("aNN")).await.unwrap();
    assert_eq!((users.len(), users[0].0, users[0].1.nodes, users[0].1.available), (1, ann, 1, 3_000_000));
    assert_eq!(admin::users(db, part("")).await.unwrap().len(), 2);
    assert_eq!(admin::users(db, Part { after: Some(ann), ..part("") }).await.unwrap()[0].0, bob);
    for query in ["%_t", "bob", tower.as_str()] {
        let found = admin::nodes(db, part(query)).await.unwrap();
        assert_eq!((found.len(), found[0].name.as_str(), &found[0].machine), (1, "50%_tower", &Machine::default()));
    }
    let found = admin::jobs(db, part("a job")).await.unwrap();
    assert_eq!((found.len(), found[0].id, found[0].units, found[0].component), (1, job, (4, 0, 0), None));
    assert!(admin::jobs(db, Part { after: Some(job), ..part("") }).await.unwrap().is_empty());
    let digest = Some(Digest::of(b"component"));
    assert_eq!(admin::modules(db, part("x"), digest).await.unwrap()[0].owner.name, "Ann");
    assert!(admin::modules(db, part("x"), None).await.unwrap().is_empty());
}

async fn transfers_are_found_by_who_and_why(store: &Store) {
    let (ann, bob) = (AccountNo(account(store, "ann").await), AccountNo(account(store, "bob").await));
    let job = JobNo(7);
    open_accounts(store, &[Account::user(ann), Account::user(bob), Account::escrow(job)]).await;
    done(store, &[Transfer::grant(ann, 1, credits(9)), Transfer::grant(bob, 1, credits(5))], 10).await;
    done(store, &[Transfer::fund(ann, job, 0, credits(2))], 20).await;
    let wanted = |parties: &[Account], cause: Option<&str>| Search {
        parties: parties.to_vec(),
        code: cause.and_then(Cause::code_of),
        from_ms: 0,
        to_ms: u64::MAX,
        before: None,
        limit: 9,
    };
    let amounts = async |search: Search| {
        let lines = super::super::ledger::search::search(store.reader(), &search).await.unwrap();
        lines.iter().map(|line| line.recorded.transfer.amount.micro() / 1_000_000).collect::<Vec<_>>()
    };
    assert_eq!(amounts(wanted(&[], None)).await, [2, 5, 9]);
    assert_eq!(amounts(wanted(&[Account::user(ann)], None)).await, [2, 9]);
    assert_eq!(amounts(wanted(&[Account::user(ann)], Some("grant"))).await, [9]);
    assert_eq!(amounts(wanted(&[Account::user(ann), Account::escrow(job)], None)).await, [2]);
    assert_eq!(amounts(wanted(&[Account::user(bob), Account::escrow(job)], None)).await, [0i64; 0]);
    assert_eq!(amounts(Search { from_ms: 11, ..wanted(&[], None) }).await, [2]);
    let first = search(store.reader(), &Search { limit: 1, ..wanted(&[], None) }).await.unwrap();
    assert_eq!(amounts(Search { before: Some(first[0].seq), ..wanted(&[], None) }).await, [5, 9]);
}
