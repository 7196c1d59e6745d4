//! Arguments of the commands about credits.

use clap::Args;

use super::WorkArgs;
use crate::parse;

/// `credits`.
#[derive(Debug, Args)]
pub struct CreditsArgs {
    /// Movements from this day on (UTC), like 2026-11-01
    #[arg(long, value_name = "DAY", value_parser = parse::day)]
    pub since: Option<u64>,
    /// Movements before this day (UTC)
    #[arg(long, value_name = "DAY", value_parser = parse::day)]
    pub until: Option<u64>,
    /// All movements; else the newest 20
    #[arg(long)]
    pub all: bool,
}

/// `topup`.
#[derive(Debug, Args)]
pub struct TopupArgs {
    /// The job: its id, the beginning of its id, or its name
    pub job: String,
    /// How much more it may cost, in credits
    #[arg(value_parser = parse::credits, allow_negative_numbers = true)]
    pub credits: u64,
}

/// `estimate`.
#[derive(Debug, Args)]
pub struct EstimateArgs {
    /// The job.
    #[command(flatten)]
    pub work: WorkArgs,
    /// Run so many units here, spread over the input; more make the guess better
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub sample: u64,
}

/// `disputes`.
#[derive(Debug, Args)]
pub struct DisputesArgs {
    /// How many, newest first
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub limit: u32,
}
