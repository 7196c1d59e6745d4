//! Random lives: whatever happens in whatever order, counters match, ends are final, attempts only rise.

use std::sync::LazyLock;

use fallow_protocol::Digest;
use fallow_protocol::api::{JobPhase, UnitCounts, UnitState};
use fallow_protocol::job::{Assemble, OnFailed};
use fallow_protocol::manifest::Floats;
use fallow_protocol::outcome::{LimitKind, Outcome};
use proptest::prelude::*;

use super::*;
use crate::ids::{AccountNo, NodeNo};
use crate::trust::{Marks, Policy, Standing, Treatment};

const AUTHOR: AccountNo = AccountNo(100);

/// Node `n` belongs to account `n`; node 100 is the author's own.
fn report<'a>(node: i64, attempt: u32, outcome: &'a Outcome, digest: u8) -> Report<'a> {
    let digest = Digest([digest; 32]);
    let owner = AccountNo(node);
    let (fuel, floats, resumed_from, position) = (1, Floats::Plain, None, 1);
    Report {
        node: NodeNo(node),
        owner,
        attempt,
        outcome,
        digest,
        essence: digest,
        fuel,
        floats,
        resumed_from,
        position,
    }
}

/// Where everybody is trusted.
fn scene(others: Others) -> Scene<'static> {
    scene_with(others, Treatment::Provisional)
}

fn scene_with(others: Others, treatment: Treatment) -> Scene<'static> {
    static POLICY: LazyLock<Policy> = LazyLock::new(Policy::default);
    Scene { job_owner: Some(AUTHOR), others, treatment, policy: &POLICY, about: &about }
}

/// Each node is in a network of its own.
fn about(node: NodeNo) -> About {
    About { standing: Standing::Trusted, network: node.0 as u64, arch: 1, engine: 1, fault_position: 0 }
}

const HELD: Verdict = Verdict::Accepted(Basis::Believed { held: true });
const CHECK: Verdict = Verdict::Check { needed: 2 };

fn is_agreed(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Accepted(Basis::Agreed { .. }) | Verdict::Failed(Basis::Agreed { .. }))
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
    assert_eq!(run(&mut unit, 1, &Outcome::Done, 1, Others::Online), HELD);
    assert_eq!((unit.state, unit.on), (UnitState::Done, None));
}

#[test]
fn a_failure_is_confirmed_once_and_then_final() {
    for outcome in [trap(), Outcome::GuestError { message: "bad tile".into() }, limit(LimitKind::Fuel)] {
        let mut unit = Unit::default();
        assert_eq!(run(&mut unit, 1, &outcome, 7, Others::Online), CHECK);
        assert_eq!(unit.state, UnitState::Checking);
        assert!(unit.is_ready());
        assert!(is_agreed(run(&mut unit, 2, &outcome, 7, Others::Online)));
        assert_eq!((unit.state, unit.attempt), (UnitState::Failed, 2));
    }
}

fn limit(limit: LimitKind) -> Outcome {
    Outcome::Limit { limit, message: String::new() }
}

#[test]
fn two_that_disagree_are_decided_by_a_third() {
    for third in [1, 2] {
        let mut unit = Unit::default();
        assert_eq!(run(&mut unit, 1, &trap(), 1, Others::Online), CHECK);
        assert_eq!(run(&mut unit, 2, &Outcome::Done, 2, Others::Online), CHECK);
        let outcome = if third == 1 { trap() } else { Outcome::Done };
        let verdict = run(&mut unit, 3, &outcome, third, Others::Online);
        let (Verdict::Failed(basis) | Verdict::Accepted(basis)) = verdict else { panic!("{verdict:?}") };
        let Basis::Agreed { right, wrong, kept: false, frozen: None, .. } = basis else { panic!("{basis:?}") };
        assert_eq!(unit.state == UnitState::Failed, third == 1);
        assert_eq!((right.has(0), right.has(1), right.has(2)), (third == 1, third == 2, true));
        assert_eq!((wrong.has(0), wrong.has(1), wrong.has(2)), (third == 2, third == 1, false));
    }
}

#[test]
fn a_node_does_not_confirm_itself() {
    let mut unit = Unit::default();
    assert_eq!(run(&mut unit, 1, &trap(), 1, Others::Online), CHECK);
    assert_eq!(run(&mut unit, 1, &trap(), 1, Others::Online), CHECK);
    assert!(is_agreed(run(&mut unit, 2, &trap(), 1, Others::Online)));
}

#[test]
fn five_different_results_end_a_unit() {
    let mut unit = Unit::default();
    for node in 1..5 {
        assert_eq!(run(&mut unit, node, &trap(), node as u8, Others::Online), CHECK);
    }
    assert_eq!(run(&mut unit, 5, &Outcome::Done, 5, Others::Online), Verdict::Failed(Basis::Disputed));
}

#[test]
fn the_authors_own_node_needs_no_check_and_decides_one() {
    let mut unit = Unit::default();
    let own = Verdict::Failed(Basis::Believed { held: false });
    assert_eq!(run(&mut unit, 100, &trap(), 1, Others::Online), own);
    let mut unit = Unit::default();
    assert_eq!(run(&mut unit, 1, &trap(), 1, Others::Online), CHECK);
    assert!(is_agreed(run(&mut unit, 100, &Outcome::Done, 2, Others::Online)));
    assert_eq!(unit.state, UnitState::Done);
}

#[test]
fn alone_a_failure_stands_unconfirmed() {
    let mut unit = Unit::default();
    assert_eq!(run(&mut unit, 1, &trap(), 1, Others::None), Verdict::Failed(Basis::Unconfirmed));
    let mut unit = Unit::default();
    assert_eq!(run(&mut unit, 1, &trap(), 1, Others::Online), CHECK);
    let (verdict, change) = unit.nobody_else(&scene(Others::None)).unwrap().unwrap();
    assert_eq!((verdict, change.to), (Verdict::Failed(Basis::Unconfirmed), UnitState::Failed));
    assert!(verdict.is_of_first(true), "the claim says what happened");
    assert!(unit.claims.is_empty() && unit.nobody_else(&scene(Others::None)).is_err());
}

#[test]
fn a_stranger_is_checked_and_the_checks_say_who_was_right() {
    let check = scene_with(Others::Online, Treatment::Check { copies: 2 });
    let mut unit = Unit::default();
    for (node, digest, verdict) in [(1, 9, CHECK), (2, 5, CHECK)] {
        unit.lease(NodeNo(node)).unwrap();
        assert_eq!(unit.result(&report(node, unit.attempt, &Outcome::Done, digest), &check).0, verdict);
    }
    unit.lease(NodeNo(3)).unwrap();
    let (verdict, change) = unit.result(&report(3, 3, &Outcome::Done, 5), &check);
    let expected =
        Basis::Agreed { right: Marks(0b110), credited: Marks(0b110), wrong: Marks(0b1), kept: false, frozen: None };
    assert_eq!((verdict, change.to), (Verdict::Accepted(expected), UnitState::Done));
    assert_eq!(
        unit.recheck(stood(3)).map(|change| change.to),
        Ok(UnitState::Checking),
        "what stands can be checked later"
    );
    let alone = unit.nobody_else(&scene(Others::None)).unwrap().unwrap();
    assert_eq!((alone.0, alone.1.to), (Verdict::Accepted(Basis::Believed { held: false }), UnitState::Done));
}

#[test]
fn a_plain_build_refuted_by_canonical_ones_alone_blames_nobody() {
    let check = scene_with(Others::Online, Treatment::Check { copies: 2 });
    for (second, blamed) in [(Floats::Canonical, false), (Floats::Plain, true)] {
        let mut unit = Unit::default();
        let mut verdict = Verdict::Again;
        for (node, digest, floats) in [(1, 9, Floats::Plain), (2, 5, second), (3, 5, Floats::Canonical)] {
            unit.lease(NodeNo(node)).unwrap();
            let report = Report { floats, ..report(node, unit.attempt, &Outcome::Done, digest) };
            verdict = unit.result(&report, &check).0;
        }
        let Verdict::Accepted(Basis::Agreed { wrong, .. }) = verdict else { panic!("{verdict:?}") };
        assert_eq!(wrong.has(0), blamed, "{second:?}");
    }
}

#[test]
fn troubles_are_tried_again_up_to_their_limits() {
    for (outcome, max) in [(fault(), FAULTS_MAX), (Outcome::Lost, LOSSES_MAX), (Outcome::TimeLimit, TIMEOUTS_MAX)] {
        let mut unit = Unit::default();
        for _ in 1..max {
            assert_eq!(run(&mut unit, 1, &outcome, 0, Others::Online), Verdict::Again);
            assert_eq!(unit.state, UnitState::Again);
        }
        assert_eq!(run(&mut unit, 1, &outcome, 0, Others::Online), Verdict::Failed(Basis::Troubles));
    }
    let mut unit = Unit::default();
    let mut leases = 0;
    while !unit.has_ended() {
        unit.lease(NodeNo(1)).unwrap();
        unit.declined(NodeNo(1), unit.attempt, &scene(Others::Online));
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
    assert_eq!(unit.lost(late.0, late.1, &scene(Others::Online)).0, Verdict::Stale);
    assert!(unit.retry().is_err());
    assert_eq!(Troubles::unpack(Troubles { faults: 1, losses: 2, timeouts: 3, declines: 4 }.pack()).declines, 4);
    assert_eq!(Troubles::default().pack(), 0);
}

/// What a done unit's row says, as a claim.
fn stood(attempt: u32) -> Claim {
    let report = report(1, attempt, &Outcome::Done, 1);
    Claim { held: true, ..report.claim(2) }
}

/// Independent results that disagree are five at most.
const CLAIMS_MAX: usize = 5;

/// Something that happens to a unit.
#[derive(Clone, Debug)]
enum Event {
    Lease(i64),
    Result { node: i64, back: u32, outcome: u8, digest: u8, others: bool, draw: bool },
    Recheck,
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
        6 => (node.clone(), back.clone(), 0u8..7, 0u8..3, any::<bool>(), any::<bool>()).prop_map(
            |(node, back, outcome, digest, others, draw)| Event::Result { node, back, outcome, digest, others, draw }
        ),
        1 => Just(Event::Recheck),
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
        Event::Recheck => unit.recheck(stood(unit.attempt)).ok(),
        Event::Result { node, back, outcome: class, digest, others, draw } => {
            let others = if *others { Others::Online } else { Others::None };
            let outcome = outcome(*class);
            let report = report(*node, attempt(*back), &outcome, *digest);
            let treatment = if *draw { Treatment::Check { copies: 2 } } else { Treatment::Provisional };
            Some(unit.result(&report, &scene_with(others, treatment)).1)
        }
        Event::Lost { node, back } => Some(unit.lost(NodeNo(*node), attempt(*back), &scene(Others::Online)).1),
        Event::Declined { node, back } => Some(unit.declined(NodeNo(*node), attempt(*back), &scene(Others::Online)).1),
        Event::Cancel => Some(unit.cancel()),
        Event::NobodyElse => unit.nobody_else(&scene(Others::None)).ok().flatten().map(|(_, change)| change),
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
            prop_assert!(!before.has_ended() || before.state == unit.state || matches!(event, Event::Retry | Event::Recheck));
            let stays = before.state != UnitState::Done || matches!(event, Event::Recheck) || unit == &before;
            prop_assert!(stays, "done is done");
            prop_assert_eq!(unit.state == UnitState::Running, unit.on.is_some() && unit.state != UnitState::Checking);
            prop_assert_eq!(unit.state == UnitState::Checking, !unit.claims.is_empty());
            prop_assert!(unit.claims.len() < CLAIMS_MAX);
            prop_assert!(before.claims.first().is_none_or(|claim| !claim.held) || unit.state != UnitState::Failed
                || before.claims.len() > 1 || matches!(event, Event::Result { .. }), "what stood fails only by another result");
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
