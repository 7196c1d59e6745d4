//! People: from registration to deletion, and everybody who would like to be somebody else.

mod browser;
mod devices;
mod guessing;
mod second_factor;

use fallow_protocol::api::{AuditEvent, Me, Page, SessionInfo};
use reqwest::Method;
use serde_json::json;

use crate::grid::{Grid, json_of, problem, read};
use browser::{Browser, PASSWORD, letter, open_grid, register};

#[tokio::test]
async fn somebody_registers_confirms_and_logs_in() {
    let grid = open_grid().await;
    let new = json!({"name": "ann", "email": "Ann@Example.org", "password": PASSWORD});
    assert_eq!(grid.post("/api/v1/register", "", &new).await.status(), 202);
    let early = grid.post("/api/v1/session", "", &json!({"login": "ann", "password": PASSWORD})).await;
    problem(early, 401, "not-confirmed").await;
    let token = letter(&grid, "Ann@Example.org", "confirm").await;
    let confirmed = grid.post("/api/v1/confirm", "", &json!({"token": token})).await;
    let first = Browser::of(&grid, &confirmed);
    let me: Me = read(confirmed, 200).await;
    assert_eq!((me.name.as_str(), me.role.as_str(), me.email_confirmed, me.session), ("ann", "user", true, true));
    problem(grid.post("/api/v1/confirm", "", &json!({"token": token})).await, 400, "bad-link").await;

    for login in ["ann", "ann@example.org", " ANN@EXAMPLE.ORG "] {
        let second = Browser::log_in(&grid, login, PASSWORD).await;
        assert_eq!(json_of(second.get("/api/v1/me").await).await["name"], "ann");
    }
    let sessions: Page<SessionInfo> = read(first.get("/api/v1/sessions").await, 200).await;
    assert_eq!(sessions.items.len(), 4);
    assert_eq!(sessions.items.iter().filter(|session| session.current).count(), 1);
    let other = sessions.items.iter().find(|session| !session.current).unwrap();
    let path = format!("/api/v1/sessions/{}", other.id);
    assert_eq!(first.send(Method::DELETE, &path, &json!({})).await.status(), 204);
    problem(first.send(Method::DELETE, &path, &json!({})).await, 404, "not-found").await;
    assert_eq!(first.send(Method::DELETE, "/api/v1/sessions", &json!({})).await.status(), 204);
    let sessions: Page<SessionInfo> = read(first.get("/api/v1/sessions").await, 200).await;
    assert_eq!(sessions.items.len(), 1);

    let events: Page<AuditEvent> = read(first.get("/api/v1/me/audit").await, 200).await;
    assert!(events.items.iter().any(|event| event.action == "account.created"), "{events:?}");
    assert!(events.items.iter().all(|event| !format!("{event:?}").to_lowercase().contains("example.org")));
    assert_eq!(first.send(Method::DELETE, "/api/v1/session", &json!({})).await.status(), 204);
    problem(first.get("/api/v1/me").await, 401, "unauthorised").await;
}

#[tokio::test]
async fn a_session_does_what_tokens_do_and_pages_of_others_do_not() {
    let grid = open_grid().await;
    let ann = register(&grid, "ann").await;
    for path in ["/api/v1/me", "/api/v1/jobs", "/api/v1/nodes", "/api/v1/tokens", "/api/v1/credits"] {
        assert_eq!(ann.get(path).await.status(), 200, "{path}");
    }
    problem(ann.get("/api/v1/accounts").await, 403, "missing-scope").await;
    let new = json!({"name": "t", "scopes": ["jobs:read"], "days": 1});
    assert_eq!(ann.send(Method::POST, "/api/v1/tokens", &new).await.status(), 201);

    let bare = |headers: &[(&str, &str)]| {
        let mut request = ann.bare(Method::POST, "/api/v1/tokens").json(&new);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send()
    };
    let csrf = ("x-fallow-csrf", "1");
    for headers in [
        &[][..],
        &[("x-fallow-csrf", "0")],
        &[csrf, ("sec-fetch-site", "cross-site")],
        &[csrf, ("sec-fetch-site", "same-site")],
        &[csrf, ("origin", "https://evil.example")],
        &[csrf, ("origin", "null")],
    ] {
        problem(bare(headers).await.unwrap(), 403, "csrf").await;
    }
    let url = grid.running.url();
    for headers in [&[csrf, ("sec-fetch-site", "same-origin")][..], &[csrf, ("origin", &url)]] {
        assert_eq!(bare(headers).await.unwrap().status(), 201);
    }
    // Logging somebody in from another site's page is no better.
    let login = grid.ask(Method::POST, "/api/v1/session", "").header("origin", "https://evil.example");
    problem(login.json(&json!({"login": "ann", "password": PASSWORD})).send().await.unwrap(), 403, "csrf").await;
    // A cookie is no token, and a wrong token is not helped by a cookie.
    let both = ann.bare(Method::GET, "/api/v1/me").bearer_auth("fallow_wrong").send().await.unwrap();
    problem(both, 401, "unauthorised").await;
    let node = ann.bare(Method::GET, &format!("/api/v1/node/blobs/{}", fallow_protocol::Digest::of(b"x")));
    problem(node.send().await.unwrap(), 401, "unauthorised").await;
}

#[tokio::test]
async fn an_address_is_told_to_its_mailbox_only() {
    let grid = open_grid().await;
    register(&grid, "ann").await;
    let new = |name: &str, email: &str| json!({"name": name, "email": email, "password": PASSWORD});
    let known = grid.post("/api/v1/register", "", &new("bob", "ann@example.org")).await;
    let unknown = grid.post("/api/v1/register", "", &new("carl", "carl@example.org")).await;
    assert_eq!((known.status(), unknown.status()), (202.try_into().unwrap(), 202.try_into().unwrap()));
    assert_eq!(known.text().await.unwrap(), unknown.text().await.unwrap());
    browser::any_letter(&grid, "ann@example.org", "has an account already").await;
    for email in ["ann@example.org", "nobody@example.org"] {
        assert_eq!(grid.post("/api/v1/password/forgot", "", &json!({"email": email})).await.status(), 202);
    }
    letter(&grid, "ann@example.org", "reset").await;
    assert_eq!(browser::letters(&grid, "nobody@example.org"), Vec::<String>::new());
    let wrong = |login: &str| json!({"login": login, "password": "not the password"});
    let one = problem(grid.post("/api/v1/session", "", &wrong("ann")).await, 401, "wrong-credentials").await;
    let other = problem(grid.post("/api/v1/session", "", &wrong("zoe")).await, 401, "wrong-credentials").await;
    assert_eq!(one, other);
    problem(grid.post("/api/v1/register", "", &new("ann", "dora@example.org")).await, 409, "name-taken").await;
    problem(grid.post("/api/v1/register", "", &new("carl", "dora@example.org")).await, 409, "name-taken").await;
}

#[tokio::test]
async fn what_is_no_person_is_refused() {
    let grid = open_grid().await;
    let cases = [
        ("name", json!({"name": "ann@example.org", "email": "ann@example.org", "password": PASSWORD})),
        ("name", json!({"name": "a\u{202e}b", "email": "ann@example.org", "password": PASSWORD})),
        ("name", json!({"name": " ann", "email": "ann@example.org", "password": PASSWORD})),
        ("email", json!({"name": "ann", "email": "ann@example.org\r\nBcc: x@example.org", "password": PASSWORD})),
        ("email", json!({"name": "ann", "email": "x".repeat(400), "password": PASSWORD})),
        ("password", json!({"name": "ann", "email": "ann@example.org", "password": "short"})),
        ("password", json!({"name": "ann", "email": "ann@example.org", "password": "password123"})),
        ("password", json!({"name": "ann", "email": "ann@example.org", "password": "x".repeat(100_000)})),
    ];
    for (field, body) in cases {
        let told = problem(grid.post("/api/v1/register", "", &body).await, 422, "invalid").await;
        assert_eq!(told.field.as_deref(), Some(field), "{told:?}");
    }
    let extra = json!({"name": "ann", "email": "a@example.org", "password": PASSWORD, "role": "operator"});
    problem(grid.post("/api/v1/register", "", &extra).await, 422, "invalid").await;
    let closed = Grid::start().await;
    let new = json!({"name": "ann", "email": "ann@example.org", "password": PASSWORD});
    problem(closed.post("/api/v1/register", "", &new).await, 403, "registration-closed").await;
    assert_eq!(json_of(closed.get("/api/v1/grid", "").await).await["registration"], "closed");
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let grid = open_grid().await;
    let ann = register(&grid, "ann").await;
    let other = Browser::log_in(&grid, "ann", PASSWORD).await;
    let change = |current: &str, new: &str| json!({"current": current, "new": new});
    let next = "a quite different phrase";
    let answer = ann.send(Method::POST, "/api/v1/password", &change("not the password", next)).await;
    problem(answer, 403, "wrong-password").await;
    problem(ann.send(Method::POST, "/api/v1/password", &change(PASSWORD, "short")).await, 422, "invalid").await;
    assert_eq!(ann.send(Method::POST, "/api/v1/password", &change(PASSWORD, next)).await.status(), 204);
    problem(other.get("/api/v1/me").await, 401, "unauthorised").await;
    assert_eq!(ann.get("/api/v1/me").await.status(), 200);

    grid.post("/api/v1/password/forgot", "", &json!({"email": "ann@example.org"})).await;
    let token = letter(&grid, "ann@example.org", "reset").await;
    let reset = |password: &str| json!({"token": token, "password": password});
    problem(grid.post("/api/v1/password/reset", "", &reset("short")).await, 422, "invalid").await;
    assert_eq!(grid.post("/api/v1/password/reset", "", &reset(PASSWORD)).await.status(), 204);
    problem(grid.post("/api/v1/password/reset", "", &reset(PASSWORD)).await, 400, "bad-link").await;
    problem(ann.get("/api/v1/me").await, 401, "unauthorised").await;
    let old = grid.post("/api/v1/session", "", &json!({"login": "ann", "password": next})).await;
    problem(old, 401, "wrong-credentials").await;
    Browser::log_in(&grid, "ann", PASSWORD).await;
}

#[tokio::test]
async fn the_operators_link_is_good_once() {
    let grid = Grid::start().await;
    let link = grid.running.operator_link.clone().expect("the first start gives a link");
    let token = link.split("token=").nth(1).unwrap();
    let entered = grid.post("/api/v1/session/link", "", &json!({"token": token})).await;
    let operator = Browser::of(&grid, &entered);
    let me: Me = read(entered, 200).await;
    assert_eq!((me.role.as_str(), me.has_password), ("operator", false));
    problem(grid.post("/api/v1/session/link", "", &json!({"token": token})).await, 400, "bad-link").await;
    let first = json!({"email": "op@example.org", "password": PASSWORD});
    let me: Me = read(operator.send(Method::POST, "/api/v1/password/first", &first).await, 200).await;
    assert!(me.has_password && !me.email_confirmed);
    problem(operator.send(Method::POST, "/api/v1/password/first", &first).await, 409, "has-password").await;
    let token = letter(&grid, "op@example.org", "confirm").await;
    let confirmed = grid.post("/api/v1/confirm", "", &json!({"token": token})).await;
    assert!(confirmed.headers().get("set-cookie").is_none(), "a mailbox is no log-in");
    assert!(read::<Me>(confirmed, 200).await.email_confirmed);
    let again = Browser::log_in(&grid, "op@example.org", PASSWORD).await;
    assert_eq!(again.get("/api/v1/accounts").await.status(), 200);
    let last = again.send(Method::POST, "/api/v1/me/delete", &json!({"password": PASSWORD})).await;
    problem(last, 409, "last-operator").await;
}

#[tokio::test]
async fn a_deleted_account_is_nobody() {
    let grid = open_grid().await;
    let ann = register(&grid, "ann").await;
    let new = json!({"name": "t", "scopes": ["jobs:read"], "days": 1});
    let token = json_of_status(ann.send(Method::POST, "/api/v1/tokens", &new).await, 201).await["token"].clone();
    let export = json_of(ann.get("/api/v1/me/export").await).await;
    assert_eq!(export["account"]["email"], "ann@example.org");
    assert_eq!(export["tokens"].as_array().unwrap().len(), 1);
    assert!(!export.to_string().contains("argon2"), "{export}");
    let wrong = ann.send(Method::POST, "/api/v1/me/delete", &json!({"password": "not the password"})).await;
    problem(wrong, 403, "wrong-password").await;
    assert_eq!(ann.send(Method::POST, "/api/v1/me/delete", &json!({"password": PASSWORD})).await.status(), 204);
    problem(ann.get("/api/v1/me").await, 401, "unauthorised").await;
    problem(grid.get("/api/v1/me", token.as_str().unwrap()).await, 401, "unauthorised").await;
    let gone = grid.post("/api/v1/session", "", &json!({"login": "ann", "password": PASSWORD})).await;
    problem(gone, 401, "wrong-credentials").await;
    let all = json_of(grid.get("/api/v1/accounts", &grid.operator).await).await.to_string();
    assert!(!all.contains("ann"), "{all}");
    // Name and address are anybody's again.
    browser::throw_letters_away(&grid);
    register(&grid, "ann").await;
}

async fn json_of_status(response: reqwest::Response, status: u16) -> serde_json::Value {
    read(response, status).await
}

#[tokio::test]
async fn a_suspended_account_is_told_why() {
    let grid = open_grid().await;
    let ann = register(&grid, "ann").await;
    let new = json!({"name": "t", "scopes": ["jobs:read"], "days": 1});
    let token = json_of_status(ann.send(Method::POST, "/api/v1/tokens", &new).await, 201).await["token"].clone();
    let app = &grid.running.app;
    let suspend = |reason: Option<&'static str>| {
        app.store.write(move |db| {
            Box::pin(async move {
                let id = grid_server::store::accounts::by_name(db, "ann").await?.expect("she is there").id;
                grid_server::store::accounts::suspend(db, id, reason).await
            })
        })
    };
    assert!(suspend(Some("mines coins")).await.unwrap());
    for answer in [
        ann.get("/api/v1/jobs").await,
        grid.get("/api/v1/jobs", token.as_str().unwrap()).await,
        grid.post("/api/v1/session", "", &json!({"login": "ann", "password": PASSWORD})).await,
    ] {
        let told = problem(answer, 403, "suspended").await;
        assert!(told.detail.contains("mines coins"), "{told:?}");
    }
    assert_eq!(json_of(ann.get("/api/v1/me").await).await["suspended"]["reason"], "mines coins");
    assert!(suspend(None).await.unwrap());
    assert_eq!(ann.get("/api/v1/jobs").await.status(), 200);
}
