//! Arguments of `submit`. Each wins over the same setting of fallow.toml.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use fallow_protocol::job::{Assemble, OnFailed, RunOn, Split};
use fallow_protocol::manifest::Floats;

use super::FetchTo;
use crate::parse::{self, LimitArg};

/// `submit`.
#[derive(Debug, Default, Args)]
pub struct SubmitArgs {
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
    /// Whose computers: own, or anyone's, where strangers can read what they run
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
    /// Follow the job until it ends
    #[arg(long, conflicts_with = "detach")]
    pub watch: bool,
    /// Follow the job, then get its result
    #[arg(long, conflicts_with = "detach")]
    pub fetch: bool,
    /// Come back as soon as the grid has the job (as without --watch and --fetch)
    #[arg(long)]
    pub detach: bool,
    /// Where the result goes.
    #[command(flatten, next_help_heading = "With --fetch")]
    pub to: FetchTo,
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
    match text {
        "own" => Ok(RunOn::Own),
        "anyone" => Ok(RunOn::Anyone),
        _ => Err(format!("expected own or anyone, not {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn submit(args: &[&str]) -> Result<SubmitArgs, String> {
        let cli = Cli::try_parse_from(["fallow", "submit"].iter().chain(args)).map_err(|error| error.to_string())?;
        match cli.command {
            Command::Submit(args) => Ok(*args),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn every_option_is_read() {
        let args = submit(&[
            "cells",
            "--input",
            "a*.png",
            "--input",
            "b.png",
            "--split",
            "lines:5",
            "--run-on",
            "own",
            "--deadline",
            "2h",
            "--on-failed",
            "leave-out:5%",
            "--assemble",
            "concat",
            "--limit",
            "memory=1GiB",
            "--arg",
            "-v",
            "--arg=x",
            "--seed",
            "7",
            "--name",
            "n",
            "--fetch",
            "--extract",
            "-o",
            "out",
        ])
        .unwrap();
        assert_eq!(args.project, PathBuf::from("cells"));
        assert_eq!(args.inputs, ["a*.png", "b.png"]);
        assert_eq!(args.split, Some(Split::Lines { per_unit: 5 }));
        assert_eq!(args.run_on, Some(RunOn::Own));
        assert_eq!(args.deadline, Some(Duration::from_secs(7_200)));
        assert_eq!(args.on_failed, Some(OnFailed::LeaveOut { permille_max: 50 }));
        assert_eq!(args.assemble, Some(Assemble::Concat));
        assert_eq!(args.args, ["-v", "x"]);
        assert!(args.fetch && args.to.extract && !args.watch);
    }

    #[test]
    fn wrong_options_are_answered_with_right_ones() {
        assert!(submit(&["--run-on", "everyone"]).unwrap_err().contains("expected own or anyone"));
        assert!(submit(&["--split", "rows:3"]).unwrap_err().contains("csv:N"));
        assert!(submit(&["--watch", "--detach"]).is_err());
        assert!(submit(&["--inptu", "x"]).unwrap_err().contains("--input"));
    }
}
