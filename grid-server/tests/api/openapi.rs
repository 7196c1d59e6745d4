//! The OpenAPI document is checked in; this fails when the routes say something else.
//! After a change that is meant: `cargo run -p grid-server -- openapi > grid-server/openapi.json`

use crate::grid::{Grid, json_of};

#[tokio::test]
async fn the_document_is_what_the_routes_say() {
    let kept = include_str!("../../openapi.json");
    let now = grid_server::router::openapi().to_pretty_json().unwrap();
    assert!(
        kept.trim_end() == now,
        "the API has changed; if that is meant: cargo run -p grid-server -- openapi > grid-server/openapi.json"
    );
    let grid = Grid::start().await;
    let served = json_of(grid.get("/api/openapi.json", "").await).await;
    assert_eq!(served, serde_json::from_str::<serde_json::Value>(kept).unwrap());
}
