//! What an estimate says.

use super::*;
use crate::args::WorkArgs;

fn plan() -> Plan {
    let dir = tempfile::tempdir().unwrap();
    let split = Some(fallow_protocol::job::Split::Range { from: 0, to: 4_096, per_unit: 1 });
    let (project, component) = (dir.path().to_owned(), Some("cells.wasm".into()));
    Plan::make(&WorkArgs { project, component, split, ..WorkArgs::default() }).unwrap()
}

fn sample() -> Sample {
    Sample {
        component_bytes: 70_900,
        units: 4_096,
        fuel: vec![9_000_000_000],
        wall_us: 5_600_000,
        memory_bytes: 142 << 20,
        extra_fuel: 0,
        extra_us: 0,
        merge_failed: None,
    }
}

fn grid(credits: bool) -> GridInfo {
    GridInfo {
        name: "garden".into(),
        version: "0.1.0".into(),
        root_fingerprint: fallow_protocol::Digest([0; 32]),
        profile: String::new(),
        blob_bytes_max: 0,
        component_bytes_max: 0,
        kind: "open".into(),
        credits,
        price: PriceInfo { per_tera_fuel: 1_000_000, memory_permille: 100, per_gib_day: 10_000, fee_permille: 50 },
        allowance: 0,
        registration: "closed".into(),
    }
}

const SPEED: Speed = Speed { slots: 40, fuel_per_s: 25_000_000_000, fuel_per_s_free: 20_000_000_000 };

#[test]
fn one_line_says_time_and_price() {
    let mut found = conclude(&plan(), &grid(true), sample(), &SPEED);
    (found.cores, found.here_s) = (1, 22_938);
    let wanted = "here alone 6 h 22 min (1 core); on the grid 21–44 min; about 36.9 credits (32.1 to 41.7)";
    assert_eq!(verdict(&plan(), &found), wanted);
    let shown = lines(&plan(), &found);
    assert_eq!(shown[2], "  sample            1 unit: 9 G fuel, 5.6 s each, up to 142 MiB");
    assert_eq!(shown[4], "  `fallow submit … --budget 41.7` covers it");
}

#[test]
fn a_budget_pays_for_one_unit_that_uses_all_that_it_may() {
    let mut large = plan();
    large.limits.fuel = 50_000_000_000_000;
    let found = conclude(&large, &grid(true), sample(), &SPEED);
    let wanted = "  `fallow submit … --budget 50` covers it: a grid takes no less where a unit may use 50 T fuel";
    assert_eq!(lines(&large, &found)[4], wanted);
}

#[test]
fn the_slower_of_benchmark_and_sample_counts_at_worst() {
    let grid = GridSpeed { nodes: 1, slots: 4, slots_free: 2, fuel_per_s: 400, fuel_per_s_free: 200 };
    let speed = |one: u64| strangers(&grid, |slots| slots * one).fuel_per_s_free;
    assert_eq!((speed(1_000), speed(30)), (200, 60));
    let busy = GridSpeed { slots_free: 0, fuel_per_s_free: 0, ..grid };
    assert_eq!(strangers(&busy, |slots| slots * 30).fuel_per_s_free, 60);
}

#[test]
fn copies_offers_and_memory_are_paid() {
    let likely = |plan: &Plan| conclude(plan, &grid(true), sample(), &SPEED).cost.unwrap().likely.micro();
    let mut asked = plan();
    assert_eq!(likely(&asked), 36_864_000);
    asked.verify = Verify::Copies(3);
    assert_eq!(likely(&asked), 3 * 36_864_000);
    asked.offer_permille = 1_500;
    asked.limits.memory_bytes = 3 << 30;
    assert_eq!(likely(&asked), 3 * 36_864_000 * 3 / 2 * 12 / 10);
}

#[test]
fn where_nobody_is_paid_that_is_said() {
    let found = conclude(&plan(), &grid(false), sample(), &Speed::default());
    let said = verdict(&plan(), &found);
    assert!(said.ends_with("no node is online that takes strangers' work; 36 T fuel, which costs nothing"), "{said}");
    let own = Plan { run_on: RunOn::Own, ..plan() };
    assert_eq!(conclude(&own, &grid(true), sample(), &SPEED).cost, None);
}

#[test]
fn a_merge_that_cannot_be_tried_is_said() {
    let failed = Sample { merge_failed: Some("guest error\u{1b}[2J".into()), ..sample() };
    let found = conclude(&plan(), &grid(true), failed, &SPEED);
    assert!(lines(&plan(), &found)[3].contains("not in it: a trial merge of the sample failed (guest error\\u{1b}"));
}
