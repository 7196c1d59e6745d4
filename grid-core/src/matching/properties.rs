//! Plans over random snapshots: only to those who may, never more than there is, and no slot idle beside ready work.

use std::collections::HashMap;

use fallow_protocol::Digest;
use fallow_protocol::job::RunOn;
use fallow_protocol::limits::{LEASE_UNITS_MAX, LEASES_PER_NODE_MAX};
use fallow_protocol::manifest::Limits;
use fallow_protocol::unit::UnitKey;
use proptest::prelude::*;

use super::*;
use crate::ids::{AccountNo, JobNo, NodeNo};
use crate::trust::{ClaimView, Door, Policy, Standing};

fn node(id: i64) -> NodeView {
    NodeView {
        id: NodeNo(id),
        owner: AccountNo(id),
        mood: Mood::Active,
        slots: 2,
        memory_bytes: 4 << 30,
        takes_strangers: true,
        takes: Default::default(),
        profile: "p".into(),
        leases: 0,
        worth: known(id),
        work: Vec::new(),
    }
}

/// Trusted, in a network of its own.
fn known(id: i64) -> Worth {
    Worth {
        standing: Standing::Trusted,
        seasoned: true,
        passes: 1_000,
        network: id as u64,
        arch: id as u32,
        engine: 1,
        frozen: false,
        new: false,
        at_door: false,
    }
}

fn job(id: i64, ready: u64) -> JobView {
    JobView {
        id: JobNo(id),
        owner: AccountNo(1_000 + id),
        run_on: RunOn::Anyone,
        module: fallow_protocol::Digest([0; 32]),
        members: Default::default(),
        suspended: None,
        limits: Limits::default(),
        profile: "p".into(),
        ready,
        picky: Vec::new(),
        avoid: Vec::new(),
        prefers: None,
        unit_us: None,
        unit_fuel: None,
        fuel_left: u64::MAX,
        budget_left: None,
        weight: 1_000,
    }
}

fn picky(seq: u64, avoid: &[i64], waiting_ms: u64) -> Picky {
    let avoid = avoid.iter().map(|id| NodeNo(*id)).collect();
    Picky { key: UnitKey { stage: 1, seq }, avoid, claims: Vec::new(), by_server: true, waiting_ms }
}

/// A unit of which these nodes, each its own owner's, say the same.
fn check(seq: u64, nodes: &[i64], waiting_ms: u64) -> Picky {
    let claim = |id: &i64| ClaimView {
        node: NodeNo(*id),
        owner: AccountNo(*id),
        network: *id as u64,
        standing: Standing::Trusted,
        arch: *id as u32,
        engine: 1,
        digest: Digest([1; 32]),
        output: Digest([1; 32]),
        resumed: false,
        void: false,
        own: false,
    };
    Picky { claims: nodes.iter().map(claim).collect(), ..picky(seq, &[], waiting_ms) }
}

fn shot(nodes: Vec<NodeView>, jobs: Vec<JobView>) -> Snapshot {
    Snapshot { nodes, jobs, ..Snapshot::default() }
}

fn units_of(plan: &Plan, job: i64) -> u64 {
    plan.grants.iter().filter(|grant| grant.job == JobNo(job)).map(Grant::count).sum()
}

fn units_on(plan: &Plan, node: i64) -> u64 {
    plan.grants.iter().filter(|grant| grant.node == NodeNo(node)).map(Grant::count).sum()
}

#[test]
fn a_merge_goes_to_who_has_its_parts() {
    let merge = JobView { prefers: Some(NodeNo(2)), unit_us: Some(100_000), ..job(1, 1) };
    let given = |nodes: Vec<NodeView>, job: JobView| {
        plan(&shot(nodes, vec![job])).grants.iter().map(|grant| (grant.node.0, grant.units)).collect::<Vec<_>>()
    };
    assert_eq!(given(vec![node(1), node(2)], merge.clone()), [(2, 1)]);
    assert_eq!(given(vec![node(1), node(2)], JobView { prefers: None, ..merge.clone() }), [(1, 1)]);
    assert_eq!(given(vec![node(1)], merge.clone()), [(1, 1)], "it has gone");
    let paused = NodeView { mood: Mood::Paused { reason: "no".into() }, ..node(2) };
    assert_eq!(given(vec![node(1), paused], merge.clone()), [(1, 1)]);
    let none = JobView { fuel_left: 0, ..merge };
    assert_eq!(given(vec![node(1), node(2)], none), []);
}

#[test]
fn one_unit_goes_to_the_emptiest_node() {
    let busy = NodeView { work: vec![NodeWork { job: JobNo(9), units: 1, unit_us: Some(10) }], ..node(1) };
    let plan = plan(&shot(vec![busy, node(2)], vec![job(1, 1)]));
    assert_eq!(plan.grants, [Grant { node: NodeNo(2), job: JobNo(1), units: 1, picked: vec![] }]);
}

#[test]
fn accounts_share_and_jobs_share_within_them() {
    let same = |id| JobView { owner: AccountNo(7), unit_us: Some(5_000_000), ..job(id, 1_000) };
    let other = JobView { unit_us: Some(2_000_000), ..job(3, 1_000) };
    let nodes = (1..=100).map(node).collect();
    let plan = plan(&shot(nodes, vec![same(1), same(2), other]));
    let got: Vec<u64> = (1..=3).map(|id| units_of(&plan, id)).collect();
    assert_eq!(got.iter().sum::<u64>(), 300, "two slots and one ahead on each node: {got:?}");
    assert!(got[0].abs_diff(75) <= 2 && got[1].abs_diff(75) <= 2 && got[2].abs_diff(150) <= 2, "{got:?}");
}

#[test]
fn tiny_units_come_by_the_thousand_and_the_last_are_spread() {
    let nodes = || (1..=4).map(node).collect::<Vec<_>>();
    let tiny = JobView { unit_us: Some(100), ..job(1, 1_000_000) };
    let much = plan(&shot(nodes(), vec![tiny]));
    assert_eq!(units_of(&much, 1), 4 * NODE_UNITS_HELD_MAX);
    let last = JobView { unit_us: Some(300_000), ..job(1, 10) };
    let tail = plan(&shot(nodes(), vec![last]));
    let on: Vec<u64> = (1..=4).map(|id| units_on(&tail, id)).collect();
    assert_eq!(on, [2, 2, 2, 2], "one a slot, and two stay for whoever is done first");
}

#[test]
fn a_new_job_gets_its_turn_on_a_busy_grid() {
    let work = |units| vec![NodeWork { job: JobNo(1), units, unit_us: Some(100_000) }];
    let nodes = vec![NodeView { work: work(30), ..node(1) }];
    let old = JobView { unit_us: Some(100_000), ..job(1, 10_000) };
    let plan = plan(&shot(nodes, vec![old, job(2, 5)]));
    assert!(units_of(&plan, 2) > 0, "{plan:?}");
}

#[test]
fn checks_go_to_another_owner_where_there_is_one() {
    let same_owner = NodeView { owner: AccountNo(1), ..node(2) };
    let shot = |nodes, waiting| shot(nodes, vec![JobView { picky: vec![check(5, &[1], waiting)], ..job(1, 0) }]);
    let taker = |plan: Plan| plan.grants.first().map(|grant| grant.node.0);
    assert_eq!(taker(plan(&shot(vec![node(1), same_owner.clone(), node(3)], 0))), Some(3));
    assert_eq!(taker(plan(&shot(vec![node(1), same_owner], 0))), Some(2));
    assert_eq!(plan(&shot(vec![node(1)], ALONE_MS - 1)), Plan::default());
    assert_eq!(plan(&shot(vec![node(1)], ALONE_MS)).alone, [(JobNo(1), UnitKey { stage: 1, seq: 5 })]);
    assert_eq!(plan(&shot(vec![], ALONE_MS)), Plan::default(), "without any node nothing is given up");
}

#[test]
fn the_server_checks_where_nobody_could_do_it_better() {
    let same_owner = NodeView { owner: AccountNo(1), ..node(2) };
    let key = (JobNo(1), UnitKey { stage: 1, seq: 5 });
    let alone = |nodes, anchor| {
        let job = JobView { picky: vec![check(5, &[1], 0)], ..job(1, 0) };
        plan(&Snapshot { anchor, has_anchor: anchor, ..shot(nodes, vec![job]) }).alone
    };
    assert_eq!(alone(vec![node(1), same_owner.clone()], true), [key]);
    assert_eq!(alone(vec![node(1), same_owner], false), [], "as far as it has room");
    assert_eq!(alone(vec![node(1), node(3)], true), []);
    assert_eq!(alone(vec![node(1)], true), [key]);
}

#[test]
fn newcomers_hold_little_while_others_are_there() {
    let new = NodeView { worth: Worth::default(), ..node(1) };
    let tiny = JobView { unit_us: Some(100), ..job(1, 1_000_000) };
    let both = plan(&shot(vec![new.clone(), node(2)], vec![tiny.clone()]));
    assert_eq!(units_on(&both, 1), 2 * u64::from(Policy::default().newcomer_units_max), "two slots");
    assert_eq!(units_on(&both, 2), NODE_UNITS_HELD_MAX);
    assert_eq!(units_on(&plan(&shot(vec![new.clone()], vec![tiny.clone()])), 1), NODE_UNITS_HELD_MAX);
    let own = JobView { owner: AccountNo(1), ..tiny };
    assert_eq!(units_on(&plan(&shot(vec![new, node(2)], vec![own])), 1), NODE_UNITS_HELD_MAX);
}

#[test]
fn new_nodes_wait_at_the_door_behind_those_who_work() {
    let policy = Policy { newcomers_min: 2, ..Policy::default() };
    let new = |id| NodeView { worth: Worth::default(), ..node(id) };
    let works = NodeView { work: vec![NodeWork { job: JobNo(1), units: 1, unit_us: None }], ..new(5) };
    let mut nodes = vec![new(1), new(2), new(3), works, node(6)];
    mind_the_door(&mut nodes, &policy, Door::default(), false);
    let waiting: Vec<i64> = nodes.iter().filter(|node| node.worth.at_door).map(|node| node.id.0).collect();
    assert_eq!(waiting, [2, 3], "one works, one more is let in");
    assert_eq!(eligible(&nodes[1], &job(9, 1)), Err(Refusal::AtDoor));
    assert_eq!(eligible(&nodes[1], &JobView { owner: AccountNo(2), ..job(9, 1) }), Ok(()), "one's own work");
    let mut alone = vec![new(1), new(2), new(3)];
    mind_the_door(&mut alone, &policy, Door::default(), false);
    assert!(alone.iter().all(|node| !node.worth.at_door), "nobody else is there");
}

#[test]
fn who_gave_wrong_results_gets_no_strangers_work() {
    let worth = Worth { standing: Standing::Banned { owner: false }, ..known(1) };
    let barred = NodeView { worth, ..node(1) };
    assert!(matches!(eligible(&barred, &job(1, 1)), Err(Refusal::Untrusted(_))));
    assert_eq!(eligible(&barred, &JobView { owner: AccountNo(1), ..job(1, 1) }), Ok(()));
}

#[test]
fn a_budget_near_its_end_hands_out_few() {
    let poor = JobView { budget_left: Some(100), unit_fuel: Some(30), ..job(1, 50) };
    let nodes: Vec<_> = (1..=9).map(node).collect();
    assert_eq!(units_of(&plan(&shot(nodes.clone(), vec![poor.clone()])), 1), 3);
    let none = JobView { budget_left: Some(0), ..poor };
    assert_eq!(plan(&shot(nodes.clone(), vec![none.clone()])), Plan::default());
    assert_eq!(codes(&shot(nodes, vec![none])), ["budget-exhausted"]);
}

#[test]
fn a_second_try_waits_for_another_node_but_not_for_ever() {
    let again = JobView { picky: vec![picky(5, &[1], 0)], ..job(1, 0) };
    let full = NodeView { work: vec![NodeWork { job: JobNo(9), units: 9, unit_us: None }], ..node(2) };
    let both = |job| shot(vec![node(1), full.clone()], vec![job]);
    assert_eq!(plan(&both(again.clone())).grants, [], "the better node is only busy");
    let tired = JobView { picky: vec![picky(5, &[1], PATIENCE_MS)], ..again.clone() };
    assert_eq!(units_on(&plan(&both(tired)), 1), 1);
    let alone = shot(vec![node(1)], vec![again]);
    assert_eq!(units_on(&plan(&alone), 1), 1);
}

#[test]
fn a_quota_near_its_end_hands_out_few() {
    let poor = JobView { fuel_left: 100, unit_fuel: Some(30), ..job(1, 50) };
    let nodes: Vec<_> = (1..=9).map(node).collect();
    assert_eq!(units_of(&plan(&shot(nodes.clone(), vec![poor.clone()])), 1), 3);
    let first = JobView { unit_fuel: None, limits: Limits { fuel: 50, ..Limits::default() }, ..poor.clone() };
    assert_eq!(units_of(&plan(&shot(nodes.clone(), vec![first])), 1), 2);
    let none = JobView { fuel_left: 0, ..poor };
    assert_eq!(plan(&shot(nodes, vec![none])), Plan::default());
}

#[test]
fn jobs_of_one_account_share_what_is_left_of_its_quota() {
    let poor = |id| JobView { owner: AccountNo(7), fuel_left: 100, unit_fuel: Some(10), ..job(id, 50) };
    let nodes: Vec<_> = (1..=9).map(node).collect();
    let of = |jobs: Vec<JobView>, nodes: Vec<NodeView>| {
        let plan = plan(&shot(nodes, jobs));
        [1, 2, 3].map(|job| units_of(&plan, job))
    };
    let [one, two, three] = of(vec![poor(1), poor(2), poor(3)], nodes.clone());
    assert_eq!(one + two + three, 10, "{one} {two} {three}");
    assert!(one > 0 && two > 0 && three > 0, "they take turns: {one} {two} {three}");

    // What is out for one job is gone for the others, too, at that job's price.
    let busy = NodeView { work: vec![NodeWork { job: JobNo(1), units: 2, unit_us: None }], ..node(10) };
    let dear = JobView { unit_fuel: Some(40), ..poor(1) };
    let with_busy = || nodes.iter().cloned().chain([busy.clone()]).collect::<Vec<_>>();
    let given = of(vec![dear.clone(), poor(2)], with_busy());
    assert_eq!(given, [0, 2, 0]);

    // Another account's quota is its own.
    let other = JobView { owner: AccountNo(9), ..poor(2) };
    assert_eq!(of(vec![dear, other], with_busy())[1], 10);
}

#[test]
fn an_owner_turns_authors_and_modules_away_and_explain_says_so() {
    use fallow_protocol::api::Who;
    let with = |id, takes: Takes| NodeView { takes: takes.into(), ..node(id) };
    let job = JobView { owner: AccountNo(9), ..job(1, 5) };
    let not_author = Takes { not_authors: [AccountNo(9)].into(), ..Takes::default() };
    let not_module = Takes { not_modules: [job.module].into(), ..Takes::default() };
    let groups = Takes { who: Who::Groups, ..Takes::default() };
    let companions = Takes { companions: [AccountNo(9)].into(), ..groups.clone() };
    let own = Takes { who: Who::Own, ..Takes::default() };
    let cases = [
        (not_author, Err(Refusal::NotAuthor), "author-not-taken"),
        (not_module, Err(Refusal::NotModule), "module-not-taken"),
        (groups, Err(Refusal::GroupsOnly), "takes-groups-only"),
        (own, Err(Refusal::NoStrangers), "takes-no-strangers"),
        (companions, Ok(()), "about-to-run"),
    ];
    for (takes, wanted, code) in cases {
        let node = with(1, takes.clone());
        assert_eq!(eligible(&node, &job), wanted);
        assert_eq!(eligible(&node, &JobView { owner: node.owner, ..job.clone() }), Ok(()), "one's own is always taken");
        let snapshot = Snapshot { nodes: vec![node], jobs: vec![job.clone()], ..Snapshot::default() };
        let reasons = explain(&snapshot, &job);
        assert!(reasons.iter().any(|reason| reason.code == code), "{takes:?}: {reasons:?}");
    }
}

fn any_node() -> impl Strategy<Value = NodeView> {
    let mood = prop_oneof![
        8 => Just(Mood::Active),
        1 => Just(Mood::Draining),
        1 => Just(Mood::Paused { reason: "on battery".into() }),
    ];
    let work = proptest::collection::vec((0i64..8, 0u64..60, proptest::option::of(1u64..5_000_000)), 0..3);
    (1i64..5, mood, 0u32..5, 0u64..4, any::<bool>(), 0u32..66, work, 0u8..8).prop_map(
        |(owner, mood, slots, gib, takes_strangers, leases, work, profile)| NodeView {
            owner: AccountNo(owner),
            mood,
            slots,
            memory_bytes: gib << 30,
            takes_strangers,
            leases,
            profile: if profile == 0 { "q".into() } else { "p".into() },
            work: work.into_iter().map(|(job, units, unit_us)| NodeWork { job: JobNo(job), units, unit_us }).collect(),
            ..node(0)
        },
    )
}

fn any_job() -> impl Strategy<Value = JobView> {
    let ready = prop_oneof![0u64..10, 0u64..100_000];
    let pickies = proptest::collection::vec((proptest::collection::vec(0i64..12, 1..3), any::<bool>()), 0..4);
    let fuel = prop_oneof![4 => Just(u64::MAX), 1 => 0u64..100];
    let time = proptest::option::of(prop_oneof![10u64..10_000, 10_000u64..60_000_000]);
    (1i64..5, any::<bool>(), ready, pickies, time, fuel, 0u64..3, proptest::option::of(0i64..12)).prop_map(
        |(owner, own, ready, pickies, unit_us, fuel_left, gib, avoid)| JobView {
            owner: AccountNo(owner),
            run_on: if own { RunOn::Own } else { RunOn::Anyone },
            members: Default::default(),
            suspended: None,
            limits: Limits { memory_bytes: gib << 30, ..Limits::default() },
            picky: pickies
                .iter()
                .enumerate()
                .map(
                    |(seq, (nodes, must))| {
                        if *must { check(seq as u64, nodes, 0) } else { picky(seq as u64, nodes, 0) }
                    },
                )
                .collect(),
            avoid: avoid.into_iter().map(NodeNo).collect(),
            prefers: avoid.map(|id| NodeNo((id + 1) % 12)),
            unit_us,
            unit_fuel: Some(10),
            fuel_left,
            ..job(0, ready)
        },
    )
}

fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    let nodes = proptest::collection::vec(any_node(), 0..12);
    let jobs = proptest::collection::vec(any_job(), 0..8);
    (nodes, jobs).prop_map(|(mut nodes, mut jobs)| {
        nodes.iter_mut().enumerate().for_each(|(id, node)| node.id = NodeNo(id as i64));
        jobs.iter_mut().enumerate().for_each(|(id, job)| job.id = JobNo(id as i64));
        // What is left is an account's, not a job's.
        let left: HashMap<AccountNo, u64> = jobs.iter().rev().map(|job| (job.owner, job.fuel_left)).collect();
        jobs.iter_mut().for_each(|job| job.fuel_left = left[&job.owner]);
        shot(nodes, jobs)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn plans_keep_the_rules(snapshot in any_snapshot()) {
        let plan = plan(&snapshot);
        prop_assert_eq!(&plan, &super::plan(&snapshot), "the same snapshot gives the same plan");
        let mut leases: HashMap<NodeNo, usize> = HashMap::new();
        for grant in &plan.grants {
            let node = &snapshot.nodes[grant.node.0 as usize];
            let job = &snapshot.jobs[grant.job.0 as usize];
            prop_assert_eq!(eligible(node, job), Ok(()));
            prop_assert_eq!(job_refusal(job), None);
            prop_assert!(grant.count() > 0 && grant.count() <= LEASE_UNITS_MAX as u64);
            for key in &grant.picked {
                let unit = job.picky.iter().find(|unit| unit.key == *key).unwrap();
                prop_assert!(unit.claims.iter().all(|claim| claim.node != grant.node));
            }
            *leases.entry(grant.node).or_default() += 1;
        }
        for node in &snapshot.nodes {
            let given: u64 = units_on(&plan, node.id.0);
            prop_assert!(given == 0 || node.units_held() + given <= NODE_UNITS_HELD_MAX.max(node.units_held()));
            let grants = leases.get(&node.id).copied().unwrap_or(0);
            prop_assert!(grants == 0 || node.leases as usize + grants <= LEASES_PER_NODE_MAX);
        }
        for job in &snapshot.jobs {
            let mut picked: Vec<_> = plan.grants.iter().filter(|g| g.job == job.id).flat_map(|g| &g.picked).collect();
            picked.sort();
            let all = picked.len();
            picked.dedup();
            prop_assert_eq!(picked.len(), all, "no unit twice");
            let units: u64 = plan.grants.iter().filter(|grant| grant.job == job.id).map(|grant| grant.units).sum();
            prop_assert!(units <= job.ready);
        }
    }

    /// A node with an idle slot and room for leases gets work whenever an ordinary unit is left that it may run.
    #[test]
    fn no_slot_is_idle_beside_ready_work(snapshot in any_snapshot()) {
        let plan = plan(&snapshot);
        for node in &snapshot.nodes {
            let held = node.units_held() + units_on(&plan, node.id.0);
            let leases = node.leases as usize + plan.grants.iter().filter(|grant| grant.node == node.id).count();
            if held >= u64::from(node.slots) || leases >= LEASES_PER_NODE_MAX {
                continue;
            }
            for job in &snapshot.jobs {
                let given: u64 = plan.grants.iter().filter(|g| g.job == job.id).map(|g| g.units).sum();
                let rich = job.fuel_left == u64::MAX;
                let idle = slots_for(node, job) > held;
                let waits = rich && idle && eligible(node, job).is_ok() && given < job.ready;
                prop_assert!(!waits, "job {:?} waits beside idle node {:?}: {:?}", job.id, node.id, plan);
            }
        }
    }

    #[test]
    fn explanations_say_something(snapshot in any_snapshot()) {
        for job in &snapshot.jobs {
            let reasons = explain(&snapshot, job);
            prop_assert!(!reasons.is_empty());
            prop_assert!(reasons.iter().all(|reason| !reason.text.is_empty() && !reason.code.is_empty()));
        }
    }
}

fn codes(snapshot: &Snapshot) -> Vec<String> {
    explain(snapshot, &snapshot.jobs[0]).into_iter().map(|reason| reason.code).collect()
}

#[test]
fn reasons_have_counts_and_say_what_would_help() {
    let large = JobView { limits: Limits { memory_bytes: 900 << 20, ..Limits::default() }, ..job(1, 5) };
    let mut nodes: Vec<NodeView> =
        (1..=38).map(|id| NodeView { memory_bytes: if id <= 7 { 300 << 20 } else { 730 << 20 }, ..node(id) }).collect();
    nodes.push(NodeView { mood: Mood::Paused { reason: "on battery".into() }, ..node(39) });
    let snapshot = shot(nodes, vec![large]);
    let reasons = explain(&snapshot, &snapshot.jobs[0]);
    let memory = reasons.iter().find(|reason| reason.code == "memory-too-small").unwrap();
    assert_eq!(memory.count, 38);
    assert_eq!(memory.text, "38 nodes have less than the 900 MB that a unit asks for");
    assert_eq!(memory.help.as_deref(), Some("`limits.memory_mb = 700` would admit 31 of them"));
    assert!(reasons.iter().any(|reason| reason.text == "1 node is paused: 1 on battery"), "{reasons:?}");
    assert_eq!(reasons[0].code, "no-eligible-node");
}

#[test]
fn each_reason_is_found() {
    let with = |nodes: Vec<NodeView>, job: JobView| shot(nodes, vec![job]);
    assert_eq!(codes(&with(vec![], job(1, 5))), ["no-node-online"]);
    assert_eq!(codes(&with(vec![node(1)], job(1, 5))), ["about-to-run"]);
    assert_eq!(codes(&with(vec![node(1)], job(1, 0))), ["nothing-waits"]);
    let own = JobView { run_on: RunOn::Own, ..job(1, 5) };
    assert_eq!(codes(&with(vec![node(1)], own)), ["no-eligible-node", "own-nodes-only"]);
    let group = JobView { run_on: RunOn::Group("lab".into()), ..job(1, 5) };
    assert_eq!(codes(&with(vec![node(1)], group)), ["no-eligible-node", "not-in-group"]);
    let stopped = JobView { suspended: Some(Suspension::Module("it mines".into())), ..job(1, 5) };
    assert_eq!(codes(&with(vec![node(1)], stopped)), ["suspended"]);
    let poor = JobView { fuel_left: 0, ..job(1, 5) };
    assert_eq!(codes(&with(vec![node(1)], poor)), ["quota-exhausted"]);
    let last = JobView { fuel_left: 100, unit_fuel: Some(60), ..job(1, 5) };
    let busy = NodeView { work: vec![NodeWork { job: JobNo(1), units: 1, unit_us: None }], slots: 9, ..node(1) };
    assert_eq!(codes(&with(vec![busy, node(2)], last)), ["quota-on-lease"]);
    let full = NodeView { work: vec![NodeWork { job: JobNo(1), units: 9, unit_us: None }], ..node(1) };
    assert_eq!(codes(&with(vec![full], job(1, 5))), ["slots-full"]);
    let check = JobView { picky: vec![check(1, &[1], 0)], ..job(1, 0) };
    assert_eq!(codes(&with(vec![node(1)], check)), ["about-to-run", "no-second-node"]);
    let shy = NodeView { takes_strangers: false, ..node(1) };
    let other = NodeView { profile: "q".into(), ..node(2) };
    let tired = NodeView { mood: Mood::Draining, ..node(3) };
    let declined = JobView { avoid: vec![NodeNo(4)], ..job(1, 5) };
    let all = codes(&with(vec![shy, other, tired, node(4)], declined));
    assert_eq!(all, ["no-eligible-node", "declined", "draining", "other-profile", "takes-no-strangers"]);
}

#[test]
fn a_groups_job_runs_on_members_nodes_only() {
    let lab = |members: &[i64]| JobView {
        run_on: RunOn::Group("lab".into()),
        members: std::sync::Arc::new(members.iter().copied().map(AccountNo).collect()),
        ..job(1, 5)
    };
    let (author, whose) = (1_001, RunOn::Group("lab".into()));
    let given = |job: JobView, nodes: Vec<NodeView>| {
        let mut nodes: Vec<i64> = plan(&shot(nodes, vec![job])).grants.iter().map(|grant| grant.node.0).collect();
        nodes.sort_unstable();
        nodes
    };
    let own = NodeView { owner: AccountNo(author), ..node(9) };
    assert_eq!(given(lab(&[author, 2, 3]), vec![node(1), node(2), node(3), own.clone()]), [2, 3, 9]);
    let shy = NodeView { takes_strangers: false, ..node(2) };
    assert_eq!(given(lab(&[author, 2, 3]), vec![shy, node(3)]), [3]);
    // Who has left has his own nodes, even where somebody made a group of that name anew.
    assert_eq!(given(lab(&[2, 3]), vec![node(2), own.clone()]), [9]);
    assert_eq!(given(JobView { run_on: whose, ..job(1, 5) }, vec![node(2), own]), [9]);
    let reasons = explain(&shot(vec![node(1), node(4)], vec![lab(&[author, 2])]), &lab(&[author, 2]));
    assert!(reasons.iter().any(|reason| reason.text == "2 nodes are not of group \"lab\""), "{reasons:?}");
}

#[test]
fn nothing_of_a_suspended_job_is_handed_out() {
    let stopped = |job| JobView { suspended: Some(Suspension::Author("unpaid bills".into())), ..job };
    let checked = stopped(JobView { picky: vec![check(1, &[1], ALONE_MS)], ..job(2, 0) });
    let shot = Snapshot {
        anchor: true,
        has_anchor: true,
        ..shot(vec![node(1), node(2), node(3)], vec![stopped(job(1, 5)), checked, job(3, 2)])
    };
    let plan = plan(&shot);
    assert!(plan.alone.is_empty() && plan.grants.iter().all(|grant| grant.job == JobNo(3)), "{plan:?}");
    assert_eq!(plan.grants.iter().map(Grant::count).sum::<u64>(), 2);
    let reasons = explain(&shot, &shot.jobs[0]);
    assert!(reasons[0].text.contains("unpaid bills"), "{reasons:?}");
}

/// Ten thousand nodes and a thousand jobs are planned without a nested scan; a slow machine takes some tens of
/// milliseconds, so that a quadratic plan (10 million checks a turn) would be felt by everyone who runs the tests.
#[test]
fn large_grids_are_planned() {
    let nodes = (0..10_000).map(node).collect();
    let jobs = (0..1_000).map(|id| JobView { unit_us: Some(1_000_000), ..job(id, 50) }).collect();
    let plan = plan(&shot(nodes, jobs));
    assert_eq!(plan.grants.iter().map(Grant::count).sum::<u64>(), 40_000);
}
