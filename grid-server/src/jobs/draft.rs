//! What a submission would be, before anything is paid: how many units, the first of them, price and time by what jobs
//! of the same component took, and everything that submitting would refuse.

use fallow_protocol::api::{DraftPrice, DraftProblem, DraftSeconds, DraftUnit, DraftUnits, JobDraft};
use fallow_protocol::job::{JobSubmission, RunOn, Split, Verify};
use fallow_protocol::link::NodeState;
use fallow_protocol::unit::Input;
use grid_core::estimate::{self, Guess, Speed};
use grid_core::ledger::Amount;
use grid_core::pricing::{Price, cost};
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;

use super::JobError;
use super::submit::{self, Checked};
use crate::app::App;
use crate::credits::micro_of;
use crate::store::modules::{self, ModuleRow};
use crate::workers::cut::{Batch, InputFile, Place};
use crate::workers::split::{BATCH_UNITS, cut_files};

/// Inputs up to so many bytes are cut to the end to count their units; of longer ones, the beginning tells.
const COUNT_BYTES_MAX: u64 = 64 << 20;
/// Drafts that read at a time: the others wait.
static COUNTS: Semaphore = Semaphore::const_new(2);
/// First units that are shown.
const FIRST: usize = 5;
/// Bytes of a unit's input that are shown.
const TEXT_BYTES: usize = 200;
/// Earlier jobs that are asked what they took.
const EARLIER: u64 = 8;

/// What it would be.
pub async fn draft(app: &App, account: i64, submission: JobSubmission) -> Result<JobDraft, JobError> {
    let Checked { problems, module, files } = submit::problems(app, account, &submission).await?;
    let mut draft = JobDraft { problems: problems.into_iter().map(problem).collect(), ..JobDraft::default() };
    if let Some(files) = files {
        match count(&submission.split, &files).await {
            Ok((units, batch)) => {
                draft.units = units;
                draft.first = first(app, &batch).await?;
            }
            Err(error @ JobError::Internal(_)) => return Err(error),
            Err(error) => draft.problems.push(problem(error)),
        }
    }
    let costs = app.config.grid.takes_credits() && submission.run_on != RunOn::Own;
    draft.price.costs = costs;
    if let Some(module) = module.filter(|_| draft.units.count > 0) {
        guess(app, account, &submission, &module, &mut draft).await?;
    }
    Ok(draft)
}

fn problem(error: JobError) -> DraftProblem {
    let text = error.to_string();
    match error {
        JobError::Invalid { field, help, .. } => {
            DraftProblem { field: field.into(), text: help.map_or(text.clone(), |help| format!("{text}; {help}")) }
        }
        JobError::NotEnoughCredits { .. } => DraftProblem { field: "budget".into(), text },
        _ => DraftProblem { field: "account".into(), text },
    }
}

/// How many units, and the first of them. Of a guest's split nothing is known before it has run.
async fn count(split: &Split, files: &[InputFile]) -> Result<(DraftUnits, Batch), JobError> {
    let Ok(_turn) = COUNTS.acquire().await else { return Ok(Default::default()) };
    let bytes = files.iter().fold(0u64, |sum, file| sum.saturating_add(file.len));
    let reads = matches!(split, Split::Lines { .. } | Split::CsvRows { .. });
    // Of much, only the beginning is read.
    let read = if reads && bytes > COUNT_BYTES_MAX { beginning(files) } else { files.to_vec() };
    let cut = |place: Place, made: u64| {
        let read = read.clone();
        async move { cut_files(split, read, place, made, BATCH_UNITS).await.map_err(submit::of_cut) }
    };
    let first = cut(Place::default(), 0).await?;
    if *split == Split::Guest {
        return Ok((DraftUnits::default(), Batch::default()));
    }
    let made = first.inputs.len() as u64;
    if first.done && (!reads || bytes <= COUNT_BYTES_MAX) {
        return Ok((DraftUnits { count: made, exact: true }, first));
    }
    if let Some(count) = submit::planned(split, files)? {
        return Ok((DraftUnits { count, exact: true }, first));
    }
    if bytes > COUNT_BYTES_MAX {
        let cut: u64 = first.inputs.iter().map(Input::len).sum();
        let count = u128::from(bytes) * u128::from(made) / u128::from(cut.max(1));
        return Ok((DraftUnits { count: u64::try_from(count).unwrap_or(u64::MAX), exact: false }, first));
    }
    let (mut place, mut count) = (first.place, made);
    loop {
        let batch = cut(place, count).await?;
        count += batch.inputs.len() as u64;
        if batch.done {
            return Ok((DraftUnits { count, exact: true }, first));
        }
        place = batch.place;
    }
}

/// Files, or parts of them, of as many bytes as are read.
fn beginning(files: &[InputFile]) -> Vec<InputFile> {
    let mut left = COUNT_BYTES_MAX;
    let mut read = Vec::new();
    for file in files {
        if left == 0 {
            break;
        }
        let len = file.len.min(left);
        left -= len;
        read.push(InputFile { len, ..file.clone() });
    }
    read
}

async fn first(app: &App, batch: &Batch) -> Result<Vec<DraftUnit>, JobError> {
    let mut units = Vec::with_capacity(FIRST);
    for (seq, input) in (0..).zip(batch.inputs.iter().take(FIRST)) {
        let head = head(app, input).await.map_err(|error| JobError::Internal(error.into()))?;
        let whole = head.len() as u64 == input.len();
        let text = super::preview::text(&head, whole).map(str::to_owned);
        units.push(DraftUnit { seq, bytes: input.len(), text });
    }
    Ok(units)
}

/// The first bytes of an input.
async fn head(app: &App, input: &Input) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    match input {
        Input::Inline(bytes) => head.extend(bytes.iter().take(TEXT_BYTES)),
        Input::Ranges(ranges) => {
            if let Some(range) = ranges.first() {
                let mut file = app.blobs.open(&range.blob).await?;
                tokio::io::AsyncSeekExt::seek(&mut file, std::io::SeekFrom::Start(range.offset)).await?;
                file.take(range.len.min(TEXT_BYTES as u64)).read_to_end(&mut head).await?;
            }
        }
        Input::Parts(_) => {}
    }
    Ok(head)
}

/// Price and time, by what units of earlier jobs took.
async fn guess(
    app: &App,
    account: i64,
    submission: &JobSubmission,
    module: &ModuleRow,
    draft: &mut JobDraft,
) -> Result<(), JobError> {
    let db = app.store.reader();
    let took = modules::fuel_a_unit(db, account, &module.component, EARLIER).await?;
    let price = Price { rush_permille: submission.offer_permille, ..app.config.price };
    let memory = submission.limits.memory_bytes;
    let one = cost(submission.limits.fuel, &price, memory);
    if took.is_empty() {
        return Ok(());
    }
    let units = draft.units.count;
    let copies = if let Verify::Copies(copies) = submission.verify { u64::from(copies.max(1)) } else { 1 };
    let fuel = times(estimate::fuel(units, &took, 0), copies);
    let seconds = estimate::seconds(units, fuel, &speed(app, account, &submission.run_on));
    draft.seconds = DraftSeconds { from: seconds.map(|(from, _)| from), to: seconds.map(|(_, to)| to) };
    if draft.price.costs {
        let credits = estimate::credits(units, fuel, &price, memory);
        let likely = fuel.likely / units.max(1);
        draft.price = DraftPrice {
            costs: true,
            per_unit: Some(micro_of(cost(likely, &price, memory))),
            total_from: Some(micro_of(credits.low)),
            total_to: Some(micro_of(credits.high)),
            budget_suggested: Some(micro_of(credits.high.max(one).max(Amount::saturating(1)))),
        };
    }
    Ok(())
}

fn times(fuel: Guess<u64>, copies: u64) -> Guess<u64> {
    let times = |fuel: u64| fuel.saturating_mul(copies);
    Guess { low: times(fuel.low), likely: times(fuel.likely), high: times(fuel.high) }
}

/// What the nodes can do now that may run it.
fn speed(app: &App, account: i64, run_on: &RunOn) -> Speed {
    let mut sum = Speed::default();
    for node in app.nodes.all() {
        let Some(presence) = node.presence() else { continue };
        let may = node.account == account || *run_on != RunOn::Own && presence.takes_strangers;
        if !may || presence.state != NodeState::Active {
            continue;
        }
        let (slots, speed) = (u64::from(presence.slots), presence.machine.fuel_per_s);
        sum.slots += slots;
        // A speed is a node's own word: a wild one must not overflow.
        sum.fuel_per_s = sum.fuel_per_s.saturating_add(speed.saturating_mul(slots));
        let free = slots.saturating_sub(presence.units_held);
        sum.fuel_per_s_free = sum.fuel_per_s_free.saturating_add(speed.saturating_mul(free));
    }
    sum
}
