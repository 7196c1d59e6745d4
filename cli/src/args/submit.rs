//! Arguments of `submit`.

use clap::Args;

use super::{FetchTo, WorkArgs};

/// `submit`.
#[derive(Debug, Default, Args)]
pub struct SubmitArgs {
    /// The job.
    #[command(flatten)]
    pub work: WorkArgs,
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use clap::Parser;
    use fallow_protocol::job::{Assemble, OnFailed, RunOn, Split, Verify};

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
            "--budget",
            "40.5",
            "--offer",
            "1.5",
            "--verify",
            "copies=3",
            "--critical",
            "--fetch",
            "--extract",
            "-o",
            "out",
        ])
        .unwrap();
        assert_eq!(args.work.project, PathBuf::from("cells"));
        assert_eq!(args.work.inputs, ["a*.png", "b.png"]);
        assert_eq!(args.work.split, Some(Split::Lines { per_unit: 5 }));
        assert_eq!(args.work.run_on, Some(RunOn::Own));
        assert_eq!(args.work.deadline, Some(Duration::from_secs(7_200)));
        assert_eq!(args.work.on_failed, Some(OnFailed::LeaveOut { permille_max: 50 }));
        assert_eq!(args.work.assemble, Some(Assemble::Concat));
        assert_eq!(args.work.args, ["-v", "x"]);
        assert_eq!((args.work.budget, args.work.offer), (Some(40_500_000), Some(1_500)));
        assert!(args.work.critical && args.work.verify == Some(Verify::Copies(3)));
        assert!(args.fetch && args.to.extract && !args.watch);
    }

    #[test]
    fn wrong_options_are_answered_with_right_ones() {
        assert!(submit(&["--run-on", "everyone"]).unwrap_err().contains("expected own, anyone or group:NAME"));
        assert!(submit(&["--split", "rows:3"]).unwrap_err().contains("csv:N"));
        assert!(submit(&["--budget", "-1"]).unwrap_err().contains("cannot be negative"));
        assert!(submit(&["--budget", "0"]).unwrap_err().contains("more than 0"));
        assert!(submit(&["--budget", "9999999999"]).unwrap_err().contains("at most"));
        assert!(submit(&["--watch", "--detach"]).is_err());
        assert!(submit(&["--inptu", "x"]).unwrap_err().contains("--input"));
    }
}
