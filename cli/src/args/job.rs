//! Arguments of the commands that look at jobs.

use std::path::PathBuf;

use clap::Args;

/// A command about one job.
#[derive(Debug, Args)]
pub struct JobArg {
    /// The job: its id, the beginning of its id, or its name; your newest where missing
    pub job: Option<String>,
}

/// `jobs`.
#[derive(Debug, Args)]
pub struct JobsArgs {
    /// How many, newest first
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub limit: u32,
    /// Only those of this project
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
}

/// `logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Which job.
    #[command(flatten)]
    pub job: JobArg,
    /// Only units that failed
    #[arg(long)]
    pub failed: bool,
    /// Only the unit with this number
    #[arg(long, value_name = "N")]
    pub unit: Option<u64>,
    /// At most so many entries
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub limit: u64,
}

/// `fetch`.
#[derive(Debug, Args)]
pub struct FetchArgs {
    /// Which job.
    #[command(flatten)]
    pub job: JobArg,
    /// Wait for the job to end
    #[arg(long)]
    pub wait: bool,
    /// Where the result goes.
    #[command(flatten)]
    pub to: FetchTo,
}

/// Where a result goes.
#[derive(Clone, Debug, Default, Args)]
pub struct FetchTo {
    /// File for the result, a folder for it, or `-` for standard output; with --extract, the folder to make
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Unpack an archive into a new folder
    #[arg(long)]
    pub extract: bool,
    /// Write over a file that is there
    #[arg(long)]
    pub force: bool,
}
