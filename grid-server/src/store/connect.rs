//! Connections: how SQLite and PostgreSQL are opened. What is written through them is not decided here.

use std::time::Duration;

use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};

/// Readers beside the writer.
const READERS_MAX: u32 = 4;
/// SQLite's own cache a connection. Units are written and read in order, so more of it would only make memory grow with
/// the job; the operating system caches the file besides.
const WRITER_CACHE_KIB: u32 = 2_048;
const READER_CACHE_KIB: u32 = 512;
/// How long a connection waits for a lock of another process (a backup).
const BUSY: Duration = Duration::from_secs(10);

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither SQLite nor PostgreSQL.
    #[error("the database's address must begin with sqlite:// or postgres://, not {0:?}")]
    Address(String),
    /// No connection.
    #[error("failed to open the database")]
    Connect(#[source] DbErr),
    /// The schema could not be brought up to date.
    #[error("failed to bring the database's schema up to date")]
    Migrate(#[source] DbErr),
}

/// Readers and the writer.
pub(super) async fn open(url: &str) -> Result<(DatabaseConnection, DatabaseConnection), OpenError> {
    let scheme = url.split(':').next().unwrap_or_default();
    if !matches!(scheme, "sqlite" | "postgres" | "postgresql") {
        return Err(OpenError::Address(scheme.chars().take(40).collect()));
    }
    let writer = Database::connect(options(url, 1, WRITER_CACHE_KIB)).await.map_err(OpenError::Connect)?;
    let reader = Database::connect(options(url, READERS_MAX, READER_CACHE_KIB)).await.map_err(OpenError::Connect)?;
    Ok((reader, writer))
}

/// Durable before fast: `synchronous=FULL` syncs the log of every commit, also when the power goes.
fn options(url: &str, connections: u32, cache_kib: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url.to_owned());
    options.max_connections(connections).min_connections(1).sqlx_logging(false).test_before_acquire(false);
    options.connect_timeout(Duration::from_secs(10)).acquire_timeout(Duration::from_secs(30));
    options.map_sqlx_sqlite_opts(move |sqlite| {
        sqlite
            .create_if_missing(true)
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL")
            .pragma("cache_size", format!("-{cache_kib}"))
            .pragma("journal_size_limit", "67108864")
            .foreign_keys(true)
            .busy_timeout(BUSY)
    });
    options
}
