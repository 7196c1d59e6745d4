//! Accounts, tokens, scopes: who may do what, and that nobody sees what is another's.

use fallow_protocol::api::{Me, NewAuthorKey, NewToken, Page, TokenInfo};
use fallow_protocol::{Digest, SecretKey};
use grid_server::auth::{self, Scope};
use grid_server::store::tokens;
use reqwest::Method;
use serde_json::json;

use crate::grid::{Grid, json_of, problem, read};

/// Every route that needs a token, with the scope that it needs.
const ROUTES: &[(&str, &str, &str)] = &[
    ("GET", "/api/v1/me", ""),
    ("POST", "/api/v1/accounts", "admin"),
    ("GET", "/api/v1/accounts", "admin"),
    ("POST", "/api/v1/tokens", ""),
    ("GET", "/api/v1/tokens", ""),
    ("DELETE", "/api/v1/tokens/tok-bbbbbbbbbbbb", ""),
    ("POST", "/api/v1/keys", "jobs:write"),
    ("GET", "/api/v1/keys", "jobs:read"),
    ("DELETE", "/api/v1/keys/DIGEST", "jobs:write"),
    ("GET", "/api/v1/blobs/DIGEST", "jobs:read"),
    ("GET", "/api/v1/blobs/DIGEST/blocks", "jobs:read"),
    ("GET", "/api/v1/blobs/DIGEST/upload", "jobs:write"),
    ("PATCH", "/api/v1/blobs/DIGEST?offset=0&len=1", "jobs:write"),
    ("POST", "/api/v1/modules", "jobs:write"),
    ("POST", "/api/v1/jobs", "jobs:write"),
    ("GET", "/api/v1/jobs", "jobs:read"),
    ("GET", "/api/v1/jobs/job-bbbbbbbbbbbb", "jobs:read"),
    ("GET", "/api/v1/jobs/job-bbbbbbbbbbbb/units", "jobs:read"),
    ("GET", "/api/v1/jobs/job-bbbbbbbbbbbb/logs", "jobs:read"),
    ("GET", "/api/v1/jobs/job-bbbbbbbbbbbb/explain", "jobs:read"),
    ("GET", "/api/v1/jobs/job-bbbbbbbbbbbb/result", "jobs:read"),
    ("GET", "/api/v1/jobs/job-bbbbbbbbbbbb/map", "jobs:read"),
    ("GET", "/api/v1/jobs/job-bbbbbbbbbbbb/events", "jobs:read"),
    ("GET", "/api/v1/jobs/job-bbbbbbbbbbbb/errors", "jobs:read"),
    ("GET", "/api/v1/jobs/job-bbbbbbbbbbbb/nodes", "jobs:read"),
    ("GET", "/api/v1/jobs/job-bbbbbbbbbbbb/timeline", "jobs:read"),
    ("GET", "/api/v1/jobs/job-bbbbbbbbbbbb/units/1/0", "jobs:read"),
    ("GET", "/api/v1/jobs/job-bbbbbbbbbbbb/units/1/0/output", "jobs:read"),
    ("GET", "/api/v1/jobs/job-bbbbbbbbbbbb/preview", "jobs:read"),
    ("GET", "/api/v1/jobs/job-bbbbbbbbbbbb/preview/0", "jobs:read"),
    ("POST", "/api/v1/jobs/draft", "jobs:read"),
    ("GET", "/api/v1/projects", "jobs:read"),
    ("GET", "/api/v1/modules", "jobs:read"),
    ("POST", "/api/v1/modules/draft", "jobs:write"),
    ("GET", "/api/v1/events", "jobs:read"),
    ("POST", "/api/v1/jobs/job-bbbbbbbbbbbb/cancel", "jobs:write"),
    ("POST", "/api/v1/jobs/job-bbbbbbbbbbbb/retry", "jobs:write"),
    ("POST", "/api/v1/nodes/join-tokens", "nodes:write"),
    ("GET", "/api/v1/nodes", ""),
    ("DELETE", "/api/v1/nodes/node-bbbbbbbbbbbb", "nodes:write"),
    ("POST", "/api/v1/nodes/node-bbbbbbbbbbbb/anchor", "admin"),
    ("DELETE", "/api/v1/nodes/node-bbbbbbbbbbbb/anchor", "admin"),
    ("GET", "/api/v1/grid/speed", ""),
    ("GET", "/api/v1/credits", "jobs:read"),
    ("GET", "/api/v1/credits/statement", "jobs:read"),
    ("POST", "/api/v1/accounts/acc-bbbbbbbbbbbb/grants", "admin"),
    ("POST", "/api/v1/jobs/job-bbbbbbbbbbbb/budget", "jobs:write"),
    ("GET", "/api/v1/ledger/trial", "admin"),
    ("GET", "/api/v1/disputes", "admin"),
    ("GET", "/api/v1/groups", ""),
    ("POST", "/api/v1/groups", "nodes:write"),
    ("GET", "/api/v1/groups/lab", ""),
    ("DELETE", "/api/v1/groups/lab", "nodes:write"),
    ("POST", "/api/v1/groups/lab/invitations", "nodes:write"),
    ("DELETE", "/api/v1/groups/lab/invitations/acc-bbbbbbbbbbbb", "nodes:write"),
    ("DELETE", "/api/v1/groups/lab/members/acc-bbbbbbbbbbbb", "nodes:write"),
    ("GET", "/api/v1/invitations", ""),
    ("POST", "/api/v1/invitations/lab/accept", "nodes:write"),
    ("POST", "/api/v1/invitations/lab/decline", "nodes:write"),
    ("GET", "/api/v1/admin/users", "admin"),
    ("PATCH", "/api/v1/admin/users/acc-bbbbbbbbbbbb", "admin"),
    ("POST", "/api/v1/admin/users/acc-bbbbbbbbbbbb/suspend", "admin"),
    ("POST", "/api/v1/admin/users/acc-bbbbbbbbbbbb/restore", "admin"),
    ("GET", "/api/v1/admin/nodes", "admin"),
    ("POST", "/api/v1/admin/nodes/node-bbbbbbbbbbbb/suspend", "admin"),
    ("POST", "/api/v1/admin/nodes/node-bbbbbbbbbbbb/restore", "admin"),
    ("GET", "/api/v1/admin/jobs", "admin"),
    ("GET", "/api/v1/admin/modules", "admin"),
    ("POST", "/api/v1/admin/modules/DIGEST/suspend", "admin"),
    ("POST", "/api/v1/admin/modules/DIGEST/restore", "admin"),
    ("GET", "/api/v1/admin/ledger", "admin"),
    ("GET", "/api/v1/admin/audit", "admin"),
    ("GET", "/api/v1/admin/reports", "admin"),
    ("GET", "/api/v1/admin/health", "admin"),
    ("GET", "/api/v1/node/earnings", "session"),
    ("GET", "/api/v1/nodes/node-bbbbbbbbbbbb", ""),
    ("GET", "/api/v1/nodes/node-bbbbbbbbbbbb/availability", ""),
    ("GET", "/api/v1/nodes/node-bbbbbbbbbbbb/earnings", ""),
    ("GET", "/api/v1/nodes/node-bbbbbbbbbbbb/intervals", ""),
    ("PATCH", "/api/v1/nodes/node-bbbbbbbbbbbb", "nodes:write"),
    ("POST", "/api/v1/nodes/node-bbbbbbbbbbbb/pause", "nodes:write"),
    ("POST", "/api/v1/nodes/node-bbbbbbbbbbbb/resume", "nodes:write"),
    ("POST", "/api/v1/reports", ""),
    ("PUT", "/api/v1/nodes/node-bbbbbbbbbbbb/preferences", "nodes:write"),
    ("PUT", "/api/v1/nodes/node-bbbbbbbbbbbb/takes", "nodes:write"),
    ("PATCH", "/api/v1/me", "person"),
    ("POST", "/api/v1/me/email", "person"),
    ("POST", "/api/v1/me/delete", "person"),
    ("GET", "/api/v1/me/export", "person"),
    ("GET", "/api/v1/me/audit", "person"),
    ("DELETE", "/api/v1/session", "person"),
    ("GET", "/api/v1/sessions", "person"),
    ("DELETE", "/api/v1/sessions", "person"),
    ("DELETE", "/api/v1/sessions/ses-bbbbbbbbbbbb", "person"),
    ("POST", "/api/v1/password", "person"),
    ("POST", "/api/v1/password/first", "person"),
    ("POST", "/api/v1/totp", "person"),
    ("POST", "/api/v1/totp/confirm", "person"),
    ("POST", "/api/v1/totp/remove", "person"),
    ("GET", "/api/v1/device/BCDF-GHJK", "person"),
    ("POST", "/api/v1/device/BCDF-GHJK/approve", "person"),
    ("POST", "/api/v1/device/BCDF-GHJK/deny", "person"),
    ("GET", "/api/v1/node/blobs/DIGEST", "session"),
    ("GET", "/api/v1/node/blobs/DIGEST/blocks", "session"),
    ("GET", "/api/v1/node/blobs/DIGEST/upload", "session"),
    ("PATCH", "/api/v1/node/blobs/DIGEST?offset=0&len=1", "session"),
    ("PATCH", "/api/v1/node/uploads/DIGEST?offset=0&len=1", "session"),
    ("DELETE", "/api/v1/node/uploads/DIGEST", "session"),
];

fn path(route: &str) -> String {
    route.replace("DIGEST", &Digest::of(b"nothing").to_string())
}

#[tokio::test]
async fn every_route_asks_for_a_token_with_its_scope() {
    let grid = Grid::start().await;
    let user = grid.account("ann").await;
    let scopes = ["jobs:read", "jobs:write", "nodes:write"];
    for (method, route, needed) in ROUTES {
        let method: Method = method.parse().unwrap();
        for token in ["", "fallow_wrong", "nonsense"] {
            let answer = grid.ask(method.clone(), &path(route), token).send().await.unwrap();
            problem(answer, 401, "unauthorised").await;
        }
        if *needed == "person" {
            let answer = grid.ask(method.clone(), &path(route), &grid.operator).send().await.unwrap();
            problem(answer, 403, "session-needed").await;
        }
        if *needed == "session" {
            let answer = grid.ask(method.clone(), &path(route), &grid.operator).send().await.unwrap();
            problem(answer, 401, "unauthorised").await;
        }
        if let Some(others) =
            scopes.contains(needed).then(|| scopes.map(|scope| if scope == *needed { "" } else { scope }))
        {
            let others: Vec<&str> = others.into_iter().filter(|scope| !scope.is_empty()).collect();
            let token = grid.scoped(&user, &others).await;
            let answer = grid.ask(method.clone(), &path(route), &token).send().await.unwrap();
            let told = problem(answer, 403, "missing-scope").await;
            assert!(told.detail.contains(needed), "{route}: {told:?}");
        }
        if *needed == "admin" {
            let answer = grid.ask(method, &path(route), &user).send().await.unwrap();
            problem(answer, 403, "missing-scope").await;
        }
    }
}

#[tokio::test]
async fn the_matrix_names_every_route_with_a_token() {
    let document: serde_json::Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let mut missing = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let known = ROUTES.iter().any(|(known, route, _)| {
                let template = route.split('?').next().unwrap();
                known.eq_ignore_ascii_case(method) && same_shape(template, path)
            });
            if operation.get("security").is_some() && !known {
                missing.push(format!("{method} {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

fn same_shape(route: &str, template: &str) -> bool {
    let (route, template): (Vec<_>, Vec<_>) = (route.split('/').collect(), template.split('/').collect());
    route.len() == template.len()
        && route.iter().zip(&template).all(|(part, wanted)| wanted.starts_with('{') || part == wanted)
}

#[tokio::test]
async fn the_first_start_makes_one_operator() {
    let grid = Grid::start().await;
    let me: Me = read(grid.get("/api/v1/me", &grid.operator).await, 200).await;
    assert_eq!((me.name.as_str(), me.role.as_str(), me.scopes.len()), ("operator", "operator", 4));
    let user = grid.account("ann").await;
    let taken = grid.post("/api/v1/accounts", &grid.operator, &json!({"name": "ann"})).await;
    problem(taken, 409, "name-taken").await;
    let me: Me = read(grid.get("/api/v1/me", &user).await, 200).await;
    assert_eq!((me.role.as_str(), me.fuel_used), ("user", 0));
    let page: Page<Me> = read(grid.get("/api/v1/accounts?limit=1", &grid.operator).await, 200).await;
    let next = page.next.expect("there is a second account");
    let page: Page<Me> = read(grid.get(&format!("/api/v1/accounts?cursor={next}"), &grid.operator).await, 200).await;
    assert_eq!(page.items.iter().map(|me| me.name.as_str()).collect::<Vec<_>>(), ["ann"]);

    let data = grid.running.app.config.data.clone();
    grid.running.stop().await;
    let again = grid_server::config::Config { data, listen: "127.0.0.1:0".parse().unwrap(), ..Default::default() };
    let running = grid_server::serve::start(again).await.unwrap();
    assert!(running.operator_token.is_none(), "shown once");
    let url = format!("{}/api/v1/me", running.url());
    assert_eq!(grid.client.get(url).bearer_auth(&user).send().await.unwrap().status(), 200);
    running.stop().await;
}

#[tokio::test]
async fn a_token_gives_no_more_than_it_has() {
    let grid = Grid::start().await;
    let user = grid.account("ann").await;
    let reader = grid.scoped(&user, &["jobs:read"]).await;
    let new = |scopes: &[&str], days| NewToken {
        name: "t".into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        days,
    };
    let refusals = [
        (&user, new(&["admin"], 1), 403, "missing-scope"),
        (&reader, new(&["jobs:write"], 1), 403, "missing-scope"),
        (&reader, new(&["jobs:read"], 2), 403, "outlives-maker"),
        (&user, new(&[], 1), 422, "invalid"),
        (&user, new(&["root"], 1), 422, "invalid"),
        (&user, new(&["jobs:read"], 0), 422, "invalid"),
        (&user, new(&["jobs:read"], 3651), 422, "invalid"),
    ];
    for (token, new, status, kind) in refusals {
        problem(grid.post("/api/v1/tokens", token, &new).await, status, kind).await;
    }
    let page: Page<TokenInfo> = read(grid.get("/api/v1/tokens", &user).await, 200).await;
    assert_eq!(page.items.len(), 2);
    assert!(page.items.iter().all(|token| token.token.is_none()), "secrets are told once");
}

#[tokio::test]
async fn a_removed_or_ended_token_is_none() {
    let grid = Grid::start().await;
    let (user, other) = (grid.account("ann").await, grid.account("bob").await);
    let new = NewToken { name: "t".into(), scopes: vec!["jobs:read".into()], days: 1 };
    let made: TokenInfo = read(grid.post("/api/v1/tokens", &user, &new).await, 201).await;
    let (path, secret) = (format!("/api/v1/tokens/{}", made.id), made.token.unwrap());
    problem(grid.delete(&path, &other).await, 404, "not-found").await;
    problem(grid.delete(&path, &grid.scoped(&user, &["nodes:write"]).await).await, 403, "missing-scope").await;
    assert_eq!(grid.get("/api/v1/me", &secret).await.status(), 200);
    assert_eq!(grid.delete(&path, &user).await.status(), 204);
    problem(grid.get("/api/v1/me", &secret).await, 401, "unauthorised").await;
    problem(grid.delete(&path, &user).await, 404, "not-found").await;

    let store = &grid.running.app.store;
    let caller = tokens::by_hash(store.reader(), &auth::hash(&user), 0).await.unwrap().unwrap();
    let (_, ended) = auth::issue(store, caller.account_id, "ended", &[Scope::JobsRead], 0).await.unwrap();
    problem(grid.get("/api/v1/me", &ended).await, 401, "unauthorised").await;
}

#[tokio::test]
async fn tokens_count_only_as_bearer() {
    let grid = Grid::start().await;
    let token = &grid.operator;
    for request in [
        grid.ask(Method::GET, "/api/v1/me", "").header("cookie", format!("token={token}")),
        grid.ask(Method::GET, "/api/v1/me", "").header("x-api-key", token),
        grid.ask(Method::GET, "/api/v1/me", "").basic_auth("operator", Some(token)),
        grid.ask(Method::GET, &format!("/api/v1/me?access_token={token}"), ""),
        grid.ask(Method::GET, "/api/v1/me", token).header("authorization", "Bearer other"),
    ] {
        problem(request.send().await.unwrap(), 401, "unauthorised").await;
    }
}

#[tokio::test]
async fn keys_are_an_accounts_own() {
    let grid = Grid::start().await;
    let (user, other) = (grid.account("ann").await, grid.account("bob").await);
    let new = NewAuthorKey { key: SecretKey::generate().public(), name: "laptop".into() };
    assert_eq!(grid.post("/api/v1/keys", &user, &new).await.status(), 201);
    assert_eq!(grid.post("/api/v1/keys", &user, &new).await.status(), 200);
    let path = format!("/api/v1/keys/{}", new.key);
    assert_eq!(json_of(grid.get("/api/v1/keys", &other).await).await["items"], json!([]));
    problem(grid.delete(&path, &other).await, 404, "not-found").await;
    assert_eq!(json_of(grid.get("/api/v1/keys", &user).await).await["items"][0]["name"], "laptop");
    assert_eq!(grid.delete(&path, &user).await.status(), 204);
    problem(grid.delete(&path, &user).await, 404, "not-found").await;
    problem(grid.delete("/api/v1/keys/zz", &user).await, 400, "invalid-path").await;
}

#[tokio::test]
async fn who_asks_too_often_waits() {
    let grid = Grid::with(|config| {
        // Loopback gets a hundred times as many.
        config.limits.anonymous_per_s = 1;
        config.limits.anonymous_burst = 1;
        config.limits.requests_per_s = 1;
        config.limits.requests_burst = 1;
    })
    .await;
    let (first, second) = (grid.operator.clone(), grid.account("ann").await);
    let mut refused = None;
    for _ in 0..300 {
        let answer = grid.get("/api/v1/me", &first).await;
        if answer.status() == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a limit");
    assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    problem(refused, 429, "rate-limited").await;
    assert_eq!(grid.get("/api/v1/me", &second).await.status(), 200, "others are not slowed");
}
