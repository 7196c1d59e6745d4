//! Whatever a client gets wrong is a problem that says what, and nothing of it reaches further.

use reqwest::Method;
use serde_json::json;

use crate::grid::{Grid, json_of, problem};

#[tokio::test]
async fn wrong_bodies_are_problems() {
    let grid = Grid::start().await;
    let send = async |body: Vec<u8>, kind: &str| {
        let request = grid.ask(Method::POST, "/api/v1/accounts", &grid.operator).header("content-type", kind);
        request.body(body).send().await.unwrap()
    };
    const JSON: &str = "application/json";
    for body in [&b""[..], b"{", b"\xff\xfe", b"{\"name\":\"a\"}{", "[".repeat(100_000).as_bytes()] {
        problem(send(body.to_vec(), JSON).await, 400, "invalid-json").await;
    }
    let told = problem(send(br#"{"name":"a","is_admin":true}"#.to_vec(), JSON).await, 422, "invalid").await;
    assert!(told.detail.contains("is_admin"), "{told:?}");
    for body in [r#"{"name":"a","fuel_quota":9223372036854775808}"#, r#"{"name":"a","fuel_quota":1e400}"#] {
        let answer = send(body.as_bytes().to_vec(), JSON).await;
        assert!(matches!(answer.status().as_u16(), 400 | 422), "{body}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    for name in ["", "a\u{0}b", "\u{202e}evil", &"x".repeat(10_000)] {
        let body = serde_json::to_vec(&json!({ "name": name })).unwrap();
        let told = problem(send(body, JSON).await, 422, "invalid").await;
        assert_eq!(told.field.as_deref(), Some("name"));
    }
    problem(send(b"name=a".to_vec(), "application/x-www-form-urlencoded").await, 415, "not-json").await;
    let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(2 << 20));
    problem(send(huge.into_bytes(), JSON).await, 413, "body-too-large").await;
    let packed = grid.ask(Method::POST, "/api/v1/accounts", &grid.operator).header("content-encoding", "gzip");
    problem(packed.json(&json!({"name": "a"})).send().await.unwrap(), 415, "not-json").await;
}

#[tokio::test]
async fn sql_in_a_name_is_a_name() {
    let grid = Grid::start().await;
    let name = "Robert'); DROP TABLE accounts;-- %_\"";
    grid.account(name).await;
    let page = json_of(grid.get("/api/v1/accounts", &grid.operator).await).await;
    assert_eq!(page["items"][1]["name"], name);
}

#[tokio::test]
async fn wrong_paths_queries_and_methods_are_problems() {
    let grid = Grid::start().await;
    let token = &grid.operator;
    for path in ["/", "/api", "/api/v1/nothing", "/api/v1/jobs/x/y", "/api/v2/me", "/..%2fetc"] {
        problem(grid.get(path, token).await, 404, "no-such-route").await;
    }
    for (method, path) in [(Method::PUT, "/api/v1/jobs"), (Method::DELETE, "/api/v1/me"), (Method::POST, "/healthz")] {
        let answer = grid.ask(method, path, token).send().await.unwrap();
        assert!(answer.headers().contains_key("allow"));
        problem(answer, 405, "method-not-allowed").await;
    }
    let ids = ["jobs/1", "jobs/job-..%2f..%2fetc", "jobs/job-%00bbbbbbbbbbb", "blobs/CON", "blobs/..%2f..%2fpasswd"];
    for path in ids {
        problem(grid.get(&format!("/api/v1/{path}"), token).await, 400, "invalid-path").await;
    }
    for query in ["nonsense=1", "limit=x", "limit=-1", "limit=1&limit=2", "failed=maybe"] {
        let path = format!("/api/v1/jobs/job-bbbbbbbbbbbb/logs?{query}");
        problem(grid.get(&path, token).await, 400, "invalid-query").await;
    }
    for query in ["limit=0", "limit=1000000000", "cursor=-1", "cursor=%27%20OR%201=1"] {
        problem(grid.get(&format!("/api/v1/accounts?{query}"), token).await, 422, "invalid").await;
    }
    problem(grid.get("/api/v1/jobs/job-bbbbbbbbbbbb?wait_ms=30001", token).await, 422, "invalid").await;
    let long = "k".repeat(1_000);
    let keyed = grid.ask(Method::POST, "/api/v1/jobs", token).header("idempotency-key", long);
    let submission = json!({"name": "j", "module": "0".repeat(64), "split": {"by": "file"}});
    problem(keyed.json(&submission).send().await.unwrap(), 422, "invalid").await;
}

#[tokio::test]
async fn answers_are_safe_in_a_browser() {
    let grid = Grid::start().await;
    for path in ["/api/v1/grid", "/nothing", "/api/docs/", "/healthz", "/api/v1/me"] {
        let answer = grid.get(path, "").await;
        let headers = answer.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(headers.contains_key("x-request-id"), "{path}");
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
    }
}

#[tokio::test]
async fn health_and_counters_are_told() {
    let grid = Grid::start().await;
    let health = json_of(grid.get("/healthz", "").await).await;
    assert_eq!(health, json!({"ok": true, "database": true, "blobs": true, "nodes_online": 0}));
    grid.get("/api/v1/jobs/job-bbbbbbbbbbbb/unknown-path", "").await;
    let text = grid.get("/metrics", "").await.text().await.unwrap();
    assert!(text.contains("fallow_requests_total{route=\"/healthz\",method=\"GET\",status=\"200\"} 1"), "{text}");
    assert!(text.contains("route=\"none\"") && !text.contains("unknown-path"), "paths of strangers are no labels");

    let blobs = grid.running.app.config.data.join("blobs");
    std::fs::remove_dir_all(&blobs).unwrap();
    let answer = grid.get("/healthz", "").await;
    assert_eq!(answer.status(), 503);
    let health: serde_json::Value = answer.json().await.unwrap();
    assert_eq!((&health["ok"], &health["database"], &health["blobs"]), (&json!(false), &json!(true), &json!(false)));
}
