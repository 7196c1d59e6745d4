//! What the owner asks on the command line about his preferences and earnings, while the node runs or not.

use anyhow::Context;
use fallow_protocol::api::{EarningsDay, EarningsReport, NodeEarnings};
use fallow_protocol::preferences::{FIELDS, Preferences};
use serde_json::Value;

use crate::cli::{Prefs, PrefsCommand};
use crate::config::Config;
use crate::control::{self, Fixed, LenderReport, Request, StatusReply};
use crate::exit::{Code, Failure};
use crate::preferences::{self, Keeper, fields, hours_text};
use crate::status::bytes;

/// Show preferences, or change them; what is to be printed.
pub async fn prefs(config: &Config, prefs: Prefs) -> Result<String, Failure> {
    let usage = |error: anyhow::Error| Failure { code: Code::Usage, error };
    let running: Option<StatusReply> = match control::ask(&config.data, &Request::Status).await {
        Ok(status) => Some(status),
        Err(failure) if failure.code == Code::NotRunning => None,
        Err(failure) => return Err(failure),
    };
    let keeper = Keeper::new(&config.data);
    let mut report = match &running {
        Some(status) => status.lender.clone(),
        None => kept(config, &keeper)?,
    };
    let chosen = match prefs.command {
        None => return show(config, &report),
        Some(PrefsCommand::Set { key, value }) => preferences::set(&report.local, &key, &value).map_err(usage)?,
        Some(PrefsCommand::Preset { name }) => preferences::set(&report.local, "preset", &name).map_err(usage)?,
        Some(PrefsCommand::Unset { key }) => preferences::unset(&report.local, &key).map_err(usage)?,
    };
    match running {
        Some(_) => {
            let request = Request::Choose { preferences: Box::new(chosen) };
            report = control::ask::<StatusReply>(&config.data, &request).await?.lender;
        }
        None => {
            keeper.keep_local(&chosen).context("the node has to be joined first: `fallow-node join`")?;
            report = kept(config, &keeper)?;
        }
    }
    show(config, &report)
}

fn kept(config: &Config, keeper: &Keeper) -> anyhow::Result<LenderReport> {
    let (local, remote) = (keeper.local()?, keeper.portal().preferences);
    let effective = Preferences::effective(&local, &remote);
    let Config { slots, memory_bytes, cache_bytes: disk_bytes, .. } = *config;
    let fixed = Fixed { slots, memory_bytes, disk_bytes };
    Ok(LenderReport { local, remote, effective, fixed, ..LenderReport::default() })
}

fn show(config: &Config, report: &LenderReport) -> Result<String, Failure> {
    if config.json {
        return Ok(serde_json::to_string(report)? + "\n");
    }
    let (local, remote, effective) = (fields(&report.local), fields(&report.remote), fields(&report.effective));
    let preset = report.effective.preset.unwrap_or_default();
    let preset = serde_json::to_value(preset)?.as_str().unwrap_or_default().to_owned();
    let mut text = String::new();
    for key in FIELDS {
        let fixed = fixed(&report.fixed, key);
        let (value, from) = match (&fixed, effective.get(key)) {
            (Some(value), _) => (value.clone(), "command line, variable or node.toml".to_owned()),
            (None, Some(value)) if local.contains_key(key) => (shown(key, value), "here".into()),
            (None, Some(value)) if remote.contains_key(key) => (shown(key, value), "portal".into()),
            (None, Some(value)) if key == "preset" => (shown(key, value), "default".into()),
            (None, Some(value)) => (shown(key, value), format!("preset {preset}")),
            (None, None) => ("as much as there is".into(), format!("preset {preset}")),
        };
        text.push_str(&format!("  {key:24}{value:24}{from}\n"));
    }
    Ok(text)
}

/// What flags and files fix, whatever is chosen.
fn fixed(by: &Fixed, key: &str) -> Option<String> {
    match key {
        "slots" => by.slots.map(|slots| slots.to_string()),
        "memory_percent_busy" | "memory_percent_idle" => by.memory_bytes.map(|memory| bytes(memory) + " always"),
        "disk_bytes" => by.disk_bytes.map(bytes),
        _ => None,
    }
}

fn shown(key: &str, value: &Value) -> String {
    match value {
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.into(),
        Value::Array(list) if key == "hours" => {
            hours_text(&list.iter().map(|hour| hour.as_bool().unwrap_or(true)).collect::<Vec<_>>())
        }
        Value::Array(list) if list.is_empty() => "none".into(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        Value::Number(number) if key == "disk_bytes" => bytes(number.as_u64().unwrap_or(0)),
        Value::Number(number) if key.contains("percent") => format!("{number} %"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What the node earned; what is to be printed.
pub async fn earnings(config: &Config, days: u32) -> Result<String, Failure> {
    let utc_offset_min = chrono::Local::now().offset().local_minus_utc() / 60;
    let request = Request::Earnings { days, utc_offset_min };
    let report: EarningsReport = control::ask(&config.data, &request).await?;
    if config.json {
        return Ok(serde_json::to_string(&report)? + "\n");
    }
    if !report.credits {
        return Ok("  this grid takes no credits: work here earns none\n".into());
    }
    let sums = report.sums;
    let mut text = format!(
        "  today     {} credits ({} held until checked)\n  in all    {} credits\n",
        credits(sums.today),
        credits(sums.pending),
        credits(sums.verified)
    );
    for EarningsDay { day_ms, paid, checks, held } in report.days.iter().rev() {
        let day = chrono::DateTime::from_timestamp_millis(*day_ms as i64 + i64::from(utc_offset_min) * 60_000);
        let day = day.map(|day| day.format("%Y-%m-%d").to_string()).unwrap_or_default();
        let line =
            format!("{day}  {} for work, {} for checks, {} held", credits(*paid), credits(*checks), credits(*held));
        text.push_str(&format!("  {line}\n"));
    }
    Ok(text)
}

/// What a status shows of it, where the grid is there to say so.
pub async fn sums(config: &Config, request: &Request) -> Option<NodeEarnings> {
    if *request != Request::Status {
        return None;
    }
    let utc_offset_min = chrono::Local::now().offset().local_minus_utc() / 60;
    let report = control::ask::<EarningsReport>(&config.data, &Request::Earnings { days: 1, utc_offset_min }).await;
    report.ok().filter(|report| report.credits).map(|report| report.sums)
}

/// Whole micro-credits as credits, two digits behind the point.
pub fn credits(micro: u64) -> String {
    let hundredths = micro / 10_000;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_have_two_digits() {
        assert_eq!([credits(6_420_000), credits(9_999), credits(10_000), credits(0)], ["6.42", "0.00", "0.01", "0.00"]);
    }
}
