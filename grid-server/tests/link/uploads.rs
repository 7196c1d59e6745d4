//! Outputs that come while they are made: named in the end, broken off, wrong, too large, too many, given up.

use std::time::Duration;

use fallow_protocol::Digest;
use fallow_protocol::api::UploadState;
use fallow_protocol::manifest::Exports;
use reqwest::{Method, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::grid::{Grid, problem, read};
use crate::raw::{Identity, Raw, author, counting, submit};

const NAME: Digest = Digest([7; 32]);
const OUTPUT_BYTES_MAX: u64 = 1_000_000;

/// A node with a lease, which allows it some bytes of output; and its session.
async fn node(grid: &Grid, name: &str) -> (Raw, String) {
    let (token, module) = author(grid, name, Exports { run: true, ..Exports::default() }).await;
    let identity = Identity::enrol(grid, &token).await;
    let (mut raw, welcome) = Raw::login(grid, &identity, Vec::new()).await;
    let mut job = counting(module, 3);
    job.limits.output_bytes = OUTPUT_BYTES_MAX;
    job.limits.checkpoint_bytes = OUTPUT_BYTES_MAX;
    submit(grid, &token, &job).await;
    raw.lease().await;
    (raw, welcome.session)
}

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 % 251) as u8).collect()
}

async fn patch(grid: &Grid, session: &str, path: &str, body: &[u8]) -> Response {
    grid.ask(Method::PATCH, &format!("/api/v1/node/{path}"), session).body(body.to_vec()).send().await.unwrap()
}

/// The next bytes under a name of the node's choice.
async fn ahead(grid: &Grid, session: &str, name: Digest, offset: usize, body: &[u8]) -> Response {
    patch(grid, session, &format!("uploads/{name}?offset={offset}&len={}", offset + body.len()), body).await
}

/// The rest, with the digest.
async fn rest(grid: &Grid, session: &str, digest: Digest, of: &[u8], offset: usize) -> Response {
    let path = format!("blobs/{digest}?offset={offset}&len={}&from={NAME}", of.len());
    patch(grid, session, &path, &of[offset..]).await
}

async fn received(grid: &Grid, session: &str, name: Digest) -> UploadState {
    read(grid.get(&format!("/api/v1/node/blobs/{name}/upload"), session).await, 200).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_output_comes_before_its_digest() {
    let grid = Grid::start().await;
    let (_raw, session) = node(&grid, "ann").await;
    let bytes = content(700_000);
    let digest = Digest::of(&bytes);
    for (from, to) in [(0, 300_000), (300_000, 300_001), (300_001, 500_000)] {
        let state: UploadState = read(ahead(&grid, &session, NAME, from, &bytes[from..to]).await, 200).await;
        assert_eq!(state, UploadState { received: to as u64, complete: false });
    }
    problem(ahead(&grid, &session, NAME, 3, &bytes[3..9]).await, 409, "upload-offset").await;
    let state: UploadState = read(rest(&grid, &session, digest, &bytes, 500_000).await, 200).await;
    assert_eq!(state, UploadState { received: 700_000, complete: true });
    assert_eq!(tokio::fs::read(grid.running.app.blobs.path(&digest)).await.unwrap(), bytes);
    assert_eq!(received(&grid, &session, NAME).await.received, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_broke_off_goes_on_under_the_digest() {
    let grid = Grid::start().await;
    let (_raw, session) = node(&grid, "ann").await;
    let bytes = content(700_000);
    let (digest, len) = (Digest::of(&bytes), bytes.len());
    let mut stream = TcpStream::connect(grid.running.address).await.unwrap();
    let head = format!(
        "PATCH /api/v1/node/uploads/{NAME}?offset=0&len=600000 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \
         {session}\r\ncontent-length: 600000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&bytes[..200_000]).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut end = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut end)).await.expect("it hangs up").ok();

    // The node does not know how much came: it begins with what it knows, and is told.
    let told = async {
        loop {
            // Busy until what came is put away.
            let path = format!("blobs/{digest}?offset=0&len={len}&from={NAME}");
            assert_eq!(patch(&grid, &session, &path, b"").await.status(), 409);
            if received(&grid, &session, digest).await.received == 200_000 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), told).await.expect("what came is kept");
    let half: UploadState = {
        let path = format!("blobs/{digest}?offset=200000&len={len}&from={NAME}");
        read(patch(&grid, &session, &path, &bytes[200_000..400_000]).await, 200).await
    };
    assert_eq!(half, UploadState { received: 400_000, complete: false });
    let whole: UploadState = read(rest(&grid, &session, digest, &bytes, 400_000).await, 200).await;
    assert!(whole.complete);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_and_large_ones_are_refused_and_others_given_up() {
    let grid = Grid::with(|config| config.limits.uploads_max = 2).await;
    let (_raw, session) = node(&grid, "ann").await;
    let (_other_raw, other) = node(&grid, "bob").await;
    let bytes = content(1_000);
    let digest = Digest::of(&bytes);
    let mut wrong = bytes.clone();
    wrong[3] ^= 1;
    assert_eq!(ahead(&grid, &session, NAME, 0, &wrong[..500]).await.status(), 200);
    problem(rest(&grid, &other, digest, &bytes, 500).await, 409, "upload-offset").await;
    problem(rest(&grid, &session, digest, &bytes, 500).await, 422, "digest-mismatch").await;
    assert_eq!(received(&grid, &session, digest).await, UploadState { received: 0, complete: false });

    let path = format!("uploads/{NAME}?offset=0&len=2000000");
    problem(patch(&grid, &session, &path, b"x").await, 413, "blob-too-large").await;
    problem(patch(&grid, &session, &format!("uploads/{NAME}?offset=0&len=3"), b"four").await, 422, "upload-overrun")
        .await;
    let give_up = |name: Digest| {
        let path = format!("/api/v1/node/uploads/{name}");
        grid.ask(Method::DELETE, &path, &session).send()
    };
    // The one that overran is still there.
    assert_eq!(give_up(NAME).await.unwrap().status(), 204);
    for n in 0..2u8 {
        assert_eq!(ahead(&grid, &session, Digest([n; 32]), 0, b"begun").await.status(), 200);
    }
    problem(ahead(&grid, &session, Digest([2; 32]), 0, b"begun").await, 429, "too-many-uploads").await;
    for _ in 0..2 {
        assert_eq!(give_up(Digest([0; 32])).await.unwrap().status(), 204);
    }
    assert_eq!(ahead(&grid, &session, Digest([2; 32]), 0, b"begun").await.status(), 200);
}
