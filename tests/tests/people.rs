//! A person from registration to a tool and a computer that work for her, without ever copying a token.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use fallow_tests::SOON;
use fallow_tests::grid::{Grid, http, text};
use fallow_tests::person::{PASSWORD, Person};
use fallow_tests::process::{Process, program};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use totp_rs::{Algorithm, Secret, TOTP};

const OPEN: &str = "[accounts]\nregistration = 'open'\n";

/// The tool, begun with a login that shows a code: the process and what it showed.
async fn begin_login(grid: &Grid, config: &str) -> Result<(Child, BufReader<tokio::process::ChildStdout>, Value)> {
    let mut login = program("fallow");
    login.env("FALLOW_CONFIG", grid.path(config)).args(["login", &grid.url, "--json"]);
    let mut child =
        login.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut out = BufReader::new(child.stdout.take().context("its output was asked for")?);
    let mut line = String::new();
    tokio::time::timeout(SOON, out.read_line(&mut line)).await.context("the tool shows no code")??;
    Ok((child, out, serde_json::from_str(&line)?))
}

fn code_path(shown: &Value, what: &str) -> Result<String> {
    Ok(format!("/api/v1/device/{}/{what}", text(shown, "user_code")?))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_registers_and_her_tool_and_computer_are_approved() -> Result<()> {
    let grid = Grid::start_with(OPEN).await?;
    let ann = Person::register(&grid, "ann").await?;
    let offered = ann.post("/api/v1/totp", &json!({"password": PASSWORD})).await?;
    let secret = Secret::Encoded(text(&offered, "secret")?).to_bytes().ok().context("base32")?;
    let totp = TOTP::new(Algorithm::SHA1, 6, 1, 30, secret).ok().context("a secret of 160 bits")?;
    let recovery = ann.post("/api/v1/totp/confirm", &json!({"code": totp.generate_current()?})).await?;
    let body = json!({"login": "ann@example.org", "password": PASSWORD});
    let refused: Value = http().post(format!("{}/api/v1/session", grid.url)).json(&body).send().await?.json().await?;
    ensure!(refused["type"] == "second-factor", "{refused}");
    // A recovery code, since the authenticator's code of this moment was used to confirm it.
    let ann = Person::log_in(&grid, "ann@example.org", recovery["recovery"][0].as_str()).await?;

    let (mut tool, mut out, shown) = begin_login(&grid, "ann.toml").await?;
    ensure!(text(&shown, "verification_uri_complete")?.starts_with(&format!("{}/device?code=", grid.url)), "{shown}");
    ann.post(&code_path(&shown, "approve")?, &json!({})).await?;
    let mut document = String::new();
    tokio::time::timeout(SOON, out.read_to_string(&mut document)).await.context("the tool does not go on")??;
    ensure!(tool.wait().await?.success(), "the login failed: {document}");
    let document: Value = serde_json::from_str(&document)?;
    ensure!(document["account"]["name"] == "ann", "{document}");

    let mut join = program("fallow-node");
    join.args(["join", &grid.url, "--name", "heron", "--json", "--data"]).arg(grid.path("heron"));
    let node = Process::start("a node", join, &grid.path("heron.log"))?;
    let shown = node.named("device_code", SOON).await?;
    let seen = ann.get(&code_path(&shown, "")?.trim_end_matches('/').to_owned()).await?;
    ensure!(seen["client"] == "fallow-node" && seen["name"] == "heron", "{seen}");
    ensure!(seen["root_fingerprint"] == shown["root"], "the page and the terminal show other keys: {seen} {shown}");
    ann.post(&code_path(&shown, "approve")?, &json!({})).await?;
    let joined = node.named("joined", SOON).await?;
    ensure!(joined["root"] == shown["root"], "another key was pinned than shown: {joined}");
    ensure!(
        node.last_words().contains(shown["root"].as_str().unwrap_or("?")),
        "the terminal does not say what was pinned"
    );
    node.named("online", SOON).await?;
    let mut nodes = program("fallow");
    nodes.env("FALLOW_CONFIG", grid.path("ann.toml")).args(["nodes", "--json"]);
    let listed = nodes.output().await?;
    ensure!(String::from_utf8_lossy(&listed.stdout).contains("heron"), "{listed:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_gets_nothing() -> Result<()> {
    let grid = Grid::start_with(OPEN).await?;
    let ann = Person::register(&grid, "ann").await?;
    let (mut tool, _out, shown) = begin_login(&grid, "ann.toml").await?;
    ann.post(&code_path(&shown, "deny")?, &json!({})).await?;
    let mut err = String::new();
    let mut stderr = tool.stderr.take().context("its errors were asked for")?;
    tokio::time::timeout(SOON, stderr.read_to_string(&mut err)).await.context("the tool does not end")??;
    ensure!(!tool.wait().await?.success() && err.contains("access-denied"), "{err}");
    ensure!(!grid.path("ann.toml").exists(), "something was stored");

    let mut join: Command = program("fallow-node");
    join.args(["join", &grid.url, "--json", "--data"]).arg(grid.path("heron"));
    let mut node = Process::start("a node", join, &grid.path("heron.log"))?;
    let shown = node.named("device_code", SOON).await?;
    ann.post(&code_path(&shown, "deny")?, &json!({})).await?;
    let gone = async {
        while node.is_running() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, gone).await.context("the node does not end")?;
    ensure!(node.last_words().contains("said no"), "{}", node.last_words());
    ensure!(!grid.path("heron/grid.json").exists(), "something was kept");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_takes_its_jobs_and_computers_along() -> Result<()> {
    let grid = Grid::start_with(OPEN).await?;
    let ann = Person::register(&grid, "ann").await?;
    let new = json!({"name": "t", "scopes": ["jobs:write", "jobs:read", "nodes:write"], "days": 1});
    let token = ann.post("/api/v1/tokens", &new).await?;
    let account = grid.logged_in("ann", &text(&token, "token")?).await?;
    let job = account.submit("examples/primes", &["--split", "range:0..1000:10"]).await?;
    let node = fallow_tests::raw_node::RawNode::enrol(&grid, &account, "heron").await?;
    let mut link = node.online(0).await?;
    let export = ann.get("/api/v1/me/export").await?;
    ensure!(export["jobs"][0]["id"] == job.as_str() && export["nodes"][0]["name"] == "heron", "{export:#}");
    ann.post("/api/v1/me/delete", &json!({"password": PASSWORD})).await?;
    let ended = link.hear_until(|_| None::<()>).await;
    ensure!(matches!(ended, Ok(None)), "the node's connection goes on");
    let answer = account.request(reqwest::Method::GET, "/api/v1/jobs").send().await?;
    ensure!(answer.status() == 401, "its token lives on: {}", answer.status());
    let again = node.connect().await?;
    let mut again = again;
    let login = node.login(&again.hello);
    again.say(&fallow_protocol::link::ToServer::Login(login)).await?;
    let refused =
        again.hear_until(|message| matches!(message, fallow_protocol::link::ToNode::Refused(_)).then_some(())).await?;
    ensure!(refused.is_some(), "the node logged in again");
    Ok(())
}
