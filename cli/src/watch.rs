//! Following a job: long polls, a picture that is redrawn or lines now and then, and how it ended.

mod line;
mod pace;

use std::time::{Duration, Instant};

use fallow_protocol::JobId;
use fallow_protocol::api::{Explanation, JobInfo, JobPhase};
use serde_json::json;

use crate::client::{Client, ClientError};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{POLL, Session};
use crate::terminal::escape;
use crate::terminal::live::LiveLines;
use crate::words::{bytes, counted, fuel, seconds};

pub use line::{live, needs_budget, percent, plain, spend};
use pace::Pace;

/// Least time between two polls, so that a job that changes a thousand times a second does not make a thousand calls.
const POLL_EVERY: Duration = Duration::from_millis(200);
/// The first polls come at once, so that a short job is not made longer by looking at it.
const EAGER: Duration = Duration::from_secs(1);
/// When nobody has worked for a job for so long, the reason is told.
const QUIET: Duration = Duration::from_secs(8);
/// How long a server may be away before watching ends.
const AWAY_MAX: Duration = Duration::from_secs(300);

/// Follow `job` until it ends; tells how it ended. ^C leaves it running.
pub async fn follow(session: &Session, client: &Client, job: &JobId) -> anyhow::Result<JobInfo> {
    let mut screen = Screen::new(session);
    let work = async { Ok(until_ended(&mut screen, client, job).await?) };
    let ended = interruptible(work, || {
        let what = format!("stopped watching; {job} goes on");
        Failure::new(what).help(format!("`fallow watch {job}` comes back here; `fallow cancel {job}` stops it"))
    });
    let ended = ended.await;
    screen.clear();
    ended
}

/// Do `work` until ^C. Once ^C was waited for, it does nothing by itself any more, so what follows a watch needs this too.
pub async fn interruptible<T>(
    work: impl Future<Output = anyhow::Result<T>>,
    left: impl FnOnce() -> Failure,
) -> anyhow::Result<T> {
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => Err(left().kind("interrupted").exit(Exit::Interrupted).into()),
    }
}

async fn until_ended(screen: &mut Screen<'_>, client: &Client, job: &JobId) -> Result<JobInfo, ClientError> {
    let began = Instant::now();
    let mut away_since = None;
    let mut quiet_since = Some(Instant::now());
    let mut info = client.job(job).await?;
    loop {
        screen.show(&info);
        if info.phase.is_final() {
            return Ok(info);
        }
        if info.nodes > 0 {
            quiet_since = Some(Instant::now());
        } else if quiet_since.is_some_and(|since| since.elapsed() > QUIET) {
            // Once, until somebody works for it again.
            quiet_since = None;
            screen.why(&client.explain(job).await?);
        }
        if began.elapsed() > EAGER {
            tokio::time::sleep(POLL_EVERY).await;
        }
        let patience = if quiet_since.is_some() && info.nodes == 0 { QUIET } else { POLL };
        match client.job_after(job, info.version, patience).await {
            Ok(newer) => (info, away_since) = (newer, None),
            Err(error) if is_away(&error) && away_since.get_or_insert_with(Instant::now).elapsed() < AWAY_MAX => {
                screen.away(&error);
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_away(error: &ClientError) -> bool {
    let broken = matches!(error, ClientError::Unreachable { .. } | ClientError::Broken { .. });
    broken || matches!(error.status(), Some(408 | 429 | 502 | 503 | 504))
}

/// Where progress is shown.
struct Screen<'a> {
    session: &'a Session,
    lines: Option<LiveLines>,
    pace: Pace,
}

impl<'a> Screen<'a> {
    fn new(session: &'a Session) -> Self {
        Self { session, lines: session.terminal.live.then(LiveLines::new), pace: Pace::default() }
    }

    fn show(&mut self, job: &JobInfo) {
        let terminal = &self.session.terminal;
        let kind = if job.phase.is_final() { "ended" } else { "progress" };
        terminal.event(&json!({ "event": kind, "job": job }));
        match &mut self.lines {
            Some(lines) if !job.phase.is_final() => lines.show(&live(job, terminal.paint_err)),
            None if !job.phase.is_final() && self.pace.is_due(job, Instant::now()) => terminal.talk(plain(job)),
            _ => {}
        }
    }

    /// Why nobody works for the job.
    fn why(&mut self, explained: &Explanation) {
        let first = explained.reasons.first().map_or("", |reason| reason.text.as_str());
        let said = format!("  nobody works for it now: {} (`fallow explain {}`)", escape::line(first), explained.job);
        match &mut self.lines {
            Some(lines) => lines.show(&[said]),
            None => self.session.terminal.remark(said),
        }
    }

    fn away(&mut self, error: &ClientError) {
        let said = format!("  {}; trying again, the job goes on", escape::line(&error.to_string()));
        match &mut self.lines {
            Some(lines) => lines.show(&[said]),
            None => self.session.terminal.remark(said),
        }
    }

    fn clear(&mut self) {
        if let Some(lines) = &mut self.lines {
            lines.clear();
        }
    }
}

/// Say how a job ended, in words; a job without a result is a failure.
pub fn tell_end(session: &Session, job: &JobInfo) -> anyhow::Result<()> {
    if job.phase != JobPhase::Done {
        return Err(end_failure(job).into());
    }
    let terminal = &session.terminal;
    terminal.talk(format!("  {}  {}", terminal.paint.good("done"), summary(job)));
    if let Some(notice) = &job.notice {
        terminal.talk(format!("  {}  {}", terminal.paint.warn("note"), escape::line(notice)));
    }
    Ok(())
}

fn summary(job: &JobInfo) -> String {
    let took_ms = job.ended_at_ms.unwrap_or(job.created_at_ms).saturating_sub(job.created_at_ms);
    let took = if took_ms < 1000 { format!("{took_ms} ms") } else { seconds(took_ms / 1000) };
    let mut parts =
        vec![format!("{} in {}", counted(job.counts.done, "unit", "units"), took), format!("{} fuel", fuel(job.fuel))];
    if let Some(spent) = spend(job) {
        parts.push(format!("{spent} credits"));
    }
    if job.counts.left_out > 0 {
        parts.push(format!("left out {} (`fallow logs {} --failed`)", job.counts.left_out, job.id));
    }
    if let Some(result) = &job.result {
        parts.push(format!("result {}", bytes(result.len)));
    }
    parts.join(", ")
}

/// Why a job has no result.
pub fn end_failure(job: &JobInfo) -> Failure {
    let cancelled = job.phase == JobPhase::Cancelled;
    let why = job.error.clone().filter(|error| !error.is_empty());
    let what = why.unwrap_or_else(|| if cancelled { "it was cancelled".into() } else { "it failed".into() });
    let place = format!(
        "{} ({}), after {} of {}",
        job.id,
        job.name,
        job.counts.done,
        counted(job.counts.total(), "unit", "units")
    );
    let help =
        format!("`fallow logs {0} --failed` says more; `fallow retry {0}` gives failed units fresh attempts", job.id);
    let failure = Failure::new(what).place(place).exit(Exit::JobFailed);
    if cancelled { failure.kind("job-cancelled") } else { failure.kind("job-failed").help(help) }
}

#[cfg(test)]
mod tests {
    use fallow_protocol::Digest;
    use fallow_protocol::api::ResultInfo;
    use fallow_protocol::job::Assemble;

    use super::*;
    use crate::session::tests::job;
    use crate::terminal::paint::Paint;

    #[test]
    fn an_end_is_told_with_its_numbers() {
        let mut info = job("job-7f3b00000000", "cells", 1_000);
        info.counts.done = 4_067;
        info.counts.left_out = 29;
        info.fuel = 1_200_000_000_000;
        info.ended_at_ms = Some(193_000);
        info.result = Some(ResultInfo { digest: Digest::of(b""), len: 12_900_000, assemble: Assemble::Archive });
        let wanted = "4,067 units in 3 min 12 s, 1.2 T fuel, left out 29 (`fallow logs job-7f3b00000000 --failed`), result 12 MiB";
        assert_eq!(summary(&info), wanted);
    }

    #[test]
    fn a_failed_job_is_an_error_with_its_own_words() {
        let mut info = job("job-7f3b00000000", "cells", 1_000);
        info.phase = JobPhase::Failed;
        info.error = Some("unit 3: trap: \u{1b}[31mdivision by zero".into());
        info.counts.done = 3;
        info.counts.failed = 1;
        let shown = end_failure(&info).render(Paint::off());
        let wanted = "error: unit 3: trap: \\u{1b}[31mdivision by zero\n\
                      where: job-7f3b00000000 (cells), after 3 of 4 units\n help: `fallow logs job-7f3b00000000 --failed` \
                      says more; `fallow retry job-7f3b00000000` gives failed units fresh attempts\n";
        assert_eq!(shown, wanted);
        assert_eq!(end_failure(&info).exit, Exit::JobFailed);
    }
}
