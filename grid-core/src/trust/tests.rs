//! Rules of trust by example.

use proptest::prelude::*;

use super::properties::claim;
use super::*;

const NOW_MS: i64 = 1_800_000_000_000;
const DAY_MS: i64 = 86_400_000;
use Standing::{Anchor, Probation, Trusted};

/// A node with so many results and passed checks, the newest of them last.
fn node(results: u64, passes: u32) -> Record {
    let mut record = Record::default();
    for _ in 0..results {
        record.result(NOW_MS);
    }
    (0..u64::from(passes)).for_each(|back| record.passed(results.saturating_sub(u64::from(passes) - 1 - back)));
    record
}

fn decided(claims: &[ClaimView]) -> Decision {
    decide(&Policy::default(), 2, claims)
}

fn marks(indices: &[usize]) -> Marks {
    Marks(indices.iter().fold(0, |marks, index| marks | 1 << index))
}

#[test]
fn two_equal_words_of_different_owners_are_needed() {
    let first = claim(1, 7, Probation);
    let wanted = Decision::Another { referee: false, like: None };
    assert_eq!(decided(&[first]), wanted);
    let brother = ClaimView { owner: first.owner, ..claim(2, 7, Trusted) };
    assert_eq!(decided(&[first, brother]), wanted, "one owner's two nodes are one word");
    let all = marks(&[0, 1]);
    let accepted = |credited| Decision::Accept { index: 1, right: all, credited, wrong: Marks::default() };
    assert_eq!(decide_alone(&Policy::default(), &[first, brother]), Some(accepted(Marks::default())));
    assert_eq!(decided(&[first, claim(2, 7, Trusted)]), accepted(marks(&[0])), "a newcomer vouches for nobody");
    assert_eq!(decide_alone(&Policy::default(), &[first]), None);
}

#[test]
fn a_third_decides_and_an_anchor_at_once() {
    let (one, other) = (claim(1, 7, Trusted), claim(2, 8, Trusted));
    assert_eq!(decided(&[one, other]), Decision::Another { referee: true, like: None });
    let Decision::Accept { right, wrong, .. } = decided(&[one, other, claim(3, 8, Trusted)]) else { panic!() };
    assert_eq!((right, wrong), (marks(&[1, 2]), marks(&[0])));
    let plot = [claim(1, 7, Trusted), claim(2, 7, Trusted), claim(3, 8, Anchor)];
    let Decision::Accept { index: 2, wrong, .. } = decided(&plot) else { panic!("an anchor is outvoted") };
    assert_eq!(wrong, marks(&[0, 1]));
    let all: Vec<_> = (0..5).map(|n| claim(n, n as u8, Trusted)).collect();
    assert_eq!(decided(&all), Decision::GiveUp, "the task is not deterministic");
    assert!(matches!(decided(&all[..4]), Decision::Another { .. }));
}

#[test]
fn void_words_do_not_count_and_resumed_ones_are_not_punished() {
    let void = ClaimView { void: true, ..claim(1, 7, Trusted) };
    assert!(matches!(decided(&[void, claim(2, 7, Trusted)]), Decision::Another { .. }));
    let mut resumed = claim(1, 9, Trusted);
    resumed.resumed = true;
    let Decision::Accept { wrong, .. } = decided(&[resumed, claim(2, 7, Trusted), claim(3, 7, Trusted)]) else {
        panic!()
    };
    assert!(wrong.is_empty());
    resumed.output = claim(2, 7, Trusted).output;
    assert!(matches!(decided(&[resumed, claim(2, 7, Trusted)]), Decision::Accept { .. }), "by output alone");
}

#[test]
fn what_follows_the_processor_punishes_nobody() {
    let arm = |n, value| ClaimView { arch: 2, ..claim(n, value, Trusted) };
    let claims = [arm(1, 9), claim(2, 7, Trusted), claim(3, 7, Trusted), arm(4, 9), arm(5, 7)];
    let like = Some(Like::Arch(2));
    assert_eq!(decided(&claims[..3]), Decision::Another { referee: true, like });
    assert_eq!(decided(&claims[..4]), Decision::Another { referee: true, like: None }, "two against two");
    let same = [claims[0], claims[1], claims[2], arm(4, 7)];
    let Decision::Accept { wrong, .. } = decided(&same) else { panic!("its like says otherwise: it lied") };
    assert_eq!(wrong, marks(&[0]));
    let split = [claims[0], claims[1], claims[2], claims[3], claim(6, 7, Trusted)];
    assert_eq!(decided(&split), Decision::Frozen(Like::Arch(2)));
}

#[test]
fn the_second_strike_bans_or_quarantines_by_rate() {
    let policy = Policy::default();
    let mut liar = node(100, 30);
    let first = liar.fault(&policy, 100, NOW_MS);
    assert_eq!((first.strike, first.sanction), (true, Sanction::Probation));
    assert_eq!(liar.passes, 0);
    assert!(!liar.fault(&policy, 99, NOW_MS).strike, "handed in before: the same strike");
    let position = liar.result(NOW_MS);
    assert_eq!(liar.fault(&policy, position, NOW_MS + 89 * DAY_MS).sanction, Sanction::Banned);
    let mut flaky = node(1_000, 300);
    flaky.fault(&policy, 1_000, NOW_MS);
    let position = flaky.result(NOW_MS);
    let sanction = flaky.fault(&policy, position, NOW_MS + DAY_MS).sanction;
    assert_eq!(sanction, Sanction::Quarantined { until_ms: NOW_MS + DAY_MS + policy.quarantine_ms });
    (0..30).for_each(|_| flaky.reviewed(false));
    assert_eq!(flaky.review_ended(&policy, NOW_MS + 2 * DAY_MS), Sanction::Banned, "it was no accident");
    let mut seldom = node(1_000, 300);
    seldom.fault(&policy, 1_000, NOW_MS);
    let position = seldom.result(NOW_MS);
    assert_eq!(seldom.fault(&policy, position, NOW_MS + 91 * DAY_MS).sanction, Sanction::Probation);
}

#[test]
fn owners_answer_for_their_nodes() {
    let policy = Policy::default();
    let (mut owner, good) = (OwnerRecord::default(), node(1_000, 200));
    let before = check_ppm(&policy, &good, &owner, NOW_MS);
    let mut bad = node(50, 20);
    owner.fault(&policy, &bad.fault(&policy, 50, NOW_MS), NOW_MS);
    assert_eq!(check_ppm(&policy, &good, &owner, NOW_MS), 2 * before);
    assert_eq!(standing(&policy, &node(100, 30), &owner, NOW_MS), Probation, "it needs twice as many");
    assert_eq!(standing(&policy, &node(100, 30), &owner, NOW_MS + 90 * DAY_MS), Trusted);
    assert_eq!([(); 3].map(|()| owner.node_banned(&policy)), [false, false, true]);
    assert_eq!(standing(&policy, &Record::default(), &owner, NOW_MS), Standing::Banned { owner: true });
}

#[test]
fn results_are_final_behind_the_window() {
    let policy = Policy::default();
    let mut record = node(1_500, 0);
    assert!(!is_final(&policy, &record, 100, i64::MAX), "no check after it");
    record.passed(400);
    assert!(is_final(&policy, &record, 400, 0) && !is_final(&policy, &record, 401, 0));
    record.passed(1_500);
    assert!(is_final(&policy, &record, 500, 0) && !is_final(&policy, &record, 501, 0));
    (1_400..1_404).for_each(|position| record.passed(position));
    assert!(is_final(&policy, &record, 1_400, 7 * DAY_MS) && !is_final(&policy, &record, 1_401, 7 * DAY_MS));
    assert_eq!(stale_sample(&policy, 7, 6 * DAY_MS), None);
    assert_eq!([7, 900].map(|left| stale_sample(&policy, left, 7 * DAY_MS)), [Some(7), Some(20)]);
}

#[test]
fn a_sweep_counts_checks_of_other_jobs() {
    let policy = Policy::default();
    assert_eq!(sweep_size(&policy, &node(1_000, 0), 50), 5);
    assert_eq!(sweep_size(&policy, &node(1_000, 3), 50), 2);
    assert_eq!([1, 0].map(|left| sweep_size(&policy, &node(1_000, 0), left)), [1, 0]);
    let mut idle = node(1_000, 5);
    assert_eq!(sweep_size(&policy, &idle, 50), 0);
    for _ in 0..300 {
        idle.result(NOW_MS);
    }
    assert_eq!(sweep_size(&policy, &idle, 50), 5, "they are long ago");
}

#[test]
fn small_grids_go_on() {
    let scene = Scene::default();
    let treated =
        |policy: &Policy, scene| treat(policy, &scene, &Record::default(), &OwnerRecord::default(), 0, NOW_MS);
    assert_eq!(treated(&Policy::of(GridKind::Own), scene), Treatment::Final);
    let own = Scene { own: true, ..scene };
    assert_eq!(treated(&Policy::default(), own), Treatment::Final);
    assert_eq!(treated(&Policy::default(), Scene { critical: true, ..scene }), Treatment::Check { copies: 3 });
    assert_eq!(alone(&Policy::of(GridKind::Members), Probation), Alone::Hold);
    assert_eq!([Probation, Trusted].map(|it| alone(&Policy::default(), it)), [Alone::Wait, Alone::Hold]);
    assert_eq!(units_max(&Policy::default(), Probation, false), None, "nobody else is there");
    assert!(Door::default().admits(&Policy::default(), 99, 0) && !Door::default().admits(&Policy::default(), 99, 1));
}

fn candidate(n: i64, standing: Standing, passes: u32) -> Candidate {
    let claim = claim(n, 0, standing);
    let (node, owner, network) = (claim.node, claim.owner, claim.network);
    Candidate { node, owner, network, standing, seasoned: true, passes, arch: 1, engine: 1 }
}

#[test]
fn the_best_partner_is_strange_and_trusted() {
    let policy = Policy::default();
    let claims = [claim(1, 7, Probation)];
    let rank = |candidate: &Candidate, referee| partner(&policy, &claims, candidate, referee);
    let good = candidate(2, Trusted, 200);
    let near = Candidate { network: 1, ..good };
    let brother = Candidate { owner: claims[0].owner, ..good };
    let best_first = [
        Candidate { arch: 2, ..good },
        good,
        candidate(2, Trusted, 30),
        candidate(2, Anchor, 0),
        near,
        candidate(2, Probation, 3),
        brother,
    ];
    assert!(best_first.map(|it| rank(&it, false).unwrap()).is_sorted());
    assert!(
        rank(&candidate(2, Anchor, 0), true).unwrap() < rank(&good, true).unwrap(),
        "a referee is an anchor at best"
    );
    assert_eq!(rank(&candidate(1, Trusted, 200), false), Err(Unfit::Claimed));
    assert_eq!(rank(&candidate(2, Standing::Banned { owner: false }, 200), false), Err(Unfit::Barred));
    let words = |it: &Candidate| limits(rank(it, false).ok());
    assert_eq!(words(&good), []);
    assert_eq!(words(&near), [CheckLimit::NoSecondNetwork]);
    assert_eq!(words(&brother), [CheckLimit::NoSecondOwner]);
    assert_eq!(limits(None), [CheckLimit::NoOtherNode]);
}

#[test]
fn the_door_opens_with_good_newcomers_and_closes_with_strikes() {
    let policy = Policy::default();
    let open = (0..2_000).fold(Door::default(), |door, _| door.passed());
    assert_eq!(open.width(&policy), 100);
    assert_eq!(open.struck(&policy).width(&policy), 88);
    let cycle = |door: Door| (0..policy.established_passes).fold(door, |door, _| door.passed()).struck(&policy);
    assert_eq!((0..200).fold(open, |door, _| cycle(door)).width(&policy), policy.newcomers_min);
}

#[test]
fn only_the_share_is_checked_that_is_owed() {
    let policy = Policy::default();
    for (passes, ppm) in [(0, 1_000_000), (19, 1_000_000), (20, 100_000), (40, 50_000), (80, 25_000), (9_999, 25_000)] {
        assert_eq!(check_ppm(&policy, &node(20_000, passes), &OwnerRecord::default(), NOW_MS), ppm, "{passes} passed");
    }
}

fn any_claims() -> impl Strategy<Value = Vec<ClaimView>> {
    let standing = prop_oneof![6 => Just(Trusted), 2 => Just(Probation), 1 => Just(Anchor)];
    let one = (0i64..4, 0u8..3, standing, any::<[bool; 3]>()).prop_map(|(owner, value, standing, flags)| ClaimView {
        arch: u32::from(flags[0]),
        resumed: flags[1] && flags[2],
        ..claim(owner, value, standing)
    });
    proptest::collection::vec(one, 1..6).prop_map(|mut claims| {
        claims.iter_mut().zip(100..).for_each(|(claim, node)| claim.node = crate::NodeNo(node));
        claims
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn decisions_are_sound(claims in any_claims(), needed in 1u8..4) {
        let policy = Policy::default();
        match decide(&policy, needed, &claims) {
            Decision::Accept { index, right, credited, wrong } => {
                prop_assert!(right.has(index) && right.0 & wrong.0 == 0 && credited.0 & !right.0 == 0);
                let owners: std::collections::HashSet<_> = right.iter().map(|at| claims[at].owner).collect();
                let anchored = right.iter().any(|at| claims[at].standing == Anchor);
                prop_assert!(anchored || owners.len() >= usize::from(needed.min(3)));
                prop_assert!(credited.is_empty() || owners.len() > 1, "nobody vouches for himself");
                prop_assert!(wrong.iter().all(|at| claims[at].standing != Anchor), "an anchor is outvoted");
            }
            Decision::Another { .. } => prop_assert!(claims.len() < usize::from(policy.executors_max)),
            Decision::GiveUp => prop_assert!(claims.len() >= usize::from(policy.executors_max)),
            Decision::Frozen(_) => prop_assert!(claims.len() >= 4),
        }
    }

    #[test]
    fn finality_only_grows_with_age(results in 1u64..4_000, passes in 0u32..9, position in 1u64..4_000, age in 0i64..20) {
        let (policy, record) = (Policy::default(), node(results, passes));
        let at = |days: i64| is_final(&policy, &record, position, days * DAY_MS);
        prop_assert!(!at(age) || at(age + 1));
        prop_assert!(!at(age) || position <= record.passed_position(), "final without a passed check after it");
    }
}
