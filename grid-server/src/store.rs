//! The database: connections, the one writer that commits in groups, and what may go wrong. SQL lives only below here.
//!
//! SQLite has one writer, so closures queue for a task that owns the write connection, and many of them share one
//! commit. Readers work beside it. PostgreSQL is used the same way.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};

use fallow_migrations::{Migrator, MigratorTrait};
use sea_orm::{DatabaseConnection, DatabaseTransaction, DbBackend, DbErr};
use tokio::sync::{mpsc, oneshot};

pub mod accounts;
pub mod admin;
pub mod attempts;
pub mod audit;
pub mod author_keys;
pub mod backup;
mod batch;
pub mod blobs;
pub mod checkpoints;
mod claims;
mod connect;
pub mod credits;
pub mod device_codes;
pub mod devices;
pub mod disputes;
pub mod earnings;
pub mod errors;
pub mod groups;
pub mod holdings;
pub mod intervals;
pub mod jobs;
pub mod join_tokens;
pub mod leases;
pub mod ledger;
pub mod links;
pub mod logs;
pub mod modules;
pub mod nodes;
pub mod paces;
pub mod people;
pub mod projects;
pub mod registrations;
pub mod retention;
pub mod rewind;
pub mod sessions;
pub mod sql;
pub mod stages;
pub mod suspensions;
pub mod tokens;
pub mod trust;
pub mod unit_list;
pub mod unit_map;
pub mod units;
mod writer;

#[cfg(test)]
mod tests;

pub use connect::OpenError;
use writer::{Queued, Write};

/// Statements that this process has made.
static STATEMENTS: AtomicU64 = AtomicU64::new(0);

fn count_statement() {
    STATEMENTS.fetch_add(1, Ordering::Relaxed);
}

/// How many statements this process has given its databases.
pub fn statements() -> u64 {
    STATEMENTS.load(Ordering::Relaxed)
}

/// What a write closure gives: a boxed future that borrows the transaction.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Closures that wait for the writer; more make their callers wait.
const QUEUE_MAX: usize = 1_024;

/// Why the database did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or was not there.
    #[error("failed to use the database")]
    Database(#[from] DbErr),
    /// A row holds what no version of this program writes.
    #[error("failed to read {0} in the database")]
    Corrupt(&'static str),
    /// The server is stopping.
    #[error("failed to write: the store is closed")]
    Closed,
    /// What was remembered was behind what is written: nothing was changed, and the caller looks first next time.
    #[error("failed to write: what was remembered is behind the database")]
    Behind,
    /// A write broke an assertion; it was undone.
    #[error("failed to write: a rule was broken, and nothing was changed")]
    Panicked,
}

/// The open database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    reader: DatabaseConnection,
    queue: mpsc::Sender<Box<dyn Queued>>,
    backend: DbBackend,
}

impl Store {
    /// Open `url` (`sqlite://PATH` or `postgres://…`), run what migrations are missing, and start the writer.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let (reader, writer) = connect::open(url).await?;
        Migrator::up(&writer, None).await.map_err(OpenError::Migrate)?;
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let backend = writer.get_database_backend();
        tokio::spawn(writer::run(writer, waiting));
        Ok(Self { reader, queue, backend })
    }

    /// Connections for reading. Never write through them.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Which database it is.
    pub fn backend(&self) -> DbBackend {
        self.backend
    }

    /// Run `work` in a transaction and commit it, together with what others have queued.
    ///
    /// `work` may be run again when a neighbour in its group failed, so it must have no effects beyond the
    /// transaction. An error undoes it; a refusal that needs no undoing is better a value of `T`.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a DatabaseTransaction) -> Work<'a, T> + Send + Sync + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let queued: Box<dyn Queued> = Box::new(Write::new(work, answer));
        self.queue.send(queued).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}
