//! The store's statements on SQLite and on PostgreSQL: the same steps, the same state.

use std::sync::Arc;

use fallow_protocol::api::{JobPhase, UnitState};
use fallow_protocol::job::{JobSubmission, Split};
use fallow_protocol::manifest::Floats;
use fallow_protocol::unit::{Input, Output, STAGE_RUN};
use fallow_protocol::{Digest, JobId};
use sea_orm::{ConnectionTrait, DbErr, Statement};

use super::attempts::AttemptRow;
use super::checkpoints::CheckpointRow;
use super::jobs::{JobEnd, JobRow};
use super::leases::LeaseRow;
use super::logs::LogRow;
use super::stages::Moves;
use super::units::{Conclusion, Taker};
use super::*;

mod postgres;

/// A new database, and the folder that it lies in where it is a file.
async fn open(kind: &str) -> (Store, tempfile::TempDir) {
    let (url, folder) = new_url(kind).await;
    (Store::open(&url).await.unwrap(), folder)
}

async fn new_url(kind: &str) -> (String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = match kind {
        "sqlite" => format!("sqlite://{}", folder.path().join("test.db").display()),
        _ => tokio::task::spawn_blocking(postgres::new_database).await.unwrap(),
    };
    (url, folder)
}

/// Run a test on both databases.
macro_rules! on_both {
    ($($name:ident => $test:path;)*) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let (store, _folder) = super::open("sqlite").await;
                $test(&store).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let (store, _folder) = super::open("postgres").await;
                $test(&store).await;
            }
        }
    )*};
}

mod credits;
mod devices;
mod holdings;
mod ledger;
mod live;
mod operators;
mod people;

on_both! {
    groups => super::one_failing_write_is_its_own_fault;
    life => super::a_unit_lives_through_all_its_steps;
    fences => super::stale_attempts_change_nothing;
    checks => super::a_unit_that_is_checked_stays_so;
    withdrawn => super::an_ended_job_gives_nothing_away;
    keys => super::a_key_is_kept_with_its_job;
    checkpoint => super::checkpoints_are_the_running_attempts_and_never_step_back;
    lists => super::pages_follow_each_other;
    forgotten => super::an_old_job_is_forgotten_in_parts;
}

fn submission(name: &str) -> JobSubmission {
    JobSubmission {
        name: name.into(),
        project: None,
        module: Digest([7; 32]),
        args: vec!["a\0b".into()],
        split: Split::Range { from: 0, to: 10, per_unit: 1 },
        inputs: Vec::new(),
        shared: Vec::new(),
        limits: Default::default(),
        run_on: Default::default(),
        deadline_ms: None,
        on_failed: Default::default(),
        assemble: Default::default(),
        floats: Default::default(),
        seed: None,
        verify: fallow_protocol::job::Verify::default(),
        critical: false,
        budget: None,
        offer_permille: 1_000,
    }
}

fn given_up(message: Option<&str>) -> units::GivenUp {
    units::GivenUp { state: UnitState::Failed, class: 3, message: message.map(ToOwned::to_owned), fuel: 1 }
}

fn job_row(account: i64) -> JobRow {
    JobRow {
        mask: grid_core::life::Mask(u64::MAX),
        price: Some(grid_core::pricing::Price::default()),
        corrections: 0,
        notice: None,
        id: 0,
        public_id: JobId::random(),
        account,
        submission: submission("a job"),
        phase: JobPhase::Running,
        version: 1,
        seed: u64::MAX - 1,
        epoch_ms: 5,
        fuel: 0,
        created_at_ms: 5,
        ended_at_ms: None,
        result: None,
        error: None,
    }
}

async fn new_account(store: &Store) -> i64 {
    let text = "INSERT INTO accounts (public_id, name, role, fuel_quota, created_at_ms) \
                VALUES ($1, $2, 'user', 1000, 1) RETURNING id";
    let name = JobId::random().to_string();
    let row = store
        .write(move |db| {
            let name = name.clone();
            Box::pin(async move {
                let values = vec![name.clone().into(), name.into()];
                let statement = Statement::from_sql_and_values(db.get_database_backend(), text, values);
                let row = db.query_one_raw(statement).await?.unwrap();
                Ok(row.try_get_by_index::<i64>(0)?)
            })
        })
        .await;
    row.unwrap()
}

/// A job with `units` waiting units.
async fn new_job(store: &Store, units: u64) -> i64 {
    let row = job_row(new_account(store).await);
    let inputs: Arc<Vec<Input>> = Arc::new((0..units).map(|n| Input::Inline(vec![n as u8; 32])).collect());
    let made = store.write(move |db| {
        let (row, inputs) = (row.clone(), inputs.clone());
        Box::pin(async move {
            let id = jobs::insert(db, &row).await?;
            stages::insert(db, id, STAGE_RUN, false).await?;
            assert!(stages::grow(db, id, STAGE_RUN, 0, inputs.len() as u64, true, None).await?);
            assert!(!stages::grow(db, id, STAGE_RUN, 0, 1, true, None).await?, "grown twice from the same place");
            units::insert(db, id, STAGE_RUN, 0, &inputs).await?;
            Ok(id)
        })
    });
    made.await.unwrap()
}

const TAKER: Taker = Taker { lease: 70, node: 9 };

fn done(seq: u64, attempt: u32) -> Conclusion {
    Conclusion {
        floats: Floats::Plain,
        resumed_from: None,
        seq,
        attempt,
        node: TAKER.node,
        state: UnitState::Done,
        troubles: 0,
        claims: Vec::new(),
        class: 1,
        fuel: 100,
        wall_us: 7,
        memory_bytes: 65_536,
        output: Some(Output::Inline(vec![seq as u8; 3])),
        message: None,
    }
}

fn lease_row(job: i64) -> LeaseRow {
    LeaseRow { id: TAKER.lease, node: TAKER.node, job, stage: STAGE_RUN, first_seq: 0, last_seq: 9, expires_at_ms: 50 }
}

async fn one_failing_write_is_its_own_fault(store: &Store) {
    let account = new_account(store).await;
    let writes = (0..40).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .write(move |db| {
                    Box::pin(async move {
                        jobs::add_fuel(db, 0, account, 1).await?;
                        if n % 10 == 3 {
                            return Err(StoreError::Database(DbErr::Custom("no".into())));
                        }
                        Ok(n)
                    })
                })
                .await
        })
    });
    let mut right = 0;
    for write in writes.collect::<Vec<_>>() {
        right += u64::from(write.await.unwrap().is_ok());
    }
    assert_eq!(right, 36);
    assert_eq!(jobs::quota(store.reader(), account).await.unwrap(), (1_000, 36));
    for _ in 0..2 {
        let spend = store.write(move |db| Box::pin(async move { jobs::add_fuel(db, 0, account, u64::MAX).await }));
        spend.await.unwrap();
    }
    let most = i64::MAX as u64;
    assert_eq!(jobs::quota(store.reader(), account).await.unwrap(), (1_000, most), "a sum stays at its end");
}

async fn a_unit_lives_through_all_its_steps(store: &Store) {
    let job = new_job(store, 10).await;
    let write = store.write(move |db| {
        Box::pin(async move {
            let leased = units::lease_range(db, TAKER, job, STAGE_RUN, 2, 5).await?;
            let seqs: Vec<u64> = leased.iter().map(|unit| unit.seq).collect();
            assert_eq!(seqs, [2, 3, 4]);
            assert!(
                leased.iter().all(|unit| unit.attempt == 1 && unit.input == Input::Inline(vec![unit.seq as u8; 32]))
            );
            assert!(units::lease_range(db, TAKER, job, STAGE_RUN, 2, 5).await?.is_empty(), "leased twice");
            leases::insert(db, &[lease_row(job)]).await?;
            stages::set_cursor(db, job, STAGE_RUN, 5).await?;
            stages::set_cursor(db, job, STAGE_RUN, 3).await?;
            let blob = Output::Blob { digest: Digest([5; 32]), len: 4_000 };
            let failed = Conclusion {
                state: UnitState::Failed,
                class: 3,
                output: None,
                message: Some("it \"broke\"\0 ü".into()),
                ..done(4, 1)
            };
            let ends = [done(2, 1), Conclusion { output: Some(blob), ..done(3, 1) }, failed];
            let mut changed = units::conclude(db, job, STAGE_RUN, &ends).await?;
            changed.sort_unstable();
            assert_eq!(changed, [2, 3, 4]);
            let mut moves = Moves::default();
            moves.add(UnitState::Waiting, UnitState::Done, 2);
            moves.add(UnitState::Waiting, UnitState::Failed, 1);
            stages::count_moves(db, job, STAGE_RUN, &moves).await?;
            logs::insert(
                db,
                job,
                STAGE_RUN,
                &[LogRow { seq: 4, attempt: 1, class: 3, message: None, log: vec![0, 255] }],
            )
            .await?;
            Ok(())
        })
    });
    write.await.unwrap();
    let outputs = units::outputs(store.reader(), job, STAGE_RUN, 2, 3).await.unwrap();
    assert_eq!(outputs[0].output, Some(Output::Inline(vec![2; 3])));
    assert_eq!(outputs[1].output, Some(Output::Blob { digest: Digest([5; 32]), len: 4_000 }));
    assert_eq!((outputs[2].state, &outputs[2].output), (UnitState::Failed, &None));
    let stage = stages::of_job(store.reader(), job).await.unwrap().remove(0);
    assert_eq!((stage.total, stage.next_seq, stage.split_done), (10, 5, true));
    assert_eq!((stage.counts.waiting, stage.counts.done, stage.counts.failed), (7, 2, 1));
    assert_eq!(stage.counts.total(), 10);
    let revived = store.write(move |db| Box::pin(units::revive(db, job, STAGE_RUN))).await.unwrap();
    assert_eq!(revived, (1, 0));
    let open = units::open(store.reader(), job, STAGE_RUN, 0, 10).await.unwrap();
    assert_eq!(open.iter().map(|unit| (unit.seq, unit.state)).collect::<Vec<_>>(), [(4, UnitState::Again)]);
    let renew = store.write(move |db| Box::pin(async move { leases::renew(db, &[TAKER.lease], 99).await }));
    renew.await.unwrap();
    assert_eq!(leases::all(store.reader()).await.unwrap()[0].expires_at_ms, 99);
}

async fn stale_attempts_change_nothing(store: &Store) {
    let job = new_job(store, 4).await;
    let write = store.write(move |db| {
        Box::pin(async move {
            assert!(
                units::conclude(db, job, STAGE_RUN, &[done(0, 0), done(0, 1)][1..]).await?.is_empty(),
                "never leased"
            );
            units::lease_range(db, TAKER, job, STAGE_RUN, 0, 4).await?;
            assert!(units::conclude(db, job, STAGE_RUN, &[done(0, 2)]).await?.is_empty(), "of another attempt");
            let thief = Conclusion { node: 8, ..done(0, 1) };
            assert!(units::conclude(db, job, STAGE_RUN, &[thief]).await?.is_empty(), "of another node");
            assert_eq!(units::conclude(db, job, STAGE_RUN, &[done(0, 1), done(1, 2)]).await?, [0]);
            assert!(units::conclude(db, job, STAGE_RUN, &[done(0, 1)]).await?.is_empty(), "a second time");
            let again = Conclusion { state: UnitState::Again, output: None, ..done(1, 1) };
            assert_eq!(units::conclude(db, job, STAGE_RUN, &[again]).await?, [1]);
            let second = units::lease_list(db, TAKER, job, STAGE_RUN, &[0, 1, 2], UnitState::Again).await?;
            assert_eq!(second.iter().map(|unit| (unit.seq, unit.attempt)).collect::<Vec<_>>(), [(1, 2)]);
            assert!(units::conclude(db, job, STAGE_RUN, &[done(1, 1)]).await?.is_empty(), "of the first attempt");
            assert_eq!(units::conclude(db, job, STAGE_RUN, &[done(1, 2)]).await?, [1]);
            Ok(())
        })
    });
    write.await.unwrap();
    let outputs = units::outputs(store.reader(), job, STAGE_RUN, 0, 10).await.unwrap();
    assert_eq!(outputs.len(), 4, "no row was made up");
}

async fn a_unit_that_is_checked_stays_so(store: &Store) {
    use grid_core::life::{Claim, Troubles};
    use grid_core::{AccountNo, NodeNo};
    let job = new_job(store, 1).await;
    let claim = Claim {
        node: NodeNo(9),
        owner: AccountNo(3),
        attempt: 1,
        digest: Digest([1; 32]),
        essence: Digest([2; 32]),
        fuel: 1,
        class: 3,
        floats: Floats::Plain,
        resumed_from: None,
        position: 7,
        held: false,
        needed: 2,
    };
    let write = store.write(move |db| {
        Box::pin(async move {
            units::lease_range(db, TAKER, job, STAGE_RUN, 0, 1).await?;
            let troubles = Troubles { losses: 2, ..Troubles::default() };
            let check = Conclusion {
                state: UnitState::Checking,
                claims: vec![claim],
                troubles: troubles.pack(),
                output: None,
                ..done(0, 1)
            };
            units::conclude(db, job, STAGE_RUN, &[check]).await?;
            let earlier = AttemptRow {
                floats: Floats::Canonical,
                seq: 0,
                attempt: 1,
                node: 9,
                class: 3,
                fuel: 1,
                wall_us: 1,
                memory_bytes: 1,
                root: Some(Digest([2; 32])),
                resumed: true,
                message: Some("x".into()),
            };
            attempts::insert(db, job, STAGE_RUN, 5, &[earlier.clone(), earlier.clone()]).await?;
            assert_eq!(attempts::of_units(db, job, STAGE_RUN, &[0, 5]).await?, [earlier]);
            let open = units::open(db, job, STAGE_RUN, 0, 5).await?;
            assert_eq!((open[0].state, &open[0].claims), (UnitState::Checking, &vec![claim]));
            let leased = units::lease_list(db, Taker { lease: 71, node: 4 }, job, STAGE_RUN, &[0], UnitState::Checking);
            assert_eq!(leased.await?[0].attempt, 2);
            assert!(units::open(db, job, STAGE_RUN, 0, 5).await?.is_empty(), "it is on a node");
            let standing = units::standing(db, job, STAGE_RUN, &[0]).await?.remove(0).unit;
            assert_eq!((standing.state, standing.on, standing.attempt), (UnitState::Checking, Some(NodeNo(4)), 2));
            assert_eq!((standing.troubles, standing.claims), (troubles, vec![claim]));
            assert!(!units::give_up(db, job, STAGE_RUN, 0, &given_up(None)).await?, "somebody checks it");
            Ok(())
        })
    });
    write.await.unwrap();
}

async fn an_ended_job_gives_nothing_away(store: &Store) {
    let job = new_job(store, 6).await;
    let end = JobEnd { phase: JobPhase::Cancelled, version: 9, at_ms: 10, result: None, error: Some("why\0".into()) };
    let write = store.write(move |db| {
        let end = end.clone();
        Box::pin(async move {
            units::lease_range(db, TAKER, job, STAGE_RUN, 0, 3).await?;
            leases::insert(db, &[lease_row(job)]).await?;
            assert_eq!(units::held(db, &lease_row(job)).await?.len(), 3);
            assert_eq!(units::held_inputs(db, &lease_row(job)).await?.len(), 3);
            assert!(jobs::end(db, job, &end).await?);
            assert!(!jobs::end(db, job, &end).await?, "ended twice");
            assert_eq!(units::withdraw(db, &leases::of_job(db, job).await?[0]).await?, 3);
            assert!(units::conclude(db, job, STAGE_RUN, &[done(0, 1)]).await?.is_empty());
            assert!(units::lease_range(db, TAKER, job, STAGE_RUN, 0, 6).await?.is_empty());
            assert!(units::lease_list(db, TAKER, job, STAGE_RUN, &[0], UnitState::Again).await?.is_empty());
            assert!(!jobs::raise_phase(db, job, JobPhase::Assembling, 10).await?);
            assert!(jobs::reopen(db, job, JobPhase::Cancelled, JobPhase::Running, 11).await?);
            assert_eq!(units::lease_list(db, TAKER, job, STAGE_RUN, &[0], UnitState::Again).await?.len(), 1);
            Ok(())
        })
    });
    write.await.unwrap();
    assert_eq!(jobs::active(store.reader()).await.unwrap().len(), 1);
}

async fn a_key_is_kept_with_its_job(store: &Store) {
    let job = new_job(store, 1).await;
    let row = jobs::by_id(store.reader(), job).await.unwrap().unwrap();
    assert_eq!((row.seed, row.submission.args.as_slice()), (u64::MAX - 1, &["a\0b".to_owned()][..]));
    let account = row.account;
    let body = Digest([3; 32]);
    let put = store.write(move |db| Box::pin(async move { jobs::put_key(db, account, "k", &body, job, 1).await }));
    put.await.unwrap();
    assert_eq!(jobs::by_key(store.reader(), account, "k").await.unwrap(), Some((body, job)));
    assert_eq!(jobs::by_key(store.reader(), account + 1, "k").await.unwrap(), None);
    let twice = store.write(move |db| Box::pin(async move { jobs::put_key(db, account, "k", &body, job, 1).await }));
    assert!(twice.await.is_err());
    assert!(jobs::by_public_id(store.reader(), account + 1, &row.public_id).await.unwrap().is_none());
    assert_eq!(jobs::page(store.reader(), account, &Default::default(), None, 5).await.unwrap().len(), 1);
    assert!(jobs::page(store.reader(), account, &Default::default(), Some(job), 5).await.unwrap().is_empty());
    assert_eq!(jobs::count_active(store.reader(), account).await.unwrap(), 1);
}

async fn checkpoints_are_the_running_attempts_and_never_step_back(store: &Store) {
    let job = new_job(store, 2).await;
    let row = CheckpointRow {
        stage: STAGE_RUN,
        seq: 0,
        attempt: 1,
        node: 9,
        origin: 9,
        blob: Digest([1; 32]),
        len: 3,
        fuel: 50,
    };
    let write = store.write(move |db| {
        let row = row.clone();
        Box::pin(async move {
            assert!(!checkpoints::put(db, job, &row).await?, "not leased");
            units::lease_range(db, TAKER, job, STAGE_RUN, 0, 2).await?;
            assert!(checkpoints::put(db, job, &row).await?);
            assert!(!checkpoints::put(db, job, &CheckpointRow { fuel: 49, ..row.clone() }).await?);
            assert!(!checkpoints::put(db, job, &CheckpointRow { node: 8, fuel: 60, ..row.clone() }).await?);
            let newer = CheckpointRow { blob: Digest([2; 32]), fuel: 60, ..row.clone() };
            assert!(checkpoints::put(db, job, &newer).await?);
            assert_eq!(checkpoints::of_job(db, job).await?, [newer.clone()]);
            assert!(retention::is_used(db, &newer.blob).await?);
            assert!(!retention::is_used(db, &row.blob).await?);
            checkpoints::delete(db, job, STAGE_RUN, &[0, 1]).await?;
            assert!(checkpoints::of_units(db, job, STAGE_RUN, &[0]).await?.is_empty());
            Ok(())
        })
    });
    write.await.unwrap();
}

async fn pages_follow_each_other(store: &Store) {
    let job = new_job(store, 5).await;
    let write = store.write(move |db| {
        Box::pin(async move {
            units::lease_range(db, TAKER, job, STAGE_RUN, 1, 2).await?;
            let log = |seq, class| LogRow { seq, attempt: 1, class, message: Some("m".into()), log: b"l".to_vec() };
            logs::insert(db, job, STAGE_RUN, &[log(0, 1), log(1, 3), log(3, 2)]).await
        })
    });
    write.await.unwrap();
    let db = store.reader();
    let page = unit_list::page(db, job, None, None, Some((1, 1)), 2).await.unwrap();
    assert_eq!(page.iter().map(|unit| unit.info.seq).collect::<Vec<_>>(), [2, 3]);
    let running = unit_list::page(db, job, Some(1), Some(UnitState::Running), None, 9).await.unwrap();
    assert_eq!(running.iter().map(|unit| unit.info.seq).collect::<Vec<_>>(), [1]);
    let failed = logs::page(db, job, None, true, None, 9).await.unwrap();
    assert_eq!(failed.iter().map(|log| log.seq).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(failed[0].outcome.message(), "m");
    assert_eq!(logs::page(db, job, Some((1, 1, 1)), false, None, 9).await.unwrap().len(), 1);
    assert_eq!(logs::page(db, job, None, false, Some(0), 9).await.unwrap()[0].seq, 0);
}

async fn end_job(store: &Store, job: i64, at_ms: u64) {
    let end = JobEnd { phase: JobPhase::Failed, version: 2, at_ms, result: None, error: None };
    let write = store.write(move |db| {
        let end = end.clone();
        Box::pin(async move { jobs::end(db, job, &end).await })
    });
    write.await.unwrap();
}

async fn an_old_job_is_forgotten_in_parts(store: &Store) {
    let (job, other) = (new_job(store, 10).await, new_job(store, 3).await);
    end_job(store, job, 10).await;
    assert_eq!(retention::ended_before(store.reader(), 10, 9).await.unwrap(), Vec::<i64>::new());
    assert_eq!(retention::ended_before(store.reader(), 11, 9).await.unwrap(), [job]);
    let mut turns = 1;
    while !store.write(move |db| Box::pin(retention::forget_some(db, job, 4))).await.unwrap() {
        turns += 1;
    }
    assert_eq!(turns, 4);
    assert!(jobs::by_id(store.reader(), job).await.unwrap().is_none());
    assert_eq!(units::outputs(store.reader(), other, STAGE_RUN, 0, 9).await.unwrap().len(), 3);
}

/// SQLite must find each unit by its key: a scan would cost more with every unit of the job.
#[tokio::test]
async fn batch_statements_scan_nothing() {
    let (store, _folder) = open("sqlite").await;
    use UnitState::*;
    let pages = [None, Some(Done), Some(Failed), Some(Again)].map(unit_list::page_text);
    let batches = units::BATCHES.iter().chain(unit_map::BATCHES).copied();
    for text in batches.chain(pages.iter().map(String::as_str)) {
        let sql = format!("EXPLAIN QUERY PLAN {}", batch::translate(store.backend(), text));
        let rows = store.reader().query_all_raw(Statement::from_string(store.backend(), sql)).await.unwrap();
        for row in rows {
            let step: String = row.try_get_by_index(3).unwrap();
            let allowed = step.contains("VIRTUAL TABLE") || step.contains("CONSTANT ROW") || step.contains("SCAN list");
            assert!(!step.starts_with("SCAN") || allowed, "{step}\nin {text}");
            assert!(!step.contains("AUTOMATIC"), "{step}\nin {text}");
            let by_key = step.contains("job=? AND stage=?") || step.contains("job=? AND (stage,seq)>(?,?)");
            let key = by_key || !step.contains("SEARCH units");
            assert!(key, "{step}\nin {text}");
        }
    }
    let open = batch::translate(store.backend(), units::BATCHES[8]);
    assert!(open.contains("ORDER BY seq LIMIT"), "the statement about open units");
    let sql = Statement::from_string(store.backend(), format!("EXPLAIN QUERY PLAN {open}"));
    let rows = store.reader().query_all_raw(sql).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.try_get_by_index(3).unwrap()).collect();
    assert!(plan[0].contains("units_again"), "{plan:?}");
}
