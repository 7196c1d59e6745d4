//! What moved on one account, newest first, a page at a time.

use grid_core::ledger::{Account, Cause, Recorded};
use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::{read_cause, read_transfer};
use crate::store::StoreError;
use crate::store::batch::{int, statement};

/// A line of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Place in the ledger.
    pub seq: i64,
    /// The transfer. The account is its debit or its credit.
    pub recorded: Recorded,
    /// What reserved it, where it is a post or a void.
    pub reserved_for: Option<Cause>,
}

/// Which part of a statement.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// From this time on, milliseconds since 1970.
    pub from_ms: u64,
    /// Before this time.
    pub to_ms: u64,
    /// After the line with this time and place, which ended the page before.
    pub after: Option<(u64, i64)>,
    /// At most so many lines.
    pub limit: u64,
}

/// The two sides have an index each in this order.
macro_rules! side {
    ($side:literal) => {
        concat!(
            "SELECT t.id, t.debit, t.credit, t.amount, t.timeout_ms, t.made_at_ms, t.cause, t.seq, p.cause
            FROM transfers t LEFT JOIN transfers p ON p.id = t.pending
            WHERE t.",
            $side,
            " = $1 AND t.made_at_ms >= $2 AND t.made_at_ms < $3 AND (t.made_at_ms, t.seq) < ($4, $5)
            ORDER BY t.made_at_ms DESC, t.seq DESC LIMIT $6"
        )
    };
}

pub(super) const DEBIT: &str = side!("debit");
pub(super) const CREDIT: &str = side!("credit");

/// Lines of an account's statement, newest first.
pub async fn statement_of(db: &impl ConnectionTrait, account: Account, page: &Page) -> Result<Vec<Line>, StoreError> {
    let Some(id) = account.id() else { return Ok(Vec::new()) };
    let (before_ms, before_seq) = page.after.unwrap_or((u64::MAX, i64::MAX));
    let values: Vec<Value> = vec![
        id.into(),
        int(page.from_ms).into(),
        int(page.to_ms).into(),
        int(before_ms).into(),
        before_seq.into(),
        int(page.limit).into(),
    ];
    let mut lines = Vec::new();
    // Both pages together hold the page that is asked for.
    for text in [DEBIT, CREDIT] {
        let rows = db.query_all_raw(statement(db.get_database_backend(), text, values.clone())).await?;
        for row in &rows {
            lines.push(read(row)?);
        }
    }
    lines.sort_unstable_by_key(|line| std::cmp::Reverse((line.recorded.made_at_ms, line.seq)));
    lines.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    Ok(lines)
}

pub(super) fn read(row: &QueryResult) -> Result<Line, StoreError> {
    let reserved_for: Option<Vec<u8>> = row.try_get_by_index(8)?;
    Ok(Line {
        recorded: read_transfer(row)?.1,
        seq: row.try_get_by_index(7)?,
        reserved_for: reserved_for.as_deref().map(read_cause).transpose()?,
    })
}
