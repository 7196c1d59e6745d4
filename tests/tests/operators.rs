//! What operators stop, on real nodes, with the command line; and a group's job on its members' computers.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fallow_tests::SOON;
use fallow_tests::grid::{Account, Grid, text};

/// What was stopped stands still everywhere within this time.
const MINUTE: Duration = Duration::from_secs(60);

/// One unit that works for much longer than a test takes.
async fn endless(grid: &Grid, author: &Account) -> Result<String> {
    let file = grid.path("steps.txt");
    std::fs::write(&file, "{\"steps\": 1000000, \"work\": 5000000, \"checkpoint_every\": 0}\n")?;
    let file = file.display().to_string();
    author.submit("tests/guests/steps", &["--input", &file, "--limit", "time=10m"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_module_stops_on_a_node_within_a_minute_and_resumes() -> Result<()> {
    let grid = Grid::start().await?;
    let operator = grid.logged_in("operator", &grid.operator).await?;
    let author = grid.account("author").await?;
    let node = grid.node(&author, "one", &["--slots", "1"]).await?;
    let job = endless(&grid, &author).await?;
    node.process.named("unit_started", SOON).await?;
    let module = text(&author.job(&job).await?["submission"], "module")?;

    let seen = node.process.told();
    let reason = "it fills others' disks";
    operator.json(&["admin", "suspend", "module", &module, "--reason", reason, "--json"]).await?;
    let told = node.process.event_after(seen, MINUTE, |event| event["event"] == "suspended").await?;
    ensure!(told["job"] == job.as_str() && told["reason"] == reason, "{told}");
    let waits = author.job_until(&job, "waiting", |job| job["counts"]["running"] == 0).await?;
    ensure!(waits["waiting_for"] == "operator", "{waits:#}");
    ensure!(text(&waits, "notice")?.contains(reason), "{waits:#}");
    let explained = author.json(&["explain", &job, "--json"]).await?;
    ensure!(explained["reasons"][0]["code"] == "suspended", "{explained:#}");
    let refused = endless(&grid, &author).await.err().context("a suspended module is taken")?;
    ensure!(refused.to_string().contains(reason), "{refused:#}");

    let seen = node.process.told();
    operator.json(&["admin", "restore", "module", &module, "--json"]).await?;
    node.process.event_after(seen, MINUTE, |event| event["event"] == "unit_started").await?;
    let log = operator.json(&["admin", "audit", "--actor", "operator", "--json"]).await?;
    let actions: Vec<_> = log["items"].as_array().context("a list")?.iter().map(|event| &event["action"]).collect();
    ensure!(actions[0] == "module.restored" && actions[1] == "module.suspended", "{log:#}");
    author.json(&["cancel", &job, "--json"]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_node_is_told_why_and_comes_back_by_itself() -> Result<()> {
    let grid = Grid::start().await?;
    let operator = grid.logged_in("operator", &grid.operator).await?;
    let owner = grid.account("owner").await?;
    let node = grid.node(&owner, "one", &[]).await?;
    let id = text(&owner.get("/api/v1/nodes").await?["items"][0], "id")?;
    let seen = node.process.told();
    operator.json(&["admin", "suspend", "node", &id, "--reason", "it overheats", "--json"]).await?;
    let offline = |event: &serde_json::Value| event["event"] == "offline";
    let told = node.process.event_after(seen, MINUTE, offline).await?;
    ensure!(text(&told, "reason")?.contains("it overheats"), "{told}");
    let seen = node.process.told();
    operator.json(&["admin", "restore", "node", &id, "--json"]).await?;
    node.process.event_after(seen, MINUTE, |event| event["event"] == "online").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_groups_job_runs_on_its_members_computers_only() -> Result<()> {
    let grid = Grid::start().await?;
    let (ann, bob, eve) = (grid.account("ann").await?, grid.account("bob").await?, grid.account("eve").await?);
    let _nodes = (grid.node(&bob, "bobs", &[]).await?, grid.node(&eve, "eves", &[]).await?);
    ann.json(&["groups", "create", "lab", "--json"]).await?;
    ann.json(&["groups", "invite", "lab", "bob", "--json"]).await?;
    let asked = bob.json(&["groups", "list", "--json"]).await?;
    ensure!(asked["invitations"][0]["group"] == "lab", "{asked:#}");
    bob.json(&["groups", "accept", "lab", "--json"]).await?;
    let job = ann.submit("examples/primes", &["--split", "range:0..2000:100", "--run-on", "group:lab"]).await?;
    ann.result(&job).await?;
    let done = async |owner: &Account| -> Result<u64> {
        let nodes = owner.get("/api/v1/nodes").await?;
        nodes["items"][0]["units_done"].as_u64().with_context(|| format!("{nodes:#}"))
    };
    let (by_bob, by_eve) = (done(&bob).await?, done(&eve).await?);
    ensure!(by_bob >= 20 && by_eve == 0, "bob's node made {by_bob} units, eve's {by_eve}");
    let strange = eve.call(&["submit", "examples/primes", "--run-on", "group:lab"]).await?;
    ensure!(strange.code != 0, "a stranger submits for a group: {}", strange.out);
    Ok(())
}
