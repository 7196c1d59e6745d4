//! Every row of the table of who pays for what.

use fallow_protocol::outcome::LimitKind;
use proptest::prelude::*;

use super::*;

const AUTHOR: AccountNo = AccountNo(100);
const LIMIT: u64 = 1_000;

/// Attempts 1, 2, … on nodes 1, 2, … of owners 1, 2, …
fn attempts(ends: &[(Role, End)]) -> Vec<Attempt> {
    let attempt = |(n, (role, end)): (u32, &(Role, End))| {
        let (node, owner) = (NodeNo(n.into()), AccountNo(n.into()));
        Attempt { attempt: n, node, owner, role: *role, end: *end }
    };
    (1..).zip(ends).map(attempt).collect()
}

fn settled(ended: Ended, attempts: &[Attempt]) -> Vec<(u32, Payer, u64)> {
    let unit = Unit { author: AUTHOR, fuel_limit: LIMIT, ended, attempts };
    settle(&unit).iter().map(|pay| (pay.attempt, pay.payer, pay.fuel)).collect()
}

fn check(ended: Ended, ends: &[(Role, End)], wanted: &[(u32, Payer, u64)]) {
    assert_eq!(settled(ended, &attempts(ends)), wanted, "{ended:?} {ends:?}");
}

fn right(fuel: u64) -> End {
    End::Result { fuel, right: true, resumed: false }
}

fn wrong(fuel: u64) -> End {
    End::Result { fuel, right: false, resumed: false }
}

fn resumed(fuel: u64) -> End {
    End::Result { fuel, right: true, resumed: true }
}

use Payer::{Author, Grid};
use Role::{Backup, Check, Work};

#[test]
fn the_author_pays_a_done_unit_once() {
    check(Ended::Done, &[(Work, right(70))], &[(1, Author, 70)]);
}

#[test]
fn the_grid_pays_checks_of_done_units() {
    check(Ended::Done, &[(Work, right(70)), (Check, right(70))], &[(1, Author, 70), (2, Grid, 70)]);
    let three = [(Work, right(70)), (Check, right(70)), (Check, right(70))];
    check(Ended::Done, &three, &[(1, Author, 70), (2, Grid, 70), (3, Grid, 70)]);
}

#[test]
fn wrong_results_are_paid_by_nobody_and_the_author_pays_one_that_is_right() {
    let referee = [(Work, wrong(999)), (Check, right(70)), (Check, right(70))];
    check(Ended::Done, &referee, &[(2, Author, 70), (3, Grid, 70)]);
    let checker = [(Work, right(70)), (Check, wrong(1)), (Check, right(70))];
    check(Ended::Done, &checker, &[(1, Author, 70), (3, Grid, 70)]);
}

#[test]
fn the_author_pays_both_runs_of_a_confirmed_failure() {
    check(Ended::Failed, &[(Work, right(40)), (Check, right(40))], &[(1, Author, 40), (2, Author, 40)]);
    check(
        Ended::Failed,
        &[(Work, wrong(3)), (Check, right(40)), (Check, right(40))],
        &[(2, Author, 40), (3, Author, 40)],
    );
}

#[test]
fn the_author_pays_a_failure_that_nobody_could_confirm() {
    check(Ended::Failed, &[(Work, right(40))], &[(1, Author, 40)]);
}

#[test]
fn guest_errors_traps_and_limits_are_results_and_host_faults_and_losses_are_not() {
    let message = String::new;
    for outcome in [
        Outcome::Done,
        Outcome::GuestError { message: message() },
        Outcome::Trap { message: message() },
        Outcome::Limit { limit: LimitKind::Fuel, message: message() },
    ] {
        assert_eq!(End::of(&outcome, 5, true, false), right(5));
    }
    assert_eq!(End::of(&Outcome::TimeLimit, 5, true, false), End::TimeLimit { fuel: 5 });
    assert_eq!(End::of(&Outcome::HostFault { message: message() }, 5, true, false), End::Nothing);
    assert_eq!(End::of(&Outcome::Lost, 5, true, false), End::Nothing);
}

#[test]
fn a_time_limit_is_paid_to_both_nodes_by_the_smaller_claim() {
    let late = |fuel| (Work, End::TimeLimit { fuel });
    check(Ended::TimeLimit, &[late(90), late(60)], &[(1, Author, 60), (2, Author, 60)]);
    check(Ended::TimeLimit, &[late(5_000), late(9_000)], &[(1, Author, LIMIT), (2, Author, LIMIT)]);
    check(Ended::TimeLimit, &[late(0), late(9_000)], &[]);
}

#[test]
fn one_owner_alone_is_not_paid_for_a_time_limit() {
    let late = |fuel| (Work, End::TimeLimit { fuel });
    check(Ended::TimeLimit, &[late(90)], &[]);
    let mut twice = attempts(&[late(90), late(60)]);
    twice[1].owner = twice[0].owner;
    assert_eq!(settled(Ended::TimeLimit, &twice), []);
    check(Ended::Done, &[late(90), (Work, right(70))], &[(2, Author, 70)]);
}

#[test]
fn the_author_pays_back_up_attempts_that_end() {
    check(Ended::Done, &[(Work, right(70)), (Backup, right(70))], &[(1, Author, 70), (2, Author, 70)]);
    let three = [(Work, right(70)), (Backup, right(70)), (Check, right(70))];
    check(Ended::Done, &three, &[(1, Author, 70), (2, Author, 70), (3, Grid, 70)]);
    check(Ended::Done, &[(Work, right(70)), (Backup, wrong(70))], &[(1, Author, 70)]);
}

#[test]
fn cancelled_attempts_are_paid_up_to_their_last_heartbeat() {
    let cancelled = |fuel| (Backup, End::Cancelled { fuel });
    check(Ended::Done, &[(Work, right(70)), cancelled(30)], &[(1, Author, 70), (2, Author, 30)]);
    check(Ended::Done, &[(Work, right(70)), cancelled(999)], &[(1, Author, 70), (2, Author, 70)]);
    check(Ended::Done, &[(Work, right(70)), cancelled(0)], &[(1, Author, 70)]);
    check(Ended::Nothing, &[(Work, End::Cancelled { fuel: 9_999 })], &[(1, Author, LIMIT)]);
}

#[test]
fn host_faults_losses_and_given_up_units_are_paid_by_nobody() {
    let nothing = (Work, End::Nothing);
    check(Ended::Done, &[nothing, nothing, (Work, right(70))], &[(3, Author, 70)]);
    check(Ended::Nothing, &[nothing, nothing], &[]);
    check(Ended::Nothing, &[(Work, wrong(5)), (Check, wrong(6)), (Check, right(7))], &[]);
}

#[test]
fn ones_own_nodes_cost_nothing() {
    let mut all = attempts(&[(Work, right(70)), (Check, right(70)), (Backup, End::Cancelled { fuel: 5 })]);
    all.iter_mut().for_each(|attempt| attempt.owner = AUTHOR);
    assert_eq!(settled(Ended::Done, &all), []);
    assert_eq!(settled(Ended::Failed, &all), []);
    let mut late = attempts(&[(Work, End::TimeLimit { fuel: 90 }), (Work, End::TimeLimit { fuel: 60 })]);
    late[1].owner = AUTHOR;
    assert_eq!(settled(Ended::TimeLimit, &late), [(1, Author, 60)], "the claim of one's own node counts all the same");
    all[1].owner = AccountNo(2);
    assert_eq!(settled(Ended::Done, &all), [(2, Grid, 70)]);
}

#[test]
fn a_resumed_unit_is_paid_at_most_what_it_takes_from_zero() {
    check(Ended::Done, &[(Work, resumed(90)), (Check, right(70))], &[(1, Author, 70), (2, Grid, 70)]);
    check(Ended::Done, &[(Work, resumed(60)), (Check, right(70))], &[(1, Author, 60), (2, Grid, 70)]);
    check(Ended::Done, &[(Work, resumed(90))], &[(1, Author, 90)]);
    check(Ended::Done, &[(Work, resumed(5_000))], &[(1, Author, LIMIT)]);
}

fn any_attempt() -> impl Strategy<Value = (Role, End)> {
    let fuel = || prop_oneof![Just(0), 1..2 * LIMIT, Just(u64::MAX)];
    let role = prop_oneof![Just(Work), Just(Check), Just(Backup)];
    let end = prop_oneof![
        (fuel(), any::<bool>(), any::<bool>()).prop_map(|(fuel, right, resumed)| End::Result { fuel, right, resumed }),
        fuel().prop_map(|fuel| End::TimeLimit { fuel }),
        fuel().prop_map(|fuel| End::Cancelled { fuel }),
        Just(End::Nothing),
    ];
    (role, end)
}

proptest! {
    #[test]
    fn nobody_is_paid_more_than_the_limit_or_for_his_own_job(
        ends in proptest::collection::vec(any_attempt(), 0..6),
        owners in proptest::collection::vec(98..102i64, 6),
        ended in prop_oneof![Just(Ended::Done), Just(Ended::Failed), Just(Ended::TimeLimit), Just(Ended::Nothing)],
    ) {
        let mut all = attempts(&ends);
        all.iter_mut().zip(owners).for_each(|(attempt, owner)| attempt.owner = AccountNo(owner));
        let unit = Unit { author: AUTHOR, fuel_limit: LIMIT, ended, attempts: &all };
        let paid = settle(&unit);
        for pay in &paid {
            prop_assert!((1..=LIMIT).contains(&pay.fuel));
            prop_assert!(pay.owner != AUTHOR);
            let attempt = &all[pay.attempt as usize - 1];
            let nothing = matches!(attempt.end, End::Nothing | End::Result { right: false, .. });
            prop_assert!(!nothing);
            prop_assert!(claimed(attempt).is_some_and(|fuel| fuel >= pay.fuel));
            prop_assert!(pay.payer == Author || ended == Ended::Done);
        }
        prop_assert!(paid.windows(2).all(|pair| pair[0].attempt < pair[1].attempt), "paid twice");
    }
}
