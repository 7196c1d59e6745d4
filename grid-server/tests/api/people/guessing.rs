//! Ten thousand log-ins: slowed down for those who guess, and harmless for the account and everybody else.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};

use super::browser::{Browser, PASSWORD, open_grid, register};
use crate::grid::read;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_guesses_are_a_few() {
    let grid = open_grid().await;
    let (ann, _bob) = (register(&grid, "ann").await, register(&grid, "bob").await);
    let guess = |n: u32| {
        let body = json!({"login": "ann", "password": format!("not the password {n}")});
        grid.ask(Method::POST, "/api/v1/session", "").json(&body).send()
    };
    let told = async |n| {
        let answer = guess(n).await.unwrap();
        let status = answer.status().as_u16();
        // Who has to wait is told how long.
        assert_eq!(status == 429, answer.headers().contains_key("retry-after"), "{status}");
        status
    };
    let statuses: Vec<u16> = futures_util::stream::iter(0..10_000).map(told).buffer_unordered(64).collect().await;
    let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!(count(401) + count(429), 10_000, "{:?}", statuses.iter().find(|s| !matches!(s, 401 | 429)));
    // Five are free; after that the wait doubles, however long the test takes.
    assert!((5..=20).contains(&count(401)), "{} guesses were answered", count(401));
    // Whoever is logged in stays so.
    assert_eq!(ann.get("/api/v1/me").await.status(), 200);
    // The log tells each guess that counted, and no more; it is written behind the answers.
    let refused = async || {
        let events: Value = read(ann.get("/api/v1/me/audit?limit=1000").await, 200).await;
        let events = events["items"].as_array().unwrap().clone();
        events.iter().filter(|event| event["action"] == "session.refused").count()
    };
    let told = async {
        while refused().await < count(401) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.expect("the log tells of each guess");
    assert_eq!(refused().await, count(401));
}

#[tokio::test]
async fn guesses_at_one_account_are_no_others_matter() {
    let grid = open_grid().await;
    let _ann = register(&grid, "ann").await;
    let _bob = register(&grid, "bob").await;
    for n in 0..6 {
        let _ =
            grid.post("/api/v1/session", "", &json!({"login": "ann", "password": format!("guess number {n}")})).await;
    }
    Browser::log_in(&grid, "bob", PASSWORD).await;
}

#[tokio::test]
async fn a_mailbox_is_not_flooded() {
    let grid = open_grid().await;
    for n in 0..20 {
        let new = json!({"name": format!("ann {n}"), "email": "ann@example.org", "password": PASSWORD});
        assert_eq!(grid.post("/api/v1/register", "", &new).await.status(), 202);
    }
    let last = json!({"name": "zoe", "email": "zoe@example.org", "password": PASSWORD});
    assert_eq!(grid.post("/api/v1/register", "", &last).await.status(), 202);
    // Mails go out in order: once this one is there, those before are too.
    super::letter(&grid, "zoe@example.org", "confirm").await;
    assert_eq!(super::browser::letters(&grid, "ann@example.org").len(), 5);
}
