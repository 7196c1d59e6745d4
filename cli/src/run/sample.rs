//! A few units of a job that is about to be submitted, run here: how many units there are, and what these took.

use std::path::PathBuf;

use anyhow::Context;
use fallow_protocol::job::Assemble;
use fallow_protocol::limits::MERGE_FAN_IN;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Call, STAGE_MERGE, STAGE_RUN, UnitKey};
use fallow_sandbox::client::{Bytes, Task, TaskEnd, TaskInput};
use grid_core::life::merge_level;

use super::lab::{self, Lab};
use super::report::{self, RunReport};
use super::{Ready, RunOptions, units};
use crate::fallow_toml::{JobSection, ProjectFile};
use crate::submit::plan::Plan;
use crate::toolchain::Note;

/// What the sample showed.
#[derive(Debug)]
pub struct Sample {
    /// Size of the component, bytes.
    pub component_bytes: u64,
    /// Units of the job.
    pub units: u64,
    /// Fuel of those that were run.
    pub fuel: Vec<u64>,
    /// Their wall time together, microseconds.
    pub wall_us: u64,
    /// Most memory that one of them used, bytes.
    pub memory_bytes: u64,
    /// Fuel of the job's own split, and about that of its merges.
    pub extra_fuel: u64,
    /// Wall time of these, microseconds.
    pub extra_us: u64,
    /// Why the merges are not in it, where they could not be tried.
    pub merge_failed: Option<String>,
}

/// Cut the input as a submission would, and run `wanted` of the units, spread over the input.
pub async fn sample(options: &RunOptions, plan: &Plan, wanted: u64, note: Note<'_>) -> anyhow::Result<Sample> {
    let ready = ready(options, plan, note).await?;
    let lab = ready.lab(options).await?;
    let units = units::cut(&ready, &lab).await?.map_err(report::into_error)?;
    let total = units.count;
    let chosen = places(total, wanted);
    note(&format!("running {} of {total} units here", chosen.len()));
    let mut tasks = Vec::new();
    let mut inputs = units.inputs;
    let mut next = 0;
    for seq in chosen {
        let input = inputs.nth((seq - next) as usize).context("a unit is missing")??;
        next = seq + 1;
        tasks.push(ready.task(ready.call(), UnitKey { stage: STAGE_RUN, seq }, TaskInput::Bytes(input)));
    }
    let ends = run(&ready, &lab, tasks).await?;
    let mut sample = Sample {
        component_bytes: ready.built.bytes,
        units: total,
        fuel: ends.iter().map(|end| end.fuel).collect(),
        wall_us: ends.iter().map(|end| end.wall_us).sum(),
        memory_bytes: ends.iter().map(|end| end.memory_bytes).max().unwrap_or(0),
        extra_fuel: units.split.as_ref().map_or(0, |end| end.fuel),
        extra_us: units.split.as_ref().map_or(0, |end| end.wall_us),
        merge_failed: None,
    };
    if plan.assemble == Assemble::Merge {
        let outputs = ends.into_iter().map(|end| end.output).collect();
        if let Err(error) = merges(&ready, &lab, outputs, &mut sample).await {
            sample.merge_failed = Some(format!("{error:#}"));
        }
    }
    Ok(sample)
}

/// The job as it would be submitted, ready to run here.
async fn ready(options: &RunOptions, plan: &Plan, note: Note<'_>) -> anyhow::Result<Ready> {
    let scratch = tempfile::tempdir().context("cannot make a temporary folder")?;
    let (file, built) = super::component(options, scratch.path(), note).await?;
    let validated = fallow_sandbox::client::validate(&options.exe, &built.component).await.map_err(lab::refused)?;
    plan.check_exports(validated.exports)?;
    let job = JobSection {
        split: plan.split.clone(),
        floats: plan.floats,
        assemble: plan.assemble,
        // Those of the plan are in the options.
        shared: Vec::new(),
        ..file.job
    };
    Ok(Ready {
        file: ProjectFile { job, ..file },
        built,
        validated,
        limits: plan.limits,
        args: plan.args.clone(),
        seed: plan.seed.unwrap_or(0),
        files: plan.inputs.iter().map(|file| file.path.clone()).collect::<Vec<PathBuf>>(),
        scratch,
    })
}

/// Numbers of `wanted` units: the first one, or so many at equal distances.
fn places(units: u64, wanted: u64) -> Vec<u64> {
    let wanted = wanted.min(units);
    let place = |index: u64| {
        // In the middle of each part, but a single one at the beginning.
        let middle = u128::from(2 * index + 1) * u128::from(units) / u128::from(2 * wanted);
        if wanted == 1 { 0 } else { middle as u64 }
    };
    (0..wanted).map(place).collect()
}

/// All have to be done; the first that is not says what is wrong.
async fn run(ready: &Ready, lab: &Lab, tasks: Vec<Task>) -> anyhow::Result<Vec<TaskEnd>> {
    let ends = lab.all(tasks, &mut |end| end.outcome == Outcome::Done).await?;
    match ends.iter().position(|end| end.outcome != Outcome::Done) {
        None => Ok(ends),
        Some(failed) => {
            let end = ends[failed].clone();
            let report = RunReport::of_job(ready.built.clone(), ready.limits).failed(ready.call(), end.tag, end);
            Err(report.failure.map_or_else(|| anyhow::anyhow!("a unit failed"), anyhow::Error::from))
        }
    }
}

/// One merge of each level is run, over as many of the sample's outputs, repeated, as it would have parts.
async fn merges(ready: &Ready, lab: &Lab, outputs: Vec<Vec<u8>>, sample: &mut Sample) -> anyhow::Result<()> {
    let (mut outputs, mut parts) = (outputs, sample.units);
    for stage in STAGE_MERGE.. {
        let level = merge_level(parts, MERGE_FAN_IN);
        let call = if level.is_last() { Call::MergeLast } else { Call::Merge };
        let group = level.group(0);
        let wide = group.end - group.start;
        let input = outputs.iter().cycle().take(wide as usize).map(|part| Some(Bytes::Memory(part.clone()))).collect();
        let end = lab.one(ready.task(call, UnitKey { stage, seq: 0 }, TaskInput::Parts(input))).await?;
        if end.outcome != Outcome::Done {
            anyhow::bail!("{}", end.outcome.label());
        }
        let all = |one: u64| u64::try_from(u128::from(one) * u128::from(parts) / u128::from(wide.max(1)));
        sample.extra_fuel = sample.extra_fuel.saturating_add(all(end.fuel).unwrap_or(u64::MAX));
        sample.extra_us = sample.extra_us.saturating_add(all(end.wall_us).unwrap_or(u64::MAX));
        if level.is_last() {
            break;
        }
        (outputs, parts) = (vec![end.output], level.groups());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spread_over_the_input() {
        assert_eq!(places(4_096, 1), [0]);
        assert_eq!(places(100, 4), [12, 37, 62, 87]);
        assert_eq!(places(3, 10), [0, 1, 2]);
        assert_eq!(places(0, 5), [] as [u64; 0]);
        assert_eq!(places(u64::MAX, 2), [u64::MAX / 4, u64::MAX / 4 * 3 + 2]);
    }
}
