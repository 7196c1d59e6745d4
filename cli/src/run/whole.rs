//! A whole job here: split, every unit, then merge, concatenation or archive, as the grid would.

use anyhow::Context;
use fallow_protocol::job::{Assemble, OnFailed};
use fallow_protocol::limits::MERGE_FAN_IN;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Call, STAGE_MERGE, STAGE_RUN, UnitKey};
use fallow_sandbox::client::{Bytes, Task, TaskEnd, TaskInput};
use grid_core::life::merge_level;

use super::lab::Lab;
use super::report::RunReport;
use super::{Ready, units};
use crate::failure::Failure;
use crate::toolchain::Note;

/// Run the job; a report with the joined output, or with the first failure that ends it.
pub async fn run(ready: &Ready, lab: &Lab, note: Note<'_>) -> anyhow::Result<RunReport> {
    let mut report = RunReport::of_job(ready.built.clone(), ready.limits);
    let units = match units::cut(ready, lab).await? {
        Ok(units) => units,
        Err(failed) => return Ok(report.failed(Call::Split, 0, failed)),
    };
    if let Some(end) = &units.split {
        report.add(end);
    }
    note(&format!("{} units", units.count));
    let task = |(seq, input): (usize, anyhow::Result<Bytes>)| {
        let key = UnitKey { stage: STAGE_RUN, seq: seq as u64 };
        Ok(ready.task(ready.call(), key, TaskInput::Bytes(input?)))
    };
    let tasks: Vec<Task> = units.inputs.enumerate().map(task).collect::<anyhow::Result<_>>()?;
    let may_fail = may_fail(ready.file.job.on_failed, tasks.len());
    let mut failed = 0;
    let ends = lab
        .all(tasks, &mut |end| {
            failed += u64::from(end.outcome != Outcome::Done);
            failed <= may_fail
        })
        .await?;
    ends.iter().for_each(|end| report.add(end));
    if failed > may_fail {
        let last = ends.into_iter().next_back().context("no unit ended")?;
        return Ok(report.failed(ready.call(), last.tag, last));
    }
    report.left_out = failed;
    let outputs = ends.into_iter().map(|end| (end.outcome == Outcome::Done).then_some(end.output)).collect();
    assemble(ready, lab, report, outputs).await
}

/// How many units may fail without failing the job.
fn may_fail(on_failed: OnFailed, units: usize) -> u64 {
    match on_failed {
        OnFailed::Stop => 0,
        OnFailed::LeaveOut { permille_max } => (units as u64).saturating_mul(u64::from(permille_max)) / 1000,
    }
}

async fn assemble(
    ready: &Ready,
    lab: &Lab,
    report: RunReport,
    outputs: Vec<Option<Vec<u8>>>,
) -> anyhow::Result<RunReport> {
    let output = match ready.file.job.assemble {
        Assemble::Concat => outputs.into_iter().flatten().flatten().collect(),
        Assemble::Archive => archive(outputs)?,
        Assemble::Merge if !ready.validated.exports.merge => {
            let help = "fallow::task!(run = …, merge = my_merge), or another job.assemble";
            return Err(Failure::new("job.assemble is \"merge\", but the component exports no `merge`")
                .help(help)
                .into());
        }
        Assemble::Merge => return merge(ready, lab, report, outputs).await,
    };
    Ok(report.with_output(output))
}

async fn merge(
    ready: &Ready,
    lab: &Lab,
    mut report: RunReport,
    mut parts: Vec<Option<Vec<u8>>>,
) -> anyhow::Result<RunReport> {
    for stage in STAGE_MERGE.. {
        let level = merge_level(parts.len() as u64, MERGE_FAN_IN);
        let call = if level.is_last() { Call::MergeLast } else { Call::Merge };
        let task = |seq| {
            let group = level.group(seq);
            let group = &mut parts[group.start as usize..group.end as usize];
            let input = group.iter_mut().map(|part| part.take().map(Bytes::Memory)).collect();
            ready.task(call, UnitKey { stage, seq }, TaskInput::Parts(input))
        };
        let tasks = (0..level.groups()).map(task).collect();
        let ends: Vec<TaskEnd> = lab.all(tasks, &mut |end| end.outcome == Outcome::Done).await?;
        ends.iter().for_each(|end| report.add(end));
        if let Some(failed) = ends.iter().position(|end| end.outcome != Outcome::Done) {
            return Ok(report.failed(call, failed as u64, ends[failed].clone()));
        }
        parts = ends.into_iter().map(|end| Some(end.output)).collect();
        if level.is_last() {
            break;
        }
    }
    Ok(report.with_output(parts.pop().flatten().context("the merge gave nothing")?))
}

/// A file a unit, named by its number.
fn archive(outputs: Vec<Option<Vec<u8>>>) -> anyhow::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut left_out = String::new();
    for (seq, output) in outputs.into_iter().enumerate() {
        match output {
            Some(output) => append(&mut tar, &format!("{seq:07}"), &output)?,
            None => left_out.push_str(&format!("{seq}\n")),
        }
    }
    if !left_out.is_empty() {
        append(&mut tar, "left-out.txt", left_out.as_bytes())?;
    }
    tar.into_inner().context("cannot make the archive")
}

fn append(tar: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, bytes).context("cannot make the archive")
}
