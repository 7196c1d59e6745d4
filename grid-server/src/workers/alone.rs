//! Units whose check nobody is left to make: they end with what was claimed, and the author is told so.

use fallow_protocol::api::UnitState;
use fallow_protocol::unit::UnitKey;
use grid_core::life::after_failure;

use super::end;
use crate::app::App;
use crate::store::stages::Moves;
use crate::store::{attempts, stages, units};

/// What an attempt's outcome says where several nodes said different things.
const DISAGREE: &str = "nodes gave different results for this unit, and nobody is left to decide between them";

/// The unit has finally failed, unconfirmed.
pub async fn give_up(app: &App, job: i64, key: UnitKey) -> anyhow::Result<()> {
    let Some(job) = app.active.get(job) else { return Ok(()) };
    let mut life = {
        let mut state = job.lock();
        state.open.remove(&key.seq);
        let counts = state.find_mut(key.stage).map(|stage| stage.counts).unwrap_or_default();
        (state.life(&job.submission), counts)
    };
    life.1.checking = life.1.checking.saturating_sub(1);
    life.1.failed += 1;
    let after = after_failure(&life.0, key.stage, &life.1);
    let (id, unit) = (job.id, after.unit);
    let moves = app
        .store
        .write(move |db| {
            Box::pin(async move {
                let standing = units::standing(db, id, key.stage, &[key.seq]).await?;
                let Some(mut standing) = standing.into_iter().next() else { return Ok(None) };
                let Ok((claim, _)) = standing.unit.nobody_else() else { return Ok(None) };
                let earlier = attempts::of_units(db, id, key.stage, &[key.seq]).await?;
                let told = claim.and_then(|claim| earlier.iter().find(|row| row.attempt == claim.attempt));
                let (class, message) = told.map_or((9, Some(DISAGREE)), |row| (row.class, row.message.as_deref()));
                // An output that waited for its check was not kept: a done unit that nobody confirms fails too.
                let (class, message) = if class == 1 { (9, Some(DISAGREE)) } else { (class, message) };
                let fuel = told.map_or(0, |row| row.fuel);
                if !units::give_up(db, id, key.stage, key.seq, unit, class, message, fuel).await? {
                    return Ok(None);
                }
                let mut moves = Moves::default();
                moves.add(UnitState::Checking, unit, 1);
                stages::count_moves(db, id, key.stage, &moves).await?;
                Ok(Some(moves))
            })
        })
        .await?;
    let Some(moves) = moves else { return Ok(()) };
    if let Some(stage) = job.lock().find_mut(key.stage) {
        moves.apply(&mut stage.counts);
    }
    job.touch();
    app.wakes.finish.notify_one();
    match after.job {
        Some(failure) => end::fail(app, &job, failure.to_string()).await,
        None => Ok(()),
    }
}
