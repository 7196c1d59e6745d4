//! Parts of a merge on their way before it can begin: while the last units below it run, one of the author's own nodes
//! hears which outputs there are, and fetches them. The merge is then its own, where it has room.

use std::sync::Arc;

use fallow_protocol::Digest;
use fallow_protocol::limits::MERGE_FAN_IN;
use fallow_protocol::unit::Output;
use grid_core::matching::{JobView, NodeView, gatherers};

use super::lease;
use crate::app::App;
use crate::jobs::ActiveJob;
use crate::jobs::active::Gatherer;
use crate::store::{StoreError, units};

/// Tell of outputs that are there since the last time.
pub async fn tell(app: &App, job: &Arc<ActiveJob>, view: &JobView, nodes: &[NodeView]) -> Result<(), StoreError> {
    let Some(stage) = job.has_news_to_merge() else { return Ok(()) };
    let fit: Vec<i64> = gatherers(nodes, view).into_iter().map(|node| node.0).collect();
    let before = job.lock().gatherer.clone().filter(|before| before.stage == stage && fit.contains(&before.node));
    let new = || fit.first().map(|node| Gatherer { stage, node: *node, ..Gatherer::default() });
    let Some(mut gatherer) = before.or_else(new) else { return Ok(()) };
    let ended = units::outputs(app.store.reader(), job.id, stage, 0, MERGE_FAN_IN).await?;
    let mut parts: Vec<(Digest, u64)> = Vec::new();
    for (seq, output) in ended.into_iter().filter_map(|unit| Some((unit.seq, unit.output?))) {
        if let (true, Output::Blob { digest, len }) = (gatherer.told.insert(seq), output) {
            parts.push((digest, len));
        }
    }
    gatherer.has_parts |= !parts.is_empty();
    let node = app.nodes.node(gatherer.node);
    job.lock().gatherer = Some(gatherer);
    if let Some(node) = node.filter(|_| !parts.is_empty()) {
        lease::introduce_parts(app, &node, job, parts);
    }
    Ok(())
}
