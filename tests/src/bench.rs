//! Benchmarks: real processes, synced commits, ratios within one run. A figure is printed with the machine's own.

pub mod api;
pub mod cells;
pub mod compile;
pub mod figures;
pub mod fuel;
pub mod latency;
pub mod machine;
pub mod sandbox;
pub mod timeline;
pub mod trust;
pub mod units;

use anyhow::Result;

use crate::author::Author;
use crate::grid::{Account, Grid};

/// How a benchmark is run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Under a minute.
    pub quick: bool,
}

/// A server with one author.
pub struct Bench {
    /// The grid.
    pub grid: Grid,
    /// The author's account.
    pub account: Account,
    /// The author.
    pub author: Author,
}

impl Bench {
    /// Start it.
    pub async fn start() -> Result<Self> {
        Self::start_with("").await
    }

    /// Start it with these settings of the server.
    pub async fn start_with(settings: &str) -> Result<Self> {
        let grid = Grid::start_with(settings).await?;
        let account = grid.account("author").await?;
        let author = Author::of(&account).await?;
        Ok(Self { grid, account, author })
    }
}
