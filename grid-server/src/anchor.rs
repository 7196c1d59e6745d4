//! The server's own worker: runs a unit again where the grid has nobody else to check it, exactly as a node would.
//!
//! The anchor of last resort, so it is kept small: a few units at once, each in a confined process of its own, within a
//! share of the time. When to ask it is not decided here, and nothing of a job but the unit's parts is known here.

use std::io;
use std::path::PathBuf;

use fallow_protocol::manifest::Manifest;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Call, UnitResult};
use fallow_sandbox::client::{Module, Task, WorkerSetup, unit_seed};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit, TryAcquireError};

use crate::app::App;
use crate::config::Config;
use crate::modules::worker_exe;

mod budget;
mod compiled;
mod error;
mod inputs;
mod limits;
mod meter;
mod outputs;
mod unit;
mod worker;

use compiled::Compiled;
pub use error::AnchorError;
use error::host;
use meter::{Meter, Purse};
pub use unit::{AnchorJob, AnchorUnit};
use worker::Folder;

/// The server's own worker.
#[derive(Debug)]
pub struct Anchor {
    is_off: bool,
    turns: Semaphore,
    purse: Purse,
    compiled: Compiled,
    /// Folders of units that run.
    units_dir: PathBuf,
    folders: OnceCell<()>,
}

impl Anchor {
    /// As the settings say. Its folders are made when they are first needed.
    pub fn new(config: &Config) -> Self {
        let (settings, dir) = (&config.anchor, config.data.join("anchor"));
        Self {
            is_off: settings.share_permille == 0,
            turns: Semaphore::new(settings.units),
            purse: Purse::new(settings.share_permille),
            compiled: Compiled::new(dir.join("compiled"), settings.compiled_bytes_max),
            units_dir: dir.join("units"),
            folders: OnceCell::new(),
        }
    }

    /// Whether the operator has switched it off.
    pub fn is_off(&self) -> bool {
        self.is_off
    }

    /// Whether a unit could begin now: [`AnchorError::Off`], `Busy` or `OverBudget` where not.
    pub fn ready(&self) -> Result<(), AnchorError> {
        if self.is_off {
            return Err(AnchorError::Off);
        }
        match self.purse.wait_ms() {
            _ if self.turns.available_permits() == 0 => Err(AnchorError::Busy),
            0 => Ok(()),
            again_in_ms => Err(AnchorError::OverBudget { again_in_ms }),
        }
    }

    fn turn(&self) -> Result<SemaphorePermit<'_>, AnchorError> {
        self.ready()?;
        self.turns.try_acquire().map_err(|error| match error {
            TryAcquireError::NoPermits => AnchorError::Busy,
            TryAcquireError::Closed => AnchorError::Stopping,
        })
    }

    /// Run a unit from its beginning, as a node would, and keep its output as a node's upload would be kept.
    ///
    /// A unit that has begun is held while the budget is empty, so this may take hours. Dropping the future, or the
    /// server's stop, ends the processes. An outcome is the unit's own; whatever failed here is an error.
    pub async fn run(&self, app: &App, unit: AnchorUnit) -> Result<UnitResult, AnchorError> {
        let _turn = self.turn()?;
        let (job, key) = (unit.job.public_id.clone(), unit.key);
        let result = tokio::select! {
            biased;
            () = app.wakes.stop.cancelled() => Err(AnchorError::Stopping),
            why = app.suspensions.until_module(&unit.job.module) => Err(AnchorError::Suspended(why)),
            result = self.result(app, &unit) => result,
        };
        match &result {
            Ok(result) => {
                app.metrics.anchor_unit_ended(result.outcome.label());
                let outcome = result.outcome.label();
                tracing::debug!(%job, stage = key.stage, seq = key.seq, outcome, "run by the server's own worker");
            }
            Err(error) => {
                app.metrics.anchor_unit_ended("none");
                let error = error as &dyn std::error::Error;
                tracing::debug!(%job, stage = key.stage, seq = key.seq, error, "not run by the server's own worker");
            }
        }
        result
    }

    async fn result(&self, app: &App, unit: &AnchorUnit) -> Result<UnitResult, AnchorError> {
        // Checks come after a job's end, and so perhaps after the module's expiry: to them, it is always in time.
        let manifest = unit.job.module.signed.authored.verify(0)?;
        self.folders.get_or_try_init(|| self.make_folders()).await.map_err(host("make the folders"))?;
        let _in_use = self.compiled.hold(manifest.executed);
        let mut meter = Meter::start(&self.purse, &app.metrics);
        let folder = Folder::new_in(&self.units_dir).await.map_err(host("make a folder"))?;
        let setup = self.setup(app, unit, &manifest, &folder, &mut meter).await?;
        let task = Task {
            tag: unit.key.seq,
            call: unit.call,
            seed: unit_seed(unit.job.seed, unit.key),
            input: inputs::make(&app.blobs, &unit.input).await?,
            floats: unit.floats,
            checkpoint: None,
            emit_to: (unit.call == Call::Split).then(|| folder.emitted()),
            output_to: None,
        };
        let end = worker::end(&setup, task, &self.purse, &mut meter).await?;
        if let Some((limit, most)) = limits::hit(&end.outcome, &unit.job.limits, &setup.limits) {
            return Err(AnchorError::TooLarge { limit, most });
        }
        if let Outcome::HostFault { message } = end.outcome {
            return Err(host("run the unit")(io::Error::other(message)));
        }
        let result = outputs::result(app, unit, end, &folder.emitted()).await;
        folder.remove().await.map_err(host("remove the unit's folder"))?;
        result
    }

    /// What its worker is told: the module compiled, the shared files found, the limits lowered.
    async fn setup(
        &self,
        app: &App,
        unit: &AnchorUnit,
        manifest: &Manifest,
        folder: &Folder,
        meter: &mut Meter<'_>,
    ) -> Result<WorkerSetup, AnchorError> {
        let job = &unit.job;
        let limits = limits::lowered(&job.limits, &app.config.anchor.unit);
        if limits.scratch_bytes == 0 && job.limits.scratch_bytes > 0 {
            return Err(AnchorError::TooLarge { limit: "scratch_bytes", most: 0 });
        }
        inputs::has(&app.blobs, &manifest.component, job.module.bytes).await?;
        let mut shared = Vec::with_capacity(job.shared.len());
        for file in &job.shared {
            inputs::has(&app.blobs, &file.blob, 0).await?;
            shared.push((file.name.clone(), app.blobs.path(&file.blob)));
        }
        let module = Module {
            exe: worker_exe(app).map_err(host("find this executable"))?,
            component: app.blobs.path(&manifest.component),
            digest: manifest.component,
            builds: manifest.executed,
            cache_dir: self.compiled.dir().to_owned(),
        };
        let compiled = meter.during(module.compile(unit.floats)).await?;
        self.compiled.used(compiled.clone()).await.map_err(host("tidy up compiled modules"))?;
        Ok(WorkerSetup {
            module,
            compiled,
            floats: unit.floats,
            exports: job.module.exports,
            args: job.args.clone(),
            limits,
            epoch_ms: job.epoch_ms,
            shared,
            scratch_dir: (limits.scratch_bytes > 0).then(|| folder.scratch()),
            // What authors send never runs without the operating system's sandbox here: blobs and keys are near.
            require_confinement: true,
        })
    }

    /// What a crash left of units goes; compiled modules stay.
    async fn make_folders(&self) -> io::Result<()> {
        let (units, compiled) = (self.units_dir.clone(), self.compiled.dir().to_owned());
        let make = move || {
            if units.exists() {
                std::fs::remove_dir_all(&units)?;
            }
            std::fs::create_dir_all(units)?;
            std::fs::create_dir_all(compiled)
        };
        tokio::task::spawn_blocking(make).await.map_err(io::Error::other)?
    }
}
