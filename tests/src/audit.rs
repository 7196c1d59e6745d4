//! What the credits of a grid come to, once by the server's own check of its ledger, and once by what accounts are
//! told: whether each unit was paid once, and whether all that left the author's account arrived somewhere.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::grid::{Account, Grid, http};
use crate::open_grid::{ALLOWANCE, OpenGrid};
use crate::process::program;

/// Snapshots until two are equal.
const TRIES: u32 = 30;

/// What `fallow-server ledger check` says, beside a running server or without one. Fails where it finds anything.
pub async fn check_ledger(grid: &Grid) -> Result<Value> {
    let mut check = program("fallow-server");
    check.args(["ledger", "check", "--json", "--data", "server", "--config", "server.toml"]);
    let output = check.current_dir(grid.path(".")).output().await?;
    let (said, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "the ledger does not add up:\n{said}\n{log}");
    let report: Value = serde_json::from_str(&said).with_context(|| format!("expected a report: {said}"))?;
    ensure!(report["found"] == 0, "{report:#}");
    Ok(report)
}

/// What an account that lends computers got, micro-credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wages {
    /// For work that authors wanted.
    pub pay: i64,
    /// For checks.
    pub checks: i64,
    /// For work of which nobody knows yet whether it is right.
    pub held: i64,
    /// When it last got anything, or something was put aside for it, milliseconds since 1970.
    pub last_ms: u64,
}

/// What the nodes of `owner` have earned, by its statement.
pub async fn wages(owner: &Account) -> Result<Wages> {
    let mut wages = Wages { held: number(&owner.get("/api/v1/credits").await?, "pending")?, ..Wages::default() };
    let mut cursor = String::new();
    loop {
        let page = owner.get(&format!("/api/v1/credits/statement?limit=1000{cursor}")).await?;
        for line in page["items"].as_array().context("a page has items")? {
            let amount = number(line, "amount")?;
            match (line["cause"].as_str(), line["state"].as_str()) {
                (Some("pay"), Some("moved")) => wages.pay += amount,
                (Some("check"), Some("moved")) => wages.checks += amount,
                (Some("allowance"), _) | (_, Some("voided")) => continue,
                (Some("pay, held"), Some("held")) => {}
                other => bail!("an account that only lends has {other:?}: {line:#}"),
            }
            wages.last_ms = wages.last_ms.max(line["at_ms"].as_u64().context("a time")?);
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(wages),
        }
    }
}

/// Where the credits of a grid with one job are, micro-credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Fuel of all its units as they stand, each counted once; a micro-credit each.
    pub fuel: i64,
    /// What the job has paid.
    pub spent: i64,
    /// What is put aside for its units until they are final.
    pub held: i64,
    /// What the author has.
    pub left: i64,
    /// What lies in the job's budget, with what is held.
    pub reserved: i64,
    /// All lenders together.
    pub wages: Wages,
    /// The grid's own accounts together.
    pub grid: i64,
    /// New credits, allowances and all.
    pub issued: i64,
}

impl Sums {
    /// As they are when nothing moves. All `owners` but the author lend.
    pub async fn settled(open: &OpenGrid, owners: &[&Account], job: &str) -> Result<Self> {
        let mut before = Self::now(open, owners, job).await?;
        for _ in 0..TRIES {
            let now = Self::now(open, owners, job).await?;
            if now == before {
                return Ok(now);
            }
            before = now;
        }
        bail!("credits do not come to rest: {before:?}")
    }

    async fn now(open: &OpenGrid, owners: &[&Account], job: &str) -> Result<Self> {
        let info = open.author.job(job).await?;
        let credits = open.author.get("/api/v1/credits").await?;
        let mut sums = Self {
            fuel: fuel(&open.author, job).await?,
            spent: number(&info, "spent")?,
            held: number(&info, "held")?,
            left: number(&credits, "available")?,
            reserved: number(&credits, "reserved")?,
            ..Self::default()
        };
        for owner in owners {
            let earned = wages(owner).await?;
            sums.wages.pay += earned.pay;
            sums.wages.checks += earned.checks;
            sums.wages.held += earned.held;
            sums.wages.last_ms = sums.wages.last_ms.max(earned.last_ms);
        }
        let url = format!("{}/api/v1/ledger/trial", open.grid.url);
        let trial: Value = http().get(url).bearer_auth(&open.grid.operator).send().await?.json().await?;
        for account in trial["accounts"].as_array().context("accounts")? {
            match account["account"].as_str() {
                Some("issuance") => sums.issued -= number(account, "net")?,
                Some("fees" | "verification" | "forfeit") => sums.grid += number(account, "net")?,
                _ => {}
            }
        }
        Ok(sums)
    }

    /// Each unit was paid once, by its author, and what he paid is with the lenders and the grid.
    pub fn add_up(&self, accounts: i64) -> Result<()> {
        let Self { fuel, spent, held, left, reserved, wages, grid, issued } = *self;
        ensure!(spent + held == fuel, "units of {fuel} were paid with {}: {self:?}", spent + held);
        ensure!(left + reserved + spent == ALLOWANCE, "the author's credits do not add up: {self:?}");
        ensure!(reserved == held, "what is not spent did not come back: {self:?}");
        let fees = spent - wages.pay;
        ensure!(fees >= 0 && wages.held <= held, "more arrived than was paid: {self:?}");
        let endowed = issued - accounts * ALLOWANCE;
        ensure!(grid == fees + endowed - wages.checks, "the grid's credits do not add up: {self:?}");
        Ok(())
    }
}

/// Fuel of all units of a job.
async fn fuel(author: &Account, job: &str) -> Result<i64> {
    let (mut sum, mut cursor) = (0, String::new());
    loop {
        let page = author.get(&format!("/api/v1/jobs/{job}/units?limit=1000{cursor}")).await?;
        for unit in page["items"].as_array().context("a page has items")? {
            sum += number(unit, "fuel")?;
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(sum),
        }
    }
}

fn number(json: &Value, key: &str) -> Result<i64> {
    json[key].as_i64().with_context(|| format!("expected a number {key:?} in {json:#}"))
}
