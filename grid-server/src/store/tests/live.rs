//! What pages show of jobs: states as bytes, errors, paces, projects, attempts of one unit.

use fallow_protocol::unit::UnitKey;

use super::super::paces::Pace;
use super::*;

on_both! {
    states => super::states_come_as_bytes;
    counted => super::ends_are_counted_in_buckets;
    said => super::errors_are_counted_by_what_was_said;
    by_project => super::jobs_are_counted_by_project;
}

async fn states_come_as_bytes(store: &Store) {
    let job = new_job(store, 300).await;
    let write = store.write(move |db| {
        Box::pin(async move {
            units::lease_range(db, TAKER, job, STAGE_RUN, 10, 20).await?;
            units::conclude(db, job, STAGE_RUN, &[done(11, 1), done(12, 1)]).await
        })
    });
    write.await.unwrap();
    let mut wanted = vec![0; 300];
    wanted[10..20].fill(1);
    wanted[11..13].fill(3);
    let db = store.reader();
    assert_eq!(unit_map::states(db, job, STAGE_RUN, 0, u64::MAX).await.unwrap(), wanted);
    assert_eq!(unit_map::states(db, job, STAGE_RUN, 9, 12).await.unwrap(), wanted[9..12]);
    assert!(unit_map::states(db, job, STAGE_RUN, 300, 400).await.unwrap().is_empty());
    assert!(unit_map::states(db, job, 2, 0, u64::MAX).await.unwrap().is_empty());
    let ranges = [(9, 12), (13, 14), (298, 400)];
    let found = unit_map::of_ranges(db, job, STAGE_RUN, &ranges).await.unwrap();
    assert_eq!(found, [(9, vec![0, 1, 3]), (13, vec![1]), (298, vec![0, 0])]);
    let found = units::done(db, job, STAGE_RUN, 12, 10).await.unwrap();
    assert_eq!(found.iter().map(|unit| unit.seq).collect::<Vec<_>>(), [11]);
    let one = unit_list::one(db, job, UnitKey { stage: STAGE_RUN, seq: 11 }).await.unwrap().unwrap();
    assert_eq!((one.info.state, one.info.attempt), (UnitState::Done, 1));
    assert!(unit_list::one(db, job, UnitKey { stage: STAGE_RUN, seq: 300 }).await.unwrap().is_none());
}

async fn ends_are_counted_in_buckets(store: &Store) {
    let job = new_job(store, 1).await;
    for (at_ms, done) in [(5, 2), (10, 1), (5, 3)] {
        let pace = Pace { at_ms, done, failed: 1 };
        store.write(move |db| Box::pin(async move { paces::add(db, job, &pace).await })).await.unwrap();
    }
    let found = paces::of_job(store.reader(), job, 10).await.unwrap();
    assert_eq!(found, [Pace { at_ms: 5, done: 5, failed: 2 }, Pace { at_ms: 10, done: 1, failed: 1 }]);
}

async fn errors_are_counted_by_what_was_said(store: &Store) {
    let job = new_job(store, 20).await;
    let write = store.write(move |db| {
        Box::pin(async move {
            units::lease_range(db, TAKER, job, STAGE_RUN, 0, 10).await?;
            let end = |seq, state, message: &str| Conclusion {
                state,
                class: 3,
                output: None,
                message: Some(message.into()),
                ..done(seq, 1)
            };
            let long = "x".repeat(4_000);
            let ends = [
                end(1, UnitState::Failed, "broke"),
                end(2, UnitState::Failed, "broke"),
                end(3, UnitState::LeftOut, "broke"),
                end(4, UnitState::Again, "broke"),
                end(5, UnitState::Failed, &long),
                Conclusion { state: UnitState::Checking, ..done(6, 1) },
            ];
            units::conclude(db, job, STAGE_RUN, &ends).await
        })
    });
    write.await.unwrap();
    let (mut said, complete) = errors::of_job(store.reader(), job, 100).await.unwrap();
    said.sort_by_key(|said| said.seq);
    let found: Vec<_> = said.iter().map(|said| (said.seq, said.state, said.units, said.message.len())).collect();
    let wanted = [
        (1, UnitState::Failed, 2, 5),
        (3, UnitState::LeftOut, 1, 5),
        (4, UnitState::Again, 1, 5),
        (5, UnitState::Failed, 1, 500),
    ];
    assert!(complete && found == wanted, "{said:?}");
    assert!(!errors::of_job(store.reader(), job, 2).await.unwrap().1, "only the first two were looked at");
}

async fn jobs_are_counted_by_project(store: &Store) {
    let account = new_account(store).await;
    for project in [None, Some("b"), Some("a"), Some("b")] {
        let mut row = job_row(account);
        row.submission.project = project.map(str::to_owned);
        store
            .write(move |db| {
                let row = row.clone();
                Box::pin(async move { jobs::insert(db, &row).await })
            })
            .await
            .unwrap();
    }
    let db = store.reader();
    let all = projects::page(db, account, None, 10).await.unwrap();
    let counts: Vec<_> = all.iter().map(|project| (project.name.as_str(), project.jobs, project.running)).collect();
    assert_eq!(counts, [("", 1, 1), ("a", 1, 1), ("b", 2, 2)]);
    assert_eq!(projects::page(db, account, Some("a"), 10).await.unwrap()[..], all[2..]);
    let which = jobs::Which { project: Some("b".into()), phase: None };
    assert_eq!(jobs::page(db, account, &which, None, 10).await.unwrap().len(), 2);
    let which = jobs::Which { phase: Some(fallow_protocol::api::JobPhase::Done), ..which };
    assert!(jobs::page(db, account, &which, None, 10).await.unwrap().is_empty());
}
