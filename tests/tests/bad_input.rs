//! Bad input from authors and visitors: each gets a clear error, and the server goes on.

#[path = "bad_input/long_line.rs"]
mod long_line;

use anyhow::{Context, Result, ensure};
use fallow_protocol::digest::Digest;
use fallow_protocol::job::{Assemble, FileRef, JobSubmission, OnFailed, RunOn, Split};
use fallow_protocol::keys::SecretKey;
use fallow_protocol::manifest::{AuthoredManifest, Limits};
use fallow_tests::author::Author;
use fallow_tests::grid::{Account, Grid, http};
use fallow_tests::guests::root;
use reqwest::Method;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_the_api_corpus_gets_its_answer() -> Result<()> {
    let grid = Grid::start().await?;
    let user = grid.account("user").await?;
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(root().join("tests/corpus/api/cases.json"))?)?;
    ensure!(cases.len() > 20, "the corpus is not complete");
    for case in cases {
        let method: Method = case["method"].as_str().context("a case has a method")?.parse()?;
        let url = format!("{}{}", grid.url, case["path"].as_str().context("a case has a path")?);
        let mut request =
            http().request(method, url).header("content-type", "application/json").body(body(&case["body"]));
        request = match case["as"].as_str() {
            Some("nobody") => request,
            Some("operator") => request.bearer_auth(&grid.operator),
            _ => request.bearer_auth(&user.token),
        };
        let answer = request.send().await?;
        let (status, kind) = (answer.status().as_u16(), answer.headers().get("content-type").cloned());
        let text = answer.text().await?;
        ensure!(Some(u64::from(status)) == case["status"].as_u64(), "{}: {status} {text}", case["name"]);
        if status >= 400 {
            ensure!(
                kind.is_some_and(|kind| kind == "application/problem+json"),
                "{}: not a problem: {text}",
                case["name"]
            );
            let problem: Value = serde_json::from_str(&text)?;
            ensure!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{}: {text}", case["name"]);
        }
    }
    Ok(())
}

fn body(case: &Value) -> Vec<u8> {
    match case {
        Value::String(text) => text.clone().into_bytes(),
        Value::Object(made) => {
            let part = |key| made.get(key).and_then(Value::as_str).unwrap_or_default();
            let times = made.get("times").and_then(Value::as_u64).unwrap_or(1) as usize;
            format!("{}{}{}", part("prefix"), part("repeat").repeat(times), part("suffix")).into_bytes()
        }
        _ => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_of_the_corpus_are_refused_with_the_reason() -> Result<()> {
    let grid = Grid::start().await?;
    let author = Author::of(&grid.account("author").await?).await?;
    let mut cases: Vec<(String, Vec<u8>, String)> = Vec::new();
    for file in std::fs::read_dir(root().join("tests/corpus/modules"))? {
        let path = file?.path();
        let text = std::fs::read_to_string(&path)?;
        let expected = text.lines().next().and_then(|line| line.strip_prefix(";; expect: ")).context("first line")?;
        let wasm = wat::parse_str(&text).with_context(|| path.display().to_string())?;
        cases.push((path.display().to_string(), wasm, expected.to_owned()));
    }
    let good = std::fs::read(fallow_tests::guests::component("tests/guests/noop").await?)?;
    cases.push((
        "random bytes".into(),
        (0..100_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect(),
        "no WebAssembly".into(),
    ));
    for cut in [4, 8, good.len() / 3, good.len() - 1] {
        cases.push((format!("cut at {cut}"), good[..cut].to_vec(), String::new()));
    }
    let mut flipped = good.clone();
    flipped[good.len() / 2..good.len() / 2 + 64].fill(0xff);
    cases.push(("64 bytes overwritten".into(), flipped, String::new()));
    for (name, wasm, expected) in cases {
        let error = author.module(wasm).await.err().with_context(|| format!("{name} was accepted"))?;
        let problem = error.problem().with_context(|| format!("{name}: {error}"))?;
        ensure!(
            problem.status == 422 && problem.detail.contains(&expected),
            "{name}: expected {expected:?} in {problem:?}"
        );
    }
    author.module(good).await.context("a good module is refused after the bad ones")?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_needed_and_right() -> Result<()> {
    let grid = Grid::start().await?;
    let author = Author::of(&grid.account("author").await?).await?;
    let good = std::fs::read(fallow_tests::guests::component("tests/guests/noop").await?)?;
    let manifest = author.manifest(&good, Limits::default());
    author.client.blobs().upload_bytes(good).await?;
    let kind_of = async |signed: AuthoredManifest| match author.client.create_module(&signed).await {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.problem().map_or(error.to_string(), |problem| problem.kind.clone()),
    };
    let stranger = SecretKey::generate();
    ensure!(kind_of(AuthoredManifest::sign(&manifest, &stranger)).await == "bad-signature");
    let by_stranger = fallow_protocol::manifest::Manifest { author: stranger.public(), ..manifest.clone() };
    ensure!(kind_of(AuthoredManifest::sign(&by_stranger, &stranger)).await == "unknown-author-key");
    let ended = fallow_protocol::manifest::Manifest { expires_at_ms: 1, ..manifest.clone() };
    ensure!(
        kind_of(AuthoredManifest::sign(&ended, &author.key)).await != "accepted",
        "an expired manifest was accepted"
    );
    let missing = fallow_protocol::manifest::Manifest { component: Digest::of(b"none"), ..manifest.clone() };
    ensure!(
        kind_of(AuthoredManifest::sign(&missing, &author.key)).await != "accepted",
        "a missing component was accepted"
    );
    ensure!(kind_of(AuthoredManifest::sign(&manifest, &author.key)).await == "accepted");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_broken_off_goes_on_and_a_tampered_one_is_dropped() -> Result<()> {
    let grid = Grid::start().await?;
    let account = grid.account("author").await?;
    let bytes: Vec<u8> = (0..3_000_000u32).map(|i| (i / 7) as u8).collect();
    let digest = Digest::of(&bytes);
    let patch = async |offset: usize, body: &[u8]| -> Result<(u16, Value)> {
        let path = format!("/api/v1/blobs/{digest}?offset={offset}&len={}", bytes.len());
        let answer = account.request(Method::PATCH, &path).body(body.to_vec()).send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    };
    let (status, state) = patch(0, &bytes[..1_000_000]).await?;
    ensure!(status == 200 && state["received"] == 1_000_000 && state["complete"] == false, "{status} {state}");
    let (status, problem) = patch(500_000, &bytes[500_000..]).await?;
    ensure!(
        status == 409 && problem["type"].as_str().is_some_and(|kind| kind.ends_with("upload-offset")),
        "{status} {problem}"
    );
    let (status, state) = patch(1_000_000, &bytes[1_000_000..]).await?;
    ensure!(status == 200 && state["complete"] == true, "{status} {state}");
    let got = account.request(Method::GET, &format!("/api/v1/blobs/{digest}")).send().await?.bytes().await?;
    ensure!(got == bytes, "the blob came back changed");

    let other = grid.account("other").await?;
    let seen = other.request(Method::GET, &format!("/api/v1/blobs/{digest}")).send().await?;
    ensure!(seen.status() == 404, "another account reads the blob");
    let claimed = Digest::of(b"something else");
    let path = format!("/api/v1/blobs/{claimed}?offset=0&len=5");
    let wrong = account.request(Method::PATCH, &path).body("other").send().await?;
    ensure!(wrong.status() == 422, "{}", wrong.text().await?);
    let state = account.request(Method::GET, &format!("/api/v1/blobs/{claimed}/upload")).send().await?;
    ensure!(state.json::<Value>().await?["received"] == 0, "a tampered upload was kept");
    Ok(())
}

async fn refused(author: &Author, job: JobSubmission) -> Result<String> {
    let error = author.submit(&job).await.err().context("the job was accepted")?;
    let problem = error.problem().context("an error of the API is a problem")?;
    ensure!((400..500).contains(&problem.status), "{problem:?}");
    Ok(problem.detail.clone())
}

async fn echo_job(account: &Account) -> Result<(Author, JobSubmission)> {
    let author = Author::of(account).await?;
    let component = std::fs::read(fallow_tests::guests::component("tests/guests/noop").await?)?;
    let module = author.module(component).await?.module;
    let blob = author.client.blobs().upload_bytes(b"a\nb\nc\n".to_vec()).await?.digest;
    let job = JobSubmission {
        name: "echo".into(),
        project: None,
        module,
        args: Vec::new(),
        split: Split::Lines { per_unit: 1 },
        inputs: vec![FileRef { name: "abc.txt".into(), blob }],
        shared: Vec::new(),
        limits: Limits::default(),
        run_on: RunOn::Anyone,
        deadline_ms: None,
        on_failed: OnFailed::Stop,
        assemble: Assemble::Concat,
        floats: Default::default(),
        seed: None,
        verify: fallow_protocol::job::Verify::default(),
        critical: false,
        budget: None,
        offer_permille: 1_000,
    };
    Ok((author, job))
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_cannot_be_are_refused_with_what_to_do() -> Result<()> {
    let grid = Grid::start().await?;
    let (author, good) = echo_job(&grid.account("author").await?).await?;
    let with = |change: &dyn Fn(&mut JobSubmission)| {
        let mut job = good.clone();
        change(&mut job);
        job
    };
    let cases: [(&str, JobSubmission); 11] = [
        ("no input", with(&|job| job.inputs.clear())),
        ("an input that is not there", with(&|job| job.inputs[0].blob = Digest::of(b"nothing"))),
        ("no lines a unit", with(&|job| job.split = Split::Lines { per_unit: 0 })),
        ("2^63 units", with(&|job| job.split = Split::Range { from: 0, to: i64::MAX, per_unit: 1 })),
        ("an empty range", with(&|job| job.split = Split::Range { from: 5, to: 5, per_unit: 1 })),
        ("records that do not fit", with(&|job| job.split = Split::Records { bytes: 4, per_unit: 1 })),
        ("a split that the guest lacks", with(&|job| job.split = Split::Guest)),
        ("a merge that the guest lacks", with(&|job| job.assemble = Assemble::Merge)),
        ("more memory than the manifest", with(&|job| job.limits.memory_bytes = 3 << 30)),
        ("a name with a line end", with(&|job| job.name = "a\nb".into())),
        ("a path as a file's name", with(&|job| job.inputs[0].name = "../../etc/passwd".into())),
    ];
    for (name, job) in cases {
        let detail = refused(&author, job).await.with_context(|| name.to_owned())?;
        ensure!(detail.len() > 10, "{name}: {detail:?}");
    }
    author.submit(&good).await.context("the good job is refused after the bad ones")?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_over_the_limit_of_a_unit_fails_the_job_by_its_number() -> Result<()> {
    let grid = Grid::start().await?;
    let account = grid.account("author").await?;
    let (author, good) = echo_job(&account).await?;
    let mut text = b"short\n".to_vec();
    text.resize(text.len() + (80 << 20), b'x');
    let blob = author.client.blobs().upload_bytes(text).await?.digest;
    let job = JobSubmission { inputs: vec![FileRef { name: "long.txt".into(), blob }], ..good };
    let said = match author.submit(&job).await {
        Err(error) => error.to_string(),
        Ok(id) => account.job_ended(id.as_str()).await?["error"].as_str().unwrap_or_default().to_owned(),
    };
    ensure!(said.contains("line 2") && said.contains("long.txt"), "{said:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_tampered_on_the_servers_disk_is_refused_by_the_node() -> Result<()> {
    let grid = Grid::start().await?;
    let account = grid.account("author").await?;
    let (author, job) = echo_job(&account).await?;
    let component = std::fs::read(fallow_tests::guests::component("tests/guests/noop").await?)?;
    let name = Digest::of(&component).to_string();
    let file = find(&grid.server_data(), &name).context("the component lies on the server's disk")?;
    let mut tampered = component.clone();
    let last = tampered.len() - 1;
    tampered[last] ^= 1;
    std::fs::write(&file, &tampered)?;
    let node = grid.node(&account, "one", &["--slots", "1"]).await?;
    let id = author.submit(&job).await?;
    let event = node.process.event(fallow_tests::SOON, |event| event["event"] == "declined").await?;
    ensure!(event["reason"].as_str().is_some_and(|reason| reason.contains("digest")), "{event}");
    std::fs::write(&file, &component)?;
    let _other = grid.node(&account, "two", &["--slots", "1"]).await?;
    account.result(id.as_str()).await?;
    Ok(())
}

fn find(folder: &std::path::Path, digest: &str) -> Option<std::path::PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).find_map(|path| {
        if path.is_dir() {
            return find(&path, digest);
        }
        let name = path.file_name()?.to_str()?;
        let folder = path.parent()?.file_name()?.to_str()?;
        (name == digest || format!("{folder}{name}") == digest).then_some(path)
    })
}
