//! Hands units to nodes: a snapshot from memory, a plan by the rules, one transaction for all of its leases, frames.
//! The only worker that leases, so that cursors have one writer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use fallow_protocol::api::{UnitState, Who};
use fallow_protocol::limits::FRAME_BYTES_MAX;
use fallow_protocol::link::CheckpointRef;
use fallow_protocol::unit::{STAGE_RUN, UnitKey};
use grid_core::NodeNo;
use grid_core::life::About;
use grid_core::matching::{AHEAD_AFTER_MS, Grant, JobView, Snapshot, ahead, mind_the_door, plan};

use super::{alone, gather, lease, suspend};
use crate::app::{App, now_ms};
use crate::jobs::ActiveJob;
use crate::jobs::active::{OPEN_MAX, OpenUnit};
use crate::link::node::Node;
use crate::store::leases::LeaseRow;
use crate::store::stages::Moves;
use crate::store::units::{Leased, Taker};
use crate::store::{StoreError, checkpoints, jobs, leases, stages, units};

/// How often it looks by itself.
const PERIOD: Duration = Duration::from_millis(500);
/// Merge units in one lease: each carries up to 256 inline parts, and a lease is one frame.
const MERGES_A_LEASE: usize = FRAME_BYTES_MAX / (256 * 1_100) - 1;
/// Below this many in memory, more open units are read.
const OPEN_FEW: usize = 256;

/// One grant as it is written and sent.
#[derive(Clone, Debug)]
pub struct Order {
    /// The job.
    pub job: Arc<ActiveJob>,
    /// The node, which may be gone from the registry once the lease is committed.
    pub node: Arc<Node>,
    /// The stage.
    pub stage: u16,
    /// The lease; `first_seq` and `last_seq` span its units.
    pub row: LeaseRow,
    /// Units never leased before, one past the last.
    pub fresh: (u64, u64),
    /// Units that need another attempt, by the state that they are in.
    pub again: Vec<u64>,
    /// See above.
    pub checking: Vec<u64>,
    /// Results that wait for another one, of those that have any.
    pub claims: HashMap<u64, usize>,
    /// Whether the units are the last of a merge.
    pub last_merge: bool,
    /// Whether what the node says is final: then it must not rest on what others say.
    pub is_believed: bool,
}

/// What was leased for an order.
#[derive(Clone, Debug, Default)]
pub struct Filled {
    /// The units.
    pub units: Vec<Leased>,
    /// Those that were open before.
    pub reopened: u64,
    /// Checkpoints to go on from.
    pub checkpoints: Vec<(u64, CheckpointRef)>,
    /// What moved.
    pub moves: Moves,
}

/// Serve until the server stops.
pub async fn run(app: Arc<App>) {
    while super::pause(&app, "dispatch", &app.wakes.dispatch, PERIOD).await {
        // One plan gives each node one lease a job at most; go on while something was given.
        loop {
            match super::guarded(turn(&app)).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "failed to hand out units");
                    break;
                }
            }
        }
    }
}

async fn turn(app: &Arc<App>) -> anyhow::Result<bool> {
    suspend::turn(app).await?;
    let jobs = app.active.all();
    if jobs.is_empty() || app.nodes.online() == 0 {
        return Ok(false);
    }
    for job in &jobs {
        load_open(app, job).await?;
    }
    let snapshot = snapshot(app, &jobs);
    tell_ahead(app, &jobs, &snapshot);
    for (job, view) in jobs.iter().zip(&snapshot.jobs) {
        gather::tell(app, job, view, &snapshot.nodes).await?;
    }
    let plan = plan(&snapshot);
    for (job, key) in plan.alone {
        alone::check(app, job.0, key).await?;
    }
    let orders = orders(app, &plan.grants);
    if orders.is_empty() {
        return Ok(false);
    }
    let orders = Arc::new(orders);
    let shared = orders.clone();
    let filled = app
        .store
        .write(move |db| {
            let orders = shared.clone();
            Box::pin(async move {
                let mut filled = Vec::with_capacity(orders.len());
                for order in orders.iter() {
                    filled.push(fill(db, order).await?);
                }
                Ok(filled)
            })
        })
        .await?;
    let mut given = 0;
    for (order, filled) in orders.iter().zip(filled) {
        remember(order, &filled);
        app.live.changed(order.job.id, order.stage, filled.units.iter().map(|unit| unit.seq));
        given += filled.units.len() as u64;
        lease::give(app, order, filled);
    }
    app.metrics.units_leased.inc_by(given);
    app.wakes.split.notify_one();
    Ok(given > 0)
}

/// While a guest's split runs, nodes that may get its units make themselves ready.
fn tell_ahead(app: &App, jobs: &[Arc<ActiveJob>], snapshot: &Snapshot) {
    for (job, view) in jobs.iter().zip(&snapshot.jobs) {
        if job.splits_since(AHEAD_AFTER_MS) {
            for node in ahead(&snapshot.nodes, view) {
                app.nodes.node(node.0).iter().for_each(|node| lease::introduce_ahead(app, node, job));
            }
        }
    }
}

/// What the rules see.
pub fn snapshot(app: &App, jobs: &[Arc<ActiveJob>]) -> Snapshot {
    let about = |node| app.trust.about(node);
    let jobs = jobs.iter().map(|job| view(app, job, &about)).collect();
    let mut nodes = app.nodes.views(|node, owner| app.trust.worth(node, owner));
    let (policy, anchor) = (*app.trust.policy(), app.anchor.ready().is_ok());
    for node in nodes.iter_mut().filter(|node| node.takes.who == Who::Groups) {
        Arc::make_mut(&mut node.takes).companions = app.groups.companions(node.owner.0);
    }
    mind_the_door(&mut nodes, &policy, app.trust.door(), anchor);
    Snapshot { nodes, jobs, policy, anchor, has_anchor: !app.anchor.is_off() }
}

/// What the rules see of one job.
pub fn view(app: &App, job: &ActiveJob, about: &dyn Fn(NodeNo) -> About) -> JobView {
    let mut view = job.view(app.active.fuel_left(job.account), about);
    view.suspended = app.suspensions.job(job);
    view.members = app.groups.members(&job.submission.run_on);
    view
}

/// Keep some open units in memory, where there are more.
async fn load_open(app: &App, job: &ActiveJob) -> Result<(), StoreError> {
    let stage = {
        let state = job.lock();
        let counts = state.stage().counts;
        let more = counts.again + counts.checking > state.open.len() as u64;
        if !more || state.open.len() >= OPEN_FEW || state.ended {
            return Ok(());
        }
        state.stage().stage
    };
    let found = units::open(app.store.reader(), job.id, stage, 0, OPEN_MAX as u64).await?;
    let mut state = job.lock();
    if state.stage().stage == stage {
        for open in found {
            state.open.entry(open.seq).or_insert_with(|| OpenUnit::from(open));
        }
    }
    Ok(())
}

/// From grants to what is leased: cursors are moved in a copy here, and in memory once it is committed.
fn orders(app: &App, grants: &[Grant]) -> Vec<Order> {
    let mut cursors: HashMap<i64, u64> = HashMap::new();
    let now = now_ms();
    let mut orders = Vec::with_capacity(grants.len());
    for grant in grants {
        let (Some(job), Some(node)) = (app.active.get(grant.job.0), app.nodes.node(grant.node.0)) else { continue };
        let state = job.lock();
        let stage = state.stage();
        let cursor = cursors.entry(job.id).or_insert(stage.next_seq);
        let max = if stage.stage > STAGE_RUN { MERGES_A_LEASE as u64 } else { u64::MAX };
        let to = cursor.saturating_add(grant.units.min(max)).min(stage.total);
        let fresh = (*cursor, to.max(*cursor));
        *cursor = fresh.1;
        let (mut again, mut checking, mut claims) = (Vec::new(), Vec::new(), HashMap::new());
        let room = max.saturating_sub(fresh.1 - fresh.0) as usize;
        for key in grant.picked.iter().filter(|key| key.stage == stage.stage).take(room) {
            match state.open.get(&key.seq) {
                Some(unit) if unit.state == UnitState::Checking => {
                    checking.push(key.seq);
                    claims.insert(key.seq, unit.claims.len());
                }
                Some(_) => again.push(key.seq),
                None => {}
            }
        }
        let picked = again.iter().chain(&checking).copied();
        let run = (fresh.0 < fresh.1).then_some([fresh.0, fresh.1 - 1]);
        let span: Vec<u64> = run.into_iter().flatten().chain(picked).collect();
        let (Some(first), Some(last)) = (span.iter().min(), span.iter().max()) else { continue };
        let row = LeaseRow {
            id: lease::next_id(),
            node: grant.node.0,
            job: job.id,
            stage: stage.stage,
            first_seq: *first,
            last_seq: *last,
            expires_at_ms: now + app.config.work.lease_ms,
        };
        let last_merge = state.is_last_merge(job.submission.assemble);
        let stage = stage.stage;
        drop(state);
        let is_believed = app.trust.believes(node.id, node.account, job.account);
        orders.push(Order { job, node, stage, row, fresh, again, checking, claims, last_merge, is_believed });
    }
    orders
}

async fn fill(db: &sea_orm::DatabaseTransaction, order: &Order) -> Result<Filled, StoreError> {
    let (job, stage) = (order.job.id, order.stage);
    let taker = Taker { lease: order.row.id, node: order.row.node };
    let mut filled = Filled::default();
    // A job that has ended since the plan was made has given up its leases, and takes no new ones.
    if jobs::phase(db, job).await?.is_none_or(|phase| phase.is_final()) {
        return Ok(filled);
    }
    if order.fresh.0 < order.fresh.1 {
        filled.units = units::lease_range(db, taker, job, stage, order.fresh.0, order.fresh.1).await?;
        filled.moves.add(UnitState::Waiting, UnitState::Running, filled.units.len() as u64);
        stages::set_cursor(db, job, stage, order.fresh.1).await?;
    }
    for (seqs, state) in [(&order.again, UnitState::Again), (&order.checking, UnitState::Checking)] {
        if seqs.is_empty() {
            continue;
        }
        let leased = units::lease_list(db, taker, job, stage, seqs, state).await?;
        if state == UnitState::Again {
            filled.moves.add(state, UnitState::Running, leased.len() as u64);
        }
        filled.reopened += leased.len() as u64;
        filled.units.extend(leased);
    }
    stages::count_moves(db, job, stage, &filled.moves).await?;
    if !filled.units.is_empty() {
        leases::insert(db, std::slice::from_ref(&order.row)).await?;
    }
    // Checks run from the beginning: what a checkpoint says is one of the things that are checked.
    let resumable: Vec<u64> = {
        let state = order.job.lock();
        let has = |seq: &u64| state.checkpoints.contains(&UnitKey { stage, seq: *seq });
        order.again.iter().copied().filter(has).collect()
    };
    if !resumable.is_empty() {
        let owner = order.is_believed.then_some(order.job.account);
        filled.checkpoints = checkpoints::resumable(db, job, stage, &resumable, owner).await?;
    }
    Ok(filled)
}

/// Bring what was leased into memory.
fn remember(order: &Order, filled: &Filled) {
    let mut state = order.job.lock();
    let gone: HashSet<u64> = order.again.iter().chain(&order.checking).copied().collect();
    state.open.retain(|seq, _| !gone.contains(seq));
    if let Some(stage) = state.find_mut(order.stage) {
        filled.moves.apply(&mut stage.counts);
        stage.next_seq = stage.next_seq.max(order.fresh.1);
    }
    drop(state);
    order.job.touch();
}
