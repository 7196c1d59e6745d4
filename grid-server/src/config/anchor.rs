//! What the server's own worker may take.

use anyhow::bail;
use fallow_protocol::manifest::Limits;
use serde::Deserialize;

/// Units that it may be let run at once.
const UNITS_MAX: usize = 64;

/// The server's own worker, which checks results where the grid has nobody else.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Anchor {
    /// Wall time that it may take, thousandths of one core over an hour; 0 switches it off.
    pub share_permille: u32,
    /// Units that it runs at once, each in a process of its own.
    pub units: usize,
    /// Compiled modules that it keeps, bytes.
    pub compiled_bytes_max: u64,
    /// Most that it gives a unit; one that needs more is not checked here.
    pub unit: Limits,
}

impl Default for Anchor {
    fn default() -> Self {
        Self {
            share_permille: 250,
            units: 1,
            compiled_bytes_max: 1 << 30,
            unit: Limits {
                memory_bytes: 1 << 30,
                fuel: 1_000_000_000_000_000,
                // A quarter of an hour, which is an hour's share.
                wall_ms: 900_000,
                output_bytes: 256 << 20,
                emit_bytes: 2 << 30,
                log_bytes: 1 << 20,
                scratch_bytes: 2 << 30,
                checkpoint_bytes: 64 << 20,
            },
        }
    }
}

impl Anchor {
    /// What serde cannot see.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if !(1..=UNITS_MAX).contains(&self.units) {
            bail!("anchor.units must be from 1 to {UNITS_MAX}; anchor.share_permille = 0 switches it off");
        }
        Ok(())
    }
}
