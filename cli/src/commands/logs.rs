//! `fallow logs`: what units logged, and how their attempts ended.

use fallow_protocol::api::UnitLog;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{STAGE_RUN, STAGE_SPLIT};

use crate::args::LogsArgs;
use crate::client::UnitFilter;
use crate::session::{Session, all};
use crate::terminal::escape::{line, text};
use crate::terminal::paint::Paint;

/// The whole command.
pub async fn logs(session: &Session, args: &LogsArgs) -> anyhow::Result<()> {
    let client = &session.client()?;
    let job = &session.job(client, args.job.job.as_deref()).await?;
    let filter = &UnitFilter { failed: args.failed, seq: args.unit, ..UnitFilter::default() };
    let page = |cursor: Option<String>, rows| async move { client.logs(job, filter, cursor.as_deref(), rows).await };
    let logs = all(usize::try_from(args.limit).unwrap_or(usize::MAX), page).await?;
    let terminal = &session.terminal;
    for log in &logs {
        terminal.event(log);
        terminal.line(shown(log, terminal.paint));
    }
    if logs.is_empty() {
        let what = if args.failed { "no unit of it failed" } else { "nothing was logged yet" };
        terminal.remark(format!("  {what} ({job})"));
    } else if logs.len() as u64 == args.limit {
        terminal.remark(format!("  the first {}; `--limit N` gives more, `--unit N` one unit", logs.len()));
    }
    Ok(())
}

fn shown(log: &UnitLog, paint: Paint) -> String {
    let call = match log.stage {
        STAGE_SPLIT => "split".to_owned(),
        STAGE_RUN => format!("unit {}", log.seq),
        level => format!("merge {}/{}", level - STAGE_RUN, log.seq),
    };
    let label = log.outcome.label();
    let ended = if log.outcome == Outcome::Done { paint.good(label) } else { paint.bad(label) };
    let message = log.outcome.message();
    let message = if message.is_empty() { String::new() } else { format!(": {}", line(message)) };
    let mut lines = vec![format!("{} attempt {}  {ended}{message}", paint.bold(&format!("{call:10}")), log.attempt)];
    lines.extend(text(log.log.trim_end()).lines().map(|logged| format!("    {logged}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_shown_and_not_obeyed() {
        let log = UnitLog {
            stage: 1,
            seq: 29,
            attempt: 2,
            outcome: Outcome::GuestError { message: "tile is not RGB:\n1 channel".into() },
            log: "reading\n\u{1b}[2Jwiped\r\n".into(),
        };
        let wanted =
            "unit 29    attempt 2  guest error: tile is not RGB:\\n1 channel\n    reading\n    \\u{1b}[2Jwiped";
        assert_eq!(shown(&log, Paint::off()), wanted);
        let merge = UnitLog { stage: 2, outcome: Outcome::Done, log: String::new(), ..log };
        assert_eq!(shown(&merge, Paint::off()), "merge 1/29 attempt 2  done");
    }
}
