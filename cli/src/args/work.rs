//! What a job is made of, as `submit` and `estimate` take it. Each wins over the same setting of fallow.toml.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use fallow_protocol::job::{Assemble, OnFailed, RunOn, Split, Verify};
use fallow_protocol::manifest::Floats;

use crate::parse::{self, LimitArg};

/// A job.
#[derive(Debug, Default, Args)]
pub struct WorkArgs {
    /// The project: a folder with a fallow.toml
    #[arg(default_value = ".")]
    pub project: PathBuf,
    /// Submit this component (or core module) instead of the project's
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
    /// An input file, or a pattern like 'slides/*.png' (repeat for more)
    #[arg(long = "input", short, value_name = "FILE")]
    pub inputs: Vec<String>,
    /// A file that every unit may read by its name (repeat for more)
    #[arg(long, value_name = "FILE")]
    pub shared: Vec<String>,
    /// How to cut the input: file, lines:N, records:BYTES[:N], csv:N, range:FROM..TO:STEP, grid:NAME=V1,V2;NAME=… or guest
    #[arg(long, value_name = "HOW", value_parser = parse::split)]
    pub split: Option<Split>,
    /// How to join the outputs: archive (a tar file), concat, or merge (the task's own)
    #[arg(long, value_name = "HOW", value_parser = assemble)]
    pub assemble: Option<Assemble>,
    /// Whose computers: own, group:NAME for those of a group's members, or anyone; others can read what they run
    #[arg(long, value_name = "WHOSE", value_parser = run_on)]
    pub run_on: Option<RunOn>,
    /// Cancel the job when it has not ended after this time, like 2h
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub deadline: Option<Duration>,
    /// stop at the first unit that finally fails, or leave-out:5% of all units at most
    #[arg(long, value_name = "WHAT", value_parser = parse::on_failed)]
    pub on_failed: Option<OnFailed>,
    /// plain: run again with canonical NaNs where a unit made a NaN; canonical: so from the beginning
    #[arg(long, value_name = "HOW", value_parser = floats)]
    pub floats: Option<Floats>,
    /// A unit's limit, like memory=64MiB, fuel=2T or time=10m (repeat for more)
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = parse::limit)]
    pub limits: Vec<LimitArg>,
    /// An argument of a WASI command (repeat for more)
    #[arg(long = "arg", value_name = "TEXT", allow_hyphen_values = true)]
    pub args: Vec<String>,
    /// Seed of the units' random streams; chosen by the grid where missing
    #[arg(long)]
    pub seed: Option<u64>,
    /// Name of the job
    #[arg(long, value_parser = super::name)]
    pub name: Option<String>,
    /// Project that the job belongs to, for people: `fallow jobs --project` lists by it
    #[arg(id = "of_project", long = "project", value_name = "NAME", value_parser = super::name)]
    pub of_project: Option<String>,
    /// What the job may cost at most, in credits; what it does not spend comes back
    #[arg(long, value_name = "CREDITS", value_parser = parse::credits, allow_negative_numbers = true)]
    pub budget: Option<u64>,
    /// Pay more than the grid's price so that the job goes first: the price times 1 to 10, like 1.5
    #[arg(long, value_name = "TIMES", value_parser = parse::offer, allow_negative_numbers = true)]
    pub offer: Option<u32>,
    /// How results of others' nodes are checked: adaptive, none, or copies=N (each copy is paid)
    #[arg(long, value_name = "HOW", value_parser = parse::verify)]
    pub verify: Option<Verify>,
    /// A wrong result would cost much: every one is checked by a trusted node
    #[arg(long)]
    pub critical: bool,
}

fn assemble(text: &str) -> Result<Assemble, String> {
    match text {
        "archive" => Ok(Assemble::Archive),
        "concat" => Ok(Assemble::Concat),
        "merge" => Ok(Assemble::Merge),
        _ => Err(format!("expected archive, concat or merge, not {text:?}")),
    }
}

fn floats(text: &str) -> Result<Floats, String> {
    match text {
        "plain" => Ok(Floats::Plain),
        "canonical" => Ok(Floats::Canonical),
        _ => Err(format!("expected plain or canonical, not {text:?}")),
    }
}

fn run_on(text: &str) -> Result<RunOn, String> {
    text.parse()
}
