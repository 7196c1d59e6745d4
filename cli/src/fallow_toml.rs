//! `fallow.toml`, the project's file: what the task is, how it is built, how its jobs are cut, joined and limited.
//!
//! Owns its keys and their defaults, and the translation into the protocol's types. Unknown keys are refused, so that
//! a misspelt limit is not a limit forgotten. Reading input files and talking to a grid are elsewhere.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use fallow_protocol::job::{Assemble, OnFailed, RunOn, Split, Verify};
use fallow_protocol::limits::{JOB_ARGS_BYTES_MAX, JOB_ARGS_MAX, JOB_SHARED_MAX, MEMORY_BYTES_MAX, NAME_BYTES_MAX};
use fallow_protocol::manifest::{Floats, Limits};
use serde::Deserialize;

/// The file's name.
pub const FILE_NAME: &str = "fallow.toml";

const MIB: u64 = 1 << 20;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectFile {
    /// What the task is.
    pub task: TaskSection,
    /// How it is built.
    #[serde(default)]
    pub build: BuildSection,
    /// How its jobs are made.
    #[serde(default)]
    pub job: JobSection,
    /// Most that one unit may use.
    #[serde(default)]
    pub limits: LimitsSection,
}

/// `[task]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSection {
    /// Name for people; jobs are called after it.
    pub name: String,
    /// Language that it is written in.
    #[serde(default)]
    pub lang: Lang,
    /// Whether it exports `fallow:task`, or is a plain WASI command.
    #[serde(default)]
    pub kind: Kind,
}

/// Languages with a build of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Built by cargo.
    #[default]
    Rust,
    /// Built elsewhere: `build.wasm` names the file.
    Wasm,
}

/// The two forms of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Exports `run` and maybe `split` and `merge`.
    #[default]
    Component,
    /// A plain WASI program: standard input to standard output, with `job.args`.
    Command,
}

/// `[build]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildSection {
    /// A core module or component built elsewhere, relative to this file. Needed for `lang = "wasm"`.
    pub wasm: Option<PathBuf>,
    /// Cargo package, where it is not the one beside this file.
    pub package: Option<String>,
    /// Cargo features to switch on.
    #[serde(default)]
    pub features: Vec<String>,
}

/// `[job]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobSection {
    /// Project that the job belongs to, for people.
    pub project: Option<String>,
    /// How the input becomes units, as `{ by = "lines", per_unit = 100 }`.
    pub split: Split,
    /// Input files or patterns (`data/*.csv`), relative to this file. `--input` on the command line replaces them.
    pub input: Vec<String>,
    /// Who may run it: `own`, `group:NAME` or `anyone`.
    pub run_on: RunOn,
    /// What to do about units that finally fail: `{ then = "stop" }` or `{ then = "leave_out", permille_max = 10 }`.
    pub on_failed: OnFailed,
    /// How outputs become the result: `archive`, `concat` or `merge`.
    pub assemble: Assemble,
    /// The job is cancelled when it has not ended after so many hours.
    pub deadline_hours: Option<f64>,
    /// `plain` (units that make a NaN run again in the canonical build) or `canonical` (all run in that one at once).
    pub floats: Floats,
    /// Arguments of a WASI command, without the program's name.
    pub args: Vec<String>,
    /// Files that every unit may read by their file name, relative to this file.
    pub shared: Vec<PathBuf>,
    /// Seed of the units' randomness; chosen anew for each job where it is missing.
    pub seed: Option<u64>,
    /// How results are checked: `"adaptive"`, `{ copies = 3 }` or `"none"`.
    pub verify: Verify,
    /// A wrong result would cost much: every one is checked by a trusted node.
    pub critical: bool,
    /// What the job may cost at most, credits; the file has `40` or `"12.5"`, this has micro-credits.
    #[serde(deserialize_with = "crate::parse::credits_key")]
    pub budget: Option<u64>,
    /// What the author offers, as the grid's price times 1 to 10: `1.5`. This has thousandths.
    #[serde(deserialize_with = "crate::parse::offer_key")]
    pub offer: Option<u32>,
    /// Where `submit --watch` and `fetch` write the result.
    pub output: Option<PathBuf>,
}

impl Default for JobSection {
    fn default() -> Self {
        Self {
            project: None,
            split: Split::File,
            input: Vec::new(),
            run_on: RunOn::default(),
            on_failed: OnFailed::default(),
            assemble: Assemble::default(),
            deadline_hours: None,
            floats: Floats::default(),
            args: Vec::new(),
            shared: Vec::new(),
            seed: None,
            verify: Verify::default(),
            critical: false,
            budget: None,
            offer: None,
            output: None,
        }
    }
}

/// `[limits]`: each is the protocol's default where it is missing. MB are MiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsSection {
    /// Linear memory, MiB.
    pub memory_mb: Option<u64>,
    /// Fuel: about a nanosecond of one core each.
    pub fuel: Option<u64>,
    /// Wall time, seconds.
    pub wall_s: Option<f64>,
    /// Output, MiB.
    pub output_mb: Option<u64>,
    /// All inputs that `split` emits together, MiB.
    pub emit_mb: Option<u64>,
    /// Log, KiB.
    pub log_kb: Option<u64>,
    /// Scratch directory, MiB; 0 gives none.
    pub scratch_mb: Option<u64>,
    /// One checkpoint, MiB; 0 allows none.
    pub checkpoint_mb: Option<u64>,
}

impl LimitsSection {
    /// As the protocol has them.
    pub fn to_limits(self) -> Limits {
        let default = Limits::default();
        let mib = |value: Option<u64>, default| value.map_or(default, |mib| mib.saturating_mul(MIB));
        Limits {
            memory_bytes: mib(self.memory_mb, default.memory_bytes).min(MEMORY_BYTES_MAX),
            fuel: self.fuel.unwrap_or(default.fuel),
            wall_ms: self.wall_s.map_or(default.wall_ms, |seconds| (seconds * 1000.0) as u64),
            output_bytes: mib(self.output_mb, default.output_bytes),
            emit_bytes: mib(self.emit_mb, default.emit_bytes),
            log_bytes: self.log_kb.map_or(default.log_bytes, |kib| kib.saturating_mul(1024)),
            scratch_bytes: mib(self.scratch_mb, default.scratch_bytes),
            checkpoint_bytes: mib(self.checkpoint_mb, default.checkpoint_bytes),
        }
    }
}

impl ProjectFile {
    /// Read `fallow.toml` of `project`, which is its folder or the file itself.
    pub fn load(project: &Path) -> anyhow::Result<Self> {
        let path = if project.is_dir() { project.join(FILE_NAME) } else { project.to_owned() };
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "cannot read {}; `fallow new NAME` makes a project, `--project DIR` names another folder",
                path.display()
            )
        })?;
        Self::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    /// Parse and check the text of a `fallow.toml`.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let file: Self = toml::from_str(text)?;
        file.check()?;
        Ok(file)
    }

    /// What the types do not say.
    fn check(&self) -> anyhow::Result<()> {
        if self.task.name.is_empty() || self.task.name.len() > NAME_BYTES_MAX {
            bail!("task.name must have 1 to {NAME_BYTES_MAX} bytes");
        }
        if self.task.lang == Lang::Wasm && self.build.wasm.is_none() {
            bail!("task.lang = \"wasm\" needs build.wasm = \"FILE.wasm\"");
        }
        if self.task.kind == Kind::Command && self.job.split == Split::Guest {
            bail!("job.split = {{ by = \"guest\" }} needs a `split` export, which a WASI command does not have");
        }
        if self.task.kind == Kind::Command && self.job.assemble == Assemble::Merge {
            bail!("job.assemble = \"merge\" needs a `merge` export, which a WASI command does not have");
        }
        if self.task.kind == Kind::Component && !self.job.args.is_empty() {
            bail!("job.args are for task.kind = \"command\"; put parameters into the units' inputs instead");
        }
        self.check_counts()
    }

    fn check_counts(&self) -> anyhow::Result<()> {
        let bytes: usize = self.job.args.iter().map(String::len).sum();
        if self.job.args.len() > JOB_ARGS_MAX || bytes > JOB_ARGS_BYTES_MAX {
            bail!("job.args may have at most {JOB_ARGS_MAX} arguments and {JOB_ARGS_BYTES_MAX} bytes");
        }
        if self.job.shared.len() > JOB_SHARED_MAX {
            bail!("job.shared may name at most {JOB_SHARED_MAX} files");
        }
        if self.limits.memory_mb.is_some_and(|mib| mib == 0 || mib > MEMORY_BYTES_MAX / MIB) {
            bail!("limits.memory_mb must be 1 to {}", MEMORY_BYTES_MAX / MIB);
        }
        let positive = |value: Option<f64>| value.is_none_or(|value| value.is_finite() && value > 0.0);
        if !positive(self.limits.wall_s) || !positive(self.job.deadline_hours) {
            bail!("limits.wall_s and job.deadline_hours must be greater than 0");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_file_has_the_protocols_defaults() {
        let file = ProjectFile::parse("[task]\nname = \"x\"").unwrap();
        assert_eq!(file.limits.to_limits(), Limits::default());
        assert_eq!((file.task.lang, file.task.kind), (Lang::Rust, Kind::Component));
        assert_eq!(
            (file.job.split, file.job.assemble, file.job.run_on),
            (Split::File, Assemble::Archive, RunOn::Anyone)
        );
    }

    #[test]
    fn everything_can_be_said() {
        let file = ProjectFile::parse(
            r#"
            [task]
            name = "filter"
            lang = "wasm"
            kind = "command"
            [build]
            wasm = "filter.wasm"
            [job]
            split = { by = "csv_rows", per_unit = 1000 }
            input = ["data/*.csv"]
            run_on = "group:lab"
            on_failed = { then = "leave_out", permille_max = 10 }
            assemble = "concat"
            deadline_hours = 1.5
            args = ["--column", "3"]
            shared = ["table.bin"]
            seed = 7
            verify = { copies = 3 }
            critical = true
            budget = 12.5
            offer = 2
            [limits]
            memory_mb = 64
            wall_s = 0.5
            scratch_mb = 1
            "#,
        )
        .unwrap();
        assert_eq!(file.job.split, Split::CsvRows { per_unit: 1000 });
        assert_eq!(file.job.run_on, RunOn::Group("lab".into()));
        assert_eq!(file.job.on_failed, OnFailed::LeaveOut { permille_max: 10 });
        assert_eq!((file.job.verify, file.job.critical), (Verify::Copies(3), true));
        assert_eq!((file.job.budget, file.job.offer), (Some(12_500_000), Some(2_000)));
        let limits = file.limits.to_limits();
        assert_eq!((limits.memory_bytes, limits.wall_ms, limits.scratch_bytes), (64 << 20, 500, 1 << 20));
    }

    #[test]
    fn mistakes_are_named() {
        let check = |rest: &str, expected: &str| {
            let error = ProjectFile::parse(&format!("[task]\nname = \"x\"\n{rest}")).unwrap_err();
            let text = format!("{error:#}");
            assert!(text.contains(expected), "{text}");
        };
        check("[limits]\nmemory = 3", "unknown field `memory`");
        check("[limits]\nmemory_mb = 0", "limits.memory_mb must be 1 to 4096");
        check("[limits]\nwall_s = 0.0", "limits.wall_s");
        check("lang = \"wasm\"", "needs build.wasm");
        check("kind = \"command\"\n[job]\nassemble = \"merge\"", "needs a `merge` export");
        check("kind = \"command\"\n[job]\nsplit = { by = \"guest\" }", "needs a `split` export");
        check("[job]\nargs = [\"-x\"]", "task.kind = \"command\"");
        check("[job]\nrun_on = \"mine\"", "expected own, anyone or group:NAME");
        check("[job]\nsplit = { by = \"pages\" }", "unknown variant `pages`");
        check("[job]\nbudget = -3", "cannot be negative");
        check("[job]\nbudget = \"much\"", "six decimals");
        check("[job]\noffer = 0.5", "like 1.5");
        assert!(ProjectFile::parse("[task]\nname = \"\"").is_err());
    }
}
