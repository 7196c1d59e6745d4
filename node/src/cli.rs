//! The command line of `fallow-node`: what may be said, not what it does.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::exit;

/// Lend this computer to a Fallow grid.
#[derive(Debug, Parser)]
#[command(
    name = "fallow-node",
    version,
    about = "Lend this computer to a Fallow grid",
    long_about = "Lend this computer to a Fallow grid.\n\n\
        Units of other people's jobs run in confined worker processes at the lowest priority: no network, no files \
        but their own, limited memory and time. Only modules signed by their author and countersigned by the grid \
        that you joined are run. Pause at any moment with `fallow-node pause`.",
    after_long_help = exit::HELP
)]
pub struct Cli {
    /// Everything that the subcommands share.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every subcommand.
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// Folder for the node's key, cache and unsent results.
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Configuration file; `node.toml` in the data folder where there is one.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One JSON object a line on stdout, for programs.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Join a grid, then run.
    #[command(long_about = "Join a grid, then run.\n\n\
        Without a token it shows a short code and the page where you approve it while you are logged in. A token comes \
        from `fallow join-token` or the operator; it works once. Either way the grid names its root key, which this \
        node pins: from then on it trusts nothing else.")]
    Join(Join),
    /// Run the node that joined before.
    Run(RunOptions),
    /// What runs here now.
    Status,
    /// Stand still within a second, also mid-unit, until `resume`.
    Pause {
        /// Shown to the grid instead of "by its owner".
        #[arg(long, default_value = "by its owner")]
        reason: String,
    },
    /// Go on after `pause`.
    Resume,
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Options of `join`.
#[derive(Debug, Args)]
pub struct Join {
    /// Address of the grid, as https://grid.example
    pub url: String,
    /// The join token, as fallow_join_…; a code to approve in a browser where missing
    #[arg(long)]
    pub token: Option<String>,
    /// Only join; `fallow-node run` starts the work later.
    #[arg(long)]
    pub enrol_only: bool,
    /// How to run.
    #[command(flatten)]
    pub run: RunOptions,
}

/// How to run; each also a key of the configuration file and a variable FALLOW_NODE_….
#[derive(Clone, Debug, Default, Args)]
pub struct RunOptions {
    /// Name of this computer, as its owner sees it; the host's name where missing.
    #[arg(long)]
    pub name: Option<String>,
    /// Units at once; the number of processors where missing.
    #[arg(long, value_name = "N")]
    pub slots: Option<u32>,
    /// Memory of all units together, as 4GiB; half of the computer's where missing.
    #[arg(long, value_name = "BYTES")]
    pub memory: Option<String>,
    /// Take only jobs of the account that owns this node.
    #[arg(long)]
    pub own_only: bool,
    /// Run strangers' jobs even where the operating system's sandbox cannot be set up. WebAssembly alone then
    /// stands between their code and this computer.
    #[arg(long)]
    pub allow_unconfined: bool,
    /// Disk for modules and inputs, as 10GiB.
    #[arg(long, value_name = "BYTES")]
    pub cache: Option<String>,
    /// Talk to a grid without TLS although it is not on this computer. Everyone on the way can read and change it.
    #[arg(long)]
    pub insecure_http: bool,
}
