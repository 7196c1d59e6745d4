//! A unit's whole world on the host's side, closed by default: what each of its calls to the host works on.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use fallow_protocol::manifest::Limits;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use wasmtime::component::{ResourceTable, WasmList};
use wasmtime::{AsContext, StoreContext};
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::clocks::Clock;
use super::flag;
use super::limits::Limiter;
use super::link::Link;
use super::log::Log;
use super::streams::{LogStream, Stdout, Written};
use crate::instrument::costs;

/// What all units of the job share.
#[derive(Clone)]
pub struct Surroundings {
    pub link: Link,
    pub limits: Limits,
    pub epoch_ms: u64,
    pub args: Vec<String>,
    /// Shared inputs: name, file, length.
    pub shared: Arc<Vec<(String, File, u64)>>,
    /// Scratch directory, where the units may use one.
    pub scratch: Option<PathBuf>,
}

impl Surroundings {
    /// For units that run in this very process, with a parent that is nobody.
    pub fn alone(limits: Limits, epoch_ms: u64) -> std::io::Result<Self> {
        let link = Link::nowhere()?;
        Ok(Self { link, limits, epoch_ms, args: Vec::new(), shared: Arc::default(), scratch: None })
    }
}

/// The streams of randomness that a seed gives; they never meet.
enum Stream {
    Host = 0,
    Wasi = 1,
    WasiInsecure = 2,
}

fn random(seed: &[u8; 32], stream: Stream) -> ChaCha20Rng {
    let mut random = ChaCha20Rng::from_seed(*seed);
    random.set_stream(stream as u64);
    random
}

/// One unit's.
pub struct State {
    pub tag: u64,
    pub wasi: WasiCtx,
    pub table: ResourceTable,
    pub clock: Clock,
    pub written: Written,
    pub limiter: Limiter,
    pub random: ChaCha20Rng,
    pub log: Log,
    pub stdout: Stdout,
    pub around: Surroundings,
    /// Fuel that the unit was given, and what it had used before its checkpoint.
    pub fuel_given: u64,
    pub fuel_before: u64,
    /// Where the guest counts, once it has begun.
    pub meter: Option<Arc<WasmList<u64>>>,
    /// Whether the processor's flag tells of NaNs that matter: in the plain build.
    pub watches_nans: bool,
    /// State that it goes on from.
    pub restored: Option<Vec<u8>>,
    /// Number of parts of a merge.
    pub parts: u32,
    /// Bytes and units emitted so far.
    pub emitted: (u64, u64),
    /// When progress was last told.
    pub told_progress: Option<Instant>,
}

/// What a unit's world is made from.
pub struct Given<'a> {
    pub tag: u64,
    pub seed: &'a [u8; 32],
    /// Standard input of a command.
    pub stdin: Option<Vec<u8>>,
    pub restored: Option<Vec<u8>>,
    pub parts: u32,
    pub fuel_before: u64,
    pub watches_nans: bool,
}

/// The unit made a NaN in the plain build: it begins again in the canonical one.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a NaN was made")]
pub struct NanMade;

/// Fuel that the unit has flushed since this run began. Also of a guest that trapped: its memory is still there.
pub fn fuel_run(store: impl AsContext<Data = State>) -> u64 {
    let store = store.as_context();
    let Some(meter) = store.data().meter.clone() else { return 0 };
    meter
        .as_le_slice::<State>(StoreContext::from(&store))
        .first()
        .copied()
        .map_or(0, |ticks| costs::fuel(u64::from_le(ticks)))
}

impl State {
    /// Before anything of the unit leaves the worker: an error where the run does not count.
    pub fn check_nans(&self) -> wasmtime::Result<()> {
        if self.watches_nans && flag::is_set() { Err(NanMade.into()) } else { Ok(()) }
    }

    /// A fresh world.
    pub fn new(around: &Surroundings, given: Given<'_>) -> wasmtime::Result<Self> {
        let limits = &around.limits;
        let log = Log::new(limits.log_bytes);
        let stdout = Stdout::new(limits.output_bytes);
        Ok(Self {
            tag: given.tag,
            wasi: wasi(around, given.seed, given.stdin, &log, &stdout)?,
            table: table(),
            clock: Clock::new(around.epoch_ms),
            written: Written::new(limits.scratch_bytes),
            limiter: Limiter::new(limits.memory_bytes),
            random: random(given.seed, Stream::Host),
            log,
            stdout,
            around: around.clone(),
            fuel_given: limits.fuel.saturating_sub(given.fuel_before),
            fuel_before: given.fuel_before,
            meter: None,
            watches_nans: given.watches_nans,
            restored: given.restored,
            parts: given.parts,
            emitted: (0, 0),
            told_progress: None,
        })
    }
}

/// Handles of a guest are few: streams, files and pollables.
fn table() -> ResourceTable {
    let mut table = ResourceTable::new();
    table.set_max_capacity(4096);
    table
}

fn wasi(
    around: &Surroundings,
    seed: &[u8; 32],
    stdin: Option<Vec<u8>>,
    log: &Log,
    stdout: &Stdout,
) -> wasmtime::Result<WasiCtx> {
    let mut insecure = random(seed, Stream::WasiInsecure);
    let mut builder = WasiCtxBuilder::new();
    builder.insecure_random_seed(u128::from(insecure.next_u64()) << 64 | u128::from(insecure.next_u64()));
    builder.insecure_random(insecure);
    builder.secure_random(random(seed, Stream::Wasi));
    builder.max_random_size(super::world::RANDOM_BYTES_MAX);
    builder.allow_blocking_current_thread(true);
    builder.stderr(LogStream(log.clone()));
    match stdin {
        Some(stdin) => {
            builder.stdin(MemoryInputPipe::new(stdin)).stdout(stdout.clone());
            builder.arg("command").args(&around.args);
        }
        None => {
            builder.stdout(LogStream(log.clone()));
        }
    }
    if let Some(scratch) = &around.scratch {
        builder.preopened_dir(scratch, "/scratch", FsPerms::ReadWrite)?;
    }
    Ok(builder.build())
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
