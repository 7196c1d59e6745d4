//! Plain SQL with values, the same for SQLite and PostgreSQL: `$1`, `$2` … stand for them.

use fallow_protocol::Digest;
use sea_orm::{ConnectionTrait, QueryResult, Statement, TryGetable, Value};

use super::StoreError;

fn statement<C: ConnectionTrait>(connection: &C, sql: &str, values: Vec<Value>) -> Statement {
    super::count_statement();
    Statement::from_sql_and_values(connection.get_database_backend(), sql, values)
}

/// Run `sql`; how many rows it changed.
pub async fn execute<C: ConnectionTrait>(connection: &C, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
    Ok(connection.execute_raw(statement(connection, sql, values)).await?.rows_affected())
}

/// Whether the database answers.
pub async fn ping<C: ConnectionTrait>(connection: &C) -> Result<(), StoreError> {
    one(connection, "SELECT 1 AS one", Vec::new()).await.map(drop)
}

/// The first row, if any.
pub async fn one<C: ConnectionTrait>(
    connection: &C,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<QueryResult>, StoreError> {
    Ok(connection.query_one_raw(statement(connection, sql, values)).await?)
}

/// All rows. The statement has a limit.
pub async fn all<C: ConnectionTrait>(
    connection: &C,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>, StoreError> {
    Ok(connection.query_all_raw(statement(connection, sql, values)).await?)
}

/// A column of a row.
pub fn get<T: TryGetable>(row: &QueryResult, column: &str) -> Result<T, StoreError> {
    Ok(row.try_get("", column)?)
}

/// A column that is never negative.
pub fn unsigned(row: &QueryResult, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(get::<i64>(row, column)?).map_err(|_| StoreError::Corrupt(column))
}

/// A column that holds a digest.
pub fn digest(row: &QueryResult, column: &'static str) -> Result<Digest, StoreError> {
    Digest::from_slice(&get::<Vec<u8>>(row, column)?).ok_or(StoreError::Corrupt(column))
}

/// A column that holds an id or another text with a form.
pub fn parsed<T: std::str::FromStr>(row: &QueryResult, column: &'static str) -> Result<T, StoreError> {
    get::<String>(row, column)?.parse().map_err(|_| StoreError::Corrupt(column))
}

/// The expression for `column` plus the number `$value`, neither ever negative, that stays at the largest number where
/// it would go over: SQLite would make it a float, PostgreSQL fail.
pub fn plus(column: &str, value: usize) -> String {
    const MAX: i64 = i64::MAX;
    format!("CASE WHEN {column} > {MAX} - ${value} THEN {MAX} ELSE {column} + ${value} END")
}

/// Databases have signed numbers only; what does not fit is as good as the largest.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
