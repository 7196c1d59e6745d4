//! What a local run tells: output, fuel, peak memory, time; and where it failed, what to do.

use fallow_protocol::manifest::Limits;
use fallow_protocol::outcome::{LimitKind, Outcome};
use fallow_protocol::unit::Call;
use fallow_sandbox::client::TaskEnd;
use serde::Serialize;

use super::trap;
use crate::build::Built;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::escape;
use crate::words::{bytes, count, counted, fuel};

const MIB: u64 = 1 << 20;
/// Log lines for people, the last ones, and letters of each; `--json` has all that was kept.
const LOG_LINES_SHOWN: usize = 20;
const LOG_LETTERS_SHOWN: usize = 200;

/// How a run ended.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    /// What was run.
    pub built: Built,
    /// Limits of each unit.
    pub limits: Limits,
    /// What the input was, for people; empty for whole jobs.
    pub input: String,
    /// Units that ran, splits and merges with them.
    pub units: u64,
    /// Units that failed and were left out.
    pub left_out: u64,
    /// Fuel of all units together.
    pub fuel: u64,
    /// Peak memory of the largest unit, bytes.
    pub memory_bytes: u64,
    /// Wall time of all units together, microseconds.
    pub wall_us: u64,
    /// How the unit ended; for whole jobs the one that ended the job.
    pub outcome: Outcome,
    /// Tail of the log of the unit, or of the one that failed.
    pub log: String,
    /// The output: not part of the JSON.
    #[serde(skip)]
    pub output: Vec<u8>,
    /// Its length.
    pub output_bytes: u64,
    /// What went wrong, for people.
    #[serde(skip)]
    pub failure: Option<Failure>,
}

impl RunReport {
    /// Of one unit.
    pub(super) fn of_unit(
        built: Built,
        limits: Limits,
        call: Call,
        input: String,
        end: TaskEnd,
        memory_needed: Option<u64>,
    ) -> Self {
        let mut report = Self { input, ..Self::of_job(built, limits) };
        report.add(&end);
        report.log = log_of(&end);
        report.failure = failure(call, None, &end, &report.limits, memory_needed);
        report.outcome = end.outcome;
        report.with_output(end.output)
    }

    /// Of a whole job, before its first unit.
    pub(super) fn of_job(built: Built, limits: Limits) -> Self {
        Self {
            built,
            limits,
            input: String::new(),
            units: 0,
            left_out: 0,
            fuel: 0,
            memory_bytes: 0,
            wall_us: 0,
            outcome: Outcome::Done,
            log: String::new(),
            output: Vec::new(),
            output_bytes: 0,
            failure: None,
        }
    }

    /// Count a unit that ended.
    pub(super) fn add(&mut self, end: &TaskEnd) {
        self.units += 1;
        self.fuel = self.fuel.saturating_add(end.fuel);
        self.wall_us = self.wall_us.saturating_add(end.wall_us);
        self.memory_bytes = self.memory_bytes.max(end.memory_bytes);
    }

    /// This unit ends the job.
    pub(super) fn failed(mut self, call: Call, seq: u64, end: TaskEnd) -> Self {
        self.failure = failure(call, Some(seq), &end, &self.limits, None);
        self.log = log_of(&end);
        self.outcome = end.outcome;
        self
    }

    /// This is what came out.
    pub(super) fn with_output(mut self, output: Vec<u8>) -> Self {
        self.output_bytes = output.len() as u64;
        self.output = output;
        self
    }

    /// Lines for people, without the output itself.
    pub fn lines(&self) -> Vec<String> {
        let row = |label: &str, value: String| format!("  {label:8}  {value}");
        let mut lines = Vec::new();
        if self.units > 1 {
            let left_out =
                if self.left_out > 0 { format!(", {} left out", count(self.left_out)) } else { String::new() };
            lines.push(row("units", format!("{}{left_out}", counted(self.units, "unit", "units"))));
        } else if !self.input.is_empty() {
            lines.push(row("input", escape::line(&self.input)));
        }
        if self.failure.is_none() {
            lines.push(row("output", bytes(self.output.len() as u64)));
        }
        lines.push(row("fuel", fuel(self.fuel)));
        lines.push(row("memory", format!("{} of {}", bytes(self.memory_bytes), bytes(self.limits.memory_bytes))));
        lines.push(row("time", time(self.wall_us)));
        let log: Vec<&str> = self.log.lines().filter(|line| !line.is_empty()).collect();
        let shown = log.len().saturating_sub(LOG_LINES_SHOWN);
        if shown > 0 {
            lines.push(row("log", format!("… {} before", counted(shown as u64, "line", "lines"))));
        }
        lines.extend(log[shown..].iter().map(|line| row("log", shortened(line))));
        lines
    }
}

fn shortened(line: &str) -> String {
    let start: String = line.chars().take(LOG_LETTERS_SHOWN).collect();
    let more = if start.len() < line.len() { "…" } else { "" };
    escape::line(&start) + more
}

/// The guest's error as an error of the call.
pub fn into_error(end: TaskEnd) -> anyhow::Error {
    let failed = failure(Call::Split, None, &end, &Limits::default(), None);
    failed.unwrap_or_else(|| Failure::new("the task failed")).into()
}

fn log_of(end: &TaskEnd) -> String {
    String::from_utf8_lossy(&end.log).trim_end().to_owned()
}

/// Wall time: `812 µs`, `45 ms`, `3.2 s`.
fn time(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

fn export(call: Call) -> &'static str {
    match call {
        Call::Split => "`split`",
        Call::Run => "`run`",
        Call::Merge | Call::MergeLast => "`merge`",
        Call::Command => "the program",
    }
}

fn failure(
    call: Call,
    seq: Option<u64>,
    end: &TaskEnd,
    limits: &Limits,
    memory_needed: Option<u64>,
) -> Option<Failure> {
    let (what, kind) = what(&end.outcome, limits)?;
    let unit = seq.map_or_else(String::new, |seq| format!(" of unit {seq}"));
    let mut place = format!("{}{unit}, after {} and {} fuel", export(call), time(end.wall_us), fuel(end.fuel));
    if matches!(end.outcome, Outcome::Limit { limit: LimitKind::Memory | LimitKind::Output | LimitKind::Scratch, .. }) {
        place = format!("{place}, {}", end.outcome.message());
    }
    if let Outcome::Trap { message } = &end.outcome
        && let Some(function) = trap::function(message)
    {
        place = format!("{place}, in {function}");
    }
    let failure = Failure::new(what).place(place).kind(kind).exit(Exit::JobFailed);
    Some(match help(&end.outcome, limits, memory_needed) {
        Some(help) => failure.help(help),
        None => failure,
    })
}

/// What happened, for people and for programs.
fn what(outcome: &Outcome, limits: &Limits) -> Option<(String, &'static str)> {
    Some(match outcome {
        Outcome::Done => return None,
        Outcome::GuestError { message } => (format!("the task says: {message}"), "guest-error"),
        Outcome::Trap { message } => (format!("the task broke: {}", trap::cause(message)), "trap"),
        Outcome::Limit { limit: LimitKind::Memory, .. } => {
            (format!("the task reached its memory limit of {}", bytes(limits.memory_bytes)), "memory-limit")
        }
        Outcome::Limit { limit: LimitKind::Fuel, .. } => {
            (format!("the task reached its fuel limit of {}", fuel(limits.fuel)), "fuel-limit")
        }
        Outcome::Limit { limit: LimitKind::Output, .. } => {
            (format!("the task reached its output limit of {}", bytes(limits.output_bytes)), "output-limit")
        }
        Outcome::Limit { limit: LimitKind::Scratch, .. } => {
            (format!("the task reached its scratch limit of {}", bytes(limits.scratch_bytes)), "scratch-limit")
        }
        Outcome::TimeLimit => {
            (format!("the task reached its time limit of {}", time(limits.wall_ms * 1000)), "time-limit")
        }
        Outcome::HostFault { message } => (format!("this computer failed the task: {message}"), "host-fault"),
        Outcome::Lost => ("the worker was lost".into(), "lost"),
    })
}

fn help(outcome: &Outcome, limits: &Limits, memory_needed: Option<u64>) -> Option<String> {
    Some(match outcome {
        Outcome::Limit { limit: LimitKind::Memory, .. } => match memory_needed {
            Some(needed) => format!(
                "it needed {} on this input without a limit; set `limits.memory_mb = {}` in fallow.toml",
                bytes(needed),
                roomy_mib(needed),
            ),
            None => "give units less input, or raise `limits.memory_mb` in fallow.toml".into(),
        },
        Outcome::Limit { limit: LimitKind::Fuel, .. } => {
            format!("give units less input, or set `limits.fuel` in fallow.toml higher than {}", limits.fuel)
        }
        Outcome::Limit { limit: LimitKind::Output, .. } => "raise `limits.output_mb` in fallow.toml".into(),
        Outcome::Limit { limit: LimitKind::Scratch, .. } => "raise `limits.scratch_mb` in fallow.toml".into(),
        Outcome::TimeLimit => "give units less input, or raise `limits.wall_s` in fallow.toml".into(),
        Outcome::Trap { message } if message.contains("call stack exhausted") => {
            "it calls itself too deeply: keep a list of what is left to do instead".into()
        }
        Outcome::Trap { .. } => "it would break on every computer; the same input in a unit test shows the line".into(),
        _ => return None,
    })
}

/// An eighth more than was needed, in steps of 16 MiB.
fn roomy_mib(needed: u64) -> u64 {
    (needed + needed / 8).div_ceil(MIB).next_multiple_of(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(outcome: Outcome) -> TaskEnd {
        let (fuel, memory_bytes, wall_us) = (1_900_000_000, 64 << 20, 812_000);
        TaskEnd {
            tag: 0,
            outcome,
            floats: Default::default(),
            fuel,
            memory_bytes,
            wall_us,
            output: Vec::new(),
            written: None,
            log: Vec::new(),
        }
    }

    #[test]
    fn a_memory_limit_says_where_and_what_would_do() {
        let limits = Limits { memory_bytes: 64 << 20, ..Limits::default() };
        let message = "while growing memory from 63.9 MiB to 71.9 MiB".to_owned();
        let outcome = Outcome::Limit { limit: LimitKind::Memory, message };
        let failure = failure(Call::Run, None, &end(outcome), &limits, Some(142 << 20)).unwrap();
        assert_eq!(failure.what, "the task reached its memory limit of 64 MiB");
        let place = "`run`, after 812 ms and 1.9 G fuel, while growing memory from 63.9 MiB to 71.9 MiB";
        assert_eq!(failure.place.as_deref(), Some(place));
        let help = "it needed 142 MiB on this input without a limit; set `limits.memory_mb = 160` in fallow.toml";
        assert_eq!(failure.help.as_deref(), Some(help));
        assert_eq!(failure.exit, Exit::JobFailed);
    }

    #[test]
    fn every_outcome_but_done_is_a_failure_of_its_own() {
        let limit = |limit| Outcome::Limit { limit, message: String::new() };
        let outcomes = [
            Outcome::GuestError { message: "m".into() },
            Outcome::Trap { message: "m".into() },
            limit(LimitKind::Memory),
            limit(LimitKind::Fuel),
            limit(LimitKind::Output),
            limit(LimitKind::Scratch),
            Outcome::TimeLimit,
            Outcome::HostFault { message: "m".into() },
            Outcome::Lost,
        ];
        let kinds: std::collections::BTreeSet<String> = outcomes
            .into_iter()
            .map(|outcome| failure(Call::Run, Some(3), &end(outcome), &Limits::default(), None).unwrap().kind)
            .collect();
        assert_eq!(kinds.len(), 9);
        assert!(failure(Call::Run, None, &end(Outcome::Done), &Limits::default(), None).is_none());
    }
}
