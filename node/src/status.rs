//! A node's status for people.

use fallow_protocol::api::NodeEarnings;
use fallow_protocol::link::NodeState;
use fallow_protocol::preferences::{Preferences, Preset};

use crate::control::StatusReply;
use crate::lender::credits;

/// The lines of `fallow-node status`; what was earned is told where the grid says so.
pub fn text(status: &StatusReply, earned: Option<&NodeEarnings>) -> String {
    let report = &status.report;
    let units: Vec<String> = report
        .jobs
        .iter()
        .filter(|job| job.running > 0)
        .map(|job| format!("{} of {}", plural(job.running as u64, "unit"), printable(&job.name)))
        .collect();
    let doing = if units.is_empty() { "no units".to_owned() } else { units.join(", ") };
    let waiting: usize = report.jobs.iter().map(|job| job.waiting).sum();
    let grid = match &status.offline {
        _ if report.online => format!("{} ({}), for {}", printable(&status.grid), status.url, printable(&status.owner)),
        Some(reason) => format!("{} is not reached: {reason}; trying again", status.url),
        None => format!("connecting to {}", status.url),
    };
    let totals = &report.since_start;
    let mut lines = vec![
        format!(
            "  {}   {}   {doing}          {} of {} slots",
            status.name,
            state(status),
            report.slots_busy,
            report.slots
        ),
        format!("  grid      {grid}"),
        format!(
            "  so far    {} done, {} otherwise, {}",
            plural(totals.units_done, "unit"),
            totals.units_failed,
            fuel(totals.fuel)
        ),
        format!(
            "  rules     {}: {}, {} memory, {}, {}",
            preset(&status.lender.effective),
            plural(u64::from(report.slots), "slot"),
            bytes(report.memory_bytes),
            waits(&status.lender.effective),
            if report.takes_strangers { "anyone's jobs" } else { "only its owner's jobs" }
        ),
    ];
    if let Some(sums) = earned {
        let held =
            if sums.pending > 0 { format!(" ({} held until checked)", credits(sums.pending)) } else { String::new() };
        lines.insert(1, format!("  today     {} credits{held}", credits(sums.today)));
    }
    if waiting > 0 || report.frames_uncommitted > 0 {
        let unsent = plural(report.frames_uncommitted as u64, "frame");
        lines.push(format!(
            "  next      {} waiting here, {unsent} of results not confirmed",
            plural(waiting as u64, "unit")
        ));
    }
    lines.join("\n") + "\n"
}

fn preset(preferences: &Preferences) -> &'static str {
    match preferences.preset.unwrap_or_default() {
        Preset::Quiet => "quiet",
        Preset::Balanced => "balanced",
        Preset::Always => "always",
    }
}

/// The rules that matter most, in words.
fn waits(preferences: &Preferences) -> String {
    let mut words = Vec::new();
    if let Some(minutes) = preferences.idle_minutes.filter(|minutes| *minutes > 0) {
        words.push(format!("idle {minutes} min"));
    }
    if let Some(percent) = preferences.cpu_percent.filter(|percent| *percent < 100) {
        words.push(format!("{percent} % processor"));
    }
    words.push(match (preferences.on_battery, preferences.battery_stop_percent) {
        (Some(false), _) => "never on battery".into(),
        (_, Some(0)) => "also on battery".into(),
        (_, stop) => format!("on battery from {} %", stop.unwrap_or(0)),
    });
    words.join(", ")
}

fn state(status: &StatusReply) -> String {
    let report = &status.report;
    match &report.state {
        NodeState::Paused { reason } => format!("paused {}", printable(reason)),
        NodeState::Draining if status.lender.finishing.is_some() => "finishing, then paused".into(),
        NodeState::Draining => "leaving".into(),
        NodeState::Active if !report.online => "offline".into(),
        NodeState::Active if report.slots_busy > 0 => "working".into(),
        NodeState::Active => "idle".into(),
    }
}

/// Others' texts on the owner's terminal: no control characters.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn plural(count: u64, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// Fuel with a letter for its size.
fn fuel(fuel: u64) -> String {
    match fuel {
        0..1_000_000 => format!("{fuel} fuel"),
        1_000_000..1_000_000_000 => format!("{:.1} M fuel", fuel as f64 / 1e6),
        _ => format!("{:.1} G fuel", fuel as f64 / 1e9),
    }
}

/// Bytes in the largest unit that fits.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{bytes} B"),
        1_048_576..1_073_741_824 => format!("{} MiB", bytes >> 20),
        _ => format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::report::JobReport;
    use crate::agent::samples;

    #[test]
    fn a_status_reads_like_a_sentence_and_hides_escapes() {
        let mut report = samples::agent(6).report();
        report.online = true;
        report.slots_busy = 3;
        let job =
            |name: &str, running| JobReport { job: "job-1".into(), name: name.into(), running, waiting: 0, own: true };
        report.jobs = vec![job("cells", 2), job("pri\u{1b}[2Jmes", 1)];
        let status = StatusReply {
            name: "heron-3".into(),
            node: "node-1".into(),
            grid: "lab".into(),
            url: "https://grid.example".into(),
            owner: "ann".into(),
            offline: None,
            lender: Default::default(),
            report,
        };
        let earned = NodeEarnings { today: 6_420_000, verified: 0, pending: 1_100_000 };
        let text = text(&status, Some(&earned));
        assert!(text.contains("heron-3   working   2 units of cells, 1 unit of pri"), "{text}");
        assert!(text.contains("3 of 6 slots") && text.contains("8.0 GiB memory"), "{text}");
        assert!(text.contains("today     6.42 credits (1.10 held until checked)"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}
