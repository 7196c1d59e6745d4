//! A grid that anybody may join and whose work costs credits: an author without nodes, honest nodes of owners and
//! networks of their own, the first of them vouched for by the operator, and room for others.

use anyhow::{Context, Result, ensure};
use fallow_protocol::job::{Assemble, FileRef, JobSubmission, OnFailed, RunOn, Split, Verify};
use fallow_protocol::manifest::Limits;
use serde_json::Value;

use crate::SOON;
use crate::author::Author;
use crate::evil::{Evil, Misbehaviour};
use crate::grid::{Account, Grid, http};

/// Small constants, so that a node earns trust within a short job. Fuel costs a micro-credit each.
const SETTINGS: &str = "
[work]
heartbeat_ms = 500
lease_ms = 5000
checkpoint_ms = 200
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
check_min_ppm = 500000
seasoned_after_ms = 0
[anchor]
share_permille = 0
";
/// What every new account gets, micro-credits.
pub const ALLOWANCE: i64 = 1_000_000_000_000;
/// Fuel that a unit may use where its test says nothing else.
pub const UNIT_FUEL_MAX: u64 = 500_000_000;
/// What a job may cost where its test says nothing else, micro-credits: more than any of them does.
const BUDGET: u64 = 100_000_000_000;

/// The grid and who is on it.
pub struct OpenGrid {
    /// The server.
    pub grid: Grid,
    /// Has no node.
    pub author: Account,
    /// Honest nodes; the first is the operator's anchor.
    pub honest: Vec<Evil>,
}

impl OpenGrid {
    /// A grid with so many honest nodes, in networks 101 and on.
    pub async fn start(honest: u8) -> Result<Self> {
        Self::start_with(SETTINGS, honest).await
    }

    /// The same, with settings of a test's own.
    pub async fn start_with(settings: &str, honest: u8) -> Result<Self> {
        let grid = Grid::start_with(settings).await?;
        let author = grid.account("author").await?;
        let mut open = Self { grid, author, honest: Vec::new() };
        for number in 0..honest {
            let node = open.join(&format!("honest-{number}"), 101 + number, Misbehaviour::Honest).await?;
            open.honest.push(node);
        }
        if let Some(first) = open.honest.first() {
            open.vouch_for(&first.id).await?;
        }
        Ok(open)
    }

    /// A node of a new owner of its own.
    pub async fn join(&self, name: &str, network: u8, how: Misbehaviour) -> Result<Evil> {
        let owner = self.grid.account(&format!("owner-{name}")).await?;
        Evil::join(&self.grid, &owner, name, network, how).await
    }

    /// A job of the author: a unit for each of these lines, with what the test wants to be different.
    pub async fn submit(&self, guest: &str, lines: String, change: impl FnOnce(&mut JobSubmission)) -> Result<String> {
        let author = Author::of(&self.author).await?;
        let component = tokio::fs::read(crate::guests::component(guest).await?).await?;
        let module = author.module(component).await?.module;
        let input = author.client.blobs().upload_bytes(lines.into_bytes()).await?;
        let mut job = JobSubmission {
            name: guest.into(),
            project: None,
            module,
            args: Vec::new(),
            split: Split::Lines { per_unit: 1 },
            inputs: vec![FileRef { name: "lines.txt".into(), blob: input.digest }],
            shared: Vec::new(),
            limits: Limits { memory_bytes: 32 << 20, fuel: UNIT_FUEL_MAX, ..Limits::default() },
            run_on: RunOn::Anyone,
            deadline_ms: None,
            on_failed: OnFailed::Stop,
            assemble: Assemble::Concat,
            floats: Default::default(),
            seed: Some(1),
            verify: Verify::Adaptive,
            critical: false,
            budget: Some(BUDGET),
            offer_permille: 1_000,
        };
        change(&mut job);
        Ok(author.submit(&job).await?.to_string())
    }

    /// A word of their owners to all honest nodes, and the event by which they say that they have heard it.
    pub async fn control(&self, word: &str, event: &str) -> Result<()> {
        for Evil { node, .. } in &self.honest {
            let seen = node.process.told();
            node.control(word).await?;
            node.process.event_after(seen, SOON, |told| told["event"] == event).await?;
        }
        Ok(())
    }

    /// The operator makes a node an anchor.
    pub async fn vouch_for(&self, node: &str) -> Result<()> {
        let url = format!("{}/api/v1/nodes/{node}/anchor", self.grid.url);
        let answer = http().post(url).bearer_auth(&self.grid.operator).send().await?;
        ensure!(answer.status().is_success(), "no anchor: {} {}", answer.status(), answer.text().await?);
        Ok(())
    }
}

/// What an account has: micro-credits that it has earned, final ones and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earned {
    /// It may spend them.
    pub posted: i64,
    /// They are held until its results are final.
    pub held: i64,
}

/// What the nodes of an account that never spent anything have earned.
pub async fn earned(account: &Account) -> Result<Earned> {
    let credits = account.get("/api/v1/credits").await?;
    let amount = |key| credits[key].as_i64().with_context(|| format!("expected {key} in {credits}"));
    Ok(Earned { posted: amount("available")? - ALLOWANCE, held: amount("pending")? })
}

impl Evil {
    /// The node as its owner sees it.
    pub async fn info(&self) -> Result<Value> {
        let nodes = self.owner.get("/api/v1/nodes").await?;
        let items = nodes["items"].as_array().context("a list of nodes")?;
        let own = items.iter().find(|node| node["id"] == self.id.as_str());
        Ok(own.with_context(|| format!("{} is not among {nodes}", self.id))?.clone())
    }
}
