//! From the configuration to a running node: probe, rules, and what the owner is told before anything runs.

use std::path::PathBuf;

use anyhow::Context;
use fallow_protocol::link::Machine;

use crate::config::{CACHE_BYTES, Config};
use crate::exit::{Code, Failure};
use crate::identity::{DataDir, Membership};
use crate::policy::{Lender, Means, Policy};
use crate::preferences::Keeper;
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
    let keeper = Keeper::new(data.path());
    let lender = Lender::new(means(&config, &probe), keeper.local()?, &keeper.portal(), keeper.pause()?);
    let policy = policy(&config, &probe, &lender);
    let takes = takes(&config, &membership, &policy, &probe);
    announce(&membership, &lender, &takes);
    let setup = ShellSetup {
        config,
        data,
        membership,
        probe,
        lender,
        keeper,
        policy,
        takes: takes.join(", in "),
        exe,
        compiled_dir,
    };
    shell::run(setup).await
}

/// What the computer has, and what the owner fixed of it.
fn means(config: &Config, probe: &Probe) -> Means {
    let Machine { cores, memory_bytes, .. } = probe.machine;
    Means {
        cores: cores.max(1),
        memory_bytes: if memory_bytes == 0 { 2 * MEMORY_BYTES } else { memory_bytes },
        slots: config.slots,
        units_memory_bytes: config.memory_bytes,
        disk_bytes: config.cache_bytes,
    }
}

/// The agent's rules at the start: as many slots as there will ever be.
fn policy(config: &Config, probe: &Probe, lender: &Lender) -> Policy {
    Policy {
        slots: config.slots.unwrap_or(probe.machine.cores).max(1),
        memory_bytes: lender.offer().memory_bytes,
        takes_strangers: config.takes_strangers && (probe.confined.is_ok() || config.allow_unconfined),
        paused: None,
        finishing: None,
        draining: false,
    }
}

/// Whose jobs run here, and in which walls.
fn takes(config: &Config, membership: &Membership, policy: &Policy, probe: &Probe) -> [String; 2] {
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
    [whose, walls.to_owned()]
}

/// Say plainly what will run here and what it can reach.
fn announce(membership: &Membership, lender: &Lender, [whose, walls]: &[String; 2]) {
    let offer = lender.offer();
    let preset = lender.preferences().2.preset.unwrap_or_default();
    eprintln!("{} lends this computer to {} ({})", membership.name, membership.grid, membership.url);
    eprintln!("  runs       {whose}");
    eprintln!("  in         {walls}");
    eprintln!("  reaches    its own input and scratch space: no network, no other files, no other programs");
    eprintln!(
        "  uses       up to {} units at once, {} of memory, {} of disk, at the lowest priority",
        offer.slots,
        bytes(offer.memory_bytes),
        bytes(offer.disk_bytes.unwrap_or(CACHE_BYTES))
    );
    eprintln!("  when       as {preset:?} says; `fallow-node prefs` shows and changes it");
    eprintln!("  stop it    `fallow-node pause` acts within a second, also mid-unit");
}
