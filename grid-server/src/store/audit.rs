//! The audit log's rows.

use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::sql::{self, signed};

/// What was done. Texts are bounded by who makes them.
#[derive(Clone, Debug, Default)]
pub struct NewEvent {
    /// When.
    pub at_ms: u64,
    /// Internal id of the account that did it.
    pub actor: Option<i64>,
    /// Internal id of the account that it is about.
    pub subject: Option<i64>,
    /// A stable word.
    pub action: String,
    /// What it was done to.
    pub object: String,
    /// The address that it was done from.
    pub address: String,
    /// More, for people.
    pub details: String,
}

/// An event of the log.
#[derive(Clone, Debug)]
pub struct Event {
    /// Id within the database.
    pub id: i64,
    /// When.
    pub at_ms: u64,
    /// Name of the account that did it, as it is now.
    pub actor: Option<String>,
    /// A stable word.
    pub action: String,
    /// What it was done to.
    pub object: String,
    /// The address that it was done from.
    pub address: String,
    /// More, for people.
    pub details: String,
}

/// Which events.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Those of or about this account.
    pub of: Option<i64>,
    /// Those that this account did.
    pub actor: Option<i64>,
    /// Those with this word.
    pub action: Option<&'a str>,
}

fn read(row: &QueryResult) -> Result<Event, StoreError> {
    Ok(Event {
        id: sql::get(row, "id")?,
        at_ms: sql::unsigned(row, "at_ms")?,
        actor: sql::get(row, "actor_name")?,
        action: sql::get(row, "action")?,
        object: sql::get(row, "object")?,
        address: sql::get(row, "address")?,
        details: sql::get(row, "details")?,
    })
}

/// Keep an event.
pub async fn insert<C: ConnectionTrait>(connection: &C, event: &NewEvent) -> Result<(), StoreError> {
    let text = "INSERT INTO audit (at_ms, actor, subject, action, object, address, details) \
                VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = vec![
        signed(event.at_ms).into(),
        event.actor.into(),
        event.subject.into(),
        event.action.as_str().into(),
        event.object.as_str().into(),
        event.address.as_str().into(),
        event.details.as_str().into(),
    ];
    sql::execute(connection, text, values).await.map(drop)
}

/// Up to `limit` events before the internal id `before`, newest first.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    wanted: Wanted<'_>,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<Event>, StoreError> {
    let text = "SELECT e.id, e.at_ms, a.name AS actor_name, e.action, e.object, e.address, e.details \
                FROM audit e LEFT JOIN accounts a ON a.id = e.actor \
                WHERE e.id < $1 AND (CAST($2 AS BIGINT) IS NULL OR e.actor = $2 OR e.subject = $2) \
                AND (CAST($3 AS BIGINT) IS NULL OR e.actor = $3) AND (CAST($4 AS TEXT) IS NULL OR e.action = $4) \
                ORDER BY e.id DESC LIMIT $5";
    let values = vec![
        before.unwrap_or(i64::MAX).into(),
        wanted.of.into(),
        wanted.actor.into(),
        wanted.action.into(),
        signed(limit).into(),
    ];
    sql::all(connection, text, values).await?.iter().map(read).collect()
}

/// Forget events before a time, at most `rows` of them; how many went.
pub async fn forget_before<C: ConnectionTrait>(connection: &C, before_ms: u64, rows: u64) -> Result<u64, StoreError> {
    let text = "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at_ms < $1 ORDER BY at_ms LIMIT $2)";
    sql::execute(connection, text, vec![signed(before_ms).into(), signed(rows).into()]).await
}
