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
        /// Go on by itself after so long, as 2h, 30m or 90s.
        #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
        for_s: Option<u64>,
        /// Let the units end first that have begun.
        #[arg(long)]
        finish: bool,
    },
    /// Go on after `pause`, also after one from the portal.
    Resume,
    /// Show what you allow and where each value comes from, or change it.
    #[command(long_about = "Show what you allow and where each value comes from, or change it.\n\n\
        What is chosen here wins over the portal, and both over the preset, field by field. A running node follows \
        at once.")]
    Prefs(Prefs),
    /// What this node earned.
    Earnings {
        /// Days, today included.
        #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=400))]
        days: u32,
    },
    /// Print the link of the node's own page; it is for this computer only.
    Page {
        /// Open it in the browser as well.
        #[arg(long)]
        open: bool,
    },
    /// Let the operating system start the node.
    Service {
        /// What to do.
        #[command(subcommand)]
        command: ServiceCommand,
    },
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Preferences.
#[derive(Clone, Debug, Args)]
pub struct Prefs {
    /// What to change.
    #[command(subcommand)]
    pub command: Option<PrefsCommand>,
}

/// What to change.
#[derive(Clone, Debug, Subcommand)]
pub enum PrefsCommand {
    /// Choose one value, as `set idle_minutes 10` or `set hours 'mon-fri 19-7, sat-sun 0-24'`.
    Set {
        /// Which.
        key: String,
        /// Its value.
        value: String,
    },
    /// Choose what all that is not set follows: quiet, balanced or always.
    Preset {
        /// Which.
        name: String,
    },
    /// Leave one value open again.
    Unset {
        /// Which.
        key: String,
    },
}

/// The service.
#[derive(Clone, Debug, Subcommand)]
pub enum ServiceCommand {
    /// Install and start it.
    Install {
        /// For the whole computer, from its start on; else for you.
        #[arg(long)]
        system: bool,
        /// The account that a service of the computer runs as.
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// Only install it.
        #[arg(long)]
        no_start: bool,
    },
    /// Stop it and take it away; the data folder stays.
    Uninstall {
        /// That of the whole computer.
        #[arg(long)]
        system: bool,
    },
    /// What the service manager says.
    Status {
        /// Of the whole computer's.
        #[arg(long)]
        system: bool,
    },
}

/// A time as people write it, seconds.
fn seconds(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match &text[digits.len()..] {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("write a time like 2h, 30m or 90s".into()),
    };
    let number: u64 = digits.parse().map_err(|_| "write a time like 2h, 30m or 90s".to_owned())?;
    let seconds = number.saturating_mul(scale);
    if (1..=30 * 86_400).contains(&seconds) { Ok(seconds) } else { Err("a pause lasts 1 second to 30 days".into()) }
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
