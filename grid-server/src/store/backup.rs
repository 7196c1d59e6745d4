//! A consistent copy of an SQLite database, also while a server writes to it.

use std::path::Path;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DbErr};

use super::sql;

/// Copy the database at `url` to the file `to`, which must not exist.
pub async fn copy_sqlite(url: &str, to: &Path) -> Result<(), DbErr> {
    let mut options = ConnectOptions::new(url.to_owned());
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await?;
    let name = to.to_string_lossy().into_owned();
    let statement = sea_orm::Statement::from_sql_and_values(
        connection.get_database_backend(),
        "VACUUM INTO $1",
        vec![sea_orm::Value::from(name)],
    );
    connection.execute_raw(statement).await?;
    connection.close().await
}

/// Whether an SQLite file is whole.
pub async fn check_sqlite(url: &str) -> Result<bool, DbErr> {
    let mut options = ConnectOptions::new(url.to_owned());
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await?;
    let row = sql::one(&connection, "PRAGMA integrity_check", Vec::new()).await;
    let fine = row.ok().flatten().and_then(|row| row.try_get_by_index::<String>(0).ok());
    connection.close().await?;
    Ok(fine.as_deref() == Some("ok"))
}
