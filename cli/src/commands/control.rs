//! `fallow cancel` and `fallow retry`.

use fallow_protocol::api::{JobInfo, JobPhase};

use crate::args::JobArg;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::terminal::escape::line;
use crate::words::counted;

/// Stop a job; one that has ended already is an error only where nothing could be stopped.
pub async fn cancel(session: &Session, args: &JobArg) -> anyhow::Result<()> {
    let client = session.client()?;
    let job = session.job(&client, Some(named(args)?)).await?;
    let info = client.cancel(&job).await?;
    if matches!(info.phase, JobPhase::Done | JobPhase::Failed) {
        let phase = if info.phase == JobPhase::Done { "done" } else { "failed" };
        return Err(Failure::new(format!("{job} had ended already: it is {phase}")).kind("job-ended").into());
    }
    tell(session, &info, "cancelled");
    Ok(())
}

/// Give failed and left-out units fresh attempts.
pub async fn retry(session: &Session, args: &JobArg) -> anyhow::Result<()> {
    let client = session.client()?;
    let job = session.job(&client, args.job.as_deref()).await?;
    let info = client.retry(&job).await?;
    tell(session, &info, "goes on");
    if !session.terminal.quiet {
        session.terminal.talk(format!("  `fallow watch {job}` follows it"));
    }
    Ok(())
}

/// What ends somebody's work is never guessed.
fn named(args: &JobArg) -> Result<&str, Failure> {
    let help = "fallow cancel JOB; `fallow jobs` lists yours";
    args.job.as_deref().ok_or_else(|| Failure::usage("which job?", help).exit(Exit::Usage))
}

fn tell(session: &Session, job: &JobInfo, what: &str) {
    let terminal = &session.terminal;
    terminal.document(job);
    let done = counted(job.counts.done, "unit", "units");
    terminal.talk(format!("  {} ({})  {}, {done} done", terminal.paint.bold(job.id.as_str()), line(&job.name), what));
}
