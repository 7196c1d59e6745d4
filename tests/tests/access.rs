//! Who may do what: every route of the API, asked by a visitor, another user, the owner, a node and an operator.
//!
//! The table below has to name every route of the OpenAPI document: one that it does not know fails the test, so that
//! nobody adds a door without saying whose it is.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use fallow_protocol::digest::Digest;
use fallow_protocol::link::{ToNode, ToServer};
use fallow_tests::grid::{Account, Grid, http, text};
use fallow_tests::person::Person;
use fallow_tests::raw_node::{RawLink, RawNode};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// Whose a route is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// Anybody's, without a token.
    Anybodys,
    /// Every account's, about itself.
    Accounts,
    /// Every person's with a session, about itself; tokens are not enough.
    Persons,
    /// The owner's of the thing in the path; for all others there is no such thing.
    Owners,
    /// The owner's, where the part of the thing that the path names may not be there yet.
    OwnersPart,
    /// The owner's, for a person with a session; for all others there is no such thing.
    OwnersInPerson,
    /// Operators'.
    Operators,
    /// Connected nodes'.
    Nodes,
}

use Whose::*;

/// Routes in the order in which they are asked: what ends a thing comes after what needs it.
#[rustfmt::skip]
const ROUTES: &[(&str, &str, Whose)] = &[
    ("GET", "/healthz", Anybodys),
    ("GET", "/metrics", Anybodys),
    ("GET", "/api/v1/grid", Anybodys),
    ("POST", "/api/v1/register", Anybodys),
    ("POST", "/api/v1/confirm", Anybodys),
    ("POST", "/api/v1/session", Anybodys),
    ("POST", "/api/v1/session/link", Anybodys),
    ("POST", "/api/v1/password/forgot", Anybodys),
    ("POST", "/api/v1/password/reset", Anybodys),
    ("POST", "/api/v1/device/code", Anybodys),
    ("POST", "/api/v1/device/token", Anybodys),
    ("POST", "/api/v1/nodes/enrol", Anybodys),
    ("GET", "/api/v1/nodes/link", Anybodys),
    ("GET", "/api/v1/me", Accounts),
    ("GET", "/api/v1/grid/speed", Accounts),
    ("GET", "/api/v1/tokens", Accounts),
    ("POST", "/api/v1/tokens", Accounts),
    ("GET", "/api/v1/keys", Accounts),
    ("POST", "/api/v1/keys", Accounts),
    ("POST", "/api/v1/modules", Accounts),
    ("GET", "/api/v1/jobs", Accounts),
    ("POST", "/api/v1/jobs", Accounts),
    ("GET", "/api/v1/nodes", Accounts),
    ("POST", "/api/v1/nodes/join-tokens", Accounts),
    ("GET", "/api/v1/credits", Accounts),
    ("GET", "/api/v1/credits/statement", Accounts),
    ("GET", "/api/v1/events", Accounts),
    ("GET", "/api/v1/modules", Accounts),
    ("POST", "/api/v1/modules/draft", Accounts),
    ("GET", "/api/v1/projects", Accounts),
    ("POST", "/api/v1/jobs/draft", Accounts),
    ("POST", "/api/v1/reports", Accounts),
    ("GET", "/api/v1/groups", Accounts),
    ("POST", "/api/v1/groups", Accounts),
    ("GET", "/api/v1/invitations", Accounts),
    ("PATCH", "/api/v1/me", Persons),
    ("POST", "/api/v1/me/email", Persons),
    ("GET", "/api/v1/me/audit", Persons),
    ("GET", "/api/v1/me/export", Persons),
    ("POST", "/api/v1/me/delete", Persons),
    ("POST", "/api/v1/password", Persons),
    ("POST", "/api/v1/password/first", Persons),
    ("POST", "/api/v1/totp", Persons),
    ("POST", "/api/v1/totp/confirm", Persons),
    ("POST", "/api/v1/totp/remove", Persons),
    ("GET", "/api/v1/sessions", Persons),
    ("GET", "/api/v1/device/{user_code}", Persons),
    ("POST", "/api/v1/device/{user_code}/approve", Persons),
    ("POST", "/api/v1/device/{user_code}/deny", Persons),
    ("GET", "/api/v1/blobs/{digest}", Owners),
    ("GET", "/api/v1/blobs/{digest}/blocks", Owners),
    ("GET", "/api/v1/blobs/{digest}/upload", Accounts),
    ("PATCH", "/api/v1/blobs/{digest}", Accounts),
    ("GET", "/api/v1/jobs/{id}", Owners),
    ("GET", "/api/v1/jobs/{id}/units", Owners),
    ("GET", "/api/v1/jobs/{id}/logs", Owners),
    ("GET", "/api/v1/jobs/{id}/explain", Owners),
    ("GET", "/api/v1/jobs/{id}/result", Owners),
    ("GET", "/api/v1/jobs/{id}/map", Owners),
    ("GET", "/api/v1/jobs/{id}/events", Owners),
    ("GET", "/api/v1/jobs/{id}/errors", Owners),
    ("GET", "/api/v1/jobs/{id}/nodes", Owners),
    ("GET", "/api/v1/jobs/{id}/timeline", Owners),
    ("GET", "/api/v1/jobs/{id}/preview", Owners),
    ("GET", "/api/v1/jobs/{id}/preview/{index}", OwnersPart),
    ("GET", "/api/v1/jobs/{id}/units/{stage}/{seq}", OwnersPart),
    ("GET", "/api/v1/jobs/{id}/units/{stage}/{seq}/output", OwnersPart),
    ("POST", "/api/v1/jobs/{id}/budget", Owners),
    ("POST", "/api/v1/jobs/{id}/retry", Owners),
    ("POST", "/api/v1/jobs/{id}/cancel", Owners),
    ("GET", "/api/v1/accounts", Operators),
    ("POST", "/api/v1/accounts", Operators),
    ("POST", "/api/v1/accounts/{id}/grants", Operators),
    ("GET", "/api/v1/ledger/trial", Operators),
    ("GET", "/api/v1/disputes", Operators),
    ("GET", "/api/v1/admin/users", Operators),
    ("GET", "/api/v1/admin/nodes", Operators),
    ("GET", "/api/v1/admin/jobs", Operators),
    ("GET", "/api/v1/admin/modules", Operators),
    ("GET", "/api/v1/admin/ledger", Operators),
    ("GET", "/api/v1/admin/audit", Operators),
    ("GET", "/api/v1/admin/reports", Operators),
    ("GET", "/api/v1/admin/health", Operators),
    ("PATCH", "/api/v1/admin/users/{id}", Operators),
    ("POST", "/api/v1/admin/users/{id}/suspend", Operators),
    ("POST", "/api/v1/admin/users/{id}/restore", Operators),
    ("POST", "/api/v1/admin/nodes/{id}/suspend", Operators),
    ("POST", "/api/v1/admin/nodes/{id}/restore", Operators),
    ("POST", "/api/v1/admin/modules/{digest}/suspend", Operators),
    ("POST", "/api/v1/admin/modules/{digest}/restore", Operators),
    ("POST", "/api/v1/nodes/{id}/anchor", Operators),
    ("DELETE", "/api/v1/nodes/{id}/anchor", Operators),
    ("GET", "/api/v1/node/blobs/{digest}", Nodes),
    ("PATCH", "/api/v1/node/blobs/{digest}", Nodes),
    ("GET", "/api/v1/node/blobs/{digest}/blocks", Nodes),
    ("GET", "/api/v1/node/blobs/{digest}/upload", Nodes),
    ("PATCH", "/api/v1/node/uploads/{upload}", Nodes),
    ("DELETE", "/api/v1/node/uploads/{upload}", Nodes),
    ("GET", "/api/v1/node/earnings", Nodes),
    ("GET", "/api/v1/nodes/{id}", Owners),
    ("PATCH", "/api/v1/nodes/{id}", Owners),
    ("GET", "/api/v1/nodes/{id}/availability", Owners),
    ("GET", "/api/v1/nodes/{id}/earnings", Owners),
    ("GET", "/api/v1/nodes/{id}/intervals", Owners),
    ("POST", "/api/v1/nodes/{id}/pause", Owners),
    ("POST", "/api/v1/nodes/{id}/resume", Owners),
    ("PUT", "/api/v1/nodes/{id}/preferences", Owners),
    ("PUT", "/api/v1/nodes/{id}/takes", Owners),
    ("POST", "/api/v1/invitations/{name}/accept", OwnersPart),
    ("POST", "/api/v1/invitations/{name}/decline", OwnersPart),
    ("GET", "/api/v1/groups/{name}", Owners),
    ("POST", "/api/v1/groups/{name}/invitations", Owners),
    ("DELETE", "/api/v1/groups/{name}/invitations/{account}", OwnersPart),
    ("DELETE", "/api/v1/groups/{name}/members/{account}", OwnersPart),
    ("DELETE", "/api/v1/groups/{name}", Owners),
    ("DELETE", "/api/v1/nodes/{id}", Owners),
    ("DELETE", "/api/v1/keys/{key}", Owners),
    ("DELETE", "/api/v1/tokens/{id}", Owners),
    ("DELETE", "/api/v1/sessions/{id}", OwnersInPerson),
    ("DELETE", "/api/v1/sessions", Persons),
    ("DELETE", "/api/v1/session", Persons),
];

/// The owner's things, by the parameter of the path (and the beginning of the path, where a name means several).
struct Things(Vec<(&'static str, &'static str, String)>);

impl Things {
    fn path(&self, template: &str) -> Result<String> {
        let mut path = template.to_owned();
        while let Some((before, rest)) = path.split_once('{') {
            let (name, after) = rest.split_once('}').context("a closed parameter")?;
            let found = self.0.iter().find(|(begin, known, _)| template.starts_with(begin) && *known == name);
            let (_, _, value) =
                found.with_context(|| format!("{template} names {name}, which the test does not have"))?;
            path = format!("{before}{value}{after}");
        }
        Ok(path)
    }
}

/// Everybody who asks.
struct Cast {
    url: String,
    owner: Person,
    owner_token: String,
    other: Person,
    operator: Person,
    node: String,
    _link: RawLink,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Visitor,
    Other,
    Node,
    Operator,
    OwnerByToken,
    Owner,
}

impl Cast {
    fn request(&self, who: Who, method: &Method, path: &str) -> RequestBuilder {
        let bare = || http().request(method.clone(), format!("{}{path}", self.url));
        let request = match who {
            Who::Visitor => bare(),
            Who::Node => bare().bearer_auth(&self.node),
            Who::OwnerByToken => bare().bearer_auth(&self.owner_token),
            Who::Owner => self.owner.request(method.clone(), path),
            Who::Other => self.other.request(method.clone(), path),
            Who::Operator => self.operator.request(method.clone(), path),
        };
        let takes_body = matches!(*method, Method::POST | Method::PATCH | Method::PUT);
        if takes_body { request.header("idempotency-key", "walk").json(&body(path)) } else { request }
    }
}

/// A body for a path. Where the path names a thing it is right, so that the thing's owner decides about the answer;
/// elsewhere it fits nothing: whoever may ask is told so, and nothing is done.
fn body(path: &str) -> Value {
    match path.rsplit('/').next().unwrap_or_default() {
        "budget" => json!({"amount": 1}),
        "pause" | "preferences" => json!({}),
        "takes" => json!({"who": "own", "not_authors": [], "not_modules": []}),
        "invitations" => json!({"account_name": "other"}),
        thing if thing.starts_with("node-") => json!({"name": "renamed"}),
        _ => json!({"no such field": 1}),
    }
}

/// Whether an answer fits: who is not let in hears 401, who may not 403, for whom there is no such thing 404, and all
/// others something else.
fn fits(whose: Whose, who: Who, status: u16) -> bool {
    let let_in = !matches!(status, 401 | 403 | 405) && status < 500;
    match (whose, who) {
        (Anybodys, _) => status != 403 && status != 404 && status < 500,
        (Nodes, Who::Node) => let_in,
        (Nodes, _) | (_, Who::Visitor | Who::Node) => status == 401,
        (Persons | OwnersInPerson, Who::OwnerByToken) => status == 403,
        (Operators, Who::Operator) | (Accounts | Persons, _) => let_in,
        (Operators, _) => status == 403,
        (Owners | OwnersPart | OwnersInPerson, Who::Other | Who::Operator) => status == 404,
        (OwnersPart, Who::Owner | Who::OwnerByToken) => let_in,
        (Owners, Who::Owner | Who::OwnerByToken) | (OwnersInPerson, Who::Owner) => let_in && status != 404,
    }
}

async fn cast(grid: &Grid, owner: &Account) -> Result<Cast> {
    grid.account("other").await?;
    let node = RawNode::enrol(grid, owner, "asks").await?;
    let mut link = node.connect().await?;
    let login = node.login(&link.hello);
    link.say(&ToServer::Login(login)).await?;
    let welcome = link.hear_until(|message| if let ToNode::Welcome(welcome) = message { Some(welcome) } else { None });
    let session = welcome.await?.context("the node is welcome")?.session;
    Ok(Cast {
        url: grid.url.clone(),
        owner: Person::by_link(grid, "owner").await?,
        owner_token: owner.token.clone(),
        other: Person::by_link(grid, "other").await?,
        operator: Person::by_link(grid, "operator").await?,
        node: session,
        _link: link,
    })
}

/// One thing of the owner's for each parameter.
async fn things(grid: &Grid, owner: &Account, cast: &Cast) -> Result<Things> {
    let job = owner.submit("examples/primes", &["--split", "range:0..1000:10"]).await?;
    let module = owner.job(&job).await?;
    ensure!(module["submission"].is_object(), "{module:#}");
    let node = RawNode::enrol(grid, owner, "thing").await?;
    let token = owner.request(Method::POST, "/api/v1/tokens");
    let token: Value =
        token.json(&json!({"name": "t", "scopes": ["jobs:read"], "days": 1})).send().await?.json().await?;
    let blob = Digest::of(b"a blob of the owner's");
    let put = owner.request(Method::PATCH, &format!("/api/v1/blobs/{blob}?offset=0&len=21"));
    put.body("a blob of the owner's").send().await?.error_for_status()?;
    let keys = owner.get("/api/v1/keys").await?;
    Person::by_link(grid, "owner").await?;
    let sessions = cast.owner.get("/api/v1/sessions").await?;
    let sessions = sessions["items"].as_array().context("a list")?;
    let session = sessions.iter().find(|session| session["current"] == false).context("another session")?;
    let account = text(&owner.get("/api/v1/me").await?, "id")?;
    cast.owner.post("/api/v1/groups", &json!({"name": "lab"})).await?;
    Ok(Things(vec![
        ("/api/v1/jobs/", "id", job),
        ("/api/v1/nodes/", "id", node.id.to_string()),
        ("/api/v1/tokens/", "id", text(&token, "id")?),
        ("/api/v1/sessions/", "id", text(session, "id")?),
        ("/api/v1/accounts/", "id", account.clone()),
        ("/api/v1/admin/users/", "id", account.clone()),
        ("/api/v1/admin/nodes/", "id", node.id.to_string()),
        ("/api/v1/jobs/", "stage", "1".into()),
        ("/api/v1/jobs/", "seq", "0".into()),
        ("/api/v1/jobs/", "index", "0".into()),
        ("/api/v1/groups/", "name", "lab".into()),
        ("/api/v1/groups/", "account", account),
        ("/api/v1/invitations/", "name", "lab".into()),
        ("/api/v1/keys/", "key", text(&keys["items"][0], "key")?),
        ("/api/v1/", "digest", blob.to_string()),
        ("/api/v1/node/uploads/", "upload", "0123456789abcdef".repeat(4)),
        ("/api/v1/device/", "user_code", "BCDF-GHJK".into()),
    ]))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_known_and_lets_in_whom_it_should() -> Result<()> {
    let grid = Grid::start().await?;
    let document: Value = http().get(format!("{}/api/openapi.json", grid.url)).send().await?.json().await?;
    let known: BTreeSet<(String, String)> =
        ROUTES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    ensure!(known.len() == ROUTES.len(), "a route is in ROUTES twice");
    let mut told = BTreeSet::new();
    for (path, item) in document["paths"].as_object().context("paths")? {
        told.extend(item.as_object().context("methods")?.keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    let unknown: Vec<_> = told.difference(&known).collect();
    ensure!(unknown.is_empty(), "say in ROUTES whose these are: {unknown:#?}");
    let gone: Vec<_> = known.difference(&told).collect();
    ensure!(gone.is_empty(), "these are in ROUTES and not in the API: {gone:#?}");

    let owner = grid.account("owner").await?;
    let cast = cast(&grid, &owner).await?;
    let things = things(&grid, &owner, &cast).await?;
    let mut wrong = Vec::new();
    for (method, template, whose) in ROUTES {
        let (method, path): (Method, String) = (method.parse()?, things.path(template)?);
        for who in [Who::Visitor, Who::Other, Who::Node, Who::Operator, Who::OwnerByToken, Who::Owner] {
            // What ends the thing or the session is done once.
            let ends = method == Method::DELETE && who == Who::OwnerByToken && *whose == Owners;
            let others = path == "/api/v1/session" || path == "/api/v1/sessions";
            if ends || (others && !matches!(who, Who::Visitor | Who::Node | Who::OwnerByToken | Who::Owner)) {
                continue;
            }
            let mut request = cast.request(who, &method, &path);
            if template.ends_with("/logs") || template.ends_with("/link") {
                request = request.header("accept", "application/json");
            }
            let status = request.send().await.with_context(|| format!("{method} {path}"))?.status().as_u16();
            if !fits(*whose, who, status) {
                wrong.push(format!("{method} {template}, which is {whose:?}: {who:?} hears {status}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}
