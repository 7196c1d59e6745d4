//! `fallow jobs`: the account's jobs, newest first.

use fallow_protocol::api::{JobInfo, JobPhase, Page};

use crate::args::JobsArgs;
use crate::session::{Session, all};
use crate::terminal::escape::line;
use crate::terminal::paint::Paint;
use crate::watch;
use crate::words::{ago, count, now_ms};

/// The whole command.
pub async fn jobs(session: &Session, args: &JobsArgs) -> anyhow::Result<()> {
    let (client, project) = (&session.client()?, args.project.as_deref());
    let page = |cursor: Option<String>, rows| async move { client.jobs_of(project, cursor.as_deref(), rows).await };
    let items = all(args.limit as usize, page).await?;
    let terminal = &session.terminal;
    if terminal.quiet {
        items.iter().for_each(|job| terminal.line(job.id.as_str()));
    } else {
        table(&items, now_ms(), terminal.paint).iter().for_each(|row| terminal.talk(row));
    }
    terminal.document(&Page { items, next: None });
    Ok(())
}

fn table(jobs: &[JobInfo], now_ms: u64, paint: Paint) -> Vec<String> {
    if jobs.is_empty() {
        return vec!["  no jobs yet; `fallow submit` hands one to the grid".into()];
    }
    let paid = jobs.iter().any(|job| job.budget.is_some());
    let spent = |told: String| if paid { format!("{told:>20}  ") } else { String::new() };
    let head = format!(
        "  {:16}  {:20}  {:10}  {:>5}  {:>19}  {}{}",
        "job",
        "name",
        "phase",
        "",
        "units",
        spent("credits".into()),
        "submitted"
    );
    let row = |job: &JobInfo| {
        let units = format!("{}/{}", count(job.counts.ended()), count(job.counts.total()));
        let name: String = line(&job.name).chars().take(20).collect();
        format!(
            "  {:16}  {name:20}  {}  {:>3} %  {units:>19}  {}{}{}",
            job.id.as_str(),
            phase(job.phase, paint),
            watch::percent(job),
            spent(watch::spend(job).unwrap_or_default()),
            ago(job.created_at_ms, now_ms),
            if watch::needs_budget(job) { paint.warn("  needs budget: fallow topup") } else { String::new() },
        )
    };
    std::iter::once(paint.dim(&head)).chain(jobs.iter().map(row)).collect()
}

/// The phase in ten columns.
fn phase(phase: JobPhase, paint: Paint) -> String {
    let wide = |word: &str| format!("{word:10}");
    match phase {
        JobPhase::Splitting => wide("splitting"),
        JobPhase::Running => wide("running"),
        JobPhase::Assembling => wide("assembling"),
        JobPhase::Done => paint.good(&wide("done")),
        JobPhase::Failed => paint.bad(&wide("failed")),
        JobPhase::Cancelled => paint.warn(&wide("cancelled")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tests::job;

    #[test]
    fn a_table_of_jobs() {
        let mut info = job("job-7f3b00000000", "cells\u{1b}[2J", 0);
        (info.counts.done, info.counts.waiting) = (2_544, 1_552);
        let wanted = [
            "  job               name                  phase                            units  submitted",
            "  job-7f3b00000000  cells\\u{1b}[2J        running      62 %          2,544/4,096  5 min ago",
        ];
        assert_eq!(table(&[info], 300_000, Paint::off()), wanted);
        let mut paid = job("job-7f3b00000000", "cells", 0);
        (paid.budget, paid.spent, paid.waiting_for) = (Some(60_000_000), 59_900_000, Some("budget".into()));
        let row = &table(&[paid], 300_000, Paint::off())[1];
        assert!(row.ends_with("            59.9 of 60  5 min ago  needs budget: fallow topup"), "{row}");
        assert!(table(&[], 0, Paint::off())[0].contains("fallow submit"));
    }
}
