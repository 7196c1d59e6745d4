//! Parts of a merge that a node hears of before it is given the merge.

use fallow_protocol::Digest;
use fallow_protocol::job::Assemble;
use fallow_protocol::link::{Lease, ToNode};
use fallow_protocol::unit::{Call, Input, Output, UnitResult};
use reqwest::Method;

use crate::grid::Grid;
use crate::raw::{ALL, Identity, Raw, author, counting, fetch, result, submit};

/// Longer than what is sent inline.
const OUTPUT_BYTES: usize = 5_000;

/// Upload an output of its own for each unit, and say so.
async fn ended(grid: &Grid, session: &str, lease: &Lease) -> Vec<UnitResult> {
    let mut results = Vec::new();
    for unit in &lease.units {
        let seq = unit.key.seq;
        let bytes = vec![seq as u8; OUTPUT_BYTES];
        let digest = Digest::of(&bytes);
        let path = format!("/api/v1/node/blobs/{digest}?offset=0&len={OUTPUT_BYTES}");
        let sent = grid.ask(Method::PATCH, &path, session).body(bytes).send().await.unwrap();
        assert_eq!(sent.status(), 200);
        let output = Some(Output::Blob { digest, len: OUTPUT_BYTES as u64 });
        results.push(UnitResult { output, ..result(lease, seq, Ok(Vec::new())) });
    }
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outputs_are_told_and_may_be_read_before_the_merge() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let identity = Identity::enrol(&grid, &token).await;
    let (mut node, welcome) = Raw::login(&grid, &identity, Vec::new()).await;
    let mut job = counting(module, 8);
    job.assemble = Assemble::Merge;
    let job = submit(&grid, &token, &job).await;
    let mut told: Vec<(Digest, u64)> = Vec::new();
    let merge = loop {
        match node.next().await {
            ToNode::Job(grant) => {
                for (digest, len) in grant.parts {
                    let path = format!("/api/v1/node/blobs/{digest}");
                    assert_eq!(grid.get(&path, &welcome.session).await.status(), 200, "it may be read");
                    told.push((digest, len));
                }
            }
            ToNode::Lease(lease) if lease.call == Call::MergeLast => break lease,
            ToNode::Lease(lease) => {
                let results = ended(&grid, &welcome.session, &lease).await;
                node.send_results(&job.id, results).await;
            }
            _ => {}
        }
    };
    let Input::Parts(parts) = &merge.units[0].input else { panic!("a merge has parts: {merge:?}") };
    let outputs: Vec<(Digest, u64)> = parts.iter().flatten().map(|part| (part.root(), part.len())).collect();
    assert_eq!(outputs.len(), 8);
    assert!(!told.is_empty() && told.iter().all(|part| outputs.contains(part)), "{told:?}");
    let unique: std::collections::HashSet<_> = told.iter().collect();
    assert_eq!(unique.len(), told.len(), "each is told once");
    node.results(&job.id, vec![result(&merge, 0, Ok(b"joined".to_vec()))]).await;
    assert_eq!(fetch(&grid, &token, &job.id).await, b"joined");
    let path = format!("/api/v1/node/blobs/{}", told[0].0);
    assert_eq!(grid.get(&path, &welcome.session).await.status(), 404, "the job has ended");
}
