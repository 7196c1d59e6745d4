//! Holdings on both databases.

use grid_core::ledger::Amount;
use grid_core::{JobNo, NodeNo};

use super::super::holdings::{self, Holding, Share, State};
use super::super::{Store, retention};
use super::ledger::{JOB, credits, holding};
use super::{new_job, open};

on_both! {
    lists => super::holdings_are_listed_by_position_job_and_age;
    once => super::a_frame_is_held_once;
    kept => super::a_job_with_held_pay_is_not_forgotten;
}

async fn insert(store: &Store, holdings: Vec<Holding>) -> Vec<Option<i64>> {
    let write = store.write(move |db| {
        let holdings = holdings.clone();
        Box::pin(async move { holdings::insert(db, &holdings).await })
    });
    write.await.unwrap()
}

async fn set(store: &Store, ids: &[i64], from: State, to: State) -> usize {
    let ids = ids.to_vec();
    let write = store.write(move |db| {
        let ids = ids.clone();
        Box::pin(async move { holdings::set_states(db, &ids, from, to).await })
    });
    write.await.unwrap().len()
}

fn frames(holdings: &[Holding]) -> Vec<u64> {
    holdings.iter().map(|holding| holding.frame).collect()
}

async fn holdings_are_listed_by_position_job_and_age(store: &Store) {
    let mut all: Vec<Holding> = (1..=6).map(|n| holding(n, credits(2), credits(1))).collect();
    all[5].node = NodeNo(5);
    let ids: Vec<i64> = insert(store, all.clone()).await.into_iter().map(Option::unwrap).collect();
    let db = store.reader();
    let node = all[0].node;
    let held = holdings::held_from(db, node, 6, 9).await.unwrap();
    assert_eq!(frames(&held), [2, 3, 4, 5]);
    assert_eq!(held[0], Holding { id: ids[1], ..all[1].clone() });
    assert_eq!(frames(&holdings::held_from(db, node, 0, 2).await.unwrap()), [1, 2]);
    assert_eq!(frames(&holdings::held_to(db, node, 9, 9).await.unwrap()), [1, 2, 3]);
    assert_eq!(frames(&holdings::held_before(db, 103, 9).await.unwrap()), [1, 2]);
    let share = |node, results, position| Share { node, results, position };
    assert_eq!(holdings::shares(db, JOB).await.unwrap(), [share(node, 15, 15), share(NodeNo(5), 3, 18)]);
    assert_eq!(holdings::nodes(db, NodeNo(0), 9).await.unwrap(), [node, NodeNo(5)]);
    assert_eq!(set(store, &ids[..2], State::Held, State::Posted).await, 2);
    assert_eq!(set(store, &ids[..3], State::Held, State::Unpaid).await, 1, "two are not held any more");
    assert_eq!(frames(&holdings::held_to(db, node, 99, 9).await.unwrap()), [4, 5]);
    assert_eq!(frames(&holdings::of_job(db, JOB, State::Posted, 0, 9).await.unwrap()), [1, 2]);
    assert_eq!(frames(&holdings::of_job(db, JOB, State::Unpaid, 0, 9).await.unwrap()), [3]);
    assert_eq!(frames(&holdings::of_job(db, JOB, State::Held, ids[3], 1).await.unwrap()), [5]);
    assert_eq!(set(store, &ids, State::Unpaid, State::Held).await, 1, "the author paid more in");
}

async fn a_frame_is_held_once(store: &Store) {
    let first = holding(1, credits(2), Amount::ZERO);
    let ids = insert(store, vec![first.clone()]).await;
    assert!(ids[0].is_some());
    let second = holding(2, credits(2), Amount::ZERO);
    let stage = Holding { stage: 2, ..first.clone() };
    let again = insert(store, vec![second, Holding { fuel: 99, ..first }, stage]).await;
    assert!(again[0].is_some() && again[1].is_none() && again[2].is_some(), "{again:?}");
    let job = holdings::of_job(store.reader(), JOB, State::Held, 0, 9).await.unwrap();
    assert_eq!(job.len(), 3);
    assert_eq!(job[0].fuel, 7);
    assert!(insert(store, Vec::new()).await.is_empty());
}

async fn a_job_with_held_pay_is_not_forgotten(store: &Store) {
    let job = new_job(store, 3).await;
    super::end_job(store, job, 10).await;
    let mine = Holding { job: JobNo(job), ..holding(1, credits(2), Amount::ZERO) };
    let ids: Vec<i64> = insert(store, vec![mine]).await.into_iter().flatten().collect();
    assert_eq!(retention::ended_before(store.reader(), 11, 9).await.unwrap(), Vec::<i64>::new());
    set(store, &ids, State::Held, State::Posted).await;
    assert_eq!(retention::ended_before(store.reader(), 11, 9).await.unwrap(), [job]);
    while !store.write(move |db| Box::pin(retention::forget_some(db, job, 4))).await.unwrap() {}
    assert!(holdings::of_job(store.reader(), JobNo(job), State::Posted, 0, 9).await.unwrap().is_empty());
}
