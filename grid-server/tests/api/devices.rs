//! A lender's devices through the API: detail, choices, reports; other accounts see nothing of them.

use fallow_protocol::api::{Availability, EarningsDay, Interval, IntervalState, Items, NodeDetail, NodeInfo, Page};
use reqwest::Method;
use serde_json::json;

use crate::grid::{Grid, problem, read};
use crate::nodes::joined_node;

#[tokio::test]
async fn an_owner_chooses_for_a_device_and_nobody_else_does() {
    let grid = Grid::start().await;
    let (ann, bob) = (grid.account("ann").await, grid.account("bob").await);
    let node = joined_node(&grid, &ann, "laptop").await;
    let path = format!("/api/v1/nodes/{node}");
    let detail: NodeDetail = read(grid.get(&path, &ann).await, 200).await;
    assert_eq!((detail.info.name.as_str(), detail.info.state.as_str()), ("laptop", "offline"));
    assert_eq!(detail.preferences.effective.cpu_percent, Some(100));

    let put = |path: String, token: String, body| {
        let grid = &grid;
        async move { grid.send(Method::PUT, &path, &token, &body).await }
    };
    let preferences = json!({ "preset": "quiet", "idle_minutes": 9, "hours": vec![true; 168] });
    let chosen = put(format!("{path}/preferences"), ann.clone(), preferences).await;
    let detail: NodeDetail = read(chosen, 200).await;
    assert_eq!(detail.preferences.effective.idle_minutes, Some(9));
    assert_eq!(detail.preferences.effective.cpu_percent, Some(70));
    for (wrong, field) in [
        (json!({ "idle_minuts": 9 }), "idle_minuts"),
        (json!({ "idle_minutes": "9" }), "idle_minutes"),
        (json!({ "hours": [true] }), "hours"),
        (json!({ "cpu_percent": 0 }), "cpu_percent"),
    ] {
        let refused = problem(put(format!("{path}/preferences"), ann.clone(), wrong).await, 422, "invalid").await;
        assert_eq!(refused.field.as_deref(), Some(field));
    }

    let takes = json!({ "who": "anyone", "not_authors": ["bob"], "not_modules": ["00".repeat(32)] });
    let detail: NodeDetail = read(put(format!("{path}/takes"), ann.clone(), takes.clone()).await, 200).await;
    assert_eq!(serde_json::to_value(&detail.takes).unwrap(), takes);
    let nobody = json!({ "who": "own", "not_authors": ["nobody"] });
    problem(put(format!("{path}/takes"), ann.clone(), nobody).await, 422, "invalid").await;

    let renamed = grid.send(Method::PATCH, &path, &ann, &json!({ "name": "attic" })).await;
    assert_eq!(read::<NodeDetail>(renamed, 200).await.info.name, "attic");
    let paused = grid.post(&format!("{path}/pause"), &ann, &json!({ "for_s": 7_200, "finish": true })).await;
    let pause = read::<NodeDetail>(paused, 200).await.pause.unwrap();
    assert_eq!((pause.until_ms, pause.finish), (Some(pause.since_ms + 7_200_000), true));
    problem(grid.post(&format!("{path}/pause"), &ann, &json!({ "for_s": 0 })).await, 422, "invalid").await;
    let resumed = grid.post(&format!("{path}/resume"), &ann, &json!({})).await;
    assert_eq!(read::<NodeDetail>(resumed, 200).await.pause, None);

    for (method, rest) in [
        (Method::GET, ""),
        (Method::GET, "/intervals"),
        (Method::GET, "/availability"),
        (Method::GET, "/earnings"),
        (Method::POST, "/resume"),
    ] {
        let refused = grid.send(method, &format!("{path}{rest}"), &bob, &json!({})).await;
        problem(refused, 404, "not-found").await;
    }
    problem(put(format!("{path}/preferences"), bob.clone(), json!({})).await, 404, "not-found").await;
    problem(grid.send(Method::PATCH, &path, &bob, &json!({ "name": "mine" })).await, 404, "not-found").await;
}

#[tokio::test]
async fn a_devices_past_covers_all_of_its_time() {
    let grid = Grid::start().await;
    let ann = grid.account("ann").await;
    let node = joined_node(&grid, &ann, "laptop").await;
    let path = format!("/api/v1/nodes/{node}");
    let past: Items<Interval> = read(grid.get(&format!("{path}/intervals"), &ann).await, 200).await;
    assert!(past.items.iter().all(|interval| interval.state == IntervalState::Offline));
    problem(grid.get(&format!("{path}/intervals?from_ms=9&to_ms=8"), &ann).await, 422, "invalid").await;
    let week: Availability = read(grid.get(&format!("{path}/availability?utc_offset_min=330"), &ann).await, 200).await;
    assert_eq!(week.cells.len(), 168);
    problem(grid.get(&format!("{path}/availability?utc_offset_min=99999"), &ann).await, 422, "invalid").await;
    let days: Items<EarningsDay> = read(grid.get(&format!("{path}/earnings?days=3"), &ann).await, 200).await;
    assert_eq!(days.items.len(), 3);
    assert_eq!(days.items[2].day_ms - days.items[0].day_ms, 2 * 86_400_000);
    problem(grid.get(&format!("{path}/earnings?days=0"), &ann).await, 422, "invalid").await;
    let list: Page<NodeInfo> = read(grid.get("/api/v1/nodes", &ann).await, 200).await;
    assert!(!list.items[0].working && list.items[0].pending == 0);
}

#[tokio::test]
async fn reports_name_something_that_is_there() {
    let grid = Grid::start().await;
    let ann = grid.account("ann").await;
    let (grid, ann) = (&grid, &ann);
    let report = |body: serde_json::Value| async move { grid.post("/api/v1/reports", ann, &body).await };
    problem(report(json!({ "text": "odd" })).await, 422, "invalid").await;
    problem(report(json!({ "module": "00".repeat(32), "text": "odd" })).await, 404, "not-found").await;
    problem(report(json!({ "module": "00".repeat(32), "text": " " })).await, 422, "invalid").await;
    problem(report(json!({ "job": "job-0", "text": "odd" })).await, 422, "invalid").await;
}
