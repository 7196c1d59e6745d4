//! Before a job goes on from a stage: nodes that were not checked enough lately have some of its results checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use fallow_protocol::api::UnitState;
use fallow_protocol::job::Verify;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{UnitKey, UnitResult};
use grid_core::life::Claim;
use grid_core::trust::{GridKind, sweep_size};
use grid_core::{AccountNo, JobNo, NodeNo};

use super::verdict::spec;
use crate::app::App;
use crate::jobs::ActiveJob;
use crate::jobs::active::{OPEN_MAX, OpenUnit};
use crate::store::holdings::{self, Holding, State};
use crate::store::stages::{self, Moves};
use crate::store::units::{self, Open, Standing};

/// Holdings that are read at once.
const PAGE: u64 = 500;

/// Whether the job may go on from its stage. Where not, some of its units are checked now.
pub async fn sweep(app: &App, job: &Arc<ActiveJob>) -> anyhow::Result<bool> {
    let stage = {
        let state = job.lock();
        let stage = state.stage().stage;
        if state.swept == Some(stage) {
            return Ok(true);
        }
        stage
    };
    let is_free = app.trust.policy().grid == GridKind::Own || job.submission.verify == Verify::None;
    let chosen = if is_free { Vec::new() } else { choose(app, job, stage).await? };
    let opened = if chosen.is_empty() { Vec::new() } else { write(app, job, stage, chosen).await? };
    let mut state = job.lock();
    state.swept = Some(stage);
    if opened.is_empty() {
        return Ok(true);
    }
    let mut moves = Moves::default();
    moves.add(UnitState::Done, UnitState::Checking, opened.len() as u64);
    if let Some(found) = state.find_mut(stage) {
        moves.apply(&mut found.counts);
    }
    for open in opened {
        if state.open.len() < OPEN_MAX {
            state.open.insert(open.seq, OpenUnit::from(open));
        }
    }
    drop(state);
    job.touch();
    app.wakes.dispatch.notify_one();
    Ok(false)
}

/// A unit with whose result it is, and that node's position.
#[derive(Clone, Copy, Debug)]
struct Chosen {
    seq: u64,
    node: NodeNo,
    owner: AccountNo,
    position: u64,
}

/// Results to be checked, drawn from what is held of each node.
async fn choose(app: &App, job: &ActiveJob, stage: u16) -> anyhow::Result<Vec<Chosen>> {
    let mut by_node: BTreeMap<NodeNo, Vec<Holding>> = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = holdings::of_job(app.store.reader(), JobNo(job.id), State::Held, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for holding in page.into_iter().filter(|holding| holding.stage == stage && holding.position > 0) {
            by_node.entry(holding.node).or_default().push(holding);
        }
    }
    let mut chosen = Vec::new();
    for (node, held) in by_node {
        let results: usize = held.iter().map(|holding| holding.units.len()).sum();
        let record = app.trust.record(node.0);
        let wanted = sweep_size(app.trust.policy(), &record, u32::try_from(results).unwrap_or(u32::MAX));
        for at in draw(results, wanted as usize)? {
            let mut at = at;
            for holding in &held {
                if let Some(seq) = holding.units.get(at) {
                    chosen.push(Chosen { seq: *seq, node, owner: holding.owner, position: holding.position });
                    break;
                }
                at -= holding.units.len();
            }
        }
    }
    Ok(chosen)
}

/// `wanted` different numbers below `all`.
fn draw(all: usize, wanted: usize) -> anyhow::Result<Vec<usize>> {
    let mut drawn = Vec::with_capacity(wanted);
    while drawn.len() < wanted.min(all) {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("failed to draw units: {error}"))?;
        let at = (u128::from(u64::from_le_bytes(bytes)) * all as u128 >> 64) as usize;
        if !drawn.contains(&at) {
            drawn.push(at);
        }
    }
    Ok(drawn)
}

/// What stands becomes a claim. Gives the units that wait for a check now.
async fn write(app: &App, job: &Arc<ActiveJob>, stage: u16, chosen: Vec<Chosen>) -> anyhow::Result<Vec<Open>> {
    let (chosen, shared, id) = (Arc::new(chosen), job.clone(), job.id);
    let opened = app
        .store
        .write(move |db| {
            let (chosen, job) = (chosen.clone(), shared.clone());
            Box::pin(async move {
                let seqs: Vec<u64> = chosen.iter().map(|chosen| chosen.seq).collect();
                let mut opened = Vec::with_capacity(seqs.len());
                for standing in units::standing(db, job.id, stage, &seqs).await? {
                    let of = |chosen: &&Chosen| chosen.seq == standing.seq && standing.node == Some(chosen.node.0);
                    let Some(chosen) = chosen.iter().find(of) else { continue };
                    let Some(claim) = claim(&job, stage, &standing, chosen) else { continue };
                    if units::recheck(db, job.id, stage, standing.seq, &[claim]).await? {
                        let node = standing.node;
                        opened.push(Open { seq: standing.seq, state: UnitState::Checking, node, claims: vec![claim] });
                    }
                }
                let mut moves = Moves::default();
                moves.add(UnitState::Done, UnitState::Checking, opened.len() as u64);
                stages::count_moves(db, job.id, stage, &moves).await?;
                Ok(opened)
            })
        })
        .await?;
    app.live.changed(id, stage, opened.iter().map(|open| open.seq));
    Ok(opened)
}

/// A done unit's row as a claim.
fn claim(job: &ActiveJob, stage: u16, standing: &Standing, chosen: &Chosen) -> Option<Claim> {
    if standing.unit.state != UnitState::Done {
        return None;
    }
    let result = UnitResult {
        key: UnitKey { stage, seq: standing.seq },
        attempt: standing.unit.attempt,
        outcome: Outcome::Done,
        floats: standing.floats,
        fuel: standing.fuel,
        memory_bytes: 0,
        wall_us: 0,
        output: standing.output.clone(),
        log: Vec::new(),
        resumed_at_fuel: None,
    };
    let spec = spec(job, stage, standing.input.digest());
    Some(Claim {
        node: chosen.node,
        owner: chosen.owner,
        attempt: standing.unit.attempt,
        digest: result.digest(&spec),
        essence: result.essence(&spec),
        fuel: standing.fuel,
        class: Outcome::Done.class(),
        floats: standing.floats,
        resumed_from: standing.resumed_from.map(NodeNo),
        position: chosen.position,
        held: true,
        needed: 2,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn drawn_units_differ() {
        for (all, wanted, drawn) in [(0, 5, 0), (3, 5, 3), (1_000, 5, 5)] {
            let mut units = super::draw(all, wanted).unwrap();
            units.sort_unstable();
            units.dedup();
            assert_eq!(units.len(), drawn);
            assert!(units.iter().all(|at| *at < all));
        }
    }
}
