//! Accepting a job: every check first, then one transaction, then the workers.

use std::sync::Arc;

use fallow_protocol::api::{JobInfo, JobPhase};
use fallow_protocol::job::{Assemble, FileRef, JobSubmission, RunOn, Split, Verify};
use fallow_protocol::limits::{JOB_ARGS_BYTES_MAX, JOB_ARGS_MAX, JOB_FILES_MAX, JOB_SHARED_MAX, NAME_BYTES_MAX};
use fallow_protocol::manifest::Limits;
use fallow_protocol::unit::{STAGE_RUN, STAGE_SPLIT};
use fallow_protocol::{Digest, JobId, wire};
use grid_core::ledger::{Account, Amount, TRANSFER_MAX, Transfer};
use grid_core::life::Mask;
use grid_core::name::{check_file_names, check_name};
use grid_core::pricing::{Price, RUSH_PERMILLE_MAX, cost};
use grid_core::split::plan_split;
use grid_core::{AccountNo, JobNo};
use sea_orm::DatabaseTransaction;

use super::look::info_of;
use super::{ActiveJob, JobError};
use crate::app::{App, now_ms};
use crate::store::jobs::{self as rows, JobRow};
use crate::store::modules::{self, ModuleRow};
use crate::store::stages::{self, Stage};
use crate::store::{StoreError, blobs, groups, ledger, units};
use crate::suspensions;
use crate::workers::cut::{Batch, CutError, InputFile, Place};
use crate::workers::pay;
use crate::workers::split::{BATCH_UNITS, cut_files};
use crate::workers::{activate, money};

/// Inputs up to so many bytes are cut while the author waits: reading them takes no time, and the units are in the
/// first transaction.
const CUT_AT_ONCE_BYTES: u64 = 4 << 20;

/// Accept a job. True when it was made, false when the key was seen with the same submission before.
pub async fn submit(
    app: &App,
    account: i64,
    submission: JobSubmission,
    idempotency_key: Option<&str>,
) -> Result<(JobInfo, bool), JobError> {
    let body = Digest::of(&serde_json::to_vec(&submission).map_err(|error| JobError::Internal(error.into()))?);
    let key = idempotency_key.map(|key| checked_key(key).map(|()| (key.to_owned(), body))).transpose()?;
    if let Some((key, body)) = &key
        && let Some(found) = replay(app, account, key, body).await?
    {
        return Ok((found, false));
    }
    check_account(app, account, &submission).await?;
    check_names(&submission)?;
    let module = module_of(app, account, &submission).await?;
    check_exports(&submission, &module)?;
    check_limits(&submission.limits, &module.limits)?;
    let files = files(app, account, &submission).await?;
    let first = first_batch(&submission, files).await?;
    let price = price(app, &submission)?;
    let new = new_job(account, submission, first, price);
    match write(app, account, key, new.clone()).await? {
        Put::Made(id) => {
            let job = start(app, id, new, module).await?;
            Ok((info_of(app, &job, true), true))
        }
        Put::Known(id) => Ok((super::look::stored(app, account, id).await?, false)),
        Put::Gone(field, file) => Err(not_uploaded(field, &file)),
        Put::Other => Err(JobError::IdempotencyConflict),
        Put::Poor(budget, left) => Err(JobError::NotEnoughCredits { available: left, wanted: budget }),
        Put::TooMany(jobs) => Err(JobError::Conflict(format!(
            "the account has {jobs} jobs that have not ended, which is its limit; wait for one or cancel one"
        ))),
    }
}

fn invalid(field: &'static str, detail: impl Into<String>) -> JobError {
    JobError::Invalid { field, detail: detail.into(), help: None }
}

fn checked_key(key: &str) -> Result<(), JobError> {
    let right = !key.is_empty() && key.len() <= NAME_BYTES_MAX && key.bytes().all(|byte| byte.is_ascii_graphic());
    let what = "an Idempotency-Key is 1 to 255 visible ASCII letters without spaces";
    if right { Ok(()) } else { Err(invalid("Idempotency-Key", what)) }
}

/// The job that the key was used for.
async fn replay(app: &App, account: i64, key: &str, body: &Digest) -> Result<Option<JobInfo>, JobError> {
    match rows::by_key(app.store.reader(), account, key).await? {
        Some((seen, _)) if seen != *body => Err(JobError::IdempotencyConflict),
        Some((_, id)) => Ok(Some(super::look::stored(app, account, id).await?)),
        None => Ok(None),
    }
}

/// What is known of a submission that is only looked at.
pub(super) struct Checked {
    /// Why it would be refused.
    pub(super) problems: Vec<JobError>,
    /// Its module, where there is one.
    pub(super) module: Option<ModuleRow>,
    /// Its input files, where all of them are there.
    pub(super) files: Option<Vec<InputFile>>,
}

/// All that submitting would refuse, but for the split. Only our own faults are errors.
pub(super) async fn problems(app: &App, account: i64, submission: &JobSubmission) -> Result<Checked, JobError> {
    let mut problems = Vec::new();
    note(&mut problems, check_account(app, account, submission).await)?;
    note(&mut problems, check_names(submission))?;
    let module = note(&mut problems, module_of(app, account, submission).await)?;
    if let Some(module) = &module {
        note(&mut problems, check_exports(submission, module))?;
        note(&mut problems, check_limits(&submission.limits, &module.limits))?;
    }
    let files = note(&mut problems, files(app, account, submission).await)?;
    let price = note(&mut problems, price(app, submission))?;
    if let (Some(Some(_)), Some(budget)) = (price, submission.budget) {
        let wanted = Amount::saturating(budget.into());
        let balance = ledger::balance(app.store.reader(), Account::user(AccountNo(account))).await?;
        let available = balance.map_or(Amount::ZERO, |balance| balance.available());
        if available < wanted {
            problems.push(JobError::NotEnoughCredits { available, wanted });
        }
    }
    Ok(Checked { problems, module, files })
}

fn note<T>(problems: &mut Vec<JobError>, outcome: Result<T, JobError>) -> Result<Option<T>, JobError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error @ JobError::Internal(_)) => Err(error),
        Err(error) => {
            problems.push(error);
            Ok(None)
        }
    }
}

/// Number of units, where the split says it without reading.
pub(super) fn planned(split: &Split, files: &[InputFile]) -> Result<Option<u64>, JobError> {
    let lens: Vec<_> = files.iter().map(|file| (file.name.as_str(), file.len)).collect();
    let plan = plan_split(split, &lens).map_err(|error| invalid("split", error.to_string()))?;
    Ok(plan.units())
}

/// What the account and the clock allow.
async fn check_account(app: &App, account: i64, submission: &JobSubmission) -> Result<(), JobError> {
    let (quota, used) = rows::quota(app.store.reader(), account).await?;
    if used >= quota {
        return Err(JobError::QuotaExhausted { quota, used });
    }
    app.active.note_fuel_left(account, quota - used);
    if submission.deadline_ms.is_some_and(|deadline| deadline <= now_ms()) {
        return Err(invalid("deadline_ms", "the deadline has passed already"));
    }
    if let RunOn::Group(name) = &submission.run_on
        && groups::of_member(app.store.reader(), name, account).await?.is_none()
    {
        return Err(JobError::Invalid {
            field: "run_on",
            detail: format!("you are in no group {name:?}"),
            help: Some("`fallow groups` lists yours; or choose own or anyone".into()),
        });
    }
    Ok(())
}

/// The module that the units run.
async fn module_of(app: &App, account: i64, submission: &JobSubmission) -> Result<ModuleRow, JobError> {
    let module = modules::by_digest(app.store.reader(), account, &submission.module).await?;
    let module = module.ok_or_else(|| JobError::Invalid {
        field: "module",
        detail: format!("the account has no module {}", submission.module),
        help: Some("submit it with `POST /api/v1/modules` first; `fallow submit` does".into()),
    })?;
    if module.expires_at_ms <= now_ms() {
        return Err(invalid("module", "the module's manifest has expired; sign and submit the module again"));
    }
    if let Some(why) = app.suspensions.module(&module.digest, &module.component) {
        return Err(JobError::ModuleSuspended(why));
    }
    Ok(module)
}

fn check_names(submission: &JobSubmission) -> Result<(), JobError> {
    let name = |field, result: Result<(), grid_core::name::NameError>| {
        result.map_err(|error| invalid(field, error.to_string()))
    };
    name("name", check_name("job", &submission.name))?;
    if let Some(project) = &submission.project {
        name("project", check_name("project", project))?;
    }
    for (field, what, list, max) in [
        ("inputs", "input file", &submission.inputs, JOB_FILES_MAX),
        ("shared", "shared file", &submission.shared, JOB_SHARED_MAX),
    ] {
        if list.len() > max {
            return Err(invalid(field, format!("the job has {} {what}s, over the limit of {max}", list.len())));
        }
        name(field, check_file_names(what, list.iter().map(|file| file.name.as_str())))?;
    }
    let args = &submission.args;
    if args.len() > JOB_ARGS_MAX || args.iter().map(String::len).sum::<usize>() > JOB_ARGS_BYTES_MAX {
        let detail = format!("more than {JOB_ARGS_MAX} arguments or {JOB_ARGS_BYTES_MAX} bytes of them");
        return Err(invalid("args", detail));
    }
    if args.iter().any(|arg| arg.contains('\0')) {
        return Err(invalid("args", "an argument holds a NUL"));
    }
    Ok(())
}

fn check_exports(submission: &JobSubmission, module: &ModuleRow) -> Result<(), JobError> {
    let exports = module.exports;
    if !exports.run && !exports.command {
        return Err(invalid("module", "the module exports neither fallow:task/run nor wasi:cli/run"));
    }
    if submission.split == Split::Guest && !exports.split {
        return Err(invalid("split", "the module does not export fallow:task/split; choose another split"));
    }
    if submission.assemble == Assemble::Merge && !exports.merge {
        return Err(invalid("assemble", "the module does not export fallow:task/merge; choose archive or concat"));
    }
    if !submission.args.is_empty() && !exports.command {
        return Err(invalid("args", "only a WASI command takes arguments; give a task its settings as a shared file"));
    }
    if !submission.shared.is_empty() && !exports.run {
        return Err(invalid(
            "shared",
            "a WASI command cannot read shared files; give it all it needs as input or arguments",
        ));
    }
    Ok(())
}

/// What the job's work costs; none where it costs nothing. Says what is wrong with its budget.
fn price(app: &App, submission: &JobSubmission) -> Result<Option<Price>, JobError> {
    let offer = submission.offer_permille;
    if !(1_000..=RUSH_PERMILLE_MAX).contains(&offer) {
        let most = RUSH_PERMILLE_MAX;
        return Err(invalid(
            "offer_permille",
            format!("an offer is 1000 to {most} thousandths of the price, not {offer}"),
        ));
    }
    if let Verify::Copies(copies) = submission.verify
        && !(2..=u32::from(app.trust.policy().executors_max)).contains(&copies)
    {
        let most = app.trust.policy().executors_max;
        return Err(invalid("verify", format!("a unit has 2 to {most} copies, not {copies}")));
    }
    let is_free = !app.config.grid.takes_credits() || submission.run_on == RunOn::Own;
    let price = Price { rush_permille: offer, ..app.config.price };
    match submission.budget {
        None if is_free => Ok(None),
        Some(_) if is_free => Err(invalid("budget", "nothing of this job costs credits: leave the budget away")),
        None => Err(JobError::Invalid {
            field: "budget",
            detail: "this grid takes credits, and others' nodes may run the job: it needs a budget".into(),
            help: Some("`fallow estimate` says how much; or run it on your own nodes with `--run-on own`".into()),
        }),
        Some(budget) => {
            let budget = amount(budget)?;
            let unit = cost(submission.limits.fuel, &price, submission.limits.memory_bytes);
            if budget < unit {
                return Err(JobError::Invalid {
                    field: "budget",
                    detail: format!("{budget} credits do not pay for one unit, which may use up to {unit}"),
                    help: Some("raise the budget, or lower `limits.fuel`".into()),
                });
            }
            Ok(Some(price))
        }
    }
}

/// Credits as they may move.
fn amount(micro: u64) -> Result<Amount, JobError> {
    let amount = i64::try_from(micro).ok().and_then(|micro| Amount::from_micro(micro).ok());
    let amount = amount.filter(|amount| !amount.is_zero() && *amount <= TRANSFER_MAX);
    amount.ok_or_else(|| invalid("budget", format!("a budget is more than nothing and at most {TRANSFER_MAX} credits")))
}

fn check_limits(asked: &Limits, signed: &Limits) -> Result<(), JobError> {
    let pairs = [
        ("memory_bytes", asked.memory_bytes, signed.memory_bytes),
        ("fuel", asked.fuel, signed.fuel),
        ("wall_ms", asked.wall_ms, signed.wall_ms),
        ("output_bytes", asked.output_bytes, signed.output_bytes),
        ("emit_bytes", asked.emit_bytes, signed.emit_bytes),
        ("log_bytes", asked.log_bytes, signed.log_bytes),
        ("scratch_bytes", asked.scratch_bytes, signed.scratch_bytes),
        ("checkpoint_bytes", asked.checkpoint_bytes, signed.checkpoint_bytes),
    ];
    match pairs.into_iter().find(|(_, asked, signed)| asked > signed) {
        Some((name, asked, signed)) => Err(JobError::Invalid {
            field: "limits",
            detail: format!("limits.{name} is {asked}, over the {signed} that the module's author signed"),
            help: Some("lower it, or sign and submit the module with higher limits".into()),
        }),
        None => Ok(()),
    }
}

/// The input files, all of them there and the account's own; the shared ones too.
async fn files(app: &App, account: i64, submission: &JobSubmission) -> Result<Vec<InputFile>, JobError> {
    let mut files = Vec::with_capacity(submission.inputs.len());
    for (field, list) in [("inputs", &submission.inputs), ("shared", &submission.shared)] {
        for file in list {
            let FileRef { name, blob } = file;
            let len = blobs::owned_len(app.store.reader(), blob, account).await?;
            let len = len.ok_or_else(|| not_uploaded(field, file))?;
            if field == "inputs" {
                files.push(InputFile { name: name.clone(), blob: *blob, len, path: app.blobs.path(blob) });
            }
        }
    }
    Ok(files)
}

fn not_uploaded(field: &'static str, FileRef { name, blob }: &FileRef) -> JobError {
    JobError::Invalid {
        field,
        detail: format!("the blob {blob} of {name:?} is not among the account's uploads"),
        help: Some(format!("upload it with `PATCH /api/v1/blobs/{blob}` first; `fallow submit` does")),
    }
}

/// The first units, where they can be made at once; always checks that the split can be done.
async fn first_batch(submission: &JobSubmission, files: Vec<InputFile>) -> Result<Batch, JobError> {
    let bytes = files.iter().fold(0u64, |sum, file| sum.saturating_add(file.len));
    let reads = !matches!(submission.split, Split::File | Split::Range { .. } | Split::Grid { .. } | Split::Guest);
    let wanted = if reads && bytes > CUT_AT_ONCE_BYTES { 0 } else { BATCH_UNITS };
    cut_files(&submission.split, files, Place::default(), 0, wanted).await.map_err(of_cut)
}

/// Why an input could not be cut.
pub(super) fn of_cut(error: CutError) -> JobError {
    match error {
        CutError::Split(error) => invalid("split", error.to_string()),
        CutError::Read(error) => JobError::Internal(error.into()),
    }
}

/// What is written for a job.
#[derive(Clone)]
struct NewJob {
    row: JobRow,
    stage: u16,
    first: Arc<Batch>,
}

fn new_job(account: i64, submission: JobSubmission, first: Batch, price: Option<Price>) -> NewJob {
    let now = now_ms();
    let stage = if submission.split == Split::Guest { STAGE_SPLIT } else { STAGE_RUN };
    let phase = if first.done && stage == STAGE_RUN { JobPhase::Running } else { JobPhase::Splitting };
    let seed = submission.seed.unwrap_or_else(random_u64);
    let row = JobRow {
        id: 0,
        public_id: JobId::random(),
        account,
        submission,
        phase,
        version: now,
        seed,
        epoch_ms: now,
        mask: Mask(random_u64()),
        price,
        corrections: 0,
        notice: None,
        fuel: 0,
        created_at_ms: now,
        ended_at_ms: None,
        result: None,
        error: None,
    };
    NewJob { row, stage, first: Arc::new(first) }
}

fn random_u64() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    u64::from_le_bytes(bytes)
}

enum Put {
    Made(i64),
    /// A file was forgotten since it was looked at: its field and its place.
    Gone(&'static str, FileRef),
    Known(i64),
    Other,
    TooMany(u64),
    /// Budget, and what the account has.
    Poor(Amount, Amount),
}

async fn write(app: &App, account: i64, key: Option<(String, Digest)>, new: NewJob) -> Result<Put, JobError> {
    let jobs_max = suspensions::jobs_max(app, account).await?;
    let put = app
        .store
        .write(move |db| {
            let (key, new) = (key.clone(), new.clone());
            Box::pin(async move { put(db, account, key, new, jobs_max).await })
        })
        .await?;
    Ok(put)
}

async fn put(
    db: &DatabaseTransaction,
    account: i64,
    key: Option<(String, Digest)>,
    new: NewJob,
    jobs_max: u64,
) -> Result<Put, StoreError> {
    if let Some((key, body)) = &key
        && let Some((seen, id)) = rows::by_key(db, account, key).await?
    {
        return Ok(if seen == *body { Put::Known(id) } else { Put::Other });
    }
    let active = rows::count_active(db, account).await?;
    if active >= jobs_max {
        return Ok(Put::TooMany(active));
    }
    // Files of jobs that ended long ago are forgotten at any time, but not between this and the job that names them.
    let submission = &new.row.submission;
    for (field, list) in [("inputs", &submission.inputs), ("shared", &submission.shared)] {
        for file in list {
            if blobs::owned_len(db, &file.blob, account).await?.is_none() {
                return Ok(Put::Gone(field, file.clone()));
            }
        }
    }
    let id = rows::insert(db, &new.row).await?;
    if let (Some(_), Some(budget)) = (&new.row.price, submission.budget) {
        let budget = Amount::saturating(budget.into());
        ledger::open_account(db, Account::user(AccountNo(account))).await?;
        ledger::open_account(db, Account::escrow(JobNo(id))).await?;
        let fund = Transfer::fund(AccountNo(account), JobNo(id), 0, budget);
        if !pay::apply(db, &[fund], new.row.created_at_ms).await? {
            let balance = ledger::balance(db, Account::user(AccountNo(account))).await?;
            let left = balance.map_or(Amount::ZERO, |balance| balance.available());
            rows::delete(db, id).await?;
            return Ok(Put::Poor(budget, left));
        }
    }
    stages::insert(db, id, new.stage, false).await?;
    let (made, state) = (new.first.inputs.len() as u64, kept_place(&new.first));
    stages::grow(db, id, new.stage, 0, made, new.first.done, state).await?;
    if made > 0 {
        units::insert(db, id, new.stage, 0, &new.first.inputs).await?;
    }
    if let Some((key, body)) = &key {
        rows::put_key(db, account, key, body, id, new.row.created_at_ms).await?;
    }
    Ok(Put::Made(id))
}

fn kept_place(batch: &Batch) -> Option<Vec<u8>> {
    (!batch.done).then(|| wire::encode(&batch.place))
}

/// Show it to the workers.
async fn start(app: &App, id: i64, new: NewJob, module: ModuleRow) -> Result<Arc<ActiveJob>, JobError> {
    let made = new.first.inputs.len() as u64;
    let mut stage = Stage { stage: new.stage, total: made, split_done: new.first.done, ..Stage::default() };
    stage.split_state = kept_place(&new.first);
    stage.counts.waiting = made;
    let row = JobRow { id, ..new.row };
    let job = activate(app, row, module, vec![stage]).await.map_err(JobError::Internal)?;
    money(app, &job).await.map_err(JobError::Internal)?;
    app.metrics.jobs_submitted.inc();
    app.metrics.units_made.inc_by(made);
    app.wakes.dispatch.notify_one();
    app.wakes.split.notify_one();
    tracing::info!(job = %job.public_id, units = made, "job accepted");
    Ok(job)
}
