//! Work whose right result is known here too: units of the guest `steps`, each of another length.

use std::fmt::Write;

use anyhow::Result;

use crate::grid::{Account, Grid};

/// Rounds of a unit; a million takes about a millisecond.
#[derive(Clone, Debug)]
pub struct Steps {
    rounds: Vec<u64>,
}

impl Steps {
    /// So many units of about so many rounds.
    pub fn of(units: u64, rounds: u64) -> Self {
        Self { rounds: (0..units).map(|seq| rounds + seq).collect() }
    }

    /// The same, and then one unit that is so many times longer.
    pub fn with_a_long_one(mut self, times: u64) -> Self {
        self.rounds.push(self.rounds[0] * times);
        self
    }

    /// Submit them as one job of `author`; its id.
    pub async fn submit(&self, grid: &Grid, author: &Account, args: &[&str]) -> Result<String> {
        let lines: Vec<String> =
            self.rounds.iter().map(|rounds| format!("{{\"steps\": 1, \"work\": {rounds}}}\n")).collect();
        let file = grid.path(&format!("{}-steps.txt", author.name));
        std::fs::write(&file, lines.concat())?;
        let file = file.display().to_string();
        let mut all = vec!["--input", &file, "--on-failed", "stop"];
        all.extend(args);
        author.submit("tests/guests/steps", &all).await
    }

    /// The job's right result.
    pub fn expected(&self) -> String {
        self.rounds.iter().fold(String::new(), |mut all, rounds| {
            let _ = write!(all, "{{\"steps\":1,\"hash\":{}}}", hash(*rounds));
            all
        })
    }
}

/// What the guest gives, with plain operators: tests are built without optimisation.
fn hash(rounds: u64) -> u64 {
    let (mut hash, mut number, factor) = (0u64, 0, std::num::Wrapping(0x9e37_79b9_7f4a_7c15u64));
    while number < rounds {
        let mixed = (factor * std::num::Wrapping(hash ^ number)).0;
        hash = (mixed << 23) | (mixed >> 41);
        number += 1;
    }
    hash
}
