//! `fallow estimate`: a sample of a job runs here, and what that says about all of it is told.

use anyhow::Context;
use fallow_protocol::api::{GridInfo, GridSpeed, NodeInfo, PriceInfo};
use fallow_protocol::job::{RunOn, Verify};
use grid_core::estimate::{self, Guess, Speed};
use grid_core::ledger::Amount;
use grid_core::pricing::Price;
use serde_json::json;

use super::project::{build_options, folder, note};
use crate::args::EstimateArgs;
use crate::client::Client;
use crate::run::{RunOptions, Sample, sample};
use crate::session::{Session, all};
use crate::submit::plan::Plan;
use crate::terminal::escape::line;
use crate::words::{bytes, counted, credits_about, fuel, seconds, seconds_range};

/// More nodes than one account has.
const NODES_MAX: usize = 10_000;

/// What is known of a job before it is submitted.
#[derive(Debug)]
struct Estimate {
    sample: Sample,
    fuel: Guess<u64>,
    /// Time on this computer alone, all its cores at work, seconds; and how many these are.
    here_s: u64,
    cores: u64,
    /// Time on the grid, seconds, from and to.
    grid_s: Option<(u64, u64)>,
    /// What it costs; none where nobody is paid.
    cost: Option<Guess<Amount>>,
    /// A budget that covers it, and that the grid accepts: it pays for one unit that uses all that it may.
    budget: Option<Amount>,
}

/// The whole command.
pub async fn estimate(session: &Session, args: &EstimateArgs) -> anyhow::Result<()> {
    let client = session.client()?;
    let plan = Plan::make(&args.work)?;
    let grid = client.grid().await?;
    let options = RunOptions {
        project: folder(&args.work.project).to_owned(),
        component: args.work.component.clone(),
        input: None,
        whole: false,
        inputs: Vec::new(),
        args: Vec::new(),
        limits: Vec::new(),
        shared: plan.shared.iter().map(|file| file.path.clone()).collect(),
        seed: 0,
        exe: std::env::current_exe().context("failed to find this program")?,
        build: build_options(session),
    };
    let sample = sample(&options, &plan, args.sample, &note(session)).await?;
    let speed = speed(&client, &plan, &sample).await?;
    let found = conclude(&plan, &grid, sample, &speed);
    tell(session, &plan, &found);
    Ok(())
}

/// What the grid can do for this job now: own nodes are as fast as this computer was.
async fn speed(client: &Client, plan: &Plan, sample: &Sample) -> anyhow::Result<Speed> {
    let sum: u128 = sample.fuel.iter().map(|fuel| u128::from(*fuel)).sum();
    let one = sum * 1_000_000 / u128::from(sample.wall_us.max(1));
    let together = |slots: u64| u64::try_from(one * u128::from(slots)).unwrap_or(u64::MAX);
    if plan.run_on != RunOn::Own {
        let grid = client.grid_speed().await?;
        return Ok(strangers(&grid, together));
    }
    let page = |cursor: Option<String>, rows| async move { client.nodes(cursor.as_deref(), rows).await };
    let nodes: Vec<NodeInfo> = all(NODES_MAX, page).await?;
    let online = || nodes.iter().filter(|node| node.state == "online");
    let slots: u64 = online().map(|node| u64::from(node.slots)).sum();
    let free: u64 = online().map(|node| u64::from(node.slots).saturating_sub(node.units_held)).sum();
    Ok(Speed { slots, fuel_per_s: together(slots), fuel_per_s_free: together(free) })
}

/// Nodes' benchmarks are of a program that does nothing but count: no unit is faster. At worst this program is as fast
/// there as it was here, on the slots that are free.
fn strangers(grid: &GridSpeed, together: impl Fn(u64) -> u64) -> Speed {
    let (slots, by_benchmark) = match grid.slots_free {
        0 => (grid.slots / 2, grid.fuel_per_s / 2),
        free => (free, grid.fuel_per_s_free),
    };
    Speed { slots: grid.slots, fuel_per_s: grid.fuel_per_s, fuel_per_s_free: by_benchmark.min(together(slots)).max(1) }
}

fn conclude(plan: &Plan, grid: &GridInfo, sample: Sample, speed: &Speed) -> Estimate {
    let fuel = estimate::fuel(sample.units, &sample.fuel, sample.extra_fuel);
    let pays = grid.credits && plan.run_on != RunOn::Own;
    let price = price(&grid.price, plan.offer_permille);
    let cost =
        pays.then(|| estimate::credits(sample.units, copied(fuel, plan.verify), &price, plan.limits.memory_bytes));
    let one = grid_core::pricing::cost(plan.limits.fuel, &price, plan.limits.memory_bytes);
    let budget = cost.as_ref().map(|cost| cost.high.max(one));
    let grid_s = estimate::seconds(sample.units, copied(fuel, plan.verify), speed);
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let work_us = u128::from(sample.wall_us) * u128::from(sample.units) / (sample.fuel.len() as u128).max(1);
    let alone_us = work_us / u128::from(cores.min(sample.units.max(1))) + u128::from(sample.extra_us);
    let here_s = u64::try_from(alone_us.div_ceil(1_000_000)).unwrap_or(u64::MAX);
    Estimate { sample, fuel, here_s, cores, grid_s, cost, budget }
}

fn price(info: &PriceInfo, offer_permille: u32) -> Price {
    let amount = |micro: u64| Amount::saturating(micro.into());
    Price {
        per_tera_fuel: amount(info.per_tera_fuel),
        memory_permille: info.memory_permille,
        per_gib_day: amount(info.per_gib_day),
        fee_permille: info.fee_permille,
        rush_permille: offer_permille,
    }
}

/// Checks are the grid's own affair; copies that the author asks for are the author's.
fn copied(fuel: Guess<u64>, verify: Verify) -> Guess<u64> {
    let copies = if let Verify::Copies(copies) = verify { u64::from(copies.max(1)) } else { 1 };
    let times = |fuel: u64| fuel.saturating_mul(copies);
    Guess { low: times(fuel.low), likely: times(fuel.likely), high: times(fuel.high) }
}

fn tell(session: &Session, plan: &Plan, found: &Estimate) {
    let micro = |guess: &Guess<Amount>| json!({ "low": guess.low, "likely": guess.likely, "high": guess.high });
    let Guess { low, likely, high } = found.fuel;
    session.terminal.document(&json!({
        "units": found.sample.units,
        "sampled": found.sample.fuel.len(),
        "fuel": { "low": low, "likely": likely, "high": high },
        "memory_bytes": found.sample.memory_bytes,
        "here_s": found.here_s,
        "grid_s": found.grid_s,
        "credits": found.cost.as_ref().map(micro),
        "budget": found.budget,
        "merge_failed": found.sample.merge_failed,
    }));
    lines(plan, found).iter().for_each(|text| session.terminal.line(text));
}

fn lines(plan: &Plan, found: &Estimate) -> Vec<String> {
    let sample = &found.sample;
    let number = sample.fuel.len() as u64;
    let mean = |sum: u128| u64::try_from(sum / u128::from(number.max(1))).unwrap_or(u64::MAX);
    let (fuel_of_one, wall_us) =
        (mean(sample.fuel.iter().map(|fuel| u128::from(*fuel)).sum()), mean(sample.wall_us.into()));
    let took = match wall_us {
        us if us < 1_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        us if us < 10_000_000 => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
        us => seconds(us / 1_000_000),
    };
    let row = |label: String, value: String| format!("  {label:16}  {value}");
    let mut lines = vec![
        row(line(&plan.name), bytes(sample.component_bytes)),
        row(counted(sample.units, "unit", "units"), plan.split_words()),
        row(
            "sample".into(),
            format!(
                "{}: {} fuel, {took} each, up to {}",
                counted(number, "unit", "units"),
                fuel(fuel_of_one),
                bytes(sample.memory_bytes)
            ),
        ),
    ];
    if let Some(why) = &sample.merge_failed {
        lines.push(row("merge".into(), format!("not in it: a trial merge of the sample failed ({})", line(why))));
    }
    lines.push(format!("  {}", verdict(plan, found)));
    if let (Some(cost), Some(budget)) = (&found.cost, found.budget) {
        let why = match budget > cost.high {
            true => format!(": a grid takes no less where a unit may use {} fuel", fuel(plan.limits.fuel)),
            false => String::new(),
        };
        lines.push(format!("  `fallow submit … --budget {}` covers it{why}", about(budget).replace(',', "")));
    }
    lines
}

/// The one line that people want: `here alone 6 h 20 min; on the grid 25–40 min; about 37 credits (33 to 42)`.
fn verdict(plan: &Plan, found: &Estimate) -> String {
    let whose = if plan.run_on == RunOn::Own { "on your nodes" } else { "on the grid" };
    let there = match found.grid_s {
        Some((from, to)) => format!("{whose} {}", seconds_range(from, to)),
        None if plan.run_on == RunOn::Own => "none of your nodes is online".into(),
        None => "no node is online that takes strangers' work".into(),
    };
    let cost = match &found.cost {
        Some(Guess { low, likely, high }) if low == high => format!("{} credits", about(*likely)),
        Some(Guess { low, likely, high }) => {
            format!("about {} credits ({} to {})", about(*likely), about(*low), about(*high))
        }
        None => format!("{} fuel, which costs nothing", fuel(found.fuel.likely)),
    };
    let cores = counted(found.cores, "core", "cores");
    format!("here alone {} ({cores}); {there}; {cost}", seconds(found.here_s))
}

fn about(amount: Amount) -> String {
    credits_about(amount.micro().unsigned_abs())
}

#[cfg(test)]
mod tests;
