//! The units of a job that runs here: the grid's own rules of cutting, over files on this disk.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use fallow_protocol::job::Split;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Call, EmittedUnits, STAGE_SPLIT, UnitKey};
use fallow_sandbox::client::{Bytes, FileRange, TaskEnd, TaskInput};
use grid_core::split::{Cut, Mark, Span, SplitPlan, check_total, guest_spans, plan_split, read_lens};

use super::Ready;
use super::lab::Lab;
use crate::failure::Failure;

const CHUNK_BYTES: usize = 256 * 1024;

/// The inputs of all units, in order.
pub struct Units {
    /// How many.
    pub count: u64,
    /// Each unit's bytes.
    pub inputs: Box<dyn Iterator<Item = anyhow::Result<Bytes>> + Send>,
    /// What the guest's own split cost, where it has one.
    pub split: Option<TaskEnd>,
}

/// Whether this way of cutting reads input files.
pub fn needs_files(split: &Split) -> bool {
    !matches!(split, Split::Range { .. } | Split::Grid { .. } | Split::Guest)
}

/// Cut the job's input. The inner error is a guest's split that failed.
pub async fn cut(ready: &Ready, lab: &Lab) -> anyhow::Result<Result<Units, TaskEnd>> {
    let files = sized(&ready.files)?;
    let named: Vec<(String, u64)> = files.iter().map(|(path, len)| (path.display().to_string(), *len)).collect();
    let plan = plan_split(&ready.file.job.split, &named)
        .map_err(|error| Failure::new(error.to_string()).place("job.split"))?;
    let by_arithmetic = |count, nth: Box<dyn Fn(u64) -> anyhow::Result<Bytes> + Send>| Units {
        count,
        inputs: Box::new((0..count).map(nth)),
        split: None,
    };
    Ok(Ok(match plan {
        SplitPlan::Guest => return guest(ready, lab, &files).await,
        SplitPlan::Range(plan) => by_arithmetic(plan.units(), Box::new(move |n| memory(plan.range_unit(n)))),
        SplitPlan::Grid(plan) => by_arithmetic(plan.units(), Box::new(move |n| memory(plan.grid_unit(n)))),
        SplitPlan::Files { units } => by_arithmetic(
            units,
            Box::new(move |n| {
                let (path, len) = files.get(n as usize).context("a unit without a file")?;
                Ok(ranges(path, [Span { offset: 0, len: *len }]))
            }),
        ),
        SplitPlan::Records(plan) => by_arithmetic(
            plan.units(),
            Box::new(move |n| {
                let at = plan.nth(n).context("a unit without records")?;
                Ok(ranges(&files[at.file].0, [at.span]))
            }),
        ),
        SplitPlan::Lines { .. } | SplitPlan::CsvRows { .. } => read_cuts(&plan, &files)?,
    }))
}

fn memory(bytes: Option<Vec<u8>>) -> anyhow::Result<Bytes> {
    Ok(Bytes::Memory(bytes.context("a unit without parameters")?))
}

fn sized(files: &[PathBuf]) -> anyhow::Result<Vec<(PathBuf, u64)>> {
    let len = |path: &PathBuf| {
        let meta = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok((std::path::absolute(path)?, meta.len()))
    };
    files.iter().map(len).collect()
}

fn ranges(path: &Path, spans: impl IntoIterator<Item = Span>) -> Bytes {
    let range = |span: Span| FileRange { path: path.to_owned(), offset: span.offset, len: span.len };
    Bytes::Files(spans.into_iter().map(range).collect())
}

/// Lines and rows are found by reading.
fn read_cuts(plan: &SplitPlan, files: &[(PathBuf, u64)]) -> anyhow::Result<Units> {
    let mut inputs = Vec::new();
    for (path, _) in files {
        let cuts = cuts_of(plan, path)?;
        inputs.extend(cuts.iter().map(|cut| Ok(ranges(path, cut.spans()))));
        check_total(inputs.len() as u64, "raise split.per_unit")?;
    }
    Ok(Units { count: inputs.len() as u64, inputs: Box::new(inputs.into_iter()), split: None })
}

fn cuts_of(plan: &SplitPlan, path: &Path) -> anyhow::Result<Vec<Cut>> {
    let step = || format!("cannot cut {}", path.display());
    let mut cutter = plan.cutter(&path.display().to_string(), Mark::default()).with_context(step)?;
    let (mut cuts, mut chunk) = (Vec::new(), vec![0; CHUNK_BYTES]);
    let mut file = File::open(path).with_context(step)?;
    loop {
        match file.read(&mut chunk).with_context(step)? {
            0 => break,
            len => cutter.push(&chunk[..len], &mut cuts)?,
        }
    }
    cutter.finish(&mut cuts)?;
    Ok(cuts)
}

/// The task's own split is itself a unit; what it emits lies in a file of ours.
async fn guest(ready: &Ready, lab: &Lab, files: &[(PathBuf, u64)]) -> anyhow::Result<Result<Units, TaskEnd>> {
    if !ready.validated.exports.split {
        let help = "fallow::task!(run = …, split = my_split), or another job.split";
        return Err(Failure::new("job.split is the task's own, but the component exports no `split`")
            .help(help)
            .into());
    }
    let input = files.iter().map(|(path, len)| FileRange { path: path.clone(), offset: 0, len: *len }).collect();
    let emitted = lab.new_file();
    let key = UnitKey { stage: STAGE_SPLIT, seq: 0 };
    let mut task = ready.task(Call::Split, key, TaskInput::Bytes(Bytes::Files(input)));
    task.emit_to = Some(emitted.clone());
    let end = lab.one(task).await?;
    if end.outcome != Outcome::Done {
        return Ok(Err(end));
    }
    let spans = emitted_spans(&emitted).context("cannot read what the task's split emitted")?;
    let inputs: Vec<_> = spans.iter().map(|span| Ok(ranges(&emitted, [*span]))).collect();
    Ok(Ok(Units { count: inputs.len() as u64, inputs: Box::new(inputs.into_iter()), split: Some(end) }))
}

fn emitted_spans(emitted: &Path) -> anyhow::Result<Vec<Span>> {
    use std::io::{Seek, SeekFrom};
    let mut file = File::open(emitted)?;
    let len = file.seek(SeekFrom::End(-8))? + 8;
    let mut tail = [0; 8];
    file.read_exact(&mut tail)?;
    let units = EmittedUnits::from_tail(len, &tail)?;
    check_total(units.count, "make larger units in the task's split")?;
    file.seek(SeekFrom::Start(units.index_offset))?;
    let mut index = vec![0; units.count as usize * 8];
    file.read_exact(&mut index)?;
    Ok(guest_spans(&units, &read_lens(&index)?)?)
}
