//! What follows from verdicts: trust earned and lost, disputes with their evidence, and pay.

use std::collections::HashMap;

use fallow_protocol::unit::UnitKey;
use grid_core::life::{Basis, Verdict};
use grid_core::trust::Like;
use grid_core::{JobNo, NodeNo};

use super::treat::Treated;
use super::{Ending, Endings};
use crate::app::now_ms;
use crate::store::trust as stored;
use crate::store::{StoreError, attempts, nodes, units};
use crate::trust::Trust;
use crate::workers::pay::{Bill, Settled, Slip};
use crate::workers::records::Records;
use crate::workers::verdict::Decided;

/// What follows for those who were compared: trust earned and lost, disputes kept, kinds of computers frozen.
pub(super) async fn consequences(
    db: &sea_orm::DatabaseTransaction,
    trust: &Trust,
    endings: &Endings,
    decided: &[Decided],
    records: &mut Records,
) -> Result<Vec<Like>, StoreError> {
    let mut kinds = Vec::new();
    for decided in decided {
        let (Verdict::Accepted(basis) | Verdict::Failed(basis)) = decided.verdict else { continue };
        let key = UnitKey { stage: endings.stage, seq: decided.conclusion.seq };
        if let Some(told_by) = decided.told_by {
            units::set_node(db, endings.job.id, key, told_by).await?;
        }
        match basis {
            Basis::Agreed { credited, wrong, frozen, right, .. } => {
                records.load_door(db).await?;
                for at in credited.iter() {
                    let claim = &decided.claims[at];
                    records.passed(trust.policy(), claim.node.0, claim.position);
                }
                for at in wrong.iter() {
                    let claim = &decided.claims[at];
                    if records.fault(trust.policy(), claim.node.0, claim.position).is_some() {
                        tracing::warn!(node = claim.node.0, job = %endings.job.public_id, seq = key.seq, "a wrong result");
                    }
                }
                // Wrong, and nobody knows whose fault: of the node, of the maker of the checkpoint that it went on from, or
                // of a processor that treats NaNs differently. Nobody is punished, and nothing of theirs is believed.
                let doubtful = decided.claims.iter().enumerate().filter(|(at, _)| !right.has(*at) && !wrong.has(*at));
                for (_, claim) in doubtful.filter(|_| frozen.is_none()) {
                    for node in [Some(claim.node), claim.resumed_from].into_iter().flatten() {
                        records.suspect(trust.policy(), node.0);
                    }
                }
                if let Some(like) = frozen {
                    let (kind, value) = match like {
                        Like::Arch(arch) => ("arch", arch),
                        Like::Engine(engine) => ("engine", engine),
                    };
                    stored::freeze(db, kind, i64::from(value), now_ms()).await?;
                    kinds.push(like);
                }
                if right.iter().count() < decided.claims.len() {
                    dispute(db, endings, decided, key).await?;
                }
            }
            Basis::Disputed => dispute(db, endings, decided, key).await?,
            Basis::Believed { .. } | Basis::Unconfirmed | Basis::Troubles => {}
        }
    }
    Ok(kinds)
}

/// Keep what everybody said, for the operator.
async fn dispute(
    db: &sea_orm::DatabaseTransaction,
    endings: &Endings,
    decided: &Decided,
    key: UnitKey,
) -> Result<(), StoreError> {
    let evidence = evidence(db, endings, decided, key).await?;
    stored::put_dispute(db, endings.job.id, key, now_ms(), &evidence.to_string()).await
}

async fn evidence(
    db: &sea_orm::DatabaseTransaction,
    endings: &Endings,
    decided: &Decided,
    key: UnitKey,
) -> Result<serde_json::Value, StoreError> {
    let attempts = attempts::of_units(db, endings.job.id, key.stage, &[key.seq]).await?;
    let mut claims = Vec::with_capacity(decided.claims.len());
    for claim in &decided.claims {
        let node = nodes::by_id(db, claim.node.0).await?;
        let attempt = attempts.iter().find(|row| row.attempt == claim.attempt);
        claims.push(serde_json::json!({
            "node": node.as_ref().map(|node| node.public_id.clone()),
            "machine": node.as_ref().map(|node| node.machine.clone()),
            "attempt": claim.attempt,
            "digest": claim.digest,
            "class": claim.class,
            "fuel": claim.fuel,
            "build": if claim.floats.is_plain() { "plain" } else { "canonical" },
            "output": attempt.and_then(|row| row.root),
            "was_done": claim.held,
        }));
    }
    let verdict = match decided.verdict {
        Verdict::Accepted(Basis::Agreed { wrong, frozen, .. })
        | Verdict::Failed(Basis::Agreed { wrong, frozen, .. }) => {
            serde_json::json!({ "wrong": wrong.iter().collect::<Vec<_>>(), "frozen": frozen.is_some() })
        }
        _ => serde_json::json!({ "wrong": [], "undecided": true }),
    };
    Ok(serde_json::json!({
        "job": endings.job.public_id,
        "profile": &*endings.job.profile,
        "verdict": verdict,
        "claims": claims,
    }))
}

/// Holdings and transfers.
pub(super) async fn settle(
    db: &sea_orm::DatabaseTransaction,
    trust: &Trust,
    Endings { job, stage, list }: &Endings,
    decided: &[Decided],
    treated: &[Treated],
) -> Result<Settled, StoreError> {
    let mut bill = Bill::default();
    let by_seq: HashMap<u64, (&Ending, &Treated)> =
        list.iter().zip(treated).map(|(ending, treated)| (ending.key.seq, (ending, treated))).collect();
    for decided in decided {
        let seq = decided.conclusion.seq;
        let Some((ending, treated)) = by_seq.get(&seq) else { continue };
        let slip = |node: i64, owner: i64| Slip { node, owner, by: ending.node, frame: ending.frame };
        let believed = matches!(decided.verdict, Verdict::Accepted(Basis::Believed { held: true }));
        if believed && trust.concerns(job.account, ending.owner) {
            match decided.claims.first().filter(|_| decided.told_by.is_some()) {
                // It stands because nobody was there to check it.
                Some(claim) => {
                    bill.hold(slip(claim.node.0, claim.owner.0), seq, claim.fuel, claim.position);
                }
                None => bill.hold(slip(ending.node, ending.owner), seq, decided.conclusion.fuel, treated.position),
            }
        }
        if let Some(claim) = decided.unvouched.and_then(|at| decided.claims.get(at)).filter(|claim| !claim.held) {
            bill.hold(slip(claim.node.0, claim.owner.0), seq, claim.fuel, claim.position);
        }
        for pay in &decided.pays {
            bill.pay(slip(pay.node.0, pay.owner.0), seq, pay);
        }
    }
    if bill.is_empty() {
        return Ok(Settled::default());
    }
    let known = |node| trust.about(NodeNo(node)).standing.vouches();
    bill.write(db, JobNo(job.id), *stage, job.price.as_ref(), job.limits(), known).await
}
