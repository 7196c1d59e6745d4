//! Balances, grants and statements; who may do what, and what is refused.

use fallow_protocol::api::{AccountCreated, Credits, Granted, Movement, MovementState, NewGrant, Page, Trial};
use grid_core::ledger::Amount;
use grid_core::trust::GridKind;
use grid_server::config::Config;
use reqwest::{Method, Response};
use serde_json::json;

use crate::grid::{Grid, json_of, problem, read};

fn members(config: &mut Config) {
    config.grid.kind = GridKind::Members;
    config.grid.allowance = Amount::CREDIT;
}

async fn newcomer(grid: &Grid, name: &str) -> AccountCreated {
    read(grid.post("/api/v1/accounts", &grid.operator, &json!({ "name": name })).await, 201).await
}

async fn give(grid: &Grid, token: &str, to: &AccountCreated, key: &str, grant: &serde_json::Value) -> Response {
    let request = grid.ask(Method::POST, &format!("/api/v1/accounts/{}/grants", to.id), token);
    let request = if key.is_empty() { request } else { request.header("idempotency-key", key) };
    request.json(grant).send().await.unwrap()
}

async fn statement(grid: &Grid, token: &str, query: &str) -> Page<Movement> {
    read(grid.get(&format!("/api/v1/credits/statement{query}"), token).await, 200).await
}

#[tokio::test]
async fn newcomers_get_their_allowance_and_operators_give_more_once() {
    let grid = Grid::with(members).await;
    let ann = newcomer(&grid, "ann").await;
    let balance: Credits = read(grid.get("/api/v1/credits", &ann.token).await, 200).await;
    assert_eq!(balance, Credits { available: 1_000_000, pending: 0, reserved: 0 });

    let grant = json!({ "amount": 41_500_000, "note": "for the slides" });
    let granted: Granted = read(give(&grid, &grid.operator, &ann, "k-1", &grant).await, 200).await;
    assert_eq!((granted.amount, granted.available), (41_500_000, 42_500_000));
    let again: Granted = read(give(&grid, &grid.operator, &ann, "k-1", &grant).await, 200).await;
    assert_eq!(again.available, 42_500_000, "a repeat gives nothing more");
    let other = json!({ "amount": 1 });
    problem(give(&grid, &grid.operator, &ann, "k-1", &other).await, 409, "idempotency-conflict").await;

    let page = statement(&grid, &ann.token, "").await;
    let lines: Vec<_> = page.items.iter().map(|item| (item.cause.as_str(), item.amount, item.balance)).collect();
    assert_eq!(lines, [("grant", 41_500_000, Some(42_500_000)), ("allowance", 1_000_000, Some(1_000_000))]);
    assert_eq!(page.items[0].note.as_deref(), Some("for the slides"));
    assert!(page.items.iter().all(|item| item.state == MovementState::Moved && item.job.is_none()));
    assert_eq!(page.next, None);
}

#[tokio::test]
async fn statements_come_in_pages_and_parts_of_time() {
    let grid = Grid::with(members).await;
    let ann = newcomer(&grid, "ann").await;
    for n in 1..=4 {
        let grant = json!({ "amount": n });
        let _: Granted = read(give(&grid, &grid.operator, &ann, &format!("k-{n}"), &grant).await, 200).await;
    }
    let all = statement(&grid, &ann.token, "").await.items;
    assert_eq!(all.iter().map(|item| item.amount).collect::<Vec<_>>(), [4, 3, 2, 1, 1_000_000]);
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = statement(&grid, &ann.token, &format!("?limit=2{cursor}")).await;
        seen.extend(page.items);
        match page.next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, all, "pages are the whole, with its balances");
    let later = all[0].at_ms + 1;
    assert_eq!(statement(&grid, &ann.token, &format!("?from={later}")).await.items, []);
    let before = statement(&grid, &ann.token, &format!("?to={later}")).await.items;
    assert_eq!((before.len(), before[0].balance), (5, None), "what came later is not known");
    problem(grid.get("/api/v1/credits/statement?cursor=x", &ann.token).await, 422, "invalid").await;
    problem(grid.get("/api/v1/credits/statement?limit=0", &ann.token).await, 422, "invalid").await;
    problem(grid.get("/api/v1/credits/statement?to=-1", &ann.token).await, 400, "invalid-query").await;
}

#[tokio::test]
async fn only_operators_give_and_only_what_can_be_given() {
    let grid = Grid::with(members).await;
    let ann = newcomer(&grid, "ann").await;
    let one = json!({ "amount": 1 });
    problem(give(&grid, &ann.token, &ann, "k", &one).await, 403, "missing-scope").await;
    let missing = problem(give(&grid, &grid.operator, &ann, "", &one).await, 422, "invalid").await;
    assert_eq!(missing.field.as_deref(), Some("idempotency-key"));
    for wrong in [
        json!({ "amount": 0 }),
        json!({ "amount": -1 }),
        json!({ "amount": 1_000_000_000_000_001u64 }),
        json!({ "amount": u64::MAX }),
        json!({ "amount": 1.5 }),
        json!({ "amount": "1" }),
        json!({ "amount": 1, "note": "a\u{202e}b" }),
        json!({ "amount": 1, "note": "x".repeat(300) }),
        json!({ "amount": 1, "to": "me" }),
    ] {
        problem(give(&grid, &grid.operator, &ann, "wrong", &wrong).await, 422, "invalid").await;
    }
    let nobody = AccountCreated { id: "acc-000000000000".parse().unwrap(), ..ann.clone() };
    problem(give(&grid, &grid.operator, &nobody, "k", &one).await, 404, "not-found").await;
    let balance: Credits = read(grid.get("/api/v1/credits", &ann.token).await, 200).await;
    assert_eq!(balance.available, 1_000_000, "nothing of it moved");
    for path in ["/api/v1/ledger/trial", "/api/v1/disputes"] {
        problem(grid.get(path, &ann.token).await, 403, "missing-scope").await;
    }
    let reader = grid.scoped(&ann.token, &["nodes:write"]).await;
    problem(grid.get("/api/v1/credits", &reader).await, 403, "missing-scope").await;
}

#[tokio::test]
async fn the_trial_adds_up_to_nothing() {
    let grid = Grid::with(members).await;
    let ann = newcomer(&grid, "ann").await;
    let grant = serde_json::to_value(NewGrant { amount: 5_000_000, note: None }).unwrap();
    let _: Granted = read(give(&grid, &grid.operator, &ann, "k", &grant).await, 200).await;
    let trial: Trial = read(grid.get("/api/v1/ledger/trial", &grid.operator).await, 200).await;
    let net = |name: &str| trial.accounts.iter().find(|account| account.account == name).unwrap().net;
    assert_eq!((net("issuance"), net("users"), net("escrows"), net("fees")), (-6_000_000, 6_000_000, 0, 0));
    assert_eq!(trial.accounts.iter().map(|account| account.net).sum::<i64>(), 0);
    assert_eq!(json_of(grid.get("/api/v1/disputes", &grid.operator).await).await["items"], json!([]));
}

#[tokio::test]
async fn a_grid_says_what_work_costs() {
    let grid = Grid::with(members).await;
    let info = json_of(grid.get("/api/v1/grid", "").await).await;
    assert_eq!(
        (&info["kind"], &info["credits"], &info["allowance"]),
        (&json!("members"), &json!(true), &json!(1_000_000))
    );
    let price =
        json!({ "per_tera_fuel": 1_000_000, "memory_permille": 100, "per_gib_day": 10_000, "fee_permille": 50 });
    assert_eq!(info["price"], price);
    let speed = json_of(grid.get("/api/v1/grid/speed", &grid.operator).await).await;
    assert_eq!((&speed["nodes"], &speed["fuel_per_s"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn on_one_persons_grid_nothing_costs_and_nothing_is_given() {
    let grid = Grid::with(|config| config.grid.allowance = Amount::CREDIT).await;
    let ann = newcomer(&grid, "ann").await;
    let info = json_of(grid.get("/api/v1/grid", "").await).await;
    assert_eq!((&info["kind"], &info["credits"], &info["allowance"]), (&json!("own"), &json!(false), &json!(0)));
    let balance: Credits = read(grid.get("/api/v1/credits", &ann.token).await, 200).await;
    assert_eq!(balance, Credits::default());
    assert_eq!(statement(&grid, &ann.token, "").await.items, []);
    problem(give(&grid, &grid.operator, &ann, "k", &json!({ "amount": 1 })).await, 409, "no-credits").await;
}
