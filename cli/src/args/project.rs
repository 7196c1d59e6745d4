//! Arguments of the commands about a project: `new`, `build`, `run`.

use std::path::PathBuf;

use clap::Args;

use crate::parse::{self, LimitArg};

/// `new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Folder of the project, which must not be there; its last part is the project's name
    pub folder: PathBuf,
    /// Language
    #[arg(long, default_value = "rust", value_parser = ["rust"])]
    pub lang: String,
}

/// `build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// The project: a folder with a fallow.toml
    #[arg(default_value = ".")]
    pub project: PathBuf,
    /// Where the component goes; in the project's own target folder where missing
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// A file: input of the one unit (`-` is standard input); a folder: the project
    #[arg(value_name = "INPUT|PROJECT")]
    pub what: Option<PathBuf>,
    /// The project: a folder with a fallow.toml; here where missing
    #[arg(long, value_name = "FOLDER")]
    pub project: Option<PathBuf>,
    /// Input of the one unit, or, with --whole, of the job (repeat for more); else the first unit of the project's job
    #[arg(long = "input", short, value_name = "FILE")]
    pub inputs: Vec<String>,
    /// Run the whole job here: split, every unit, then join the outputs
    #[arg(long)]
    pub whole: bool,
    /// Run this component (or core module) instead of the project's
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
    /// Write the output here instead of on standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// A limit, like memory=64MiB, fuel=2T or time=10m (repeat for more)
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = parse::limit)]
    pub limits: Vec<LimitArg>,
    /// An argument of a WASI command (repeat for more)
    #[arg(long = "arg", value_name = "TEXT", allow_hyphen_values = true)]
    pub args: Vec<String>,
    /// A file that the unit may read by its name (repeat for more)
    #[arg(long, value_name = "FILE")]
    pub shared: Vec<PathBuf>,
    /// Seed of the unit's random stream
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}
