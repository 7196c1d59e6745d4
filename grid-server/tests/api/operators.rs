//! Operators: lists with search, stopping and restoring users, limits, the audit log, the ledger, health.

use fallow_protocol::api::{AdminHealth, AdminUser, AuditEvent, LedgerRow, Me, Page, Report};
use grid_core::ledger::Amount;
use grid_core::trust::GridKind;
use grid_server::store::{accounts, devices};
use reqwest::Method;
use serde_json::json;

use crate::grid::{Grid, problem, read};

async fn users(grid: &Grid, query: &str) -> Vec<AdminUser> {
    let path = format!("/api/v1/admin/users{query}");
    read::<Page<AdminUser>>(grid.get(&path, &grid.operator).await, 200).await.items
}

fn path(user: &AdminUser, verb: &str) -> String {
    format!("/api/v1/admin/users/{}{verb}", user.id)
}

#[tokio::test]
async fn users_are_found_by_name_and_id_page_by_page() {
    let grid = Grid::start().await;
    for name in ["ann", "Annette", "bob", "50%_off"] {
        grid.account(name).await;
    }
    let names = async |query: &str| users(&grid, query).await.into_iter().map(|user| user.name).collect::<Vec<_>>();
    assert_eq!(names("").await, ["operator", "ann", "Annette", "bob", "50%_off"]);
    assert_eq!(names("?query=ANN").await, ["ann", "Annette"]);
    assert_eq!(names("?query=%25_").await, ["50%_off"], "a pattern's own letters are letters");
    problem(grid.get("/api/v1/admin/users?query=%00", &grid.operator).await, 422, "invalid").await;
    let bob = users(&grid, "?query=bob").await.remove(0);
    assert_eq!(names(&format!("?query={}", bob.id)).await, ["bob"]);
    let page: Page<AdminUser> = read(grid.get("/api/v1/admin/users?limit=3", &grid.operator).await, 200).await;
    assert_eq!(names(&format!("?limit=3&cursor={}", page.next.unwrap())).await, ["bob", "50%_off"]);
}

#[tokio::test]
async fn a_suspended_user_is_refused_with_the_reason_and_comes_back() {
    let grid = Grid::start().await;
    let ann = grid.account("ann").await;
    let user = users(&grid, "?query=ann").await.remove(0);
    let reason = json!({"reason": "mined coins on others' computers"});
    assert_eq!(grid.post(&path(&user, "/suspend"), &grid.operator, &reason).await.status(), 204);
    let told = problem(grid.get("/api/v1/jobs", &ann).await, 403, "suspended").await;
    assert!(told.detail.contains("mined coins"), "{told:?}");
    assert_eq!(users(&grid, "?query=ann").await[0].suspended.as_ref().unwrap().reason, reason["reason"]);
    let me: Me = read(grid.get("/api/v1/me", &ann).await, 200).await;
    assert_eq!(me.suspended.expect("who is suspended may read why").reason, reason["reason"]);
    assert_eq!(grid.post(&path(&user, "/restore"), &grid.operator, &json!({})).await.status(), 204);
    assert_eq!(grid.get("/api/v1/jobs", &ann).await.status(), 200);

    let log: Page<AuditEvent> = read(grid.get("/api/v1/admin/audit?actor=operator", &grid.operator).await, 200).await;
    let seen: Vec<_> = log.items.iter().map(|event| (event.action.as_str(), event.object.as_str())).collect();
    assert_eq!(seen[..2], [("user.restored", user.id.as_str()), ("user.suspended", user.id.as_str())]);
    assert_eq!(log.items[1].details, reason["reason"]);
    let only: Page<AuditEvent> =
        read(grid.get("/api/v1/admin/audit?action=user.suspended&limit=1", &grid.operator).await, 200).await;
    assert_eq!(only.items[0].action, "user.suspended");
    problem(grid.get("/api/v1/admin/audit?actor=nobody", &grid.operator).await, 404, "not-found").await;
}

#[tokio::test]
async fn the_last_operator_stays_and_wrong_words_are_refused() {
    let grid = Grid::start().await;
    grid.account("ann").await;
    let (operator, ann) = (users(&grid, "?query=operator").await.remove(0), users(&grid, "?query=ann").await.remove(0));
    let post = async |to: &str, body| grid.post(to, &grid.operator, &body).await;
    problem(post(&path(&operator, "/suspend"), json!({"reason": "x"})).await, 409, "last-operator").await;
    let patch =
        async |user, body| grid.ask(Method::PATCH, &path(user, ""), &grid.operator).json(&body).send().await.unwrap();
    problem(patch(&operator, json!({"role": "user"})).await, 409, "last-operator").await;
    for reason in ["", "  ", "a\nb", "\u{202e}x", &"x".repeat(501)] {
        problem(post(&path(&ann, "/suspend"), json!({"reason": reason})).await, 422, "invalid").await;
    }
    problem(patch(&ann, json!({"role": "root"})).await, 422, "invalid").await;
    problem(patch(&ann, json!({"jobs_max": 1_000_001})).await, 422, "invalid").await;
    problem(patch(&ann, json!({"fuel_quota": u64::MAX})).await, 422, "invalid").await;
    problem(patch(&ann, json!({"name": "x"})).await, 422, "invalid").await;
    let nobody = "/api/v1/admin/users/acc-bbbbbbbbbbbb/suspend";
    problem(post(nobody, json!({"reason": "x"})).await, 404, "not-found").await;
    let nothing = format!("/api/v1/admin/modules/{}/suspend", fallow_protocol::Digest::of(b"nothing"));
    problem(post(&nothing, json!({"reason": "x"})).await, 404, "not-found").await;

    let change = json!({"role": "operator", "fuel_quota": 7, "jobs_max": 0});
    let changed: AdminUser = read(patch(&ann, change).await, 200).await;
    assert_eq!(users(&grid, "?query=ann").await, [changed.clone()]);
    assert_eq!((changed.role.as_str(), changed.fuel_quota, changed.jobs_max), ("operator", 7, Some(0)));
    assert_eq!(post(&path(&operator, "/suspend"), json!({"reason": "left the lab"})).await.status(), 204);
    problem(grid.get("/api/v1/admin/users", &grid.operator).await, 403, "suspended").await;
}

#[tokio::test]
async fn the_ledger_is_searched() {
    let grid = Grid::with(|config| {
        config.grid.kind = GridKind::Members;
        config.grid.allowance = Amount::saturating(5_000_000);
    })
    .await;
    grid.account("ann").await;
    grid.account("bob").await;
    let bob = users(&grid, "?query=bob").await.remove(0);
    let grant = grid.ask(Method::POST, &format!("/api/v1/accounts/{}/grants", bob.id), &grid.operator);
    let grant = grant.header("idempotency-key", "k").json(&json!({"amount": 7, "note": "for the slides"}));
    assert_eq!(grant.send().await.unwrap().status(), 200);
    let search = async |query: &str| {
        let path = format!("/api/v1/admin/ledger{query}");
        read::<Page<LedgerRow>>(grid.get(&path, &grid.operator).await, 200).await
    };
    let all = search("").await;
    assert_eq!(all.items.iter().map(|row| row.amount).collect::<Vec<_>>(), [7, 5_000_000, 5_000_000]);
    let newest = &all.items[0];
    assert_eq!(
        (newest.kind.as_str(), newest.cause.as_str(), newest.debit.kind.as_str()),
        ("single", "grant", "issuance")
    );
    assert_eq!(newest.credit.account.as_ref().map(|account| account.name.as_str()), Some("bob"));
    assert_eq!(newest.note.as_deref(), Some("for the slides"));
    assert_eq!(search("?account=ann").await.items.len(), 1);
    assert_eq!(search(&format!("?account={}&cause=grant", bob.id)).await.items.len(), 2);
    assert_eq!(search("?cause=refund").await.items.len(), 0);
    assert_eq!(search(&format!("?to_ms={}", newest.at_ms - 3_600_000)).await.items.len(), 0);
    let page = search("?limit=2").await;
    let rest = search(&format!("?limit=2&cursor={}", page.next.unwrap())).await;
    assert_eq!((page.items.len(), rest.items.len(), rest.next), (2, 1, None));
    problem(grid.get("/api/v1/admin/ledger?cause=theft", &grid.operator).await, 422, "invalid").await;
    problem(grid.get("/api/v1/admin/ledger?account=nobody", &grid.operator).await, 404, "not-found").await;
    problem(grid.get("/api/v1/admin/ledger?job=job-bbbbbbbbbbbb", &grid.operator).await, 404, "not-found").await;
    assert_eq!(users(&grid, "?query=bob").await[0].available, 5_000_007);
}

#[tokio::test]
async fn every_part_says_how_it_is() {
    let grid = Grid::start().await;
    let health: AdminHealth = read(grid.get("/api/v1/admin/health", &grid.operator).await, 200).await;
    let names: Vec<_> = health.parts.iter().map(|part| part.name.as_str()).collect();
    for name in ["database", "blobs", "disk", "dispatch", "settle", "own worker", "mail", "nodes", "ledger", "keys"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let wrong: Vec<_> = health.parts.iter().filter(|part| !part.ok && part.name != "disk").collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
async fn reports_are_read_with_who_made_them() {
    let grid = Grid::start().await;
    grid.account("ann").await;
    let (store, module) = (&grid.running.app.store, fallow_protocol::Digest::of(b"a program"));
    let account = accounts::by_name(store.reader(), "ann").await.unwrap().unwrap().id;
    let note = "fills the\ndisk <script>".to_owned();
    let report = devices::Report { account, module: Some(module), job: None, note, made_at_ms: 5 };
    let kept = store.write(move |db| {
        let report = report.clone();
        Box::pin(async move { devices::report(db, &report, 0, 9).await })
    });
    assert!(kept.await.unwrap());
    let found = async |query: &str| {
        let path = format!("/api/v1/admin/reports{query}");
        read::<Page<Report>>(grid.get(&path, &grid.operator).await, 200).await.items
    };
    let all = found("").await;
    assert_eq!(
        (all[0].by.as_str(), all[0].module, all[0].text.as_str()),
        ("ann", Some(module), "fills the\ndisk <script>")
    );
    assert_eq!(found(&format!("?query={module}")).await, all);
    assert_eq!(found("?query=DISK").await, all);
    assert!(found("?query=bob").await.is_empty());
}
