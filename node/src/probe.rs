//! What this computer is and can do: its hardware, the speed of a fixed kernel, whether workers can be confined. Below
//! are its senses: what it tells of itself and its user while the node runs.
//!
//! The kernel runs in a real worker, so a node that gets through this can run units. Its speed is kept in the data
//! folder until the processor or the program changes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use fallow_protocol::Digest;
use fallow_protocol::link::Machine;
use fallow_protocol::manifest::{Exports, Floats, Limits, PROFILE};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::Call;
use fallow_sandbox::client::{self, Bytes, IdleWorker, Module, Task, TaskInput, WorkerEvent, WorkerSetup};
use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, Disks, MemoryRefreshKind, System};

use crate::http::chain;

mod cpu;
mod heat;
mod idle;
mod network;
mod power;
mod programs;
pub mod watch;

/// A loop of 20 million steps; the source stands beside it.
const KERNEL: &[u8] = include_bytes!("probe/kernel.wasm");
/// The kernel takes well under a second anywhere; a computer that needs longer is stuck.
const KERNEL_WAIT: Duration = Duration::from_secs(30);

/// What was found.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The computer.
    pub machine: Machine,
    /// Whether the operating system's sandbox can be set up, else why not.
    pub confined: Result<(), String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Measured {
    key: String,
    fuel_per_s: u64,
}

/// Look at the computer and run the kernel in a confined worker.
pub async fn probe(exe: &Path, data: &Path, compiled_dir: &Path) -> anyhow::Result<Probe> {
    let mut machine = hardware(data);
    let (module, compiled) = prepare(exe, data, compiled_dir).await.context("the probe's kernel")?;
    let kept = kept_speed(data, &machine);
    let strict = run(&module, &compiled, true, kept.is_none()).await;
    let confined = strict.as_ref().map(|_| ()).map_err(|error| format!("{error:#}"));
    let speed = match (kept, strict) {
        (Some(speed), _) => speed,
        (None, Ok(speed)) => speed,
        // The kernel is our own: it may run without the second wall.
        (None, Err(_)) => run(&module, &compiled, false, true).await.context("no worker can be started here")?,
    };
    machine.fuel_per_s = speed;
    if kept.is_none() {
        keep_speed(data, &machine);
    }
    Ok(Probe { machine, confined })
}

/// What sysinfo tells; zero or empty where it does not.
fn hardware(data: &Path) -> Machine {
    let (mut memory_bytes, mut cores, mut cpu) = (0, 0, String::new());
    if let Ok(mut system) = System::new() {
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        system.refresh_cpu_list(CpuRefreshKind::nothing());
        memory_bytes = match system.cgroup_limits() {
            Some(limits) if limits.total_memory > 0 => limits.total_memory.min(system.total_memory()),
            _ => system.total_memory(),
        };
        cores = system.cpus().len() as u32;
        cpu = system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default();
    }
    let usable = std::thread::available_parallelism().map_or(1, |count| count.get() as u32);
    Machine {
        os: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned()),
        arch: std::env::consts::ARCH.to_owned(),
        cpu,
        cores: if cores == 0 { usable } else { cores.min(usable) },
        memory_bytes,
        disk_bytes: free_disk(data),
        fuel_per_s: 0,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: PROFILE.to_owned(),
    }
}

fn free_disk(data: &Path) -> u64 {
    let data = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    let Ok(disks) = Disks::new_with_refreshed_list() else { return 0 };
    let holding = disks.iter().filter(|disk| data.starts_with(disk.mount_point()));
    holding.max_by_key(|disk| disk.mount_point().as_os_str().len()).map_or(0, |disk| disk.available_space())
}

fn speed_key(machine: &Machine) -> String {
    format!("{} {} {}", machine.version, machine.engine, machine.cpu)
}

fn kept_speed(data: &Path, machine: &Machine) -> Option<u64> {
    let measured: Measured = serde_json::from_slice(&std::fs::read(data.join("bench.json")).ok()?).ok()?;
    (measured.key == speed_key(machine)).then_some(measured.fuel_per_s)
}

fn keep_speed(data: &Path, machine: &Machine) {
    let measured = Measured { key: speed_key(machine), fuel_per_s: machine.fuel_per_s };
    let bytes = serde_json::to_vec(&measured).unwrap_or_default();
    if let Err(error) = crate::files::write_atomic(&data.join("bench.json"), &bytes) {
        tracing::warn!(%error, "the benchmark's figure is not kept");
    }
}

async fn prepare(exe: &Path, data: &Path, compiled_dir: &Path) -> anyhow::Result<(Module, PathBuf)> {
    let path = data.join("kernel.wasm");
    std::fs::write(&path, KERNEL).with_context(|| format!("failed to write {}", path.display()))?;
    let plain = |error| anyhow::Error::msg(chain(&error));
    let module = Module {
        exe: exe.to_owned(),
        digest: Digest::of(KERNEL),
        builds: client::validate(exe, &path).await.map_err(plain)?.builds,
        component: path,
        cache_dir: compiled_dir.to_owned(),
    };
    let compiled = module.compile(Floats::Plain).await.map_err(plain)?;
    Ok((module, compiled))
}

/// Fuel a second of the kernel, or 0 where only the start was wanted.
async fn run(module: &Module, compiled: &Path, require_confinement: bool, measure: bool) -> anyhow::Result<u64> {
    let setup = WorkerSetup {
        module: module.clone(),
        compiled: compiled.to_owned(),
        floats: Floats::Plain,
        exports: Exports { run: true, ..Exports::default() },
        args: vec![],
        limits: Limits::default(),
        epoch_ms: 0,
        shared: vec![],
        scratch_dir: None,
        require_confinement,
    };
    let plain = |error| anyhow::Error::msg(chain(&error));
    let idle = IdleWorker::spawn(&module.exe).map_err(plain)?;
    let (mut worker, mut events) = idle.start(&setup).await.map_err(plain)?;
    if !measure {
        return Ok(0);
    }
    let input = TaskInput::Bytes(Bytes::Memory(Vec::new()));
    let task = Task {
        tag: 1,
        call: Call::Run,
        seed: [0; 32],
        input,
        floats: Floats::Plain,
        checkpoint: None,
        emit_to: None,
        output_to: None,
    };
    worker.submit(vec![task]).await.map_err(plain)?;
    let ended = async {
        while let Some(told) = events.next().await {
            for event in told {
                match event {
                    WorkerEvent::Ended(end) if end.outcome == Outcome::Done => {
                        return Ok(u128::from(end.fuel) * 1_000_000 / u128::from(end.wall_us.max(1)));
                    }
                    WorkerEvent::Ended(end) => bail!("the kernel ended with {}", end.outcome.label()),
                    WorkerEvent::Died { reason, .. } => bail!("its worker died: {reason}"),
                    _ => {}
                }
            }
        }
        bail!("its worker is gone")
    };
    let speed = tokio::time::timeout(KERNEL_WAIT, ended).await.context("the kernel does not end")??;
    Ok(u64::try_from(speed).unwrap_or(u64::MAX))
}
