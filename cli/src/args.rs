//! The command line of `fallow`, as clap reads it. What the words do is in `commands`.

mod admin;
mod credits;
mod groups;
mod job;
mod project;
mod submit;
mod work;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::terminal::paint::ColorChoice;

pub use admin::{AdminCommand, SearchArgs, What};
pub use credits::{CreditsArgs, DisputesArgs, EstimateArgs, TopupArgs};
pub use groups::GroupsCommand;
pub use job::{FetchArgs, FetchTo, JobArg, JobsArgs, LogsArgs};
pub use project::{BuildArgs, NewArgs, RunArgs};
pub use submit::SubmitArgs;
pub use work::WorkArgs;

/// Run WebAssembly tasks on many computers.
#[derive(Debug, Parser)]
#[command(name = "fallow", version, propagate_version = true, after_long_help = crate::exit::HELP)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "For every command")]
pub struct Global {
    /// Configuration file (else FALLOW_CONFIG, else fallow/author.toml in the user's configuration folder)
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
    /// Say only what was asked for
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Use a grid: store its address and your token
    Login(LoginArgs),
    /// Make your author key, and register it on the grid
    Keygen(KeygenArgs),
    /// Begin a project that builds and runs as it is
    New(NewArgs),
    /// Build a project into one WebAssembly component
    Build(BuildArgs),
    /// Run one unit here, in the same sandbox as on the grid
    Run(RunArgs),
    /// Run a sample of a job here, and say how long all of it would take and what it would cost
    Estimate(Box<EstimateArgs>),
    /// Hand a job to the grid
    Submit(Box<SubmitArgs>),
    /// List your jobs
    Jobs(JobsArgs),
    /// Follow a job until it ends
    Watch(JobArg),
    /// Say why a job's units wait
    Explain(JobArg),
    /// Show what units logged, and how they failed
    Logs(LogsArgs),
    /// Get a job's result
    Fetch(FetchArgs),
    /// Stop a job
    Cancel(JobArg),
    /// Give the failed units of a failed job fresh attempts
    Retry(JobArg),
    /// Show your credits, and what moved them
    Credits(CreditsArgs),
    /// Give a job more budget
    Topup(TopupArgs),
    /// List your nodes
    Nodes(NodesArgs),
    /// Make a single-use token by which a computer joins
    JoinToken(JoinTokenArgs),
    /// Groups whose members' computers run each other's jobs
    #[command(subcommand)]
    Groups(GroupsCommand),
    /// Accounts (for operators)
    #[command(subcommand)]
    Account(AccountCommand),
    /// Users, nodes, jobs, modules; stop them and let them go on; audit log and health (for operators)
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Units of which nodes said different things, with the evidence (for operators)
    Disputes(DisputesArgs),
    /// Tokens of your account
    #[command(subcommand)]
    Token(TokenCommand),
    /// Say which grid is used, and as whom
    Grid,
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// `login`.
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// The grid's address, like https://grid.example
    pub url: String,
    /// Your token (else FALLOW_TOKEN, else a code to approve in a browser); `-` reads it from standard input, where no
    /// other user can see it
    #[arg(long)]
    pub token: Option<String>,
    /// A right that the token gets which a browser approves (repeat for more) [default: all of a user]: jobs:read,
    /// jobs:write, nodes:write, admin
    #[arg(long = "scope", value_name = "SCOPE", conflicts_with = "token")]
    pub scopes: Vec<String>,
    /// PEM file with the only certificate authorities to believe
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Allow plain HTTP to another computer: everybody between can read the token
    #[arg(long)]
    pub allow_plain_http: bool,
}

/// `keygen`.
#[derive(Debug, Args)]
pub struct KeygenArgs {
    /// Make a new key although there is one; keep a copy of the old one if you need it
    #[arg(long)]
    pub new: bool,
    /// What the grid calls the place where this key is kept
    #[arg(long, default_value = "author key", value_parser = name)]
    pub name: String,
}

/// `nodes`.
#[derive(Debug, Args)]
pub struct NodesArgs {
    /// Remove this node: it may not come back without joining anew
    #[arg(long, value_name = "NODE")]
    pub remove: Option<fallow_protocol::NodeId>,
}

/// `join-token`.
#[derive(Debug, Args)]
pub struct JoinTokenArgs {
    /// Life of the token in minutes
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_080))]
    pub minutes: Option<u32>,
}

/// `account …`.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account; its first token is shown once
    Create {
        /// Its name, unique in the grid
        #[arg(value_parser = name)]
        name: String,
        /// Fuel that it may use in all, like 500T; the grid's default where missing
        #[arg(long, value_name = "FUEL", value_parser = crate::parse::fuel)]
        quota: Option<u64>,
    },
    /// Give an account credits
    Grant {
        /// Its name or id
        account: String,
        /// How many credits
        #[arg(value_parser = crate::parse::credits, allow_negative_numbers = true)]
        credits: u64,
        /// What for, in the account's statement
        #[arg(long, value_parser = name)]
        note: Option<String>,
    },
    /// List accounts
    List,
}

/// `token …`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is shown once
    Create {
        /// What it is for
        #[arg(value_parser = name)]
        name: String,
        /// A right that it has (repeat for more): jobs:read, jobs:write, nodes:write, admin
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<String>,
        /// Its life in days
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3_650))]
        days: u32,
    },
    /// List tokens
    List,
    /// End a token's life
    Revoke {
        /// Its id, from `fallow token list`
        id: String,
    },
}

/// A name that people choose.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let max = fallow_protocol::limits::NAME_BYTES_MAX;
    match text.trim() {
        "" => Err("a name must not be empty".into()),
        long if long.len() > max => Err(format!("a name has at most {max} bytes")),
        odd if odd.chars().any(char::is_control) => Err("a name must not hold control characters".into()),
        right => Ok(right.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn names_are_checked() {
        assert_eq!(name(" cells "), Ok("cells".into()));
        assert!(name("").is_err() && name("a\nb").is_err() && name(&"x".repeat(256)).is_err());
    }
}
