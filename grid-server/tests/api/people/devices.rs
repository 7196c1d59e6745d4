//! The device flow: asked, looked at, approved or denied, and used once.

use reqwest::Method;
use serde_json::{Value, json};

use super::browser::{open_grid, register};
use crate::grid::{Grid, json_of, problem};

async fn begin(grid: &Grid, body: Value) -> Value {
    json_of(grid.post("/api/v1/device/code", "", &body).await).await
}

/// Two questions may come at once, as after a lost answer.
async fn poll(grid: &Grid, code: &Value) -> reqwest::Response {
    grid.post("/api/v1/device/token", "", &json!({"device_code": code["device_code"]})).await
}

#[tokio::test]
async fn an_approved_device_gets_one_token() {
    let grid = open_grid().await;
    let ann = register(&grid, "ann").await;
    let code = begin(&grid, json!({"client": "fallow", "name": "laptop"})).await;
    let typed = code["user_code"].as_str().unwrap();
    assert_eq!(code["verification_uri_complete"], format!("{}/device?code={typed}", grid.running.url()));
    problem(poll(&grid, &code).await, 400, "authorization-pending").await;
    let path = format!("/api/v1/device/{}", typed.to_lowercase().replace('-', ""));
    let seen = json_of(ann.get(&path).await).await;
    assert_eq!(
        (&seen["client"], &seen["name"], &seen["address"]),
        (&json!("fallow"), &json!("laptop"), &json!("127.0.0.1"))
    );
    assert_eq!(seen["root_fingerprint"], code["root_fingerprint"]);
    assert_eq!(ann.send(Method::POST, &format!("{path}/approve"), &json!({})).await.status(), 204);
    problem(ann.send(Method::POST, &format!("{path}/deny"), &json!({})).await, 404, "not-found").await;
    let given = json_of(poll(&grid, &code).await).await;
    let token = given["token"].as_str().expect("a token");
    let me = json_of(grid.get("/api/v1/me", token).await).await;
    assert_eq!((&me["name"], &me["scopes"]), (&json!("ann"), &json!(["jobs:read", "jobs:write", "nodes:write"])));
    problem(poll(&grid, &code).await, 400, "expired-token").await;
}

#[tokio::test]
async fn devices_get_what_was_approved_and_nothing_else() {
    let grid = open_grid().await;
    let (ann, visitor) =
        (register(&grid, "ann").await, begin(&grid, json!({"client": "fallow-node", "name": "pi"})).await);
    let path = |code: &Value, what: &str| format!("/api/v1/device/{}{what}", code["user_code"].as_str().unwrap());
    assert_eq!(ann.send(Method::POST, &path(&visitor, "/deny"), &json!({})).await.status(), 204);
    problem(poll(&grid, &visitor).await, 400, "access-denied").await;
    let admin = begin(&grid, json!({"client": "fallow", "name": "x", "scopes": ["admin"]})).await;
    problem(ann.send(Method::POST, &path(&admin, "/approve"), &json!({})).await, 403, "missing-scope").await;
    for body in [
        json!({"client": "other", "name": "x"}),
        json!({"client": "fallow", "name": ""}),
        json!({"client": "fallow", "name": "x", "scopes": ["root"]}),
        json!({"client": "fallow", "name": "x", "scopes": []}),
        json!({"client": "fallow-node", "name": "x", "scopes": ["jobs:read"]}),
    ] {
        problem(grid.post("/api/v1/device/code", "", &body).await, 422, "invalid").await;
    }
    let unknown = grid.post("/api/v1/device/token", "", &json!({"device_code": "x".repeat(9_000)})).await;
    problem(unknown, 400, "expired-token").await;
    problem(ann.get("/api/v1/device/AAAA-AAAA").await, 404, "not-found").await;
    // A device that does not wait is told so.
    let eager = begin(&grid, json!({"client": "fallow", "name": "eager"})).await;
    let mut kinds = Vec::new();
    for _ in 0..3 {
        let answer: Value = poll(&grid, &eager).await.json().await.unwrap();
        kinds.push(answer["type"].as_str().unwrap().to_owned());
    }
    assert!(
        kinds.contains(&"slow-down".to_owned()) || kinds.iter().all(|kind| kind == "authorization-pending"),
        "{kinds:?}"
    );
    // Codes are not tried one after another.
    let mut refused = false;
    for _ in 0..100 {
        refused |= ann.get("/api/v1/device/BCDF-GHJK").await.status() == 429;
    }
    assert!(refused, "a hundred codes were looked up");
}

#[tokio::test]
async fn a_node_joins_with_an_approved_code() {
    let grid = open_grid().await;
    let ann = register(&grid, "ann").await;
    let code = begin(&grid, json!({"client": "fallow-node", "name": "pi"})).await;
    let path = format!("/api/v1/device/{}/approve", code["user_code"].as_str().unwrap());
    assert_eq!(ann.send(Method::POST, &path, &json!({})).await.status(), 204);
    let given = json_of(poll(&grid, &code).await).await;
    let join = given["join_token"].as_str().expect("a join token");
    let (_, root) = fallow_protocol::api::JoinToken::parse(join).unwrap();
    assert_eq!(json!(root), code["root_fingerprint"]);
}
