//! Pay that a job's budget did not cover: it is held as soon as there is more, oldest first.

use grid_core::JobNo;
use grid_core::ledger::Transfer;
use sea_orm::ConnectionTrait;

use super::pay;
use crate::store::StoreError;
use crate::store::holdings::{self, State};

/// Holdings that are read at once.
const PAGE: u64 = 500;

/// Hold what is due, as far as the job's budget goes. False where something is still due.
pub async fn hold(db: &impl ConnectionTrait, job: JobNo, now_ms: u64) -> Result<bool, StoreError> {
    let mut after = 0;
    loop {
        let due = holdings::of_job(db, job, State::Unpaid, after, PAGE).await?;
        let (mut held, mut covered) = (Vec::with_capacity(due.len()), true);
        for holding in &due {
            let transfers = Transfer::hold(holding.work(), holding.owner, holding.amount, holding.fee);
            covered = pay::apply(db, &transfers, now_ms).await?;
            if !covered {
                break;
            }
            held.push(holding.id);
        }
        holdings::set_states(db, &held, State::Unpaid, State::Held).await?;
        if !covered || (due.len() as u64) < PAGE {
            return Ok(covered);
        }
        after = due.last().map_or(after, |holding| holding.id);
    }
}
