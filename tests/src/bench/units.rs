//! No-op units: how many a second from submission to the assembled result, and what they cost the server.

use std::time::Instant;

use anyhow::{Result, ensure};
use fallow_protocol::api::JobPhase;
use fallow_protocol::digest::Digest;
use fallow_protocol::job::{Assemble, FileRef, JobSubmission, OnFailed, RunOn, Split};
use fallow_protocol::manifest::Limits;

use super::figures::Figures;
use super::{Bench, Options, machine};

/// The guest that gives its input back.
pub const GUEST: &str = "tests/guests/noop";
const RECORD_BYTES: u64 = 32;

/// That guest, registered; what submissions name.
pub async fn module(bench: &Bench) -> Result<Digest> {
    let component = tokio::fs::read(crate::guests::component(GUEST).await?).await?;
    Ok(bench.author.module(component).await?.module)
}

/// A job of `units` units of 32 bytes.
pub async fn submission(bench: &Bench, module: Digest, units: u64, salt: u64) -> Result<JobSubmission> {
    let records: Vec<u8> = (0..units).flat_map(|unit| format!("{salt:015} {unit:015}\n").into_bytes()).collect();
    ensure!(records.len() as u64 == units * RECORD_BYTES, "a record has {RECORD_BYTES} bytes");
    let input = bench.author.client.blobs().upload_bytes(records).await?;
    Ok(JobSubmission {
        name: "noop".into(),
        project: None,
        module,
        args: Vec::new(),
        split: Split::Records { bytes: RECORD_BYTES, per_unit: 1 },
        inputs: vec![FileRef { name: "records".into(), blob: input.digest }],
        shared: Vec::new(),
        limits: Limits::default(),
        run_on: RunOn::Anyone,
        deadline_ms: None,
        on_failed: OnFailed::Stop,
        assemble: Assemble::Concat,
        floats: Default::default(),
        seed: Some(1),
        verify: fallow_protocol::job::Verify::default(),
        critical: false,
        budget: None,
        offer_permille: 1_000,
    })
}

struct Run {
    units_per_s: f64,
    server_us_per_unit: f64,
    nodes_us_per_unit: f64,
    peak_bytes: f64,
}

/// A grid where strangers work for credits, and are trusted from the beginning: checks are spot checks.
const PAID: &str = "
[grid]
kind = 'open'
credits = true
allowance = '1000000'
[trust]
probation_passes = 0
check_scale = 0
checker_passes = 0
established_passes = 0
seasoned_after_ms = 0
";
/// More than any of these jobs costs, micro-credits.
const BUDGET: u64 = 500_000_000_000;

/// Whose nodes work.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nodes {
    /// The author's own, at no charge and without checks.
    Own,
    /// Two strangers', whose results are verified and paid.
    Strangers,
}

async fn measure(units: u64, whose: Nodes) -> Result<Run> {
    let bench = Bench::start_with(if whose == Nodes::Own { "" } else { PAID }).await?;
    let owners = match whose {
        Nodes::Own => [bench.account.clone(), bench.account.clone()],
        Nodes::Strangers => [bench.grid.account("lender-one").await?, bench.grid.account("lender-two").await?],
    };
    let nodes = [
        bench.grid.node(&owners[0], "one", &["--slots", "1"]).await?,
        bench.grid.node(&owners[1], "two", &["--slots", "1"]).await?,
    ];
    let module = module(&bench).await?;
    let budget = (whose == Nodes::Strangers).then_some(BUDGET);
    let with_budget = |job: JobSubmission| JobSubmission { budget, ..job };
    let warm = with_budget(submission(&bench, module, 200, 0).await?);
    bench.author.client.wait_ended(&bench.author.submit(&warm).await?).await?;
    let job = with_budget(submission(&bench, module, units, 1).await?);
    let server = bench.grid.server().pid();
    let node_pids = nodes.each_ref().map(|node| node.process.pid());
    let (cpu, nodes_cpu) = (machine::cpu_seconds(server)?, sum_cpu(&node_pids)?);
    let began = Instant::now();
    let ended = bench.author.client.wait_ended(&bench.author.submit(&job).await?).await?;
    let took = began.elapsed().as_secs_f64();
    ensure!(ended.phase == JobPhase::Done, "the job ended as {:?}: {:?}", ended.phase, ended.error);
    ensure!(ended.result.as_ref().is_some_and(|result| result.len == units * RECORD_BYTES), "{ended:?}");
    ensure!(ended.result.is_some_and(|result| result.digest == job.inputs[0].blob), "the echo is not the input");
    Ok(Run {
        units_per_s: units as f64 / took,
        server_us_per_unit: (machine::cpu_seconds(server)? - cpu) * 1e6 / units as f64,
        nodes_us_per_unit: (sum_cpu(&node_pids)? - nodes_cpu) * 1e6 / units as f64,
        peak_bytes: machine::peak_memory(server)?,
    })
}

fn sum_cpu(pids: &[u32]) -> Result<f64> {
    pids.iter().map(|pid| machine::cpu_seconds(*pid)).sum()
}

/// 100,000 units for speed, on the author's own nodes and on strangers'; 10,000 and 1,000,000 for memory.
pub async fn run(options: Options, json: bool) -> Result<()> {
    let figures = Figures::new("units", json);
    machine::tell(&figures)?;
    let few = measure(10_000, Nodes::Own).await?;
    let units = if options.quick { 30_000 } else { 100_000 };
    let main = measure(units, Nodes::Own).await?;
    let paid = measure(units, Nodes::Strangers).await?;
    figures.tell("units_per_s", main.units_per_s, "/s");
    figures.tell("server_cpu_us_per_unit", main.server_us_per_unit, "us");
    figures.tell("nodes_cpu_us_per_unit", main.nodes_us_per_unit, "us");
    figures.tell("paid_units_per_s", paid.units_per_s, "/s");
    figures.tell("paid_server_cpu_us_per_unit", paid.server_us_per_unit, "us");
    figures.tell("verify_and_settle_ratio", paid.server_us_per_unit / main.server_us_per_unit, "x");
    let many = measure(if options.quick { 100_000 } else { 1_000_000 }, Nodes::Own).await?;
    figures.tell("server_memory_few_mib", few.peak_bytes / 1048576.0, "MiB");
    figures.tell("server_memory_many_mib", many.peak_bytes / 1048576.0, "MiB");
    figures.tell("memory_ratio", many.peak_bytes / few.peak_bytes, "x");
    figures.tell("many_units_per_s", many.units_per_s, "/s");
    Ok(())
}
