//! Join tokens, enrolment, removal, and who may open the link.

use fallow_protocol::api::{Enrol, Enrolled, JoinToken, NewJoinToken, NodeInfo, Page};
use fallow_protocol::keys::Purpose;
use fallow_protocol::link::enrol_bytes;
use fallow_protocol::{Digest, NodeId, SecretKey};
use reqwest::{Method, Response};
use serde_json::json;

use crate::grid::{Grid, json_of, problem, read};

async fn join_token(grid: &Grid, token: &str) -> String {
    let made: JoinToken =
        read(grid.post("/api/v1/nodes/join-tokens", token, &NewJoinToken::default()).await, 201).await;
    made.token
}

async fn enrol(grid: &Grid, join: &str, name: &str, key: &SecretKey) -> Response {
    let secret = JoinToken::parse(join).unwrap().0.to_owned();
    let signature = key.sign(Purpose::NodeEnrol, &enrol_bytes(&secret, name));
    let body = Enrol { secret, name: name.into(), key: key.public(), signature };
    grid.post("/api/v1/nodes/enrol", "", &body).await
}

/// A node that has joined and never connected.
pub async fn joined_node(grid: &Grid, owner: &str, name: &str) -> NodeId {
    let join = join_token(grid, owner).await;
    read::<Enrolled>(enrol(grid, &join, name, &SecretKey::generate()).await, 201).await.node
}

#[tokio::test]
async fn a_node_joins_once_and_is_removed() {
    let grid = Grid::start().await;
    let (ann, bob) = (grid.account("ann").await, grid.account("bob").await);
    let join = join_token(&grid, &ann).await;
    let info = json_of(grid.get("/api/v1/grid", "").await).await;
    let root: Digest = info["root_fingerprint"].as_str().unwrap().parse().unwrap();
    assert_eq!(JoinToken::parse(&join).unwrap().1, root);

    let key = SecretKey::generate();
    let joined: Enrolled = read(enrol(&grid, &join, "laptop", &key).await, 201).await;
    assert_eq!((joined.owner.as_str(), joined.cert.root.fingerprint()), ("ann", root));
    assert!(joined.cert.verify(&joined.cert.root, 0, 0).is_ok());
    problem(enrol(&grid, &join, "laptop", &SecretKey::generate()).await, 401, "bad-join-token").await;

    let page: Page<NodeInfo> = read(grid.get("/api/v1/nodes", &ann).await, 200).await;
    assert_eq!((page.items[0].id.clone(), page.items[0].state.as_str()), (joined.node.clone(), "offline"));
    assert_eq!(json_of(grid.get("/api/v1/nodes", &bob).await).await["items"], json!([]));

    let again: Enrolled = read(enrol(&grid, &join_token(&grid, &ann).await, "renamed", &key).await, 201).await;
    assert_eq!(again.node, joined.node, "a node that lost the answer keeps its id");
    problem(enrol(&grid, &join_token(&grid, &bob).await, "stolen", &key).await, 409, "key-known").await;

    let path = format!("/api/v1/nodes/{}", joined.node);
    problem(grid.delete(&path, &bob).await, 404, "not-found").await;
    assert_eq!(grid.delete(&path, &ann).await.status(), 204);
    problem(grid.delete(&path, &ann).await, 404, "not-found").await;
    let unused = join_token(&grid, &ann).await;
    problem(enrol(&grid, &unused, "back", &key).await, 409, "key-removed").await;
    let fresh = enrol(&grid, &unused, "fresh", &SecretKey::generate()).await;
    assert_eq!(fresh.status(), 201, "the refusal did not use the token up");
}

#[tokio::test]
async fn a_wrong_enrolment_is_refused() {
    let grid = Grid::start().await;
    let join = join_token(&grid, &grid.operator).await;
    let (key, secret) = (SecretKey::generate(), JoinToken::parse(&join).unwrap().0.to_owned());
    let signature = SecretKey::generate().sign(Purpose::NodeEnrol, &enrol_bytes(&secret, "n"));
    let body = Enrol { secret: secret.clone(), name: "n".into(), key: key.public(), signature };
    problem(grid.post("/api/v1/nodes/enrol", "", &body).await, 422, "bad-signature").await;
    let signature = key.sign(Purpose::NodeEnrol, &enrol_bytes(&secret, "other name"));
    let body = Enrol { signature, ..body };
    problem(grid.post("/api/v1/nodes/enrol", "", &body).await, 422, "bad-signature").await;
    let invented = JoinToken::compose("invented", &Digest::of(b"root"));
    problem(enrol(&grid, &invented, "n", &key).await, 401, "bad-join-token").await;
    for minutes in [0, 10_081] {
        let new = NewJoinToken { minutes: Some(minutes) };
        problem(grid.post("/api/v1/nodes/join-tokens", &grid.operator, &new).await, 422, "invalid").await;
    }
    assert_eq!(enrol(&grid, &join, "n", &key).await.status(), 201);
}

#[tokio::test]
async fn one_join_token_makes_one_node_however_many_ask() {
    let grid = Grid::start().await;
    let join = join_token(&grid, &grid.operator).await;
    let keys: Vec<SecretKey> = (0..8).map(|_| SecretKey::generate()).collect();
    let answers = futures_util::future::join_all(keys.iter().map(|key| enrol(&grid, &join, "n", key))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 201).count(), 1);
}

#[tokio::test]
async fn the_link_is_for_nodes_only() {
    let grid = Grid::start().await;
    let upgrade = |origin: Option<&str>| {
        let request = grid
            .ask(Method::GET, "/api/v1/nodes/link", "")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        origin.into_iter().fold(request, |request, origin| request.header("origin", origin))
    };
    assert_eq!(upgrade(None).send().await.unwrap().status(), 101);
    problem(upgrade(Some("https://evil.example")).send().await.unwrap(), 403, "no-browsers").await;
    let plain = grid.get("/api/v1/nodes/link", "").await;
    assert!(plain.status().is_client_error());
    assert_eq!(plain.headers()["content-type"], "application/problem+json");
}
