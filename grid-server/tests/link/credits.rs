//! Budgets: reserved, spent, used up, raised, returned; and what owners see of their nodes' standing.

use fallow_protocol::api::{Credits, GridSpeed, JobInfo, JobPhase, Movement, NodeInfo, NodeStanding, Page, UnitState};
use fallow_protocol::job::{JobSubmission, Verify};
use fallow_protocol::{Digest, JobId};
use grid_core::ledger::Amount;
use grid_core::trust::GridKind;
use reqwest::{Method, Response};
use serde_json::json;

use crate::grid::{Grid, json_of, problem, read};
use crate::raw::{ALL, Identity, Raw, author, bytes, counting, job_info, result, submit};

const CREDIT: u64 = 1_000_000;

/// Every unit of these tests takes 10 fuel: one credit. A new account has a hundred.
async fn paid() -> Grid {
    Grid::with(|config| {
        config.grid.kind = GridKind::Members;
        config.grid.allowance = Amount::saturating(u128::from(100 * CREDIT));
        config.price.per_tera_fuel = Amount::saturating(100_000_000_000_000_000);
    })
    .await
}

fn job(module: Digest, units: i64, budget: u64) -> JobSubmission {
    let mut job = JobSubmission { budget: Some(budget * CREDIT), verify: Verify::None, ..counting(module, units) };
    job.limits.fuel = 10;
    job
}

async fn balance(grid: &Grid, token: &str) -> Credits {
    read(grid.get("/api/v1/credits", token).await, 200).await
}

async fn topup(grid: &Grid, token: &str, job: &JobId, key: &str, amount: u64) -> Response {
    let request = grid.ask(Method::POST, &format!("/api/v1/jobs/{job}/budget"), token);
    request.header("idempotency-key", key).json(&json!({ "amount": amount })).send().await.unwrap()
}

async fn causes(grid: &Grid, token: &str) -> Vec<(String, i64)> {
    let page: Page<Movement> = read(grid.get("/api/v1/credits/statement", token).await, 200).await;
    page.items.into_iter().map(|item| (item.cause, item.amount)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_that_cannot_be_is_refused_and_nothing_moves() {
    let grid = paid().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let send = |change: &dyn Fn(&mut JobSubmission)| {
        let mut job = job(module, 3, 40);
        change(&mut job);
        grid.ask(Method::POST, "/api/v1/jobs", &token).json(&job).send()
    };
    let none = problem(send(&|job| job.budget = None).await.unwrap(), 422, "invalid").await;
    assert!(none.help.unwrap().contains("fallow estimate"));
    problem(send(&|job| job.budget = Some(0)).await.unwrap(), 422, "invalid").await;
    problem(send(&|job| job.budget = Some(u64::MAX)).await.unwrap(), 422, "invalid").await;
    let small = problem(send(&|job| job.budget = Some(CREDIT - 1)).await.unwrap(), 422, "invalid").await;
    assert!(small.detail.contains("one unit"), "{}", small.detail);
    problem(send(&|job| job.offer_permille = 999).await.unwrap(), 422, "invalid").await;
    let poor = problem(send(&|job| job.budget = Some(101 * CREDIT)).await.unwrap(), 402, "not-enough-credits").await;
    assert!(poor.detail.contains("100.000000"), "{}", poor.detail);
    let own = |job: &mut JobSubmission| job.run_on = fallow_protocol::job::RunOn::Own;
    problem(send(&own).await.unwrap(), 422, "invalid").await;
    assert_eq!(balance(&grid, &token).await, Credits { available: 100 * CREDIT, pending: 0, reserved: 0 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_job_does_not_spend_comes_back() {
    let grid = paid().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let lender = grid.account("bob").await;
    let made = submit(&grid, &token, &job(module, 5, 60)).await;
    let info = job_info(&grid, &token, &made.id).await;
    assert_eq!((info.budget, info.spent, info.held, info.waiting_for), (Some(60 * CREDIT), 0, 0, None));
    let reserved = Credits { available: 40 * CREDIT, pending: 0, reserved: 60 * CREDIT };
    assert_eq!(balance(&grid, &token).await, reserved);

    let (mut node, _) = Raw::login(&grid, &Identity::enrol(&grid, &lender).await, Vec::new()).await;
    let end = node.work(&grid, &token, &made.id, |input| Ok(bytes(input))).await;
    assert_eq!((end.phase, end.counts.done), (JobPhase::Done, 5));
    assert_eq!(end.spent + end.held, 5 * CREDIT, "{end:?}");
    assert_eq!(end.budget, Some(60 * CREDIT));
    let after = balance(&grid, &token).await;
    assert_eq!((after.available, after.reserved), (95 * CREDIT, end.held), "{after:?}");
    let moved = causes(&grid, &token).await;
    let wanted = [("refund", 55), ("budget", -60), ("allowance", 100)];
    assert_eq!(moved, wanted.map(|(cause, credits)| (cause.to_owned(), credits * CREDIT as i64)));

    let earned = balance(&grid, &lender).await;
    let pay = 5 * CREDIT - 5 * CREDIT / 20;
    assert_eq!(earned.available + earned.pending, 100 * CREDIT + pay, "less the fee of 5 %");
    let listed: Page<JobInfo> = read(grid.get("/api/v1/jobs", &token).await, 200).await;
    assert_eq!((listed.items[0].budget, listed.items[0].spent), (end.budget, end.spent));
    problem(topup(&grid, &token, &made.id, "late", CREDIT).await, 409, "conflict").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_waits_where_its_budget_ends_and_goes_on_with_more() {
    let grid = paid().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let lender = grid.account("bob").await;
    let (mut node, _) = Raw::login(&grid, &Identity::enrol(&grid, &lender).await, Vec::new()).await;
    let made = submit(&grid, &token, &job(module, 9, 3)).await;
    let mut done = 0;
    while done < 3 {
        let lease = node.lease().await;
        done += lease.units.len();
        let ends = lease.units.iter().map(|unit| result(&lease, unit.key.seq, Ok(b"x".to_vec()))).collect();
        node.results(&lease.job, ends).await;
    }
    let info = job_info(&grid, &token, &made.id).await;
    assert_eq!((done, info.counts.done, info.spent + info.held), (3, 3, 3 * CREDIT), "{info:?}");
    assert_eq!((info.phase, info.waiting_for.as_deref()), (JobPhase::Running, Some("budget")));
    let reasons = json_of(grid.get(&format!("/api/v1/jobs/{}/explain", made.id), &token).await).await;
    assert!(reasons["reasons"].to_string().contains("budget"), "{reasons}");

    let other = grid.account("eve").await;
    problem(topup(&grid, &other, &made.id, "k", CREDIT).await, 404, "not-found").await;
    problem(topup(&grid, &token, &made.id, "k", 0).await, 422, "invalid").await;
    problem(topup(&grid, &token, &made.id, "k", u64::MAX).await, 422, "invalid").await;
    let poor = problem(topup(&grid, &token, &made.id, "k", 98 * CREDIT).await, 402, "not-enough-credits").await;
    assert!(poor.detail.contains("97.000000"), "{}", poor.detail);
    let more: JobInfo = read(topup(&grid, &token, &made.id, "k", 10 * CREDIT).await, 200).await;
    assert_eq!((more.budget, more.waiting_for), (Some(13 * CREDIT), None));
    let again: JobInfo = read(topup(&grid, &token, &made.id, "k", 10 * CREDIT).await, 200).await;
    assert_eq!(again.budget, Some(13 * CREDIT), "a repeat takes nothing more");
    problem(topup(&grid, &token, &made.id, "k", 11 * CREDIT).await, 409, "idempotency-conflict").await;

    let end = node.work(&grid, &token, &made.id, |_| Ok(b"x".to_vec())).await;
    assert_eq!((end.phase, end.counts.done, end.spent + end.held), (JobPhase::Done, 9, 9 * CREDIT));
    assert_eq!(balance(&grid, &token).await.available, 91 * CREDIT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_cost_nothing_have_no_budget() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let made = submit(&grid, &token, &counting(module, 3)).await;
    let info = job_info(&grid, &token, &made.id).await;
    assert_eq!((info.budget, info.spent, info.held, info.waiting_for), (None, 0, 0, None));
    problem(topup(&grid, &token, &made.id, "k", CREDIT).await, 409, "conflict").await;
    assert_eq!(info.counts.waiting, 3, "{:?}", UnitState::Waiting);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_see_standing_and_operators_vouch() {
    let grid = paid().await;
    let lender = grid.account("bob").await;
    let identity = Identity::enrol(&grid, &lender).await;
    let node = || async { read::<Page<NodeInfo>>(grid.get("/api/v1/nodes", &lender).await, 200).await.items.remove(0) };
    assert_eq!(node().await.standing, Some(NodeStanding::Probation { passes: 0, needed: 5 }));
    let path = format!("/api/v1/nodes/{}/anchor", identity.id);
    problem(grid.post(&path, &lender, &json!({})).await, 403, "missing-scope").await;
    assert_eq!(grid.post(&path, &grid.operator, &json!({})).await.status(), 204);
    assert_eq!(node().await.standing, Some(NodeStanding::Anchor));
    assert_eq!(grid.delete(&path, &grid.operator).await.status(), 204);
    assert_eq!(node().await.standing, Some(NodeStanding::Probation { passes: 0, needed: 5 }));
    let unknown = "/api/v1/nodes/node-000000000000/anchor";
    problem(grid.post(unknown, &grid.operator, &json!({})).await, 404, "not-found").await;

    let (_raw, _) = Raw::login(&grid, &identity, Vec::new()).await;
    let speed = async || read::<GridSpeed>(grid.get("/api/v1/grid/speed", &lender).await, 200).await;
    while speed().await.nodes == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((speed().await.slots, speed().await.slots_free), (2, 2));
}
