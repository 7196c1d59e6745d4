//! What pages ask of a grid with a million units and ten thousand nodes: time of each answer, and what a thousand
//! watchers of one job cost the database besides what one does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fallow_protocol::JobId;
use fallow_protocol::api::{Enrol, JoinToken, NewJoinToken};
use fallow_protocol::job::{JobSubmission, Split};
use fallow_protocol::keys::{Purpose, SecretKey};
use fallow_protocol::link::enrol_bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;

use super::figures::{Figures, quantile};
use super::{Bench, Options, machine, units};
use crate::events::{Events, Map};
use crate::grid::Account;

/// All units exist at once, and nobody is turned away for asking much.
const SETTINGS: &str = "
[limits]
streams_max = 4000
requests_per_s = 1000000
requests_burst = 1000000
[work]
units_ahead = 2000000
";
/// Jobs besides the large one.
const JOBS: u64 = 200;

/// A running grid with all of that.
struct Scene {
    bench: Bench,
    job: JobId,
    units: u64,
}

impl Scene {
    async fn make(units: u64, nodes: u64) -> Result<Self> {
        let bench = Bench::start_with(SETTINGS).await?;
        enrol(&bench.account, nodes).await?;
        let module = units::module(&bench).await?;
        let large = units::submission(&bench, module, units, 1).await?;
        let small = JobSubmission {
            project: Some("small".into()),
            split: Split::Range { from: 0, to: 10, per_unit: 1 },
            inputs: Vec::new(),
            ..large.clone()
        };
        for _ in 0..JOBS {
            let job = bench.author.submit(&small).await?;
            bench.account.request(Method::POST, &format!("/api/v1/jobs/{job}/cancel")).send().await?;
        }
        let job = bench.author.submit(&large).await?;
        Ok(Self { bench, job, units })
    }

    /// Wait until so many of the large job's units are done.
    async fn until(&self, done: u64) -> Result<()> {
        let fits = |job: &serde_json::Value| job["counts"]["done"].as_u64() >= Some(done);
        self.bench.account.job_until(self.job.as_str(), "further", fits).await?;
        Ok(())
    }
}

/// Nodes of an account that never connect.
async fn enrol(account: &Account, nodes: u64) -> Result<()> {
    let one = |number: u64| async move {
        let body = NewJoinToken::default();
        let token = account.request(Method::POST, "/api/v1/nodes/join-tokens").json(&body).send().await?;
        let token: JoinToken = token.error_for_status()?.json().await?;
        let (secret, _) = JoinToken::parse(&token.token).context("a join token")?;
        let (key, name) = (SecretKey::generate(), format!("node-{number}"));
        let signature = key.sign(Purpose::NodeEnrol, &enrol_bytes(secret, &name));
        let enrol = Enrol { secret: secret.into(), name, key: key.public(), signature };
        let joined = account.request(Method::POST, "/api/v1/nodes/enrol").json(&enrol).send().await?;
        joined.error_for_status()?;
        anyhow::Ok(())
    };
    stream::iter((0..nodes).map(one)).buffer_unordered(8).try_collect().await
}

/// Time of each of `count` answers, milliseconds.
async fn times(account: &Account, count: u64, path: impl Fn(u64) -> String) -> Result<Vec<f64>> {
    // One connection for all, as a page has it.
    let client = reqwest::Client::new();
    let mut times = Vec::with_capacity(count as usize);
    for number in 0..count + 10 {
        let url = format!("{}{}", account.url, path(number));
        let began = Instant::now();
        client.get(&url).bearer_auth(&account.token).send().await?.error_for_status()?.bytes().await?;
        if number >= 10 {
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(times)
}

async fn pages(scene: &Scene, count: u64, figures: &Figures) -> Result<()> {
    let (job, units, account) = (&scene.job, scene.units, &scene.bench.account);
    // Spread over all units, always the same ones.
    let at = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % units;
    let mut worst: f64 = 0.0;
    let cases: [(&str, Box<dyn Fn(u64) -> String>); 9] = [
        ("jobs", Box::new(|_| "/api/v1/jobs?limit=50".into())),
        ("job", Box::new(|_| format!("/api/v1/jobs/{job}"))),
        ("units", Box::new(move |n| format!("/api/v1/jobs/{job}/units?stage=1&limit=100&cursor=1.{}", at(n)))),
        ("unit", Box::new(move |n| format!("/api/v1/jobs/{job}/units/1/{}", at(n)))),
        ("nodes", Box::new(|n| format!("/api/v1/nodes?limit=100&cursor={}", n * 7 % 9_000))),
        ("errors", Box::new(|_| format!("/api/v1/jobs/{job}/errors"))),
        ("timeline", Box::new(|_| format!("/api/v1/jobs/{job}/timeline"))),
        ("projects", Box::new(|_| "/api/v1/projects".into())),
        ("map", Box::new(|_| format!("/api/v1/jobs/{job}/map"))),
    ];
    for (name, path) in cases {
        let mut times = times(account, count, path).await?;
        let p99 = quantile(&mut times, 0.99);
        worst = worst.max(p99);
        figures.tell(&format!("{name}_median_ms"), quantile(&mut times, 0.5), "ms");
        figures.tell(&format!("{name}_p99_ms"), p99, "ms");
    }
    figures.tell("p99_ms", worst, "ms");
    Ok(())
}

/// Statements that the server has given its database since it started.
async fn statements(account: &Account) -> Result<f64> {
    let text = account.request(Method::GET, "/metrics").send().await?.text().await?;
    let line = text.lines().find_map(|line| line.strip_prefix("fallow_store_statements "));
    line.context("the metrics have the statements")?.trim().parse().context("a number of statements")
}

/// Statements a second while so many watch, and the changes that each of them saw.
async fn watched(scene: &Scene, watchers: usize, window: Duration) -> Result<(f64, f64)> {
    let account = Arc::new(scene.bench.account.clone());
    let map = Map::fetch(&account, scene.job.as_str()).await?;
    let path = format!("/api/v1/jobs/{}/events", scene.job);
    let seen = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::with_capacity(watchers);
    for _ in 0..watchers {
        let mut events = Events::open(&account, &path, Some(map.version)).await?;
        let seen = seen.clone();
        tasks.push(tokio::spawn(async move {
            while let Ok(Some(_)) = events.next().await {
                seen.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    let (before, began) = (statements(&account).await?, Instant::now());
    seen.store(0, Ordering::Relaxed);
    tokio::time::sleep(window).await;
    let per_s = (statements(&account).await? - before) / began.elapsed().as_secs_f64();
    let events = seen.load(Ordering::Relaxed) as f64 / watchers as f64 / began.elapsed().as_secs_f64();
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    ensure!(events > 0.0, "nobody saw anything change");
    Ok((per_s, events))
}

/// Answers at 1,000,000 units and 10,000 nodes, then one watcher and a thousand.
pub async fn run(options: Options, json: bool) -> Result<()> {
    let figures = Figures::new("api", json);
    machine::tell(&figures)?;
    let (units, nodes, count) = if options.quick { (50_000, 500, 100) } else { (1_000_000, 10_000, 500) };
    let began = Instant::now();
    let scene = Scene::make(units, nodes).await?;
    let node = scene.bench.grid.node(&scene.bench.account, "worker", &["--slots", "1"]).await?;
    scene.until(units / 20).await?;
    let status = node.process.stop().await?;
    ensure!(status.success(), "the node ended with {status}");
    figures.tell("prepared_s", began.elapsed().as_secs_f64(), "s");
    let first = Instant::now();
    Map::fetch(&scene.bench.account, scene.job.as_str()).await?;
    figures.tell("map_first_ms", first.elapsed().as_secs_f64() * 1e3, "ms");
    pages(&scene, count, &figures).await?;
    figures.tell("server_memory_mib", machine::peak_memory(scene.bench.grid.server().pid())? / 1048576.0, "MiB");
    let _node = scene.bench.grid.node_again(&node.data, &["--slots", "1"]).await?;
    scene.until(units / 20 + 1_000).await?;
    let window = Duration::from_secs(if options.quick { 5 } else { 15 });
    let (one, seen_by_one) = watched(&scene, 1, window).await?;
    let (many, seen_by_many) = watched(&scene, 1_000, window).await?;
    figures.tell("statements_per_s_one_watcher", one, "/s");
    figures.tell("statements_per_s_1000_watchers", many, "/s");
    figures.tell("statements_ratio", many / one, "x");
    figures.tell("events_per_s_one_watcher", seen_by_one, "/s");
    figures.tell("events_per_s_1000_watchers", seen_by_many, "/s");
    Ok(())
}
