//! Random lives: whatever happens in whatever order, counters match, ends are final, attempts only rise.

use fallow_protocol::Digest;
use fallow_protocol::api::{JobPhase, UnitCounts, UnitState};
use fallow_protocol::job::{Assemble, OnFailed};
use fallow_protocol::outcome::{LimitKind, Outcome};
use proptest::prelude::*;

use super::*;
use crate::ids::{AccountNo, NodeNo};

const AUTHOR: AccountNo = AccountNo(100);

/// Node `n` belongs to account `n`; node 100 is the author's own.
fn report<'a>(node: i64, attempt: u32, outcome: &'a Outcome, digest: u8) -> Report<'a> {
    Report { node: NodeNo(node), owner: AccountNo(node), attempt, outcome, digest: Digest([digest; 32]) }
}

fn scene(others: Others) -> Scene {
    Scene { job_owner: Some(AUTHOR), others }
}

fn trap() -> Outcome {
    Outcome::Trap { message: "unreachable".into() }
}

fn fault() -> Outcome {
    Outcome::HostFault { message: "no disk".into() }
}

/// Lease to `node` and report at once.
fn run(unit: &mut Unit, node: i64, outcome: &Outcome, digest: u8, others: Others) -> Verdict {
    unit.lease(NodeNo(node)).unwrap();
    unit.result(&report(node, unit.attempt, outcome, digest), &scene(others)).0
}

#[test]
fn a_done_unit_is_believed() {
    let mut unit = Unit::default();
    assert_eq!(run(&mut unit, 1, &Outcome::Done, 1, Others::Online), Verdict::Accepted);
    assert_eq!((unit.state, unit.on), (UnitState::Done, None));
}

#[test]
fn a_failure_is_confirmed_once_and_then_final() {
    for outcome in [trap(), Outcome::GuestError { message: "bad tile".into() }, limit(LimitKind::Fuel)] {
        let mut unit = Unit::default();
        assert_eq!(run(&mut unit, 1, &outcome, 7, Others::Online), Verdict::Check);
        assert_eq!(unit.state, UnitState::Checking);
        assert!(unit.is_ready());
        assert_eq!(run(&mut unit, 2, &outcome, 7, Others::Online), Verdict::Failed { unconfirmed: false });
        assert_eq!((unit.state, unit.attempt), (UnitState::Failed, 2));
    }
}

fn limit(limit: LimitKind) -> Outcome {
    Outcome::Limit { limit, message: String::new() }
}

#[test]
fn two_that_disagree_are_decided_by_a_third() {
    for (third, verdict) in [(1, Verdict::Failed { unconfirmed: false }), (2, Verdict::Accepted)] {
        let mut unit = Unit::default();
        assert_eq!(run(&mut unit, 1, &trap(), 1, Others::Online), Verdict::Check);
        assert_eq!(run(&mut unit, 2, &Outcome::Done, 2, Others::Online), Verdict::Check);
        let outcome = if third == 1 { trap() } else { Outcome::Done };
        assert_eq!(run(&mut unit, 3, &outcome, third, Others::Online), verdict);
    }
}

#[test]
fn a_node_does_not_confirm_itself() {
    let mut unit = Unit::default();
    assert_eq!(run(&mut unit, 1, &trap(), 1, Others::Online), Verdict::Check);
    assert_eq!(run(&mut unit, 1, &trap(), 1, Others::Online), Verdict::Check);
    assert_eq!(run(&mut unit, 2, &trap(), 1, Others::Online), Verdict::Failed { unconfirmed: false });
}

#[test]
fn five_different_results_end_a_unit() {
    let mut unit = Unit::default();
    for node in 1..5 {
        assert_eq!(run(&mut unit, node, &trap(), node as u8, Others::Online), Verdict::Check);
    }
    assert_eq!(run(&mut unit, 5, &Outcome::Done, 5, Others::Online), Verdict::Failed { unconfirmed: true });
}

#[test]
fn the_authors_own_node_needs_no_check_and_decides_one() {
    let mut unit = Unit::default();
    assert_eq!(run(&mut unit, 100, &trap(), 1, Others::Online), Verdict::Failed { unconfirmed: false });
    let mut unit = Unit::default();
    assert_eq!(run(&mut unit, 1, &trap(), 1, Others::Online), Verdict::Check);
    assert_eq!(run(&mut unit, 100, &Outcome::Done, 2, Others::Online), Verdict::Accepted);
}

#[test]
fn alone_a_failure_stands_unconfirmed() {
    let mut unit = Unit::default();
    assert_eq!(run(&mut unit, 1, &trap(), 1, Others::None), Verdict::Failed { unconfirmed: true });
    let mut unit = Unit::default();
    assert_eq!(run(&mut unit, 1, &trap(), 1, Others::Online), Verdict::Check);
    let (claim, change) = unit.nobody_else().unwrap();
    assert_eq!((claim.unwrap().attempt, change.to), (1, UnitState::Failed));
    assert!(unit.claims.is_empty() && unit.nobody_else().is_err());
}

#[test]
fn troubles_are_tried_again_up_to_their_limits() {
    for (outcome, max) in [(fault(), FAULTS_MAX), (Outcome::Lost, LOSSES_MAX), (Outcome::TimeLimit, TIMEOUTS_MAX)] {
        let mut unit = Unit::default();
        for _ in 1..max {
            assert_eq!(run(&mut unit, 1, &outcome, 0, Others::Online), Verdict::Again);
            assert_eq!(unit.state, UnitState::Again);
        }
        assert_eq!(run(&mut unit, 1, &outcome, 0, Others::Online), Verdict::Failed { unconfirmed: false });
    }
    let mut unit = Unit::default();
    let mut leases = 0;
    while !unit.has_ended() {
        unit.lease(NodeNo(1)).unwrap();
        unit.declined(NodeNo(1), unit.attempt);
        leases += 1;
    }
    assert_eq!(leases, u32::from(LOSSES_MAX) * u32::from(DECLINES_A_LOSS));
}

#[test]
fn a_lost_check_stays_a_check() {
    let mut unit = Unit::default();
    run(&mut unit, 1, &trap(), 1, Others::Online);
    assert_eq!(run(&mut unit, 2, &Outcome::Lost, 0, Others::Online), Verdict::Again);
    assert_eq!((unit.state, unit.claims.len()), (UnitState::Checking, 1));
}

#[test]
fn a_retry_forgets_troubles_but_not_the_attempts() {
    let mut unit = Unit::default();
    run(&mut unit, 1, &trap(), 1, Others::None);
    let late = (NodeNo(1), unit.attempt);
    assert_eq!(unit.retry().unwrap(), Change { from: UnitState::Failed, to: UnitState::Again });
    unit.lease(NodeNo(1)).unwrap();
    assert_eq!(unit.lost(late.0, late.1).0, Verdict::Stale);
    assert!(unit.retry().is_err());
    assert_eq!(Troubles::unpack(Troubles { faults: 1, losses: 2, timeouts: 3, declines: 4 }.pack()).declines, 4);
    assert_eq!(Troubles::default().pack(), 0);
}

/// Something that happens to a unit.
#[derive(Clone, Debug)]
enum Event {
    Lease(i64),
    Result { node: i64, back: u32, outcome: u8, digest: u8, others: bool },
    Lost { node: i64, back: u32 },
    Declined { node: i64, back: u32 },
    Cancel,
    NobodyElse,
    Retry,
}

fn event() -> impl Strategy<Value = Event> {
    let node = prop_oneof![1i64..5, Just(100)];
    let back = prop_oneof![4 => Just(0u32), 1 => 1u32..3];
    prop_oneof![
        6 => node.clone().prop_map(Event::Lease),
        6 => (node.clone(), back.clone(), 0u8..7, 0u8..3, any::<bool>()).prop_map(
            |(node, back, outcome, digest, others)| Event::Result { node, back, outcome, digest, others }
        ),
        2 => (node.clone(), back.clone()).prop_map(|(node, back)| Event::Lost { node, back }),
        1 => (node, back).prop_map(|(node, back)| Event::Declined { node, back }),
        1 => Just(Event::Cancel),
        1 => Just(Event::NobodyElse),
        1 => Just(Event::Retry),
    ]
}

fn outcome(class: u8) -> Outcome {
    match class {
        0 => Outcome::Done,
        1 => trap(),
        2 => Outcome::GuestError { message: "no".into() },
        3 => limit(LimitKind::Memory),
        4 => Outcome::TimeLimit,
        5 => fault(),
        _ => Outcome::Lost,
    }
}

/// Let it happen; the change, where there was one.
fn happen(unit: &mut Unit, event: &Event) -> Option<Change> {
    let attempt = |back: u32| unit.attempt.saturating_sub(back);
    match event {
        Event::Lease(node) => unit.lease(NodeNo(*node)).ok(),
        Event::Result { node, back, outcome: class, digest, others } => {
            let others = if *others { Others::Online } else { Others::None };
            let outcome = outcome(*class);
            let report = report(*node, attempt(*back), &outcome, *digest);
            Some(unit.result(&report, &scene(others)).1)
        }
        Event::Lost { node, back } => Some(unit.lost(NodeNo(*node), attempt(*back)).1),
        Event::Declined { node, back } => Some(unit.declined(NodeNo(*node), attempt(*back)).1),
        Event::Cancel => Some(unit.cancel()),
        Event::NobodyElse => unit.nobody_else().ok().map(|(_, change)| change),
        Event::Retry => unit.retry().ok(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn any_life_keeps_the_invariants(events in proptest::collection::vec((0usize..3, event()), 0..120)) {
        let mut units = vec![Unit::default(); 3];
        let mut counts = UnitCounts { waiting: 3, ..UnitCounts::default() };
        for (index, event) in events {
            let unit = &mut units[index];
            let before = unit.clone();
            let change = happen(unit, &event);
            if let Some(change) = change {
                prop_assert_eq!((change.from, change.to), (before.state, unit.state));
                change.apply(&mut counts);
            } else {
                prop_assert_eq!(&before, &*unit, "an impossible step changed something");
            }
            prop_assert!(unit.attempt >= before.attempt && unit.attempt <= before.attempt + 1);
            prop_assert!(!before.has_ended() || before.state == unit.state || matches!(event, Event::Retry));
            prop_assert!(before.state != UnitState::Done || unit == &before, "done is done");
            prop_assert_eq!(unit.state == UnitState::Running, unit.on.is_some() && unit.state != UnitState::Checking);
            prop_assert_eq!(unit.state == UnitState::Checking, !unit.claims.is_empty());
            prop_assert!(unit.claims.len() < CLAIMS_MAX);
            prop_assert!(unit.is_ready() || unit.on.is_some() || unit.has_ended(), "a unit is always somewhere");
            let is_stale = match &event {
                Event::Result { node, back, .. } | Event::Lost { node, back } | Event::Declined { node, back } =>
                    before.on != Some(NodeNo(*node)) || *back > 0 && before.attempt > 0,
                _ => false,
            };
            prop_assert!(!is_stale || unit == &before, "a stale report changes nothing");
        }
        for unit in &units {
            *count(&mut counts, unit.state) -= 1;
        }
        prop_assert_eq!(counts, UnitCounts::default());
    }

    /// Whoever is asked, each unit ends within a bounded number of attempts.
    #[test]
    fn every_life_ends(outcomes in proptest::collection::vec((1i64..20, 0u8..7, 0u8..3), 400)) {
        let mut unit = Unit::default();
        for (node, class, digest) in outcomes {
            if unit.has_ended() {
                break;
            }
            run(&mut unit, node, &outcome(class), digest, Others::Online);
        }
        prop_assert!(unit.has_ended());
        prop_assert!(unit.attempt <= u32::from(FAULTS_MAX + LOSSES_MAX + TIMEOUTS_MAX) + CLAIMS_MAX as u32);
    }
}

fn job(stage: u16, on_failed: OnFailed, assemble: Assemble) -> JobLife {
    JobLife { phase: JobPhase::Running, stage, split_done: true, on_failed, assemble }
}

fn ended(done: u64, failed: u64, left_out: u64) -> UnitCounts {
    UnitCounts { done, failed, left_out, ..UnitCounts::default() }
}

#[test]
fn a_job_goes_on_when_its_units_have_ended() {
    let archive = job(1, OnFailed::Stop, Assemble::Archive);
    let merge = job(1, OnFailed::LeaveOut { permille_max: 100 }, Assemble::Merge);
    assert_eq!(job_step(&archive, &ended(3, 0, 0)), JobStep::Assemble);
    assert_eq!(job_step(&archive, &UnitCounts { running: 1, ..ended(3, 0, 0) }), JobStep::Wait);
    assert_eq!(job_step(&archive, &UnitCounts::default()), JobStep::Wait);
    assert_eq!(job_step(&JobLife { split_done: false, ..archive }, &ended(3, 0, 0)), JobStep::Wait);
    assert_eq!(job_step(&JobLife { phase: JobPhase::Assembling, ..archive }, &ended(3, 0, 0)), JobStep::Wait);
    assert_eq!(job_step(&archive, &ended(2, 1, 0)), JobStep::Fail(JobFailure::Stopped));
    let level = merge_level(300, 256);
    assert_eq!(job_step(&merge, &ended(290, 0, 10)), JobStep::Merge { stage: 2, level });
    assert_eq!(
        job_step(&JobLife { stage: 2, ..merge }, &ended(2, 0, 0)),
        JobStep::Merge { stage: 3, level: merge_level(2, 256) }
    );
    assert_eq!(job_step(&JobLife { stage: 3, ..merge }, &ended(1, 0, 0)), JobStep::Assemble);
    assert_eq!(job_step(&JobLife { stage: 3, ..merge }, &ended(0, 1, 0)), JobStep::Fail(JobFailure::Merge));
    assert_eq!(job_step(&JobLife { stage: 0, ..merge }, &ended(1, 0, 0)), JobStep::CutUnits);
    assert_eq!(job_step(&JobLife { stage: 0, ..merge }, &ended(0, 1, 0)), JobStep::Fail(JobFailure::Split));
}

#[test]
fn failed_units_are_left_out_up_to_the_share() {
    let leave = job(1, OnFailed::LeaveOut { permille_max: 100 }, Assemble::Concat);
    let at =
        |failed, left_out| UnitCounts { waiting: 20 - failed - left_out, failed, left_out, ..UnitCounts::default() };
    assert_eq!(after_failure(&leave, 1, &at(1, 1)), AfterFailure { unit: UnitState::LeftOut, job: None });
    let failure = JobFailure::TooManyLeftOut { left_out: 3, total: 20, permille_max: 100 };
    assert_eq!(after_failure(&leave, 1, &at(1, 2)), AfterFailure { unit: UnitState::Failed, job: Some(failure) });
    let growing = JobLife { split_done: false, ..leave };
    assert_eq!(after_failure(&growing, 1, &at(1, 2)).job, None, "the total still grows");
    assert_eq!(job_step(&leave, &ended(17, 0, 3)), JobStep::Fail(failure), "and is looked at when it stands");
    assert_eq!(after_failure(&leave, 2, &at(1, 0)).job, Some(JobFailure::Merge));
    assert_eq!(after_failure(&leave, 0, &at(1, 0)).job, Some(JobFailure::Split));
    let all = job(1, OnFailed::LeaveOut { permille_max: 1_000 }, Assemble::Concat);
    assert_eq!(job_step(&all, &ended(0, 0, 5)), JobStep::Fail(JobFailure::NothingLeft));
}

#[test]
fn phases_rise_and_only_a_retry_goes_back() {
    use JobPhase::*;
    assert_eq!(rise(Splitting, Running), Ok(Running));
    assert_eq!(rise(Running, Cancelled), Ok(Cancelled));
    for (from, to) in [(Running, Running), (Assembling, Running), (Done, Failed), (Failed, Cancelled)] {
        assert!(rise(from, to).is_err(), "{from:?} to {to:?}");
    }
    let failed = JobLife { phase: Failed, ..job(1, OnFailed::Stop, Assemble::Archive) };
    assert_eq!(retry_job(&failed, &ended(1, 2, 3)), Ok(Retry { phase: Running, stage: 1, units: 5 }));
    let split = JobLife { stage: 0, split_done: false, ..failed };
    assert_eq!(retry_job(&split, &ended(0, 1, 0)).unwrap().phase, Splitting);
    for phase in [Done, Cancelled, Assembling] {
        assert!(retry_job(&JobLife { phase, ..failed }, &ended(1, 2, 0)).is_err());
    }
    assert!(retry_job(&failed, &ended(3, 0, 0)).is_err());
    assert!(past_deadline(Running, Some(5), 5) && !past_deadline(Running, Some(5), 4));
    assert!(!past_deadline(Done, Some(5), 9) && !past_deadline(Running, None, 9));
}
