//! Jobs as pages see them, live: maps that are followed, over breaks and kills of the server; what is another's;
//! errors, units, previews, drafts and projects.

use anyhow::{Context, Result, ensure};
use data_encoding::BASE64;
use fallow_protocol::Digest;
use fallow_protocol::api::{
    JobDraft, ModuleDraft, ModuleListed, Preview, PreviewKind, ProjectInfo, Timeline, UnitDetail,
};
use fallow_tests::author::Author;
use fallow_tests::events::{Events, Map, Page};
use fallow_tests::grid::{Account, Grid};
use reqwest::Method;
use serde_json::{Value, json};

const DONE: u8 = 3;

async fn of<T: serde::de::DeserializeOwned>(account: &Account, path: &str) -> Result<T> {
    Ok(serde_json::from_value(account.get(path).await?)?)
}

async fn status(account: &Account, path: &str) -> Result<u16> {
    Ok(account.request(Method::GET, path).send().await?.status().as_u16())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_comes_back_has_the_map_that_the_server_has() -> Result<()> {
    let mut grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let job = author.submit("examples/primes", &["--split", "range:0..2000000:1000"]).await?;
    let mut page = Page::open(&author, &job).await?;
    ensure!(page.map.states.iter().all(|state| *state == 0), "units were given away without a node");
    page.until("told", |page| page.told["id"] == job.as_str()).await?;
    ensure!(page.told.get("submission").is_none(), "{}", page.told);
    let _nodes =
        (grid.node(&author, "one", &["--slots", "1"]).await?, grid.node(&author, "two", &["--slots", "1"]).await?);
    page.until("begun", |page| page.map.states.contains(&DONE)).await?;
    let before = page.map.version;
    page.hang_up();
    // While nobody reads, the map goes on.
    author.job_until(&job, "further", |job| job["counts"]["done"].as_u64() > Some(200)).await?;
    page.until("back", |page| page.map.version > before).await?;
    grid.kill_server().await?;
    page.hang_up();
    grid.restart_server().await?;
    let resets = page.resets;
    page.until("done", |page| page.told["phase"] == "done").await?;
    ensure!(page.resets > resets, "versions of another life of the server were taken for this one's");
    ensure!(page.told["result"]["len"].is_u64(), "{}", page.told);
    page.compare().await?;
    ensure!(page.map.states == vec![DONE; 2_000], "{:?}", page.map.states);
    let timeline: Timeline = of(&author, &format!("/api/v1/jobs/{job}/timeline")).await?;
    ensure!(timeline.done.iter().sum::<u64>() == 2_000, "{timeline:?}");
    ensure!(timeline.events.last().is_some_and(|event| event.text == "done"), "{timeline:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_missed_too_much_begins_anew_and_no_stream_holds_up_the_end() -> Result<()> {
    let mut grid = Grid::start_with("[limits]\nstreams_max = 2\n").await?;
    let author = grid.account("author").await?;
    let job = author.submit("examples/primes", &["--split", "range:0..10000:1000"]).await?;
    let path = format!("/api/v1/jobs/{job}/events");
    let map = Map::fetch(&author, &job).await?;
    ensure!(map.states == vec![0; 10], "{map:?}");
    for last in [None, Some(1), Some(map.version + 1_000_000), Some(u64::MAX)] {
        Events::open(&author, &path, last).await?.named("reset").await?;
    }
    let mut streams = Vec::new();
    while streams.len() < 2 {
        // Streams that were just dropped are given back in a moment.
        streams.extend(Events::open(&author, &path, Some(map.version)).await.ok());
    }
    let third = author.request(Method::GET, "/api/v1/events").send().await?;
    ensure!(third.status() == 429 && third.headers().contains_key("retry-after"), "{third:?}");
    ensure!(third.json::<Value>().await?["type"] == "too-many-streams");
    let mut stream = streams.pop().context("a stream")?;
    stream.named("job").await?;
    drop(streams);
    let mut feed = loop {
        if let Ok(feed) = Events::open(&author, "/api/v1/events", None).await {
            break feed;
        }
    };
    feed.named("reset").await?;
    ensure!(author.call(&["cancel", &job]).await?.code == 0);
    ensure!(feed.named("job").await?.data["phase"] == "cancelled");
    while stream.named("job").await?.data["phase"] != "cancelled" {}
    grid.stop_server().await?;
    ensure!(stream.next().await?.is_none() && feed.next().await?.is_none(), "a stream outlived the server");
    let log = std::fs::read_to_string(grid.path("server.log"))?;
    ensure!(!log.contains("did not end in time"), "{log}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_is_not_there() -> Result<()> {
    let grid = Grid::start().await?;
    let (author, other) = (grid.account("author").await?, grid.account("other").await?);
    let job = author.submit("examples/primes", &["--split", "range:0..10000:1000"]).await?;
    let parts =
        ["map", "events", "errors", "nodes", "timeline", "preview", "preview/0", "units/1/0", "units/1/0/output"];
    for part in parts {
        let path = format!("/api/v1/jobs/{job}/{part}");
        ensure!(status(&other, &path).await? == 404, "{part}");
        let is_there = status(&author, &path).await?;
        let expected = match part {
            "preview/0" => 404,
            "units/1/0/output" => 409,
            _ => 200,
        };
        ensure!(is_there == expected, "{part}: {is_there}");
    }
    for unit in ["units/1/10", "units/2/0", "units/1/18446744073709551615", "preview/18446744073709551615"] {
        ensure!(status(&author, &format!("/api/v1/jobs/{job}/{unit}")).await? == 404, "{unit}");
    }
    for wrong in ["units/1/x", "units/70000/0", "map?stage=x", "events?after=-1", "preview/x"] {
        ensure!(status(&author, &format!("/api/v1/jobs/{job}/{wrong}")).await? == 400, "{wrong}");
    }
    ensure!(other.get("/api/v1/projects").await?["items"] == json!([]));
    ensure!(other.get("/api/v1/modules").await?["items"] == json!([]));
    Ok(())
}

async fn lines(grid: &Grid, author: &Account, lines: &[&str], more: &[&str]) -> Result<String> {
    let file = grid.path("lines.txt");
    std::fs::write(&file, lines.join("\n") + "\n")?;
    let file = file.display().to_string();
    let mut args = vec!["--input", &file, "--on-failed", "leave-out:100%"];
    args.extend(more);
    author.submit("tests/guests/faults", &args).await
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_grouped_and_a_unit_tells_its_story() -> Result<()> {
    let grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let _node = grid.node(&author, "one", &["--slots", "2"]).await?;
    let cases =
        ["ok:<script>alert(1)</script>", "error:row 7 of 12 is bad", "error:row 53 of 80 is bad", "panic", "log:x"];
    let job = lines(&grid, &author, &cases, &["--assemble", "archive", "--project", "faults"]).await?;
    author.job_ended(&job).await?;
    let errors = author.get(&format!("/api/v1/jobs/{job}/errors")).await?;
    ensure!(errors["items"].as_array().map(Vec::len) == Some(2) && errors["complete"] == true, "{errors:#}");
    ensure!(errors["items"][0]["units"] == 2 && errors["items"][0]["class"] == "guest error", "{errors:#}");
    ensure!(errors["items"][0]["state"] == "left_out" && errors["items"][0]["example"]["seq"] == 1, "{errors:#}");
    let unit: UnitDetail = of(&author, &format!("/api/v1/jobs/{job}/units/1/1")).await?;
    ensure!(unit.message.as_deref() == Some("row 7 of 12 is bad") && unit.input_bytes > 10, "{unit:?}");
    ensure!(unit.attempts.last().is_some_and(|last| last.verdict == "failed" && last.fuel > 0), "{unit:?}");
    let logged: UnitDetail = of(&author, &format!("/api/v1/jobs/{job}/units/1/4")).await?;
    ensure!(logged.log.as_deref().is_some_and(|log| log.contains('x')), "{logged:?}");
    ensure!(logged.attempts.last().is_some_and(|last| last.verdict == "accepted"), "{logged:?}");
    let output = author.request(Method::GET, &format!("/api/v1/jobs/{job}/units/1/0/output")).send().await?;
    ensure!(output.headers()["content-disposition"].to_str()?.starts_with("attachment"), "{output:?}");
    ensure!(output.bytes().await? == cases[0][3..].as_bytes(), "another output");
    let preview: Preview = of(&author, &format!("/api/v1/jobs/{job}/preview")).await?;
    ensure!(preview.kind == PreviewKind::Files && preview.complete && preview.units_done == 2, "{preview:?}");
    let shown = author.request(Method::GET, &format!("/api/v1/jobs/{job}/preview/0")).send().await?;
    ensure!(shown.headers()["content-type"] == "text/plain; charset=utf-8", "{shown:?}");
    let policy = shown.headers()["content-security-policy"].to_str()?;
    ensure!(policy.starts_with("sandbox") && shown.headers()["x-content-type-options"] == "nosniff", "{shown:?}");
    let projects: Vec<ProjectInfo> = serde_json::from_value(author.get("/api/v1/projects").await?["items"].clone())?;
    ensure!(projects.len() == 1 && projects[0].name == "faults" && projects[0].done == 1, "{projects:?}");
    let listed = author.call(&["jobs", "--project", "faults", "--quiet"]).await?;
    ensure!(listed.out.trim() == job, "{listed:?}");
    ensure!(author.get("/api/v1/jobs?project=others").await?["items"] == json!([]));
    ensure!(author.get("/api/v1/jobs?phase=running").await?["items"] == json!([]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_shown_whatever_is_in_it() -> Result<()> {
    let grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let _node = grid.node(&author, "one", &["--slots", "2"]).await?;
    let preview = async |cases: &[&str]| -> Result<Preview> {
        let job = lines(&grid, &author, cases, &["--assemble", "concat"]).await?;
        author.job_ended(&job).await?;
        of(&author, &format!("/api/v1/jobs/{job}/preview")).await
    };
    // One line of three megabytes, cut to what anybody reads.
    let long = preview(&["output:3000000"]).await?;
    let shown = long.text.as_deref().unwrap_or_default().chars().count();
    ensure!(long.kind == PreviewKind::Text && (1_000..5_000).contains(&shown), "{:?}: {shown} letters", long.kind);
    let table = preview(&["ok:{\"name\":\"<img src=x>\",\"n\":1}"]).await?;
    ensure!(
        table.kind == PreviewKind::Table && table.rows == Some(vec![vec!["1".into(), "<img src=x>".into()]])
            || table.rows == Some(vec![vec!["<img src=x>".into(), "1".into()]]),
        "{table:?}"
    );
    ensure!(preview(&["ok"]).await?.kind == PreviewKind::None);
    let random = preview(&["ok:\u{1}\u{2}"]).await?;
    ensure!(random.kind == PreviewKind::Files && random.text.is_none(), "{random:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_say_what_submitting_would_do() -> Result<()> {
    let grid = Grid::start().await?;
    let author = grid.account("author").await?;
    let by_hand = Author::of(&author).await?;
    let component = tokio::fs::read(fallow_tests::guests::component("examples/primes").await?).await?;
    let digest = Digest::of(&component);
    let post = |path: &'static str, body: Value| author.request(Method::POST, path).json(&body).send();
    let new = |key: String| json!({ "component": digest, "name": "by hand", "author": key });
    let stranger = fallow_protocol::SecretKey::generate().public().to_string();
    ensure!(post("/api/v1/modules/draft", new(stranger)).await?.status() == 403);
    let own = by_hand.key.public().to_string();
    ensure!(post("/api/v1/modules/draft", new(own.clone())).await?.status() == 422, "there is no such component");
    by_hand.client.blobs().upload_bytes(component).await?;
    let draft: ModuleDraft = post("/api/v1/modules/draft", new(own)).await?.error_for_status()?.json().await?;
    // As a browser does it: nothing but ed25519 over the bytes that the server gave.
    let signing = ed25519_dalek::SigningKey::from_bytes(&by_hand.key.seed());
    let signature = ed25519_dalek::Signer::sign(&signing, &BASE64.decode(draft.message.as_bytes())?);
    let signature = data_encoding::HEXLOWER.encode(&signature.to_bytes());
    let module = json!({ "manifest": draft.manifest, "author_signature": signature, "name": "by hand" });
    let module: Value = post("/api/v1/modules", module).await?.error_for_status()?.json().await?;
    let modules: Vec<ModuleListed> = serde_json::from_value(author.get("/api/v1/modules").await?["items"].clone())?;
    ensure!(modules.len() == 1 && modules[0].name == "by hand" && modules[0].exports.run, "{modules:?}");
    let job = |split: Value, limits: Value| json!({ "name": "primes", "module": module["module"], "split": split, "assemble": "merge", "limits": limits });
    let split = json!({ "by": "range", "from": 0, "to": 1_000_000, "per_unit": 10 });
    let draft = post("/api/v1/jobs/draft", job(split.clone(), json!({}))).await?.error_for_status()?;
    let draft: JobDraft = draft.json().await?;
    ensure!(draft.problems.is_empty() && draft.units.count == 100_000 && draft.units.exact, "{draft:?}");
    ensure!(draft.first.len() == 5 && draft.first[0].text.as_deref().is_some_and(|text| text.contains("\"to\"")));
    ensure!(draft.price.per_unit.is_none() && draft.seconds.to.is_none(), "{draft:?}");
    let empty = json!({ "by": "range", "from": 5, "to": 5, "per_unit": 10 });
    let draft = post("/api/v1/jobs/draft", job(empty, json!({ "fuel": u64::MAX >> 1 }))).await?.error_for_status()?;
    let draft: JobDraft = draft.json().await?;
    let mut fields: Vec<&str> = draft.problems.iter().map(|problem| problem.field.as_str()).collect();
    fields.sort_unstable();
    ensure!(fields == ["limits", "split"], "{draft:?}");
    ensure!(author.get("/api/v1/jobs").await?["items"] == json!([]), "a draft became a job");
    Ok(())
}
