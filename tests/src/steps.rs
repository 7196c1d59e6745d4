//! Work whose right result is known here too: units of the guest `steps`, each of another length.

use std::fmt::Write;

use anyhow::Result;

use crate::grid::{Account, Grid};

/// The guest.
pub const GUEST: &str = "tests/guests/steps";

/// Units of one or more steps each.
#[derive(Clone, Debug)]
pub struct Steps {
    steps: u64,
    checkpoint_every: u64,
    rounds: Vec<u64>,
}

impl Steps {
    /// So many units of about so many rounds; a million takes a few milliseconds, and about half a million fuel.
    pub fn of(units: u64, rounds: u64) -> Self {
        Self { steps: 1, checkpoint_every: 0, rounds: (0..units).map(|seq| rounds + seq).collect() }
    }

    /// The same, and then one unit that is so many times longer.
    pub fn with_a_long_one(mut self, times: u64) -> Self {
        self.rounds.push(self.rounds[0] * times);
        self
    }

    /// One unit of so many steps, with a checkpoint after each five of them.
    pub fn with_checkpoints(steps: u64, rounds: u64) -> Self {
        Self { steps, checkpoint_every: 5, rounds: vec![rounds] }
    }

    /// The job's input, a line a unit.
    pub fn lines(&self) -> String {
        let Self { steps, checkpoint_every, rounds } = self;
        rounds.iter().fold(String::new(), |mut all, work| {
            let plan = format!("\"steps\": {steps}, \"work\": {work}, \"checkpoint_every\": {checkpoint_every}");
            let _ = writeln!(all, "{{{plan}}}");
            all
        })
    }

    /// Submit them as one job of `author`; its id.
    pub async fn submit(&self, grid: &Grid, author: &Account, args: &[&str]) -> Result<String> {
        let file = grid.path(&format!("{}-steps.txt", author.name));
        std::fs::write(&file, self.lines())?;
        let file = file.display().to_string();
        let mut all = vec!["--input", &file, "--on-failed", "stop"];
        all.extend(args);
        author.submit(GUEST, &all).await
    }

    /// The job's right result.
    pub fn expected(&self) -> String {
        // Units of one step do what shorter ones do, and then more.
        let mut known = (0, 0);
        self.rounds.iter().fold(String::new(), |mut all, rounds| {
            if self.steps > 1 || *rounds < known.0 {
                known = (0, 0);
            }
            let hash = (0..self.steps).fold(known.1, |hash, step| work(hash ^ step, known.0, *rounds));
            if self.steps == 1 {
                known = (*rounds, hash);
            }
            let _ = write!(all, "{{\"steps\":{},\"hash\":{hash}}}", self.steps);
            all
        })
    }
}

/// The rounds of a step from number `number` on, as the guest's, without closures: tests are built without optimisation.
fn work(mut hash: u64, mut number: u64, rounds: u64) -> u64 {
    while number < rounds {
        hash = (hash ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
        number += 1;
    }
    hash
}
