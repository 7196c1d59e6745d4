//! What the server's own worker is given: a unit with everything that it depends on, of a job that works or has ended.

use fallow_protocol::job::{FileRef, settings_digest};
use fallow_protocol::manifest::{Floats, Limits};
use fallow_protocol::unit::{Call, Input, UnitKey, UnitResult, UnitSpec};
use fallow_protocol::{Digest, JobId};

use super::AnchorError;
use crate::app::App;
use crate::jobs::ActiveJob;
use crate::jobs::active::{call_of, is_last_merge};
use crate::store::modules::{self, ModuleRow};
use crate::store::{StoreError, jobs, stages, units};

/// What all units of a job share.
#[derive(Clone, Debug)]
pub struct AnchorJob {
    /// Public id, for logs.
    pub public_id: JobId,
    /// What its units run.
    pub module: ModuleRow,
    /// Arguments of a command.
    pub args: Vec<String>,
    /// Limits a unit.
    pub limits: Limits,
    /// Seed of the units' random streams.
    pub seed: u64,
    /// Where the guests' clocks begin, milliseconds since 1970.
    pub epoch_ms: u64,
    /// Files that every unit may read.
    pub shared: Vec<FileRef>,
    /// The build that the job asks for.
    pub floats: Floats,
}

/// One unit.
#[derive(Clone, Debug)]
pub struct AnchorUnit {
    /// Its job.
    pub job: AnchorJob,
    /// Which unit.
    pub key: UnitKey,
    /// The attempt that the result will speak of.
    pub attempt: u32,
    /// The export.
    pub call: Call,
    /// The build that it begins with; from the plain one it goes on to the canonical one where it made a NaN.
    pub floats: Floats,
    /// Its input.
    pub input: Input,
}

impl AnchorJob {
    /// Of a job that has not ended.
    pub fn of_active(job: &ActiveJob) -> Self {
        Self {
            public_id: job.public_id.clone(),
            module: job.module.clone(),
            args: job.submission.args.clone(),
            limits: job.submission.limits,
            seed: job.seed,
            epoch_ms: job.epoch_ms,
            shared: job.submission.shared.clone(),
            floats: job.submission.floats,
        }
    }
}

impl AnchorUnit {
    /// A unit of a job that has not ended. The attempt's number says which build it begins with, as for a node.
    pub fn of_active(job: &ActiveJob, key: UnitKey, attempt: u32, input: Input) -> Self {
        let last_merge = {
            let state = job.lock();
            state.stage().stage == key.stage && state.is_last_merge(job.submission.assemble)
        };
        let call = job.call(key.stage, last_merge);
        Self::new(AnchorJob::of_active(job), key, attempt, call, input)
    }

    /// A unit as it stands in the database, of a job that may have ended; `job` is its internal id. The attempt is the
    /// unit's newest.
    pub async fn load(app: &App, job: i64, key: UnitKey) -> Result<Self, AnchorError> {
        let db = app.store.reader();
        let row = jobs::by_id(db, job).await?.ok_or(AnchorError::Unknown { job, key })?;
        let module = modules::by_digest(db, row.account, &row.submission.module).await?;
        let module = module.ok_or(AnchorError::Unknown { job, key })?;
        let unit = units::standing(db, job, key.stage, &[key.seq]).await?.pop();
        let unit = unit.ok_or(AnchorError::Unknown { job, key })?;
        let last = stages::of_job(db, job).await?.pop().ok_or(StoreError::Corrupt("a job's stages"))?;
        let last_merge = last.stage == key.stage && is_last_merge(&last, row.submission.assemble);
        let call = call_of(&module.exports, key.stage, last_merge);
        let job = AnchorJob {
            public_id: row.public_id,
            module,
            args: row.submission.args,
            limits: row.submission.limits,
            seed: row.seed,
            epoch_ms: row.epoch_ms,
            shared: row.submission.shared,
            floats: row.submission.floats,
        };
        Ok(Self::new(job, key, unit.unit.attempt, call, unit.input))
    }

    fn new(job: AnchorJob, key: UnitKey, attempt: u32, call: Call, input: Input) -> Self {
        let floats = job.floats;
        Self { job, key, attempt, call, floats, input }
    }

    /// What a result of this unit is compared by, whoever ran it.
    pub fn digest(&self, result: &UnitResult) -> Result<Digest, StoreError> {
        let AnchorJob { module, args, limits, seed, epoch_ms, shared, .. } = &self.job;
        let spec = UnitSpec {
            profile: &module.manifest()?.profile,
            executed: &module.executed,
            call: self.call,
            input: self.input.digest(),
            settings: settings_digest(args, limits, *seed, *epoch_ms, shared),
        };
        Ok(result.digest(&spec))
    }
}
