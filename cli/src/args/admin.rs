//! `admin …`: what operators see and do.

use clap::{Args, Subcommand, ValueEnum};

/// `admin …`.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// List users
    Users(SearchArgs),
    /// List everybody's nodes
    Nodes(SearchArgs),
    /// List everybody's jobs
    Jobs(SearchArgs),
    /// List everybody's modules
    Modules(SearchArgs),
    /// Stop a user, a node or a module, for a reason that those are told whom it concerns
    Suspend {
        /// What
        what: What,
        /// Its id: acc-…, node-…, or the digest of a module
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Let it go on
    Restore {
        /// What
        what: What,
        /// Its id: acc-…, node-…, or the digest of a module
        id: String,
    },
    /// Show what people and operators did, newest first
    Audit {
        /// Only what this account did: its id or its name
        #[arg(long)]
        actor: Option<String>,
        /// Only events with this word, like user.suspended
        #[arg(long)]
        action: Option<String>,
        /// Events at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Say how every part of the server is
    Health,
}

/// What is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// An account
    User,
    /// A computer
    Node,
    /// A program
    Module,
}

/// Which rows.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Only rows with this in a name, or with exactly this id
    pub query: Option<String>,
    /// Rows at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}
