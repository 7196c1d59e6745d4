//! `fallow submit`: build, upload, sign, hand in; then, where wanted, watch and fetch.

pub(crate) mod inputs;
mod module;
pub(crate) mod plan;
mod upload;

use fallow_protocol::api::{GridInfo, JobInfo, ModuleInfo};
use fallow_protocol::job::{JobSubmission, RunOn};
use serde_json::json;

use crate::args::{FetchTo, SubmitArgs};
use crate::client::{Client, idempotency_key};
use crate::failure::Failure;
use crate::fetch;
use crate::session::Session;
use crate::terminal::escape;
use crate::watch;
use crate::words::{bytes, counted, credits, now_ms};
use module::Module;
use plan::Plan;
use upload::Sent;

/// How often a call is repeated (a submission with the same key), over half a minute: a server that restarts is back by then.
const RETRIES: u32 = 9;

const NO_BUDGET: &str = "fallow submit … --budget CREDITS, or `budget = CREDITS` under [job] in fallow.toml; `fallow \
                         estimate` says how much";

/// The whole command.
pub async fn submit(session: &Session, args: &SubmitArgs) -> anyhow::Result<()> {
    check_output(args)?;
    let client = session.client()?;
    let mut plan = Plan::make(&args.work)?;
    // A grid that is not there is said at once; one that goes away in the middle is waited for.
    let grid = client.grid().await?;
    plan.budget = budget(&plan, grid.credits, |said| session.terminal.remark(said))?;
    let client = client.with_retries(RETRIES);
    let module = Module::prepare(session, &args.work, &plan, &grid).await?;
    let (info, sent) = hand_over(session, &client, &grid, &plan, &module).await?;
    plan.check_exports(info.exports)?;
    let submission = submission(&plan, &info, &sent);
    let job = client.submit(&submission, &idempotency_key()).await?;
    tell(session, &plan, &job, &info, &sent, args.watch || args.fetch);
    if args.watch || args.fetch { follow(session, &client, args, &plan, &job).await } else { Ok(()) }
}

/// Component and inputs go to the grid; then the module is registered.
async fn hand_over(
    session: &Session,
    client: &Client,
    grid: &GridInfo,
    plan: &Plan,
    module: &Module,
) -> anyhow::Result<(ModuleInfo, Sent)> {
    // The grid looks at the component while the files are on their way.
    let register = async {
        let component = client.blobs().upload_bytes(module.component.clone()).await?;
        anyhow::Ok((component, client.create_module(&module.manifest).await?))
    };
    let send = upload::all(session, client, &plan.inputs, &plan.shared, grid.blob_bytes_max);
    let ((component, info), sent) = tokio::try_join!(register, send)?;
    let known = if info.known || component.known == component.len { ", already on the grid" } else { "" };
    session.terminal.talk(format!(
        "  {:16}  {}, signed by you (key {}){known}",
        escape::line(&module.label),
        bytes(component.len),
        module.key_short(),
    ));
    Ok((info, sent))
}

fn submission(plan: &Plan, module: &ModuleInfo, sent: &Sent) -> JobSubmission {
    JobSubmission {
        name: plan.name.clone(),
        project: plan.project.clone(),
        module: module.module,
        args: plan.args.clone(),
        split: plan.split.clone(),
        inputs: sent.inputs.clone(),
        shared: sent.shared.clone(),
        limits: plan.limits,
        run_on: plan.run_on.clone(),
        deadline_ms: plan.deadline.map(|after| now_ms() + u64::try_from(after.as_millis()).unwrap_or(u64::MAX / 2)),
        on_failed: plan.on_failed,
        assemble: plan.assemble,
        floats: plan.floats,
        seed: plan.seed,
        verify: plan.verify,
        critical: plan.critical,
        budget: plan.budget,
        offer_permille: plan.offer_permille,
    }
}

/// The budget that is sent: needed where strangers are paid, and left away where nobody is.
fn budget(plan: &Plan, credits: bool, remark: impl Fn(&str)) -> Result<Option<u64>, Failure> {
    let free = match (credits, &plan.run_on) {
        (false, _) => "this grid takes no credits",
        (true, RunOn::Own) => "your own nodes cost nothing",
        (true, _) => {
            let missing = || {
                Failure::usage("this grid takes credits, and the job has no budget", NO_BUDGET).kind("budget-missing")
            };
            return plan.budget.map(Some).ok_or_else(missing);
        }
    };
    if plan.budget.is_some() {
        remark(&format!("  {free}: the budget is not needed"));
    }
    Ok(None)
}

fn tell(session: &Session, plan: &Plan, job: &JobInfo, module: &ModuleInfo, sent: &Sent, more: bool) {
    let terminal = &session.terminal;
    let uploaded = json!({ "files": sent.files, "bytes": sent.bytes, "bytes_known": sent.bytes_known });
    if more {
        terminal
            .event(&json!({ "event": "submitted", "id": job.id, "job": job, "module": module, "uploaded": uploaded }));
    } else {
        terminal.document(&json!({ "id": job.id, "job": job, "module": module, "uploaded": uploaded }));
    }
    if terminal.quiet {
        return terminal.line(job.id.as_str());
    }
    if sent.files > 0 {
        let known = if sent.bytes_known > 0 {
            format!(", {} already on the grid", bytes(sent.bytes_known))
        } else {
            String::new()
        };
        let files = counted(sent.files, "file", "files");
        terminal.talk(format!("  {files:16}  {}{known}; {}", bytes(sent.bytes), plan.split_words()));
    } else {
        terminal.talk(format!("  {:16}  {}", "no files", plan.split_words()));
    }
    if let Some(budget) = job.budget.or(plan.budget) {
        terminal.talk(format!("  {:16}  {} credits reserved, the rest comes back", "costs at most", credits(budget)));
    }
    terminal.talk(format!("  {:16}  {}", "runs on", run_on_words(&plan.run_on, sent.files > 0)));
    terminal.talk(format!(
        "  {}  {}",
        terminal.paint.bold(&format!("{:16}", job.id.as_str())),
        escape::line(&job.name)
    ));
    if !more {
        terminal.talk(format!("  `fallow watch {0}` follows it, `fallow fetch {0}` gets its result", job.id));
    } else if terminal.live {
        terminal.talk(format!("  ^C leaves it running; `fallow watch {}` comes back here", job.id));
    }
}

/// Said plainly, each time.
fn run_on_words(run_on: &RunOn, files: bool) -> String {
    let what = if files { "these files and this program" } else { "this program" };
    match run_on {
        RunOn::Own => "your own nodes only".into(),
        RunOn::Group(name) => format!("nodes of {}: their owners' computers can read {what}", escape::line(name)),
        RunOn::Anyone => {
            format!("anyone's nodes: strangers' computers can read {what} (`--run-on own` keeps them on yours)")
        }
    }
}

async fn follow(
    session: &Session,
    client: &Client,
    args: &SubmitArgs,
    plan: &Plan,
    job: &JobInfo,
) -> anyhow::Result<()> {
    let ended = watch::follow(session, client, &job.id).await?;
    watch::tell_end(session, &ended)?;
    if args.fetch {
        let output = args.to.output.clone().or_else(|| plan.output.clone());
        let to = FetchTo { output, ..args.to.clone() };
        let work = fetch::result(session, client, &ended, &to);
        let left = || {
            let help = format!("`fallow fetch {}` goes on where this ended", job.id);
            Failure::new("stopped fetching; the result is safe on the grid").help(help)
        };
        let fetched = watch::interruptible(work, left).await?;
        fetch::tell(session, &fetched, true);
    }
    Ok(())
}

/// A place for a result that is not fetched is a mistake; a place that is taken is known before the work begins.
fn check_output(args: &SubmitArgs) -> anyhow::Result<()> {
    let FetchTo { output, extract, force } = &args.to;
    if !args.fetch && (output.is_some() || *extract || *force) {
        let what = "--output, --extract and --force are about the result, which is not fetched without --fetch";
        return Err(Failure::usage(what, "fallow submit … --fetch --output PATH").into());
    }
    match output {
        Some(folder) if *extract => crate::extract::refuse_full(folder),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::WorkArgs;

    #[test]
    fn strangers_are_named_plainly() {
        let wanted = "anyone's nodes: strangers' computers can read these files and this program (`--run-on own` keeps them on yours)";
        assert_eq!(run_on_words(&RunOn::Anyone, true), wanted);
        assert_eq!(run_on_words(&RunOn::Own, true), "your own nodes only");
    }

    #[test]
    fn who_pays_strangers_says_how_much() {
        let dir = tempfile::tempdir().unwrap();
        let component = Some("x.wasm".into());
        let split = Some(fallow_protocol::job::Split::Range { from: 0, to: 9, per_unit: 1 });
        let project = dir.path().to_owned();
        let mut plan = Plan::make(&WorkArgs { project, component, split, ..WorkArgs::default() }).unwrap();
        let said = std::cell::RefCell::new(Vec::new());
        let sent = |plan: &Plan, credits| budget(plan, credits, |text| said.borrow_mut().push(text.to_owned()));
        let missing = sent(&plan, true).unwrap_err();
        assert!(missing.what.contains("takes credits") && missing.help.unwrap().contains("fallow estimate"));
        assert_eq!(sent(&plan, false), Ok(None));
        plan.budget = Some(5);
        assert_eq!((sent(&plan, true), said.borrow().len()), (Ok(Some(5)), 0));
        assert_eq!(sent(&plan, false), Ok(None));
        plan.run_on = RunOn::Own;
        assert_eq!((sent(&plan, true), said.borrow().len()), (Ok(None), 2));
    }

    #[test]
    fn a_place_for_a_result_that_is_not_fetched_is_a_mistake() {
        let to = FetchTo { extract: true, ..FetchTo::default() };
        let error = check_output(&SubmitArgs { to, ..SubmitArgs::default() }).unwrap_err();
        assert!(error.to_string().contains("without --fetch"), "{error}");
    }
}
