//! What is to be submitted: the command line over `fallow.toml` over the defaults.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fallow_protocol::job::{Assemble, OnFailed, RunOn, Split, Verify, ordinary_offer};
use fallow_protocol::limits::{JOB_ARGS_BYTES_MAX, JOB_ARGS_MAX, JOB_FILES_MAX, JOB_SHARED_MAX};
use fallow_protocol::manifest::{Exports, Floats, Limits};

use super::inputs::{self, InputFile};
use crate::args::WorkArgs;
use crate::failure::Failure;
use crate::fallow_toml::{FILE_NAME, JobSection, ProjectFile};
use crate::words::{count, counted};

/// Everything of a job but its module, its blobs and its id.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Name of the job.
    pub name: String,
    /// How to cut the input.
    pub split: Split,
    /// Input files, in order.
    pub inputs: Vec<InputFile>,
    /// Project that it belongs to.
    pub project: Option<String>,
    /// Files that every unit may read.
    pub shared: Vec<InputFile>,
    /// Limits a unit.
    pub limits: Limits,
    /// Whose nodes.
    pub run_on: RunOn,
    /// Time after which the job is cancelled.
    pub deadline: Option<Duration>,
    /// What to do about failed units.
    pub on_failed: OnFailed,
    /// How to join the outputs.
    pub assemble: Assemble,
    /// What is done about NaNs.
    pub floats: Floats,
    /// Arguments of a WASI command.
    pub args: Vec<String>,
    /// Seed of the random streams.
    pub seed: Option<u64>,
    /// How results are checked.
    pub verify: Verify,
    /// Whether a wrong result would cost much.
    pub critical: bool,
    /// What it may cost at most, micro-credits.
    pub budget: Option<u64>,
    /// What is offered, thousandths of the grid's price.
    pub offer_permille: u32,
    /// Where the result goes.
    pub output: Option<PathBuf>,
}

impl Plan {
    /// Read the project and merge. With `--component` the project's file may be missing.
    pub fn make(args: &WorkArgs) -> anyhow::Result<Self> {
        let (folder, file) = project(args)?;
        let job = file.as_ref().map_or_else(JobSection::default, |file| file.job.clone());
        let mut limits = file.as_ref().map_or_else(Limits::default, |file| file.limits.to_limits());
        args.limits.iter().for_each(|limit| limit.apply(&mut limits));
        let here = Path::new("");
        let (patterns, base) =
            if args.inputs.is_empty() { (&job.input, folder.as_path()) } else { (&args.inputs, here) };
        let shared = if args.shared.is_empty() {
            inputs::find(
                &job.shared.iter().map(|path| path.to_string_lossy().into_owned()).collect::<Vec<_>>(),
                &folder,
            )?
        } else {
            inputs::find(&args.shared, here)?
        };
        let plan = Self {
            name: name(args, file.as_ref()),
            project: args.of_project.clone().or(job.project),
            split: args.split.clone().unwrap_or(job.split),
            inputs: inputs::find(patterns, base)?,
            shared: inputs::named_by_file(shared)?,
            limits,
            run_on: args.run_on.clone().unwrap_or(job.run_on),
            deadline: args.deadline.or(job.deadline_hours.map(|hours| Duration::from_secs_f64(hours * 3600.0))),
            on_failed: args.on_failed.unwrap_or(job.on_failed),
            assemble: args.assemble.unwrap_or(job.assemble),
            floats: args.floats.unwrap_or(job.floats),
            args: if args.args.is_empty() { job.args } else { args.args.clone() },
            seed: args.seed.or(job.seed),
            verify: args.verify.unwrap_or(job.verify),
            critical: args.critical || job.critical,
            budget: args.budget.or(job.budget),
            offer_permille: args.offer.or(job.offer).unwrap_or_else(ordinary_offer),
            output: job.output.map(|output| folder.join(output)),
        };
        plan.check()?;
        Ok(plan)
    }

    fn check(&self) -> Result<(), Failure> {
        let made = matches!(self.split, Split::Range { .. } | Split::Grid { .. });
        if made && !self.inputs.is_empty() {
            let what = "a range or grid makes its own inputs; the input files would not be read";
            return Err(Failure::usage(what, "leave --input away, or give the files to every unit with --shared"));
        }
        if self.inputs.is_empty() && !made && self.split != Split::Guest {
            let help = "fallow submit --input 'data/*.csv', or `input = [\"data/*.csv\"]` under [job] in fallow.toml";
            return Err(Failure::usage("there are no input files to cut into units", help));
        }
        within("input files", self.inputs.len(), JOB_FILES_MAX)?;
        within("shared files", self.shared.len(), JOB_SHARED_MAX)?;
        within("arguments", self.args.len(), JOB_ARGS_MAX)?;
        within("bytes of arguments", self.args.iter().map(String::len).sum(), JOB_ARGS_BYTES_MAX)
    }

    /// What the job asks of its component, before the grid has to say it.
    pub fn check_exports(&self, exports: Exports) -> Result<(), Failure> {
        let lacks = |export: &str, asked: &str, help: &str| {
            let what = format!("{asked} needs a component that exports `{export}`, and this one does not");
            Err(Failure::usage(what, help))
        };
        if self.split == Split::Guest && !exports.split {
            return lacks("split", "--split guest", "choose another --split, or write a `split` function in the task");
        }
        if self.assemble == Assemble::Merge && !exports.merge {
            return lacks(
                "merge",
                "--assemble merge",
                "--assemble archive or concat, or write a `merge` function in the task",
            );
        }
        if !self.args.is_empty() && !exports.command {
            let what = "arguments are for WASI commands, and this component is a task";
            return Err(Failure::usage(what, "leave --arg away; put parameters into the units' inputs"));
        }
        Ok(())
    }

    /// How the input is cut, for people.
    pub fn split_words(&self) -> String {
        match &self.split {
            Split::File => "one unit a file".into(),
            Split::Lines { per_unit } => format!("{} a unit", counted(*per_unit, "line", "lines")),
            Split::Records { bytes, per_unit } => {
                format!("{} of {} a unit", counted(*per_unit, "record", "records"), crate::words::bytes(*bytes))
            }
            Split::CsvRows { per_unit } => format!("{} of CSV a unit", counted(*per_unit, "row", "rows")),
            Split::Range { from, to, per_unit } => format!("numbers {from}..{to}, {} a unit", count(*per_unit)),
            Split::Grid { params } => {
                let units = params.iter().map(|param| param.values.len() as u64).fold(1, u64::saturating_mul);
                format!(
                    "{}: every combination of {}",
                    counted(units, "unit", "units"),
                    counted(params.len() as u64, "parameter", "parameters")
                )
            }
            Split::Guest => "cut by the task's own `split`".into(),
        }
    }
}

fn within(what: &str, found: usize, max: usize) -> Result<(), Failure> {
    if found <= max {
        return Ok(());
    }
    let help = "put several into one file, or submit several jobs";
    Err(Failure::usage(
        format!("{} {what} are more than the {} of one job", count(found as u64), count(max as u64)),
        help,
    ))
}

/// The project's folder and its file.
fn project(args: &WorkArgs) -> anyhow::Result<(PathBuf, Option<ProjectFile>)> {
    let folder = if args.project.is_file() {
        args.project.parent().map(Path::to_owned).unwrap_or_default()
    } else {
        args.project.clone()
    };
    let missing = !args.project.is_file() && !folder.join(FILE_NAME).exists();
    if missing && args.component.is_some() {
        return Ok((folder, None));
    }
    if missing {
        let what = format!("there is no {FILE_NAME} in {}", args.project.display());
        let help = "fallow submit PROJECT, or fallow submit --component FILE.wasm --input …; `fallow new NAME` makes a project";
        return Err(Failure::usage(what, help).into());
    }
    Ok((folder, Some(ProjectFile::load(&args.project)?)))
}

fn name(args: &WorkArgs, file: Option<&ProjectFile>) -> String {
    let of_component = || {
        let stem = args.component.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
        stem.unwrap_or_else(|| "job".into())
    };
    args.name.clone().or_else(|| file.map(|file| file.task.name.clone())).unwrap_or_else(of_component)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::limit;

    /// A project whose file has this `[job]` section, with two inputs.
    fn project_with(job: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join(FILE_NAME),
            format!("[task]\nname = \"cells\"\n[limits]\nmemory_mb = 64\n{job}"),
        )
        .unwrap();
        std::fs::create_dir(dir.path().join("in")).unwrap();
        std::fs::write(dir.path().join("in/a.txt"), "a").unwrap();
        std::fs::write(dir.path().join("in/b.txt"), "b").unwrap();
        dir
    }

    fn args(dir: &tempfile::TempDir) -> WorkArgs {
        WorkArgs { project: dir.path().to_owned(), ..WorkArgs::default() }
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let dir = project_with(
            "[job]\ninput = [\"in/*.txt\"]\nsplit = { by = \"lines\", per_unit = 3 }\nrun_on = \"own\"\nseed = 5\noutput = \"out\"",
        );
        let plan = Plan::make(&args(&dir)).unwrap();
        assert_eq!((plan.name.as_str(), plan.inputs.len(), plan.seed), ("cells", 2, Some(5)));
        assert_eq!((plan.split, plan.run_on), (Split::Lines { per_unit: 3 }, RunOn::Own));
        assert_eq!((plan.limits.memory_bytes, plan.output), (64 << 20, Some(dir.path().join("out"))));

        let input = dir.path().join("in/b.txt").to_string_lossy().into_owned();
        let over = WorkArgs {
            name: Some("other".into()),
            inputs: vec![input],
            split: Some(Split::File),
            run_on: Some(RunOn::Anyone),
            limits: vec![limit("memory=1GiB").unwrap()],
            seed: Some(6),
            ..args(&dir)
        };
        let plan = Plan::make(&over).unwrap();
        assert_eq!((plan.name.as_str(), plan.inputs.len(), plan.seed), ("other", 1, Some(6)));
        assert_eq!((plan.split, plan.run_on, plan.limits.memory_bytes), (Split::File, RunOn::Anyone, 1 << 30));
    }

    #[test]
    fn what_cannot_become_a_job_is_said_before_anything_is_uploaded() {
        let check = |job: &str, wanted: &str| {
            let error = Plan::make(&args(&project_with(job))).unwrap_err();
            assert!(format!("{error:#}").contains(wanted), "{job}: {error:#}");
        };
        check("", "no input files");
        check("[job]\ninput = [\"in/*.png\"]", "no file fits");
        check(
            "[job]\ninput = [\"in/*\"]\nsplit = { by = \"range\", from = 0, to = 9, per_unit = 1 }",
            "makes its own inputs",
        );
        let empty = tempfile::tempdir().unwrap();
        let error = Plan::make(&args(&empty)).unwrap_err();
        assert!(error.to_string().contains("there is no fallow.toml"), "{error}");
    }

    #[test]
    fn a_component_needs_the_exports_that_the_job_asks_for() {
        let dir = project_with("[job]\nsplit = { by = \"guest\" }\nassemble = \"merge\"");
        let plan = Plan::make(&args(&dir)).unwrap();
        let all = Exports { run: true, split: true, merge: true, command: false };
        assert!(plan.check_exports(all).is_ok());
        assert!(plan.check_exports(Exports { split: false, ..all }).unwrap_err().what.contains("`split`"));
        assert!(plan.check_exports(Exports { merge: false, ..all }).unwrap_err().what.contains("`merge`"));
        assert_eq!(plan.split_words(), "cut by the task's own `split`");
    }

    #[test]
    fn a_component_alone_needs_no_project() {
        let empty = tempfile::tempdir().unwrap();
        let component = Some(PathBuf::from("x/primes.wasm"));
        let split = Some(Split::Range { from: 0, to: 10, per_unit: 1 });
        let plan = Plan::make(&WorkArgs { component, split, ..args(&empty) }).unwrap();
        assert_eq!(plan.name, "primes");
        assert_eq!(plan.split_words(), "numbers 0..10, 1 a unit");
    }
}
