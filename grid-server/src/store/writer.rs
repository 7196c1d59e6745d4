//! The one writer: takes what is queued, runs it in one transaction, commits once, answers all.
//!
//! When one closure of a group fails, the group is undone and each is run alone, so that one's fault is one's own.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use tokio::sync::{mpsc, oneshot};

use super::{StoreError, Work};

/// Closures in one commit.
const GROUP_MAX: usize = 64;

/// A write that waits for its turn.
pub(super) trait Queued: Send {
    /// Run it; false when it failed and the transaction must be undone. The outcome is kept until `answer`.
    fn run<'a>(&'a mut self, transaction: &'a DatabaseTransaction) -> BoxFuture<'a, bool>;
    /// Tell the caller the kept outcome.
    fn answer(self: Box<Self>);
    /// Tell the caller that the commit failed.
    fn fail(self: Box<Self>, error: StoreError);
}

/// A closure with its caller.
pub(super) struct Write<T, F> {
    work: F,
    outcome: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Write<T, F> {
    pub(super) fn new(work: F, answer: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { work, outcome: None, answer }
    }
}

impl<T, F> Queued for Write<T, F>
where
    T: Send + 'static,
    F: for<'a> Fn(&'a DatabaseTransaction) -> Work<'a, T> + Send + Sync + 'static,
{
    fn run<'a>(&'a mut self, transaction: &'a DatabaseTransaction) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            // A closure that panics must not take the writer, and with it the whole server, along.
            let outcome = AssertUnwindSafe((self.work)(transaction)).catch_unwind().await;
            let outcome = outcome.unwrap_or(Err(StoreError::Panicked));
            let right = outcome.is_ok();
            self.outcome = Some(outcome);
            right
        })
    }

    fn answer(self: Box<Self>) {
        // A caller that went away does not want to know.
        let _ = self.answer.send(self.outcome.unwrap_or(Err(StoreError::Closed)));
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.answer.send(Err(error));
    }
}

/// Serve the queue until every [`super::Store`] is gone.
pub(super) async fn run(connection: DatabaseConnection, mut waiting: mpsc::Receiver<Box<dyn Queued>>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
        let undone = commit(&connection, std::mem::take(&mut group)).await;
        for alone in undone {
            commit(&connection, vec![alone]).await;
        }
    }
}

/// Run and commit a group. Gives the group back when it had to be undone and has more than one member.
async fn commit(connection: &DatabaseConnection, mut group: Vec<Box<dyn Queued>>) -> Vec<Box<dyn Queued>> {
    let transaction = match begin(connection).await {
        Ok(transaction) => transaction,
        Err(error) => return fail_all(group, error),
    };
    for queued in &mut group {
        if !queued.run(&transaction).await {
            if let Err(error) = transaction.rollback().await {
                tracing::warn!(%error, "failed to undo a transaction");
            }
            return if group.len() == 1 { answer_all(group) } else { group };
        }
    }
    match transaction.commit().await {
        Ok(()) => answer_all(group),
        Err(error) => fail_all(group, error),
    }
}

/// SQLite's deferred transactions fail at once where they would have to wait: always immediate.
async fn begin(connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let sqlite = connection.get_database_backend() == DbBackend::Sqlite;
    let sqlite_transaction_mode = sqlite.then_some(SqliteTransactionMode::Immediate);
    connection.begin_with_options(TransactionOptions { sqlite_transaction_mode, ..Default::default() }).await
}

fn answer_all(group: Vec<Box<dyn Queued>>) -> Vec<Box<dyn Queued>> {
    group.into_iter().for_each(Queued::answer);
    Vec::new()
}

fn fail_all(group: Vec<Box<dyn Queued>>, error: DbErr) -> Vec<Box<dyn Queued>> {
    tracing::error!(%error, writes = group.len(), "failed to commit");
    let text = error.to_string();
    group.into_iter().for_each(|queued| queued.fail(StoreError::Database(DbErr::Custom(text.clone()))));
    Vec::new()
}
