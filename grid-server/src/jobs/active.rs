//! Jobs that have not ended, as the workers keep them in memory: bounded a job, nothing a unit.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fallow_protocol::api::{JobPhase, UnitCounts, UnitState};
use fallow_protocol::job::{Assemble, JobSubmission, settings_digest};
use fallow_protocol::limits::MERGE_FAN_IN;
use fallow_protocol::manifest::{Exports, Limits};
use fallow_protocol::unit::{Call, STAGE_RUN, STAGE_SPLIT, UnitKey};
use fallow_protocol::{Digest, JobId};
use grid_core::eta::Rate;
use grid_core::ledger::Amount;
use grid_core::life::{About, Claim, JobLife, Mask, views};
use grid_core::matching::{JobView, PICKY_MAX, Picky};
use grid_core::pricing::{Price, affordable};
use grid_core::{AccountNo, JobNo, NodeNo};
use tokio::sync::watch;

use crate::app::now_ms;
use crate::store::jobs::JobRow;
use crate::store::modules::ModuleRow;
use crate::store::stages::Stage;
use crate::store::units::Open;

/// Open units of one job in memory; more stay in the database until these are leased.
pub const OPEN_MAX: usize = 10_000;
/// Running units of one job whose progress is kept.
const PROGRESS_MAX: usize = 10_000;
/// How long a node that declined a job is not asked again, milliseconds.
const AVOID_MS: u64 = 60_000;

/// All active jobs.
#[derive(Debug, Default)]
pub struct Active {
    jobs: Mutex<BTreeMap<i64, Arc<ActiveJob>>>,
    fuel_left: Mutex<HashMap<i64, u64>>,
}

/// A job that has not ended.
#[derive(Debug)]
pub struct ActiveJob {
    /// Internal id.
    pub id: i64,
    /// Public id.
    pub public_id: JobId,
    /// Its author's account.
    pub account: i64,
    /// What was asked for.
    pub submission: JobSubmission,
    /// What its units run.
    pub module: ModuleRow,
    /// Profile of the module.
    pub profile: Arc<str>,
    /// Lengths of the shared files.
    pub shared_lens: Vec<u64>,
    /// Shifts the numbers of attempts as nodes see them.
    pub mask: Mask,
    /// What its work costs; none where it costs nothing.
    pub price: Option<Price>,
    /// Seed of the units' random streams.
    pub seed: u64,
    /// Where the guests' clocks begin.
    pub epoch_ms: u64,
    /// Submission.
    pub created_at_ms: u64,
    /// Digest of the job-wide settings.
    pub settings: Digest,
    /// Its version; closed by the last change.
    pub changed: watch::Sender<u64>,
    state: Mutex<JobState>,
}

/// The part of a job that changes.
#[derive(Debug, Default)]
pub struct JobState {
    /// Where it is.
    pub phase: Phase,
    /// Fuel of accepted runs.
    pub fuel: u64,
    /// Its stages; the last is the one whose units run.
    pub stages: Vec<Stage>,
    /// Units of the last stage that need another attempt and are on no node, as far as they are in memory.
    pub open: BTreeMap<u64, OpenUnit>,
    /// Units whose row has a checkpoint.
    pub checkpoints: HashSet<UnitKey>,
    /// Progress of running units: done, of so much.
    pub progress: HashMap<UnitKey, (u64, u64)>,
    /// How fast it goes.
    pub rate: Rate,
    /// Done units of the last stage since the start, with the sums of their wall time and fuel.
    pub seen: (u64, u64, u64),
    /// Nodes that declined it, and until when they are not asked.
    pub avoid: HashMap<i64, u64>,
    /// What is left of its budget: neither spent nor held.
    pub budget: Amount,
    /// Results that nobody was there to pay: nothing of the job goes on before they are paid.
    pub unpaid: bool,
    /// Units that the server's own worker cannot run.
    pub not_by_server: HashSet<UnitKey>,
    /// The stage whose unchecked results were looked through.
    pub swept: Option<u16>,
    /// Whether somebody joins its outputs now.
    pub assembling: bool,
    /// The node that fetches what its next merge reads.
    pub gatherer: Option<Gatherer>,
    /// Whether it has ended; nothing more is done for it.
    pub ended: bool,
}

/// A node that fetches the outputs of a stage, which the next one joins.
#[derive(Clone, Debug, Default)]
pub struct Gatherer {
    /// The stage whose outputs they are.
    pub stage: u16,
    /// The node.
    pub node: i64,
    /// Units whose outputs it was told of, or that have none to fetch: at most as many as a merge has parts.
    pub told: HashSet<u64>,
    /// Whether it was told of any.
    pub has_parts: bool,
}

/// A phase with a default for the state's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase(pub JobPhase);

impl Default for Phase {
    fn default() -> Self {
        Phase(JobPhase::Splitting)
    }
}

/// A unit that needs another attempt.
#[derive(Clone, Debug)]
pub struct OpenUnit {
    /// Again or checking.
    pub state: UnitState,
    /// The node that had it last, where it has no claims.
    pub avoid: Vec<NodeNo>,
    /// Results that wait for another one.
    pub claims: Vec<Claim>,
    /// Since when it waits.
    pub since_ms: u64,
}

impl From<Open> for OpenUnit {
    fn from(open: Open) -> Self {
        let avoid = open.node.map(NodeNo).into_iter().filter(|_| open.claims.is_empty()).collect();
        Self { state: open.state, avoid, claims: open.claims, since_ms: now_ms() }
    }
}

impl Active {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<i64, Arc<ActiveJob>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job by its internal id.
    pub fn get(&self, id: i64) -> Option<Arc<ActiveJob>> {
        self.lock().get(&id).cloned()
    }

    /// A job by its public id.
    pub fn find(&self, id: &JobId) -> Option<Arc<ActiveJob>> {
        self.lock().values().find(|job| job.public_id == *id).cloned()
    }

    /// All, oldest first.
    pub fn all(&self) -> Vec<Arc<ActiveJob>> {
        self.lock().values().cloned().collect()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Add one that was committed.
    pub fn insert(&self, job: Arc<ActiveJob>) {
        self.lock().insert(job.id, job);
    }

    /// Forget one that has ended.
    pub fn remove(&self, id: i64) {
        self.lock().remove(&id);
    }

    /// Fuel that an account has left, as far as it was looked at.
    pub fn fuel_left(&self, account: i64) -> u64 {
        self.fuel_left.lock().unwrap_or_else(PoisonError::into_inner).get(&account).copied().unwrap_or(u64::MAX)
    }

    /// Keep what accounts have left; those without jobs are forgotten.
    pub fn set_fuel_left(&self, left: HashMap<i64, u64>) {
        *self.fuel_left.lock().unwrap_or_else(PoisonError::into_inner) = left;
    }

    /// Keep what one account has left.
    pub fn note_fuel_left(&self, account: i64, left: u64) {
        self.fuel_left.lock().unwrap_or_else(PoisonError::into_inner).insert(account, left);
    }
}

impl ActiveJob {
    /// From its rows.
    pub fn new(row: JobRow, module: ModuleRow, profile: &str, shared_lens: Vec<u64>, stages: Vec<Stage>) -> Self {
        let JobRow { submission, mask, price, seed, epoch_ms, .. } = row;
        let settings = settings_digest(&submission.args, &submission.limits, seed, epoch_ms, &submission.shared);
        let state = JobState { phase: Phase(row.phase), fuel: row.fuel, stages, ..JobState::default() };
        Self {
            id: row.id,
            public_id: row.public_id,
            account: row.account,
            submission,
            module,
            profile: profile.into(),
            shared_lens,
            mask,
            price,
            seed,
            epoch_ms,
            created_at_ms: row.created_at_ms,
            settings,
            changed: watch::Sender::new(row.version),
            state: Mutex::new(state),
        }
    }

    /// The changing part. Never held over an await.
    pub fn lock(&self) -> MutexGuard<'_, JobState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next version: rises also over restarts, as long as the clock does not go back.
    pub fn next_version(&self) -> u64 {
        now_ms().max(*self.changed.borrow() + 1)
    }

    /// Something changed: whoever waits for news gets it.
    pub fn touch(&self) {
        self.changed.send_modify(|version| *version = now_ms().max(*version + 1));
    }

    /// Fuel of its units on average; 0 before the first is done.
    pub fn unit_fuel(&self) -> u64 {
        let (units, _, fuel) = self.lock().seen;
        fuel.checked_div(units).unwrap_or(0)
    }

    /// Whether units wait for an attempt, or are still to be made.
    pub fn has_work(&self) -> bool {
        let state = self.lock();
        let stage = state.stage();
        stage.next_seq < stage.total || !stage.split_done || !state.open.is_empty()
    }

    /// Limits a unit.
    pub fn limits(&self) -> &Limits {
        &self.submission.limits
    }

    /// The export that units of a stage call.
    pub fn call(&self, stage: u16, last_merge: bool) -> Call {
        call_of(&self.module.exports, stage, last_merge)
    }

    /// Largest blob that one of its units may upload.
    pub fn upload_bytes_max(&self) -> u64 {
        let limits = self.limits();
        // A split's output has the emitted inputs and their index.
        let emitted = limits.emit_bytes.saturating_add(8 * fallow_protocol::limits::JOB_UNITS_MAX + 8);
        let emitted = if self.module.exports.split { emitted } else { 0 };
        limits.output_bytes.max(limits.checkpoint_bytes).max(emitted)
    }
}

/// The export that units of a stage call, of a module that has these exports.
pub fn call_of(exports: &Exports, stage: u16, last_merge: bool) -> Call {
    match stage {
        STAGE_SPLIT => Call::Split,
        STAGE_RUN if exports.run => Call::Run,
        STAGE_RUN => Call::Command,
        _ if last_merge => Call::MergeLast,
        _ => Call::Merge,
    }
}

/// Whether the units of a job's last stage make the result themselves.
pub fn is_last_merge(last: &Stage, assemble: Assemble) -> bool {
    assemble == Assemble::Merge && last.stage > STAGE_RUN && last.split_done && last.total == 1
}

impl JobState {
    /// The stage whose units run.
    pub fn stage(&self) -> &Stage {
        self.stages.last().expect("a job has a stage from its first transaction on")
    }

    /// The stage whose units run.
    pub fn stage_mut(&mut self) -> &mut Stage {
        self.stages.last_mut().expect("a job has a stage from its first transaction on")
    }

    /// A stage by its number.
    pub fn find_mut(&mut self, stage: u16) -> Option<&mut Stage> {
        self.stages.iter_mut().find(|found| found.stage == stage)
    }

    /// Counts of the work, without split and merge.
    pub fn work(&self) -> (UnitCounts, bool) {
        self.stages
            .iter()
            .find(|stage| stage.stage == STAGE_RUN)
            .map_or_else(Default::default, |stage| (stage.counts, stage.split_done))
    }

    /// Counts of all merges together.
    pub fn merges(&self) -> UnitCounts {
        let mut sum = UnitCounts::default();
        for Stage { counts, .. } in self.stages.iter().filter(|stage| stage.stage > STAGE_RUN) {
            sum.waiting += counts.waiting;
            sum.running += counts.running;
            sum.checking += counts.checking;
            sum.done += counts.done;
            sum.again += counts.again;
            sum.failed += counts.failed;
            sum.left_out += counts.left_out;
        }
        sum
    }

    /// What the rules know of the job.
    pub fn life(&self, submission: &JobSubmission) -> JobLife {
        let stage = self.stage();
        JobLife {
            phase: self.phase.0,
            stage: stage.stage,
            split_done: stage.split_done,
            on_failed: submission.on_failed,
            assemble: submission.assemble,
        }
    }

    /// Whether the units of the last stage make the result themselves.
    pub fn is_last_merge(&self, assemble: Assemble) -> bool {
        is_last_merge(self.stage(), assemble)
    }

    /// Keep progress of a running unit.
    pub fn note_progress(&mut self, key: UnitKey, done: u64, total: u64) {
        if self.progress.len() < PROGRESS_MAX || self.progress.contains_key(&key) {
            self.progress.insert(key, (done, total));
        }
    }

    /// Progress within running units, in thousandths of a unit.
    pub fn progress_milli(&self) -> u64 {
        let milli = |(done, total): &(u64, u64)| (done.saturating_mul(1_000) / (*total).max(1)).min(1_000);
        self.progress.values().filter(|(_, total)| *total > 0).map(milli).sum()
    }

    /// The node that has fetched what the only unit of this stage reads.
    fn prefers(&self) -> Option<NodeNo> {
        let (below, stage) = match self.stages.as_slice() {
            [.., below, stage] => (below, stage),
            _ => return None,
        };
        let gatherer = self.gatherer.as_ref().filter(|gatherer| gatherer.has_parts && gatherer.stage == below.stage)?;
        (stage.stage > STAGE_RUN && stage.total == 1).then_some(NodeNo(gatherer.node))
    }

    /// A node gave units back.
    pub fn note_declined(&mut self, node: i64) {
        let now = now_ms();
        self.avoid.retain(|_, until| *until > now);
        self.avoid.insert(node, now + AVOID_MS);
    }
}

impl ActiveJob {
    /// Whether the guest's split runs, of a job that is at least so old, milliseconds.
    pub fn splits_since(&self, age_ms: u64) -> bool {
        let state = self.lock();
        let stage = state.stage();
        let splits = stage.stage == STAGE_SPLIT && stage.counts.running > 0 && !state.ended;
        splits && now_ms() >= self.created_at_ms.saturating_add(age_ms)
    }

    /// The stage whose outputs one merge will join, where most of its units are out and some have ended that nobody was
    /// told to fetch.
    pub fn has_news_to_merge(&self) -> Option<u16> {
        let state = self.lock();
        let stage = state.stage();
        // A quarter of the work hides the way of the outputs to where they are joined.
        let nears = stage.split_done && stage.total <= MERGE_FAN_IN && stage.next_seq * 4 >= stage.total * 3;
        let merges = self.submission.assemble == Assemble::Merge && stage.stage >= STAGE_RUN && !state.ended;
        let told = state.gatherer.as_ref().filter(|gatherer| gatherer.stage == stage.stage);
        let is_news = stage.counts.done > told.map_or(0, |gatherer| gatherer.told.len() as u64);
        (merges && nears && is_news && !state.is_last_merge(Assemble::Merge)).then_some(stage.stage)
    }

    /// The matcher's view.
    pub fn view(&self, fuel_left: u64, about: &dyn Fn(NodeNo) -> About) -> JobView {
        let state = self.lock();
        let (stage, now) = (state.stage(), now_ms());
        let (units, wall_us, fuel) = state.seen;
        let works = !state.ended && !state.phase.0.is_final();
        JobView {
            id: JobNo(self.id),
            owner: AccountNo(self.account),
            run_on: self.submission.run_on.clone(),
            module: self.submission.module,
            members: Default::default(),
            suspended: None,
            limits: *self.limits(),
            profile: self.profile.clone(),
            ready: if works { stage.total - stage.next_seq.min(stage.total) } else { 0 },
            picky: state
                .open
                .iter()
                .take(PICKY_MAX)
                .map(|(seq, unit)| Picky {
                    key: UnitKey { stage: stage.stage, seq: *seq },
                    avoid: unit.avoid.clone(),
                    claims: views(&unit.claims, Some(AccountNo(self.account)), about),
                    by_server: !state.not_by_server.contains(&UnitKey { stage: stage.stage, seq: *seq }),
                    waiting_ms: now.saturating_sub(unit.since_ms),
                })
                .collect(),
            avoid: state.avoid.iter().filter(|(_, until)| **until > now).map(|(node, _)| NodeNo(*node)).collect(),
            prefers: state.prefers(),
            unit_us: wall_us.checked_div(units),
            unit_fuel: fuel.checked_div(units),
            fuel_left,
            budget_left: self.price.map(|price| match state.unpaid {
                true => 0,
                false => affordable(state.budget, &price, self.limits().memory_bytes),
            }),
            weight: self.submission.offer_permille,
        }
    }
}
