//! What is held becomes final, or is looked through because its node was caught. Also what silent nodes left.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use grid_core::ledger::Transfer;
use grid_core::trust::{is_final, stale_sample};
use grid_core::{JobNo, NodeNo};
use sea_orm::DatabaseTransaction;

use super::records::Records;
use super::{due, load, pay, rewind};
use crate::anchor::AnchorUnit;
use crate::app::{App, now_ms};
use crate::store::holdings::{self, Holding, State};
use crate::store::{StoreError, jobs, nodes, trust, units};
use crate::trust::now_i64;

/// How often it looks by itself.
const PERIOD: Duration = Duration::from_secs(1);
/// Holdings in one transaction: each has at most four transfers, and a batch of the ledger two thousand.
const PAGE: u64 = 200;
/// Nodes that are read at once.
const NODES: u64 = 500;
/// How often what silent nodes left is looked at.
const STALE_PERIOD_MS: u64 = 600_000;

/// Serve until the server stops.
pub async fn run(app: Arc<App>) {
    let mut stale_at_ms = now_ms();
    while super::pause(&app, "settle", &app.wakes.settle, PERIOD).await {
        for (step, outcome) in [
            ("look through a caught node's results", super::guarded(reviews(&app)).await),
            ("pay what was owed", super::guarded(owed(&app)).await),
            ("make results final", super::guarded(finals(&app)).await),
        ] {
            if let Err(error) = outcome {
                tracing::error!(error = format!("{error:#}"), "failed to {step}");
            }
        }
        if now_ms() >= stale_at_ms {
            stale_at_ms = now_ms() + STALE_PERIOD_MS;
            if let Err(error) = super::guarded(stale(&app)).await {
                tracing::error!(error = format!("{error:#}"), "failed to look at what silent nodes left");
            }
        }
    }
}

/// Everything that caught nodes have held after their last checked window is void, and run again.
async fn reviews(app: &App) -> anyhow::Result<()> {
    let rows = trust::to_review(app.store.reader()).await?;
    if rows.is_empty() {
        return Ok(());
    }
    for row in rows {
        let Some(from) = row.review_from else { continue };
        let mut done = true;
        loop {
            let held = holdings::held_from(app.store.reader(), NodeNo(row.node), from + 1, PAGE).await?;
            if held.is_empty() {
                break;
            }
            if !rewind::revoke(app, row.node, &held).await? {
                done = false;
                break;
            }
            tracing::warn!(node = row.node, holdings = held.len(), "results of a caught node are run again");
        }
        if done {
            reviewed(app, row.node, from).await?;
        }
    }
    app.wakes.finish.notify_one();
    Ok(())
}

async fn reviewed(app: &App, node: i64, from: u64) -> anyhow::Result<()> {
    let policy = *app.trust.policy();
    let records = app
        .store
        .write(move |db| {
            Box::pin(async move {
                let Some(row) = nodes::by_id(db, node).await? else { return Ok(None) };
                // It may have been caught once more since the last look.
                if !holdings::held_from(db, NodeNo(node), from + 1, 1).await?.is_empty() {
                    return Ok(None);
                }
                let mut records = Records::default();
                records.load(db, [(node, row.account_id)]).await?;
                records.reviewed(&policy, node);
                Ok(Some(records.write(db).await?))
            })
        })
        .await?;
    records.iter().for_each(|kept| kept.remember(&app.trust));
    Ok(())
}

/// Post what a window of later results and a passed check have made final.
async fn finals(app: &App) -> anyhow::Result<()> {
    let mut after = NodeNo(i64::MIN);
    loop {
        let nodes = holdings::nodes(app.store.reader(), after, NODES).await?;
        let Some(last) = nodes.last() else { break };
        after = *last;
        for node in nodes {
            if let Err(error) = super::guarded(finals_of(app, node)).await {
                tracing::error!(node = node.0, error = format!("{error:#}"), "failed to make a node's results final");
            }
        }
    }
    by_age(app).await
}

async fn finals_of(app: &App, node: NodeNo) -> anyhow::Result<()> {
    let to = app.trust.record(node.0).final_position(app.trust.policy());
    let held = holdings::held_to(app.store.reader(), node, to, PAGE).await?;
    post(app, held).await
}

/// A slow node's pay does not wait for ever.
async fn by_age(app: &App) -> anyhow::Result<()> {
    let policy = *app.trust.policy();
    let before = now_ms().saturating_sub(policy.stale_after_ms.unsigned_abs());
    let old = holdings::held_before(app.store.reader(), before, PAGE).await?;
    let now = now_i64();
    let is_over = |holding: &Holding| {
        let age = now.saturating_sub(i64::try_from(holding.made_at_ms).unwrap_or(i64::MAX));
        is_final(&policy, &app.trust.record(holding.node.0), holding.position, age)
    };
    post(app, old.into_iter().filter(is_over).collect()).await
}

/// Jobs that owe something pay it as soon as their escrow has it: what was voided comes back there.
async fn owed(app: &App) -> anyhow::Result<()> {
    for job in app.active.all() {
        if !job.lock().unpaid {
            continue;
        }
        let id = JobNo(job.id);
        app.store.write(move |db| Box::pin(async move { due::hold(db, id, now_ms()).await })).await?;
        load::money(app, &job).await?;
        if !job.lock().unpaid {
            job.touch();
            app.wakes.finish.notify_one();
            app.wakes.dispatch.notify_one();
        }
    }
    Ok(())
}

async fn post(app: &App, held: Vec<Holding>) -> anyhow::Result<()> {
    if held.is_empty() {
        return Ok(());
    }
    let held = Arc::new(held);
    app.store
        .write(move |db| {
            let held = held.clone();
            Box::pin(async move { post_all(db, &held).await })
        })
        .await?;
    Ok(())
}

async fn post_all(db: &DatabaseTransaction, held: &[Holding]) -> Result<(), StoreError> {
    let ids: Vec<i64> = held.iter().map(|holding| holding.id).collect();
    let moved = holdings::set_states(db, &ids, State::Held, State::Posted).await?;
    let mine = held.iter().filter(|holding| moved.contains(&holding.id));
    let reserved: Vec<Transfer> = mine.flat_map(|it| Transfer::hold(it.work(), it.owner, it.amount, it.fee)).collect();
    let posts: Vec<Transfer> = reserved.iter().map(|transfer| transfer.post(transfer.amount)).collect();
    pay::apply(db, &posts, now_ms()).await?;
    Ok(())
}

/// Nodes that were not heard of for days: a sample of what they left is run by the server itself, then the rest is
/// final, or void.
async fn stale(app: &App) -> anyhow::Result<()> {
    let before = now_ms().saturating_sub(app.trust.policy().stale_after_ms.unsigned_abs());
    let old = holdings::held_before(app.store.reader(), before, NODES).await?;
    let nodes: BTreeSet<NodeNo> = old.iter().map(|holding| holding.node).collect();
    for node in nodes {
        stale_of(app, node).await?;
    }
    Ok(())
}

async fn stale_of(app: &App, node: NodeNo) -> anyhow::Result<()> {
    let policy = *app.trust.policy();
    let held = holdings::held_from(app.store.reader(), node, 0, PAGE).await?;
    let left: usize = held.iter().map(|holding| holding.units.len()).sum();
    let silent = now_i64().saturating_sub(app.trust.record(node.0).last_ms);
    let Some(sample) = stale_sample(&policy, u32::try_from(left).unwrap_or(u32::MAX), silent) else { return Ok(()) };
    let all: Vec<(&Holding, u64)> = held.iter().flat_map(|it| it.units.iter().map(move |seq| (it, *seq))).collect();
    let step = all.len().div_ceil(sample.max(1) as usize).max(1);
    for (holding, seq) in all.into_iter().step_by(step) {
        match confirms(app, holding, seq).await {
            Ok(true) => {}
            Ok(false) => return caught(app, holding).await,
            Err(error) => {
                tracing::debug!(%error, "what a silent node left is looked at later");
                return Ok(());
            }
        }
    }
    tracing::info!(node = node.0, results = left, "what a silent node left is right");
    post(app, held).await
}

/// Whether the server's own run gives what stands.
async fn confirms(app: &App, holding: &Holding, seq: u64) -> anyhow::Result<bool> {
    let key = fallow_protocol::unit::UnitKey { stage: holding.stage, seq };
    if jobs::by_id(app.store.reader(), holding.job.0).await?.is_none() {
        return Ok(true);
    }
    let standing = units::standing(app.store.reader(), holding.job.0, holding.stage, &[seq]).await?.pop();
    let Some(standing) = standing.filter(|unit| unit.node == Some(holding.node.0)) else { return Ok(true) };
    let mut unit = AnchorUnit::load(app, holding.job.0, key).await?;
    unit.floats = standing.floats;
    let result = app.anchor.run(app, unit).await?;
    let root = |output: &Option<fallow_protocol::unit::Output>| output.as_ref().map(|output| output.root());
    let same_fuel = standing.resumed_from.is_some() || result.fuel == standing.fuel;
    Ok(same_fuel && root(&result.output) == root(&standing.output))
}

async fn caught(app: &App, holding: &Holding) -> anyhow::Result<()> {
    let (policy, holding) = (*app.trust.policy(), holding.clone());
    let kept = app
        .store
        .write(move |db| {
            let holding = holding.clone();
            Box::pin(async move {
                let mut records = Records::default();
                records.load(db, [(holding.node.0, holding.owner.0)]).await?;
                records.load_door(db).await?;
                records.fault(&policy, holding.node.0, holding.position);
                records.write(db).await
            })
        })
        .await?;
    kept.remember(&app.trust);
    app.wakes.settle.notify_one();
    Ok(())
}
