//! One unit of a job: its attempts with what was made of them, its log, its output.

use fallow_protocol::JobId;
use fallow_protocol::api::{UnitAttempt, UnitDetail, UnitInfo, UnitState};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Output, UnitKey};

use super::JobError;
use super::lists::{own, pseudonym, shown};
use crate::app::App;
use crate::store::attempts::{self, ToldAttempt};
use crate::store::{logs, unit_list, units};

/// One unit of an account's own job.
pub async fn unit(app: &App, account: i64, id: &JobId, key: UnitKey) -> Result<UnitDetail, JobError> {
    let job = own(app, account, id).await?;
    let db = app.store.reader();
    let listed = unit_list::one(db, job, key).await?.ok_or_else(|| no_unit(id, key))?;
    let info = shown(listed, account, id);
    let standing = units::standing(db, job, key.stage, &[key.seq]).await?.pop().ok_or_else(|| no_unit(id, key))?;
    let told = attempts::told(db, job, key).await?;
    let said = logs::of_unit(db, job, key).await?;
    let root = standing.output.as_ref().filter(|_| info.state == UnitState::Done).map(Output::root);
    let mut attempts: Vec<UnitAttempt> = Vec::with_capacity(told.len() + 1);
    for attempt in told.into_iter().filter(|told| told.row.attempt < info.attempt || standing.unit.on.is_none()) {
        let agrees = root.map(|root| attempt.row.root == Some(root));
        attempts.push(earlier(attempt, account, id, agrees));
    }
    if info.attempt > 0 && attempts.iter().all(|told| told.attempt != info.attempt) {
        attempts.push(newest(&info, standing.unit.on.is_some()));
    }
    let message = info.outcome.as_ref().map(|outcome| outcome.message().to_owned()).filter(|text| !text.is_empty());
    let log = said.map(|said| String::from_utf8_lossy(&said).into_owned()).filter(|log| !log.is_empty());
    Ok(UnitDetail { unit: info, input_bytes: standing.input.len(), attempts, log, message })
}

/// The output of a unit that is done.
pub async fn output(app: &App, account: i64, id: &JobId, key: UnitKey) -> Result<Output, JobError> {
    let job = own(app, account, id).await?;
    let found = units::outputs(app.store.reader(), job, key.stage, key.seq, 1).await?.pop();
    let unit = found.filter(|unit| unit.seq == key.seq).ok_or_else(|| no_unit(id, key))?;
    unit.output.ok_or(JobError::NoOutput { state: unit.state })
}

fn no_unit(id: &JobId, key: UnitKey) -> JobError {
    JobError::NoUnit { job: id.clone(), key }
}

fn earlier(told: ToldAttempt, account: i64, id: &JobId, agrees: Option<bool>) -> UnitAttempt {
    let row = told.row;
    let own = told.owner == Some(account);
    let name = told.public_id.map(|node| if own { node } else { pseudonym(id, &node) });
    let outcome = logs::outcome(row.class, row.message);
    let verdict = match (&outcome, agrees) {
        (Some(Outcome::Done), Some(true)) => "agreed",
        (Some(Outcome::Done), Some(false)) => "disagreed",
        (Some(Outcome::Done), None) => "checking",
        _ => "tried_again",
    };
    UnitAttempt {
        attempt: row.attempt,
        node: name,
        outcome,
        fuel: row.fuel,
        wall_us: row.wall_us,
        memory_bytes: row.memory_bytes,
        ended_at_ms: Some(told.ended_at_ms),
        verdict: verdict.into(),
    }
}

fn newest(unit: &UnitInfo, runs: bool) -> UnitAttempt {
    let verdict = match unit.state {
        _ if runs => "running",
        UnitState::Done => "accepted",
        UnitState::Checking => "checking",
        UnitState::Failed | UnitState::LeftOut => "failed",
        UnitState::Again | UnitState::Waiting | UnitState::Running => "tried_again",
    };
    UnitAttempt {
        attempt: unit.attempt,
        node: unit.node.clone(),
        outcome: unit.outcome.clone().filter(|_| !runs),
        fuel: if runs { 0 } else { unit.fuel },
        wall_us: if runs { 0 } else { unit.wall_us },
        memory_bytes: if runs { 0 } else { unit.memory_bytes },
        ended_at_ms: None,
        verdict: verdict.into(),
    }
}
