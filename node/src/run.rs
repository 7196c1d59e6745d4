//! From the configuration to a running node: probe, rules, and what the owner is told before anything runs.

use std::path::PathBuf;

use anyhow::Context;
use fallow_protocol::link::Machine;

use crate::config::Config;
use crate::exit::{Code, Failure};
use crate::identity::{DataDir, Membership};
use crate::policy::Policy;
use crate::probe::{self, Probe};
use crate::shell::{self, ShellSetup};
use crate::status::bytes;

/// Memory where nothing is known about the computer.
const MEMORY_BYTES: u64 = 1 << 30;

/// Run the node of a data folder.
pub async fn run(config: Config, data: DataDir) -> Result<(), Failure> {
    let membership = data.membership()?.ok_or_else(|| {
        let message = format!(
            "{} belongs to no grid yet; begin with `fallow-node join URL --token TOKEN`",
            data.path().display()
        );
        Failure::new(Code::Usage, message)
    })?;
    let exe: PathBuf = std::env::current_exe().context("failed to find this program's own file")?;
    let compiled_dir = data.join("compiled");
    std::fs::create_dir_all(&compiled_dir).context("failed to make the folder for compiled modules")?;
    let probe = probe::probe(&exe, data.path(), &compiled_dir).await?;
    let policy = policy(&config, &probe);
    announce(&config, &membership, &policy, &probe);
    shell::run(ShellSetup { config, data, membership, probe, policy, exe, compiled_dir }).await
}

/// The owner's rules, with what he left open taken from the computer.
fn policy(config: &Config, probe: &Probe) -> Policy {
    let Machine { cores, memory_bytes, .. } = probe.machine;
    let half = if memory_bytes == 0 { MEMORY_BYTES } else { memory_bytes / 2 };
    Policy {
        slots: config.slots.unwrap_or(cores).max(1),
        memory_bytes: config.memory_bytes.unwrap_or(half),
        takes_strangers: config.takes_strangers && (probe.confined.is_ok() || config.allow_unconfined),
        paused: None,
        draining: false,
    }
}

/// Say plainly what will run here and what it can reach.
fn announce(config: &Config, membership: &Membership, policy: &Policy, probe: &Probe) {
    let whose = match (policy.takes_strangers, &probe.confined) {
        (true, _) => "anyone's jobs that the grid has countersigned".to_owned(),
        (false, Err(reason)) if config.takes_strangers => format!(
            "only {}'s jobs: strangers' jobs are refused because the operating system's sandbox cannot be set up \
             ({reason}); --allow-unconfined takes them all the same",
            membership.owner
        ),
        (false, _) => format!("only {}'s jobs", membership.owner),
    };
    let walls = match &probe.confined {
        Ok(()) => "a WebAssembly sandbox within a process that the operating system confines",
        Err(_) => "a WebAssembly sandbox; the operating system's confinement cannot be set up here",
    };
    eprintln!("{} lends this computer to {} ({})", membership.name, membership.grid, membership.url);
    eprintln!("  runs       {whose}");
    eprintln!("  in         {walls}");
    eprintln!("  reaches    its own input and scratch space: no network, no other files, no other programs");
    eprintln!(
        "  uses       up to {} units at once, {} of memory, {} of disk, at the lowest priority",
        policy.slots,
        bytes(policy.memory_bytes),
        bytes(config.cache_bytes)
    );
    eprintln!("  stop it    `fallow-node pause` acts within a second, also mid-unit");
}
