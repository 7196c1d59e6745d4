//! What operators stopped, in memory, as the matcher, the link and the API ask it. The database is the truth.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fallow_protocol::Digest;
use grid_core::matching::Suspension;
use tokio::sync::watch;

use crate::app::App;
use crate::jobs::ActiveJob;
use crate::store::modules::ModuleRow;
use crate::store::suspensions::{self as rows, Stopped};
use crate::store::{StoreError, suspensions};

/// All that is stopped now.
#[derive(Debug)]
pub struct Suspensions {
    stopped: Mutex<Stopped>,
    changed: watch::Sender<u64>,
    // Whoever read last keeps what he read: reads come one after the other.
    reading: tokio::sync::Mutex<()>,
}

impl Default for Suspensions {
    fn default() -> Self {
        Self { stopped: Mutex::default(), changed: watch::Sender::new(0), reading: tokio::sync::Mutex::default() }
    }
}

impl Suspensions {
    fn lock(&self) -> MutexGuard<'_, Stopped> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why an account may do nothing.
    pub fn account(&self, account: i64) -> Option<String> {
        self.lock().accounts.get(&account).cloned()
    }

    /// Why a node of this owner gets no work.
    pub fn node(&self, node: i64, owner: i64) -> Option<String> {
        let stopped = self.lock();
        let owner = || stopped.accounts.get(&owner).map(|why| format!("its owner's account is suspended: {why}"));
        stopped.nodes.get(&node).cloned().or_else(owner)
    }

    /// Why nobody runs a module: its manifest, or its component under whatever manifest, is stopped.
    pub fn module(&self, manifest: &Digest, component: &Digest) -> Option<String> {
        let stopped = self.lock();
        stopped.modules.get(manifest).or_else(|| stopped.modules.get(component)).cloned()
    }

    /// Why nothing of a job runs. What its module is outweighs who its author is.
    pub fn job(&self, job: &ActiveJob) -> Option<Suspension> {
        self.of(job.account, &job.module)
    }

    /// The same of a job that is not active.
    pub fn of(&self, account: i64, module: &ModuleRow) -> Option<Suspension> {
        let module = self.module(&module.digest, &module.component).map(Suspension::Module);
        module.or_else(|| self.account(account).map(Suspension::Author))
    }

    /// Wait until a module is stopped; the reason.
    pub async fn until_module(&self, module: &ModuleRow) -> String {
        let mut changes = self.changed.subscribe();
        loop {
            if let Some(why) = self.module(&module.digest, &module.component) {
                return why;
            }
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// The reason with what it is about, for the author of a job.
pub fn told(suspension: &Suspension) -> String {
    match suspension {
        Suspension::Author(why) => format!("the grid's operator suspended your account: {why}"),
        Suspension::Module(why) => format!("the grid's operator suspended the module: {why}"),
    }
}

/// Read what is stopped: at the start, and after each change.
pub async fn load(app: &App) -> Result<(), StoreError> {
    let _one = app.suspensions.reading.lock().await;
    let stopped = rows::all(app.store.reader()).await?;
    *app.suspensions.lock() = stopped;
    app.suspensions.changed.send_modify(|changes| *changes += 1);
    app.wakes.dispatch.notify_one();
    Ok(())
}

/// Jobs that an account may have that have not ended.
pub async fn jobs_max(app: &App, account: i64) -> Result<u64, StoreError> {
    let own = suspensions::jobs_max(app.store.reader(), account).await?;
    Ok(own.unwrap_or_else(|| u64::from(app.config.limits.jobs_max)))
}
