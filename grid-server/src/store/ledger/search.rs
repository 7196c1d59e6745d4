//! The whole ledger's transfers for operators, newest first, by who and what they are about.

use std::collections::{HashMap, HashSet};

use fallow_protocol::api::AccountRef;
use grid_core::ledger::Account;
use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::statements::{Line, read};
use crate::store::StoreError;
use crate::store::batch::{int, list, statement};

/// Which transfers.
#[derive(Clone, Debug)]
pub struct Search {
    /// Those that each of these accounts gave or got.
    pub parties: Vec<Account>,
    /// Those with this code of their cause.
    pub code: Option<u8>,
    /// From this time on, milliseconds since 1970.
    pub from_ms: u64,
    /// Before this time.
    pub to_ms: u64,
    /// Before this place in the ledger.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u64,
}

/// The transfers.
pub async fn search(db: &impl ConnectionTrait, wanted: &Search) -> Result<Vec<Line>, StoreError> {
    let mut text = String::from(
        "SELECT t.id, t.debit, t.credit, t.amount, t.timeout_ms, t.made_at_ms, t.cause, t.seq, p.cause
        FROM transfers t LEFT JOIN transfers p ON p.id = t.pending
        WHERE t.seq < $1 AND t.made_at_ms >= $2 AND t.made_at_ms < $3",
    );
    // Numbers only, so they may stand in the text.
    for party in &wanted.parties {
        let Some(id) = party.id() else { return Ok(Vec::new()) };
        text.push_str(&format!(" AND (t.debit = {id} OR t.credit = {id})"));
    }
    if let Some(code) = wanted.code {
        text.push_str(&format!(" AND t.code = {code}"));
    }
    text.push_str(" ORDER BY t.seq DESC LIMIT $4");
    let values: Vec<Value> = vec![
        wanted.before.unwrap_or(i64::MAX).into(),
        int(wanted.from_ms).into(),
        int(wanted.to_ms).into(),
        int(wanted.limit).into(),
    ];
    let rows = db.query_all_raw(statement(db.get_database_backend(), &text, values)).await?;
    rows.iter().map(read).collect()
}

const NAMES: &str = "SELECT id, public_id, name FROM accounts WHERE deleted_at_ms IS NULL AND id IN {list:1}";

/// Who these accounts are, as far as they are still known.
pub async fn names(db: &impl ConnectionTrait, accounts: &HashSet<i64>) -> Result<HashMap<i64, AccountRef>, StoreError> {
    let values = vec![list(accounts.iter().map(|account| account.unsigned_abs()))];
    let rows = db.query_all_raw(statement(db.get_database_backend(), NAMES, values)).await?;
    let read = |row: &QueryResult| {
        let id: String = row.try_get_by_index(1)?;
        let id = id.parse().map_err(|_| StoreError::Corrupt("an account's id"))?;
        Ok((row.try_get_by_index(0)?, AccountRef { id, name: row.try_get_by_index(2)? }))
    };
    rows.iter().map(read).collect()
}
