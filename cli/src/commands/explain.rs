//! `fallow explain`: why a job's units wait, in the matcher's own numbers.

use fallow_protocol::api::{Explanation, JobPhase};

use crate::args::JobArg;
use crate::session::Session;
use crate::terminal::escape::line;
use crate::terminal::paint::Paint;
use crate::words::{count, counted};

/// Column at which help begins, so that it can be read down.
const HELP_COLUMN: usize = 64;

/// The whole command.
pub async fn explain(session: &Session, args: &JobArg) -> anyhow::Result<()> {
    let client = session.client()?;
    let job = session.job(&client, args.job.as_deref()).await?;
    let explanation = client.explain(&job).await?;
    lines(&explanation, session.terminal.paint).iter().for_each(|text| session.terminal.line(text));
    session.terminal.document(&explanation);
    Ok(())
}

fn lines(explanation: &Explanation, paint: Paint) -> Vec<String> {
    let mut lines = vec![head(explanation)];
    for reason in &explanation.reasons {
        let text = format!("  {:>5} {}", count(reason.count), line(&reason.text));
        let gap = " ".repeat(HELP_COLUMN.saturating_sub(text.chars().count()).max(2));
        let help = reason.help.as_deref().map(|help| format!("{gap}{} {}", paint.dim("→"), line(help)));
        lines.push(format!("{text}{}", help.unwrap_or_default()));
    }
    if !explanation.phase.is_final() {
        let online = counted(explanation.nodes_online, "node is", "nodes are");
        let working = if explanation.nodes_working == 1 { "works" } else { "work" };
        lines.push(format!("  {online} online; {} {working} for this job.", count(explanation.nodes_working)));
    }
    lines
}

fn head(explanation: &Explanation) -> String {
    let Explanation { job, phase, waiting, reasons, .. } = explanation;
    match phase {
        JobPhase::Done => format!("{job} is done: `fallow fetch {job}` gets its result."),
        JobPhase::Failed => format!("{job} failed: `fallow logs {job} --failed` says why."),
        JobPhase::Cancelled => format!("{job} was cancelled."),
        _ if *waiting == 0 && reasons.is_empty() => format!("No unit of {job} waits."),
        _ if *waiting == 1 => "1 unit is ready and waits.".into(),
        _ => format!("{} units are ready and wait.", count(*waiting)),
    }
}

#[cfg(test)]
mod tests {
    use fallow_protocol::api::Reason;

    use super::*;

    #[test]
    fn reasons_with_counts_and_help() {
        let reason = |count, text: &str, help: Option<&str>| Reason {
            code: "x".into(),
            count,
            text: text.into(),
            help: help.map(str::to_owned),
        };
        let explanation = Explanation {
            job: "job-7f3b00000000".parse().unwrap(),
            phase: JobPhase::Running,
            waiting: 1_065,
            reasons: vec![
                reason(61, "nodes work for this job; all their slots are full", None),
                reason(38, "nodes have less than 900 MiB", Some("`limits.memory_mb = 700` would admit 31 of them")),
            ],
            nodes_online: 118,
            nodes_working: 61,
        };
        let wanted = [
            "1,065 units are ready and wait.",
            "     61 nodes work for this job; all their slots are full",
            "     38 nodes have less than 900 MiB                            → `limits.memory_mb = 700` would admit 31 of them",
            "  118 nodes are online; 61 work for this job.",
        ];
        assert_eq!(lines(&explanation, Paint::off()), wanted);
        let done = Explanation { phase: JobPhase::Done, reasons: vec![], ..explanation };
        assert_eq!(
            lines(&done, Paint::off()),
            ["job-7f3b00000000 is done: `fallow fetch job-7f3b00000000` gets its result."]
        );
    }
}
