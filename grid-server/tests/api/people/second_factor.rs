//! Second factors: offered, confirmed, each code used once, recovery, removal.

use reqwest::Method;
use serde_json::{Value, json};
use totp_rs::{Algorithm, Secret, TOTP};

use super::browser::{Browser, PASSWORD, open_grid, register};
use crate::grid::{Grid, json_of, problem};

fn code(secret: &str, steps_ahead: u64) -> String {
    let secret = Secret::Encoded(secret.into()).to_bytes().unwrap();
    let totp = TOTP::new(Algorithm::SHA1, 6, 1, 30, secret).unwrap();
    totp.generate(grid_server::app::now_ms() / 1_000 + 30 * steps_ahead)
}

async fn log_in(grid: &Grid, code: Value) -> reqwest::Response {
    grid.post("/api/v1/session", "", &json!({"login": "ann", "password": PASSWORD, "code": code})).await
}

#[tokio::test]
async fn a_code_counts_once_and_recovery_codes_too() {
    let grid = open_grid().await;
    let ann = register(&grid, "ann").await;
    let offered = ann.send(Method::POST, "/api/v1/totp", &json!({"password": PASSWORD})).await;
    let secret = json_of(offered).await["secret"].as_str().unwrap().to_owned();
    Browser::log_in(&grid, "ann", PASSWORD).await;
    let wrong = ann.send(Method::POST, "/api/v1/totp/confirm", &json!({"code": "000000"})).await;
    problem(wrong, 422, "invalid").await;
    let first = code(&secret, 0);
    let confirmed = ann.send(Method::POST, "/api/v1/totp/confirm", &json!({"code": first})).await;
    let recovery = json_of(confirmed).await["recovery"].clone();
    assert_eq!(recovery.as_array().unwrap().len(), 10);
    assert_eq!(json_of(ann.get("/api/v1/me").await).await["totp"], true);
    let kept = std::fs::read(grid.running.app.config.sqlite_file()).unwrap();
    let raw = Secret::Encoded(secret.clone()).to_bytes().unwrap();
    assert!(!kept.windows(raw.len()).any(|part| part == raw), "the secret lies readable in the database");

    problem(log_in(&grid, Value::Null).await, 401, "second-factor").await;
    problem(log_in(&grid, json!(first)).await, 401, "second-factor").await;
    problem(log_in(&grid, json!("x".repeat(10_000))).await, 401, "second-factor").await;
    // The next step's code: a clock may be wrong by one.
    let next = code(&secret, 1);
    assert_eq!(log_in(&grid, json!(next)).await.status(), 200);
    problem(log_in(&grid, json!(next)).await, 401, "second-factor").await;
    let spare = recovery[0].as_str().unwrap().to_uppercase();
    assert_eq!(log_in(&grid, json!(spare)).await.status(), 200);
    problem(log_in(&grid, json!(spare)).await, 401, "second-factor").await;

    let remove = |code: &Value| json!({"password": PASSWORD, "code": code});
    problem(ann.send(Method::POST, "/api/v1/totp", &json!({"password": PASSWORD})).await, 409, "totp-exists").await;
    let refused = ann.send(Method::POST, "/api/v1/totp/remove", &remove(&json!("000000"))).await;
    problem(refused, 401, "second-factor").await;
    let refused = ann.send(Method::POST, "/api/v1/me/delete", &json!({"password": PASSWORD})).await;
    problem(refused, 401, "second-factor").await;
    assert_eq!(ann.send(Method::POST, "/api/v1/totp/remove", &remove(&recovery[1])).await.status(), 204);
    assert_eq!(log_in(&grid, Value::Null).await.status(), 200);
}

#[tokio::test]
async fn a_mailbox_does_not_replace_the_second_factor() {
    let grid = open_grid().await;
    let ann = register(&grid, "ann").await;
    let offered = ann.send(Method::POST, "/api/v1/totp", &json!({"password": PASSWORD})).await;
    let secret = json_of(offered).await["secret"].as_str().unwrap().to_owned();
    let confirm = json!({"code": code(&secret, 0)});
    assert_eq!(ann.send(Method::POST, "/api/v1/totp/confirm", &confirm).await.status(), 200);
    grid.post("/api/v1/password/forgot", "", &json!({"email": "ann@example.org"})).await;
    let token = super::letter(&grid, "ann@example.org", "reset").await;
    let reset = json!({"token": token, "password": PASSWORD});
    assert_eq!(grid.post("/api/v1/password/reset", "", &reset).await.status(), 204);
    problem(log_in(&grid, Value::Null).await, 401, "second-factor").await;
}
