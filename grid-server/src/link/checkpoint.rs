//! A checkpoint of a running unit: kept where it is newer than the one before, whose blob goes.

use fallow_protocol::link::CheckpointNote;
use fallow_protocol::unit::UnitKey;

use super::LinkError;
use super::node::Node;
use crate::app::App;
use crate::store::checkpoints::{self, CheckpointRow};

/// Keep a checkpoint.
pub async fn hear(app: &App, node: &Node, note: CheckpointNote) -> Result<(), LinkError> {
    let Some(job) = app.active.find(&note.job) else { return Ok(()) };
    let limits = *job.limits();
    // From here until the row names it, the blob stays.
    let open = app.blobs.gate().read().await;
    let there = app.blobs.len(&note.blob).await.is_ok_and(|len| len == note.len);
    if !there || note.len > limits.checkpoint_bytes || note.fuel > limits.fuel {
        app.metrics.node_faults.inc();
        return Ok(());
    }
    let key = UnitKey { stage: note.key.stage, seq: note.key.seq };
    let (id, row) = (
        job.id,
        CheckpointRow {
            stage: key.stage,
            seq: key.seq,
            attempt: job.mask.attempt(key, note.attempt),
            node: node.id,
            origin: node.id,
            blob: note.blob,
            len: note.len,
            fuel: note.fuel,
        },
    );
    let (kept, old) = app
        .store
        .write(move |db| {
            let row = row.clone();
            Box::pin(async move {
                let old = checkpoints::of_units(db, id, row.stage, &[row.seq]).await?.pop().map(|old| old.blob);
                let kept = checkpoints::put(db, id, &row).await?;
                let gone = if kept { old.filter(|old| *old != row.blob) } else { None };
                Ok((kept, gone))
            })
        })
        .await
        .map_err(|error| LinkError::Internal(error.into()))?;
    drop(open);
    if kept {
        job.lock().checkpoints.insert(key);
    }
    if let Some(old) = old {
        // Stopped before this, the server finds it among the orphans.
        app.remove_blob(old).await.map_err(LinkError::Internal)?;
    }
    Ok(())
}
