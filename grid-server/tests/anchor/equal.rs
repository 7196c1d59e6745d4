//! Every unit that a node ran, run again by the server: the same digest, whatever the unit is and however it ends.

use std::collections::BTreeSet;

use fallow_protocol::api::{JobPhase, UnitState};
use fallow_protocol::job::{Assemble, JobSubmission, Split};
use fallow_protocol::manifest::{Floats, Limits};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Call, Output, UnitKey, UnitResult};
use grid_server::anchor::AnchorUnit;
use grid_server::store::{stages, unit_list, units};

use crate::rig::{Rig, example, work};

const MIB: u64 = 1 << 20;

/// What a unit's row says that its node's accepted result was.
async fn told(rig: &Rig, job: i64) -> Vec<UnitResult> {
    let db = rig.app().store.reader();
    let mut told = Vec::new();
    for unit in unit_list::page(db, job, None, None, None, 1_000).await.unwrap() {
        let unit = unit.info;
        let ended = units::outputs(db, job, unit.stage, unit.seq, 1).await.unwrap().remove(0);
        assert!(matches!(ended.state, UnitState::Done | UnitState::LeftOut), "{unit:?}");
        told.push(UnitResult {
            key: UnitKey { stage: unit.stage, seq: unit.seq },
            attempt: unit.attempt,
            outcome: unit.outcome.expect("it has ended"),
            floats: Floats::Plain,
            fuel: unit.fuel,
            memory_bytes: unit.memory_bytes,
            wall_us: unit.wall_us,
            output: ended.output,
            log: Vec::new(),
            resumed_at_fuel: None,
        });
    }
    told
}

/// Let the job's node do it, then the server; gives what both said of each unit.
async fn compare(rig: &Rig, job: &JobSubmission) -> Vec<(AnchorUnit, UnitResult)> {
    let (public_id, id) = rig.submit(job).await;
    let ended = rig.ended(&public_id).await;
    assert_eq!(ended.phase, JobPhase::Done, "{ended:?}");
    let stages = stages::of_job(rig.app().store.reader(), id).await.unwrap();
    let told = told(rig, id).await;
    assert_eq!(told.len() as u64, stages.iter().map(|stage| stage.total).sum::<u64>());
    let mut results = Vec::new();
    for theirs in told {
        let unit = AnchorUnit::load(rig.app(), id, theirs.key).await.unwrap();
        let ours = rig.app().anchor.run(rig.app(), unit.clone()).await;
        let ours = ours.unwrap_or_else(|error| panic!("{}: {:?}: {error:?}", job.name, theirs.key));
        let name = format!("{} {:?}", job.name, theirs.key);
        assert_eq!((ours.key, ours.attempt), (theirs.key, theirs.attempt), "{name}");
        assert_eq!((ours.outcome.class(), ours.fuel), (theirs.outcome.class(), theirs.fuel), "{name}: {theirs:?}");
        assert_eq!((&ours.output, ours.memory_bytes), (&theirs.output, theirs.memory_bytes), "{name}");
        assert_eq!(unit.digest(&ours).unwrap(), unit.digest(&theirs).unwrap(), "{name}");
        if let Some(Output::Blob { digest, len }) = &ours.output {
            assert_eq!(rig.app().blobs.len(digest).await.unwrap(), *len, "{name}");
        }
        results.push((unit, ours));
    }
    results
}

fn calls(results: &[(AnchorUnit, UnitResult)]) -> BTreeSet<Call> {
    results.iter().map(|(unit, _)| unit.call).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn units_of_the_examples_end_as_on_a_node() {
    let rig = Rig::start(|config| config.anchor.share_permille = 1_000).await;
    let _node = rig.node().await;

    let cells = rig.job("cells", Limits { memory_bytes: 1536 * MIB, ..Limits::default() }).await;
    let inputs = vec![rig.put("ihc.png", example("cells/input/ihc.png")).await];
    let cells = JobSubmission { split: Split::Guest, assemble: Assemble::Merge, inputs, ..cells };
    let results = compare(&rig, &cells).await;
    assert_eq!(calls(&results), BTreeSet::from([Call::Split, Call::Run, Call::MergeLast]));
    assert_eq!(results.len(), 1 + 16 + 1);
    assert!(matches!(results[0].1.output, Some(Output::Blob { .. })), "the emitted tiles are a blob");

    let words = rig.job("wordcount", Limits::default()).await;
    let inputs = vec![rig.put("sherlock.txt", example("wordcount/input/sherlock.txt")).await];
    let split = Split::Lines { per_unit: 2_000 };
    let results = compare(&rig, &JobSubmission { split, assemble: Assemble::Merge, inputs, ..words }).await;
    assert_eq!(calls(&results), BTreeSet::from([Call::Run, Call::MergeLast]));

    let primes = rig.job("primes", Limits::default()).await;
    let split = Split::Range { from: 0, to: 200_000, per_unit: 100_000 };
    let results = compare(&rig, &JobSubmission { split, assemble: Assemble::Merge, ..primes }).await;
    assert_eq!(results.len(), 2 + 1);

    let filter = rig.job("wasi-filter", Limits::default()).await;
    let inputs = vec![rig.put("zones.csv", example("wasi-filter/input/zones.csv")).await];
    let args = ["--where", "latitude<0", "--columns", "zone,latitude,comments", "--no-header"].map(str::to_owned);
    let split = Split::CsvRows { per_unit: 100 };
    let results = compare(&rig, &JobSubmission { split, inputs, args: args.into(), ..filter }).await;
    assert_eq!(calls(&results), BTreeSet::from([Call::Command]));

    let compiled = std::fs::read_dir(rig.data("data/anchor/compiled")).unwrap().count();
    assert!((4..=8).contains(&compiled), "one or two builds of each of four modules, not {compiled}");
    assert_eq!(std::fs::read_dir(rig.data("data/anchor/units")).unwrap().count(), 0, "nothing is left of the units");
    let text = rig.app().metrics.text().unwrap();
    assert!(text.contains("fallow_anchor_units_total{outcome=\"done\"}"), "{text}");
}

/// What the guest does with each line, and how that ends.
const LINES: [(&str, u8); 16] = [
    ("ok:fine", 1),
    ("error:the tile is not RGB", 2),
    ("panic", 3),
    ("divide", 3),
    ("overflow", 3),
    ("alloc", 4),
    ("work", 5),
    ("output:8000000", 6),
    ("output:100000", 1),
    ("write:100000", 1),
    ("write:9000000", 7),
    ("log:said", 1),
    ("time", 1),
    ("random:16", 1),
    ("shared:stain", 1),
    ("nan", 1),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_outcome_is_the_same_as_on_a_node() {
    let rig = Rig::start(|config| config.anchor.share_permille = 1_000).await;
    let _node = rig.node().await;
    let limits = Limits {
        memory_bytes: 64 * MIB,
        fuel: 500_000_000,
        wall_ms: 60_000,
        output_bytes: 4 * MIB,
        scratch_bytes: MIB,
        ..Limits::default()
    };
    let lines = LINES.map(|(line, _)| line).join("\n");
    let shared = vec![rig.put("stain", b"hematoxylin".to_vec()).await];
    let job = JobSubmission { shared, assemble: Assemble::Merge, ..rig.faults(&lines, limits).await };
    let results = compare(&rig, &job).await;
    for ((line, class), (_, result)) in LINES.iter().zip(&results) {
        assert_eq!(result.outcome.class(), *class, "{line}: {result:?}");
    }
    let builds: Vec<Floats> = results.iter().map(|(_, result)| result.floats).collect();
    assert_eq!((builds[0], builds[15]), (Floats::Plain, Floats::Canonical), "only a NaN needs the canonical build");
    assert_eq!(results[14].1.output, Some(Output::Inline(b"hematoxylin".to_vec())));
    assert_eq!(results[11].1.log, b"said\n");
    assert_eq!(results[1].1.outcome, Outcome::GuestError { message: "the tile is not RGB".into() });
    let (merge, joined) = results.last().unwrap();
    assert_eq!((merge.call, &joined.outcome), (Call::MergeLast, &Outcome::Done), "some of its parts are missing");

    // From the beginning in the canonical build, as every further attempt is.
    for place in [0, 12, 15] {
        let (unit, first) = &results[place];
        let again = AnchorUnit { floats: Floats::Canonical, attempt: 2, ..unit.clone() };
        let second = rig.app().anchor.run(rig.app(), again).await.unwrap();
        assert_eq!((second.floats, second.attempt), (Floats::Canonical, 2));
        assert_eq!(unit.digest(&second).unwrap(), unit.digest(first).unwrap());
    }
    let canonical = JobSubmission { floats: Floats::Canonical, ..job };
    let results = compare(&rig, &canonical).await;
    assert!(
        results.iter().all(|(unit, result)| (unit.floats, result.floats) == (Floats::Canonical, Floats::Canonical))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_of_an_active_job_is_the_one_in_the_database() {
    let rig = Rig::start(|_| {}).await;
    let primes = rig.job("primes", Limits::default()).await;
    let split = Split::Range { from: 0, to: 3_000, per_unit: 1_000 };
    let (public_id, id) = rig.submit(&JobSubmission { split, ..primes }).await;
    let job = rig.app().active.find(&public_id).expect("nobody runs it");
    let loaded = AnchorUnit::load(rig.app(), id, work(1)).await.unwrap();
    let active = AnchorUnit::of_active(&job, work(1), 0, rig.input(id, work(1)).await);
    assert_eq!(format!("{loaded:?}"), format!("{active:?}"));
    assert_eq!(active.floats, Floats::Plain, "the job's own choice");
    let checked = AnchorUnit::of_active(&job, work(1), 2, active.input.clone());
    let checked = AnchorUnit { floats: Floats::Canonical, ..checked };
    let result = rig.app().anchor.run(rig.app(), active.clone()).await.unwrap();
    let Some(Output::Inline(output)) = &result.output else { panic!("{result:?}") };
    let output = String::from_utf8_lossy(output);
    assert!(output.contains("\"count\":135"), "primes from 1,000 to 2,000: {output}");
    let checked = rig.app().anchor.run(rig.app(), checked).await.unwrap();
    assert_eq!(active.digest(&checked).unwrap(), loaded.digest(&result).unwrap());
}
