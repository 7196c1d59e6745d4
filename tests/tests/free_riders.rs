//! Authors who want work without pay, on a grid that takes credits.

use anyhow::{Result, ensure};
use fallow_protocol::job::OnFailed;
use fallow_tests::audit::Sums;
use fallow_tests::evil::Misbehaviour;
use fallow_tests::open_grid::{ALLOWANCE, OpenGrid, UNIT_FUEL_MAX, earned};
use fallow_tests::steps::{GUEST, Steps};

/// What all honest nodes have earned, held or not, micro-credits.
async fn wages(open: &OpenGrid) -> Result<i64> {
    let mut all = 0;
    for node in &open.honest {
        let earned = earned(&node.owner).await?;
        all += earned.posted + earned.held;
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_withdrawn_pays_for_what_was_done() -> Result<()> {
    let open = OpenGrid::start(2).await?;
    let work = Steps::of(100, 6_000_000);
    let job = open.submit(GUEST, work.lines(), |_| ()).await?;
    let begun = |info: &serde_json::Value| info["counts"]["done"].as_u64() >= Some(10);
    open.author.job_until(&job, "well begun", begun).await?;
    let all = open.submit(GUEST, work.lines(), |job| job.budget = Some(ALLOWANCE as u64)).await;
    ensure!(all.is_err(), "what is in a job's budget was spent twice");
    open.author.json(&["cancel", &job, "--json"]).await?;
    let info = open.author.job_ended(&job).await?;
    ensure!(info["phase"] == "cancelled", "{info:#}");
    // A node's pay is what its units used, less the grid's share and what is lost by rounding each frame down.
    let (fuel, wages) = (info["fuel"].as_i64().unwrap_or_default(), wages(&open).await?);
    ensure!(fuel > 0 && wages >= fuel * 9 / 10, "{wages} for {fuel} fuel: {info:#}");
    let credits = open.author.get("/api/v1/credits").await?;
    let left = credits["available"].as_i64().unwrap_or_default() + credits["reserved"].as_i64().unwrap_or_default();
    ensure!(Some(ALLOWANCE - left) == info["spent"].as_i64(), "{credits:#} of {ALLOWANCE} after {info:#}");
    Ok(())
}

/// Runs without end, and tells how far it is. Each unit is paid up to its limit: also by who gets no result of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_without_end_is_paid_up_to_its_limit() -> Result<()> {
    let open = OpenGrid::start(2).await?;
    let lines = "work\nok:1\nwork\n".to_owned();
    let leave_out = OnFailed::LeaveOut { permille_max: 1_000 };
    let job = open.submit("tests/guests/faults", lines, |job| job.on_failed = leave_out).await?;
    let info = open.author.job_ended(&job).await?;
    ensure!(info["phase"] == "done" && info["counts"]["left_out"] == 2, "{info:#}");
    let wages = wages(&open).await?;
    ensure!(wages >= 2 * UNIT_FUEL_MAX as i64 * 9 / 10, "{wages} for two units of {UNIT_FUEL_MAX}: {info:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_never_overdrawn() -> Result<()> {
    let open = OpenGrid::start(2).await?;
    let budget = 3 * UNIT_FUEL_MAX;
    let lines = "work\n".repeat(12);
    let leave_out = OnFailed::LeaveOut { permille_max: 1_000 };
    let change =
        |job: &mut fallow_protocol::job::JobSubmission| (job.budget, job.on_failed) = (Some(budget), leave_out);
    let job = open.submit("tests/guests/faults", lines, change).await?;
    let waits = |info: &serde_json::Value| info["waiting_for"] == "budget" || info["phase"] == "failed";
    let info = open.author.job_until(&job, "out of budget", waits).await?;
    ensure!(
        info["spent"].as_u64().unwrap_or_default() + info["held"].as_u64().unwrap_or_default() <= budget,
        "{info:#}"
    );
    ensure!(wages(&open).await? <= budget as i64, "more wages than budget: {info:#}");
    Ok(())
}

/// Nothing is checked before a stage ends, and then five results of each node. Fuel costs a micro-credit each.
const LATE_CHECKS: &str = "
[work]
heartbeat_ms = 500
lease_ms = 5000
[grid]
kind = 'open'
credits = true
allowance = '1000000'
[price]
per_tera_fuel = '1000000'
[trust]
probation_passes = 3
checker_passes = 3
established_passes = 3
check_scale = 1
check_min_ppm = 1
sweep = 5
sweep_window = 5
seasoned_after_ms = 0
[anchor]
share_permille = 0
";

/// Some of a trusted node's results are wrong, and some of all are looked through together. When it is caught, what was
/// held for its right ones is void as well: then who confirms those has done the work. (Which five are drawn is chance: now
/// and then none of them is wrong, and all is paid as it was held.)
#[tokio::test(flavor = "multi_thread")]
async fn what_a_caught_node_gave_rightly_is_paid_to_who_confirms_it() -> Result<()> {
    let open = OpenGrid::start_with(LATE_CHECKS, 2).await?;
    let mut sleeper = open.join("sleeper", 1, Misbehaviour::Honest).await?;
    let work = Steps::of(24, 3_000_000);
    for seed in 10..30 {
        let honest = open.submit(GUEST, work.lines(), |job| job.seed = Some(seed)).await?;
        open.author.result(&honest).await?;
        if sleeper.info().await?["standing"]["is"] == "trusted" {
            break;
        }
    }
    let info = sleeper.info().await?;
    ensure!(info["standing"]["is"] == "trusted", "it has not earned any trust: {info:#}");
    sleeper.turn(Misbehaviour::Forge { permille: 500 });
    open.control("pause", "paused").await?;
    let job = open.submit(GUEST, work.lines(), |job| job.seed = Some(2)).await?;
    sleeper.has_lied(3).await?;
    let looked_through = |info: &serde_json::Value| {
        info["counts"]["checking"].as_u64() >= Some(5)
            && info["counts"]["waiting"] == 0
            && info["counts"]["running"] == 0
    };
    open.author.job_until(&job, "looked through", looked_through).await?;
    open.control("resume", "resumed").await?;
    open.author.result(&job).await?;
    let lenders: Vec<_> = open.honest.iter().chain([&sleeper]).map(|node| &node.owner).collect();
    let sums = Sums::settled(&open, &lenders, &job).await?;
    ensure!(sums.fuel > 0 && sums.spent + sums.held == sums.fuel, "{sums:?}");
    Ok(())
}

/// The only node lies, so the server's own worker does all of the work. The author pays the grid for it.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_does_itself_is_paid_to_the_grid() -> Result<()> {
    let settings = LATE_CHECKS.replace("share_permille = 0", "share_permille = 1000");
    let open = OpenGrid::start_with(&settings, 0).await?;
    let liar = open.join("liar", 1, Misbehaviour::Forge { permille: 1_000 }).await?;
    let work = Steps::of(4, 3_000_000);
    let job = open.submit(GUEST, work.lines(), |_| ()).await?;
    let result = String::from_utf8(open.author.result(&job).await?)?;
    ensure!(result == work.expected(), "the result is wrong: {result}");
    let sums = Sums::settled(&open, &[&liar.owner], &job).await?;
    ensure!(sums.fuel > 0 && sums.wages.pay == 0 && sums.grid == sums.fuel, "{sums:?}");
    sums.add_up(2)
}
