//! `ledger check`: what the check of the whole ledger found.

use std::fmt::Write;

use anyhow::bail;
use serde_json::{Value, json};

use super::commands::answer;
use crate::app::now_ms;
use crate::config::Config;
use crate::store::Store;
use crate::store::ledger::check::{Report, check as check_all};

/// Recompute everything; fails where something does not add up.
pub async fn check(config: &Config, json: bool) -> anyhow::Result<()> {
    if config.database_url.is_none() && !config.sqlite_file().exists() {
        bail!("there is no database in {}: give the grid's folder with --data", config.data.display());
    }
    let store = Store::open(config.database().expose()).await?;
    let report = check_all(store.reader(), now_ms()).await?;
    answer(json, value(&report), text(&report))?;
    match report.audit.found() {
        0 => Ok(()),
        found => {
            bail!("the ledger does not add up in {found} places: keep a copy of the database before anything else")
        }
    }
}

fn value(report: &Report) -> Value {
    let finding =
        |finding: &grid_core::ledger::Finding| json!({"invariant": finding.invariant(), "what": finding.to_string()});
    json!({
        "event": "ledger_checked",
        "transfers": report.audit.transfers(),
        "accounts": report.accounts,
        "holdings": report.holdings,
        "found": report.audit.found(),
        "findings": report.audit.findings().iter().map(finding).collect::<Vec<_>>(),
        "took_ms": u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
    })
}

fn text(report: &Report) -> String {
    let mut text = format!(
        "{} transfers, {} accounts and {} holdings in {} ms: ",
        report.audit.transfers(),
        report.accounts,
        report.holdings,
        report.took.as_millis()
    );
    match report.audit.found() {
        0 => text.push_str("everything adds up"),
        found => {
            let _ = write!(text, "{found} things do not add up");
        }
    }
    for finding in report.audit.findings() {
        let _ = write!(text, "\n{}: {finding}", finding.invariant());
    }
    let more = report.audit.found() - report.audit.findings().len() as u64;
    if more > 0 {
        let _ = write!(text, "\nand {more} more");
    }
    text
}
