//! `kill -9` of the server between results and their payment, on a grid of strangers of whom some cheat: whatever it
//! was doing, nobody is paid twice or for nothing, nothing is lost, and the result is right.

#[path = "../../grid-server/src/store/tests/postgres.rs"]
mod postgres;

use std::time::Duration;

use anyhow::{Result, ensure};
use fallow_tests::audit::{Sums, check_ledger, wages};
use fallow_tests::author::now_ms;
use fallow_tests::evil::{Evil, Misbehaviour};
use fallow_tests::grid::Account;
use fallow_tests::open_grid::OpenGrid;
use fallow_tests::steps::{GUEST, Steps};
use futures_util::future::select_all;
use serde_json::Value;

/// A quarter of what trusted nodes give is checked, the rest is final ten results later. Fuel costs a micro-credit each.
const SETTINGS: &str = "
[work]
heartbeat_ms = 500
lease_ms = 3000
[grid]
kind = 'open'
credits = true
allowance = '1000000'
[price]
per_tera_fuel = '1000000'
[trust]
probation_passes = 3
checker_passes = 3
established_passes = 5
check_scale = 1
check_min_ppm = 250000
window = 10
sweep = 5
sweep_window = 5
seasoned_after_ms = 0
[anchor]
share_permille = 100
";
/// Rounds of a unit: some tens of milliseconds.
const ROUNDS: u64 = 20_000_000;
/// Units that the sleeper does honestly.
const HONEST_FIRST: u64 = 12;
/// Kills that follow each other at once, as far as nodes come back at once. Then they wait longer each time.
const BURST: u64 = 4;
/// After this time nodes take the server for one that stays.
const QUIET: Duration = Duration::from_millis(6_500);
const SECOND: Duration = Duration::from_secs(1);
/// Kills while the job ends, one after the other.
const LAST_KILLS: u32 = 4;

/// A job among honest nodes and two that forge: one from the beginning, the other once it is trusted.
struct Battle {
    open: OpenGrid,
    forger: Evil,
    sleeper: Evil,
    job: String,
    work: Steps,
    chance: fastrand::Rng,
    toll: Toll,
    /// When the sleeper was seen to be banned, milliseconds since 1970.
    banned_ms: Option<u64>,
}

/// What was interrupted.
#[derive(Debug, Default)]
struct Toll {
    kills: u64,
    /// Results were on their way, or committed and not yet acknowledged.
    frames: u64,
    /// A wrong result was the newest news of cheats: what its node holds was perhaps not yet void.
    reviews: u64,
    /// The result was being put together.
    assemblies: u64,
    /// Bytes of the server's log before its newest start.
    logged: usize,
}

impl Battle {
    async fn begin(settings: &str, units: u64) -> Result<Self> {
        let seed = std::env::var("FALLOW_KILL_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(now_ms);
        println!("FALLOW_KILL_SEED={seed}");
        let open = OpenGrid::start_with(settings, 3).await?;
        let forger = open.join("forger", 1, Misbehaviour::Forge { permille: 1_000 }).await?;
        let sleeper = open.join("sleeper", 2, Misbehaviour::Sleeper { after: HONEST_FIRST }).await?;
        let work = Steps::of(units, ROUNDS);
        let job = open.submit(GUEST, work.lines(), |_| ()).await?;
        let chance = fastrand::Rng::with_seed(seed);
        Ok(Self { open, forger, sleeper, job, work, chance, toll: Toll::default(), banned_ms: None })
    }

    fn nodes(&self) -> impl Iterator<Item = &Evil> {
        self.open.honest.iter().chain([&self.forger, &self.sleeper])
    }

    fn lenders(&self) -> Vec<&Account> {
        self.nodes().map(|node| &node.owner).collect()
    }

    /// Kills in bursts, right after a node sent results or at any moment, until there were enough or the job ends.
    async fn kills(&mut self, bursts: u64) -> Result<()> {
        for _ in 0..bursts {
            if self.ends_within(pause(QUIET)).await? {
                return Ok(());
            }
            if self.banned_ms.is_none() && self.sleeper.info().await?["standing"]["is"] == "banned" {
                self.banned_ms = Some(now_ms());
            }
            for _ in 0..BURST {
                let anywhere = self.chance.u8(..4) == 0;
                let moment = Duration::from_micros(self.chance.u64(..if anywhere { 800_000 } else { 30_000 }));
                let waited = async {
                    if !anywhere {
                        let frames = select_all(self.nodes().map(|node| Box::pin(node.next_frame())));
                        let _ = tokio::time::timeout(SECOND, frames).await;
                    }
                    pause(moment).await;
                };
                if self.ends_within(waited).await? {
                    return Ok(());
                }
                self.kill(&format!("after {moment:?}")).await?;
            }
        }
        Ok(())
    }

    /// Whether the job is at its end before `moment`.
    async fn ends_within(&self, moment: impl Future<Output = ()>) -> Result<bool> {
        tokio::select! {
            ended = self.ends() => ended.map(|_| true),
            () = moment => Ok(false),
        }
    }

    async fn ends(&self) -> Result<Value> {
        let ends = |info: &Value| info["phase"] == "assembling" || is_over(info);
        self.open.author.job_until(&self.job, "at its end", ends).await
    }

    /// Kills as soon as the job is seen to end, or a little later.
    async fn last_kills(&mut self) -> Result<()> {
        for _ in 0..LAST_KILLS {
            if is_over(&self.ends().await?) {
                break;
            }
            self.toll.assemblies += 1;
            let moment = Duration::from_micros(self.chance.u64(..8_000) * self.chance.u64(..2));
            pause(moment).await;
            self.kill("while the job ends").await?;
        }
        Ok(())
    }

    /// The ledger adds up as the server left it, and the server goes on from there.
    async fn kill(&mut self, when: &str) -> Result<()> {
        self.open.grid.kill_server().await?;
        let frames: usize = self.nodes().map(Evil::under_way).sum();
        let log = std::fs::read_to_string(self.open.grid.path("server.log"))?;
        let said = log.get(self.toll.logged..).unwrap_or_default();
        let review = said.rfind("a wrong result") > said.rfind("are run again");
        self.toll.kills += 1;
        self.toll.logged = log.len();
        self.toll.frames += u64::from(frames > 0);
        self.toll.reviews += u64::from(review);
        let report = check_ledger(&self.open.grid).await?;
        println!("killed {when}: {frames} frames, review {review}, {} transfers", report["transfers"]);
        self.open.grid.restart_server().await
    }

    /// All is as if nobody had cheated and nothing had been killed.
    async fn is_right(&self, units: u64) -> Result<()> {
        let (open, job) = (&self.open, &self.job);
        let result = String::from_utf8(open.author.result(job).await?)?;
        ensure!(result == self.work.expected(), "the result is wrong: {result}");
        let info = open.author.job(job).await?;
        ensure!(info["counts"]["done"] == units, "a unit is missing or counted twice: {info:#}");
        let log = std::fs::read_to_string(open.grid.path("server.log"))?;
        let errors: Vec<&str> = log.lines().filter(|line| line.contains(" ERROR ")).take(5).collect();
        ensure!(errors.is_empty(), "the server failed at something: {errors:#?}");
        check_ledger(&open.grid).await?;
        let sums = Sums::settled(open, &self.lenders(), job).await?;
        // The author has an account too.
        sums.add_up(self.lenders().len() as i64 + 1)?;
        for node in &open.honest {
            let info = node.info().await?;
            ensure!(info["results_wrong"] == 0, "an honest node is blamed: {info:#}");
        }
        self.nothing_for_lies(sums.fuel / units as i64).await
    }

    /// `a_unit` costs so much, at most a thousandth more.
    async fn nothing_for_lies(&self, a_unit: i64) -> Result<()> {
        for (liar, honest) in [(&self.forger, 0), (&self.sleeper, HONEST_FIRST as i64)] {
            ensure!(liar.lies() > 0, "nobody lied");
            let (info, wages) = (liar.info().await?, wages(&liar.owner).await?);
            println!(
                "{}: {} lies, {} found, {}, {wages:?}",
                liar.id,
                liar.lies(),
                info["results_wrong"],
                info["standing"]
            );
            ensure!(info["results_wrong"].as_u64() >= Some(1), "{} lies, none found: {info:#}", liar.lies());
            let most = honest * (a_unit + a_unit / 1_000);
            ensure!(
                wages.pay + wages.checks + wages.held <= most,
                "{wages:?} for {honest} units of {a_unit}: {info:#}"
            );
        }
        Ok(())
    }
}

fn is_over(info: &Value) -> bool {
    matches!(info["phase"].as_str(), Some("done" | "failed" | "cancelled"))
}

async fn pause(time: Duration) {
    tokio::time::timeout(time, std::future::pending::<()>()).await.ok();
}

async fn survives(settings: &str, units: u64, bursts: u64) -> Result<()> {
    let mut battle = Battle::begin(settings, units).await?;
    battle.kills(bursts).await?;
    battle.last_kills().await?;
    println!("{:?}", battle.toll);
    battle.is_right(units).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_paid_once_whenever_the_server_is_killed() -> Result<()> {
    survives(SETTINGS, 800, 5).await
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_paid_once_on_postgresql() -> Result<()> {
    let database = tokio::task::spawn_blocking(postgres::new_database).await?;
    survives(&format!("database_url = {database:?}\n{SETTINGS}"), 150, 2).await
}
