//! What was committed comes into memory: counters, open units, leases.

use std::collections::HashMap;

use fallow_protocol::api::UnitState;
use fallow_protocol::unit::UnitKey;

use super::{Ending, Endings, How, Written};
use crate::app::App;
use crate::jobs::active::{OPEN_MAX, OpenUnit};
use crate::store::units::Open;
use crate::workers::verdict::Decided;

/// Bring what was committed into memory.
pub(super) fn remember(app: &App, endings: &Endings, written: Written) {
    let Endings { job, stage, list } = endings;
    written.records.remember(&app.trust);
    written.frozen.iter().for_each(|like| app.trust.freeze(*like));
    if written.records.has_caught() {
        app.wakes.settle.notify_one();
    }
    let mut by_node: HashMap<i64, (u64, u64)> = HashMap::new();
    {
        let mut state = job.lock();
        if let Some(found) = state.find_mut(*stage) {
            written.moves.apply(&mut found.counts);
        }
        state.fuel = state.fuel.saturating_add(written.fuel);
        state.budget = written.settled.left.unwrap_or(state.budget);
        state.unpaid |= written.settled.unpaid;
        let current = state.stage().stage == *stage;
        for decided in &written.decided {
            let unit = &decided.conclusion;
            state.progress.remove(&UnitKey { stage: *stage, seq: unit.seq });
            match unit.state {
                UnitState::Done => {
                    state.checkpoints.remove(&UnitKey { stage: *stage, seq: unit.seq });
                    state.seen.0 += 1;
                    state.seen.1 = state.seen.1.saturating_add(unit.wall_us);
                    state.seen.2 = state.seen.2.saturating_add(unit.fuel);
                    let seen = by_node.entry(unit.node).or_default();
                    *seen = (seen.0 + 1, seen.1.saturating_add(unit.wall_us));
                }
                UnitState::Again | UnitState::Checking if current => {
                    if state.open.len() < OPEN_MAX {
                        state.open.insert(unit.seq, open_unit(decided));
                    }
                }
                _ => {}
            }
        }
        if list.iter().any(|ending| matches!(ending.how, How::Declined)) {
            list.iter().for_each(|ending| state.note_declined(ending.node));
        }
    }
    settle_leases(app, endings, &written, &by_node);
    app.metrics.fuel.inc_by(written.fuel);
    app.live.changed(job.id, *stage, written.changed.iter().copied());
    job.touch();
}

fn open_unit(decided: &Decided) -> OpenUnit {
    let unit = &decided.conclusion;
    OpenUnit::from(Open { seq: unit.seq, state: unit.state, node: Some(unit.node), claims: unit.claims.clone() })
}

fn settle_leases(app: &App, endings: &Endings, written: &Written, by_node: &HashMap<i64, (u64, u64)>) {
    let mut nodes: HashMap<i64, Vec<&Ending>> = HashMap::new();
    for ending in endings.list.iter().filter(|ending| written.changed.contains(&ending.key.seq)) {
        nodes.entry(ending.node).or_default().push(ending);
        if let How::Result(result) = &ending.how {
            app.metrics.unit_ended(result.outcome.label());
        }
    }
    for (id, ended) in nodes {
        let Some(node) = app.nodes.node(id) else { continue };
        let mut inner = node.lock();
        for ending in ended {
            inner.leases.settle(endings.job.id, endings.stage, ending.key.seq, ending.attempt);
        }
        if let (Some((units, wall_us)), Some(share)) = (by_node.get(&id), inner.jobs.get_mut(&endings.job.id)) {
            share.count(*units, *wall_us);
        }
    }
}
