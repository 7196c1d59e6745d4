//! Uploads that break off, go on, lie and overrun; downloads in ranges; whose blob it is.

use std::time::Duration;

use fallow_protocol::Digest;
use fallow_protocol::api::UploadState;
use fallow_protocol::blocks::BlockList;
use reqwest::{Method, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::grid::{Grid, problem, read};

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 % 251) as u8).collect()
}

async fn patch(grid: &Grid, token: &str, digest: &Digest, offset: u64, len: u64, body: &[u8]) -> Response {
    let path = format!("/api/v1/blobs/{digest}?offset={offset}&len={len}");
    grid.ask(Method::PATCH, &path, token).body(body.to_vec()).send().await.unwrap()
}

async fn state(grid: &Grid, token: &str, digest: &Digest) -> UploadState {
    read(grid.get(&format!("/api/v1/blobs/{digest}/upload"), token).await, 200).await
}

async fn put(grid: &Grid, token: &str, bytes: &[u8]) -> Digest {
    let (digest, len) = (Digest::of(bytes), bytes.len() as u64);
    let done: UploadState = read(patch(grid, token, &digest, 0, len, bytes).await, 200).await;
    assert_eq!(done, UploadState { received: len, complete: true });
    digest
}

/// Send a head that promises `len` bytes, some of them, and hang up.
async fn break_off(grid: &Grid, token: &str, digest: &Digest, len: usize, sent: &[u8]) {
    let mut stream = TcpStream::connect(grid.running.address).await.unwrap();
    let head = format!(
        "PATCH /api/v1/blobs/{digest}?offset=0&len={len} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-length: {len}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(sent).await.unwrap();
    stream.shutdown().await.unwrap();
    // The server hangs up too once it has put away what came.
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
    ended.expect("the server hangs up").ok();
}

/// What was sent before a break is written by a task of its own: wait for it.
async fn settled(grid: &Grid, token: &str, digest: &Digest, wanted: u64) -> UploadState {
    let wait = async {
        loop {
            let now = state(grid, token, digest).await;
            if now.received >= wanted {
                return now;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the bytes arrive")
}

#[tokio::test]
async fn an_upload_broken_off_goes_on() {
    let grid = Grid::start().await;
    let token = grid.account("ann").await;
    let bytes = content(700_000);
    let (digest, len) = (Digest::of(&bytes), bytes.len() as u64);
    assert_eq!(state(&grid, &token, &digest).await, UploadState { received: 0, complete: false });
    break_off(&grid, &token, &digest, bytes.len(), &bytes[..300_000]).await;
    let kept = settled(&grid, &token, &digest, 300_000).await;
    assert_eq!(kept, UploadState { received: 300_000, complete: false });

    problem(patch(&grid, &token, &digest, 0, len, &bytes).await, 409, "upload-offset").await;
    let half: UploadState =
        read(patch(&grid, &token, &digest, 300_000, len, &bytes[300_000..500_000]).await, 200).await;
    assert_eq!(half, UploadState { received: 500_000, complete: false });
    let whole: UploadState = read(patch(&grid, &token, &digest, 500_000, len, &bytes[500_000..]).await, 200).await;
    assert_eq!(whole, UploadState { received: len, complete: true });
    assert_eq!(state(&grid, &token, &digest).await, whole);
    let again: UploadState = read(patch(&grid, &token, &digest, 0, len, &bytes).await, 200).await;
    assert_eq!(again, whole, "sending it again is harmless");
    let got = grid.get(&format!("/api/v1/blobs/{digest}"), &token).await;
    assert_eq!(got.bytes().await.unwrap(), bytes);
}

#[tokio::test]
async fn tampered_and_oversized_blobs_are_refused() {
    let grid = Grid::with(|config| {
        config.limits.blob_bytes_max = 1_000;
        config.limits.account_bytes_max = 1_500;
        config.limits.uploads_max = 2;
    })
    .await;
    let token = grid.account("ann").await;
    let bytes = content(1_000);
    let digest = Digest::of(&bytes);
    let mut tampered = bytes.clone();
    tampered[999] ^= 1;
    problem(patch(&grid, &token, &digest, 0, 1_000, &tampered).await, 422, "digest-mismatch").await;
    assert_eq!(state(&grid, &token, &digest).await.received, 0, "the upload is dropped");
    problem(grid.get(&format!("/api/v1/blobs/{digest}"), &token).await, 404, "not-found").await;
    problem(patch(&grid, &token, &digest, 0, 1_001, &content(1_001)).await, 413, "blob-too-large").await;
    problem(patch(&grid, &token, &digest, 0, 10, &bytes).await, 422, "upload-overrun").await;
    let path = format!("/api/v1/blobs/{digest}?offset=0");
    let missing = grid.ask(Method::PATCH, &path, &token).body(vec![1]).send().await.unwrap();
    problem(missing, 400, "invalid-query").await;

    put(&grid, &token, &bytes).await;
    let more = content(501);
    let over = patch(&grid, &token, &Digest::of(&more), 0, 501, &more).await;
    problem(over, 403, "storage-quota-exhausted").await;
    for n in 0..3u8 {
        let answer = patch(&grid, &token, &Digest::of(&[n]), 0, 10, &[n]).await;
        if n < 2 {
            assert_eq!(answer.status(), 200);
        } else {
            problem(answer, 429, "too-many-uploads").await;
        }
    }
    let other = grid.account("bob").await;
    put(&grid, &other, &bytes).await;
}

#[tokio::test]
async fn blobs_are_read_in_ranges() {
    let grid = Grid::start().await;
    let token = grid.account("ann").await;
    let bytes = content(600_000);
    let digest = put(&grid, &token, &bytes).await;
    let path = format!("/api/v1/blobs/{digest}");
    let range = async |value: &str| grid.ask(Method::GET, &path, &token).header("range", value).send().await.unwrap();

    let part = range("bytes=262144-262147").await;
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 262144-262147/600000");
    assert_eq!(part.bytes().await.unwrap(), bytes[262_144..262_148]);
    assert_eq!(range("bytes=-5").await.bytes().await.unwrap(), bytes[599_995..]);
    assert_eq!(range("bytes=599999-").await.bytes().await.unwrap(), bytes[599_999..]);
    let outside = range("bytes=600000-").await;
    assert_eq!(outside.headers()["content-range"], "bytes */600000");
    problem(outside, 416, "range-outside").await;

    let whole = grid.get(&path, &token).await;
    let headers = whole.headers().clone();
    assert_eq!(headers["content-disposition"], format!("attachment; filename=\"{digest}\""));
    assert_eq!(
        (&headers["content-length"], &headers["accept-ranges"]),
        (&"600000".parse().unwrap(), &"bytes".parse().unwrap())
    );
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(whole.bytes().await.unwrap(), bytes);
    let same = grid.ask(Method::GET, &path, &token).header("if-none-match", &headers["etag"]).send().await.unwrap();
    assert_eq!(same.status(), 304);
    let head = grid.ask(Method::HEAD, &path, &token).send().await.unwrap();
    assert_eq!((head.status().as_u16(), &head.headers()["content-length"]), (200, &headers["content-length"]));

    let blocks = grid.get(&format!("{path}/blocks"), &token).await.bytes().await.unwrap();
    let list: BlockList = fallow_protocol::wire::decode(&blocks, 1 << 20).unwrap();
    assert_eq!((list.verify(&digest), list), (Ok(()), BlockList::of(&bytes)));
}

#[tokio::test]
async fn a_digest_alone_opens_nothing() {
    let grid = Grid::start().await;
    let (ann, bob) = (grid.account("ann").await, grid.account("bob").await);
    let bytes = content(50);
    let digest = put(&grid, &ann, &bytes).await;
    for path in [format!("/api/v1/blobs/{digest}"), format!("/api/v1/blobs/{digest}/blocks")] {
        problem(grid.get(&path, &bob).await, 404, "not-found").await;
        problem(grid.get(&path, &grid.operator).await, 404, "not-found").await;
    }
    assert_eq!(state(&grid, &bob, &digest).await, UploadState { received: 0, complete: false });
    problem(patch(&grid, &bob, &digest, 0, 50, &[0; 50]).await, 422, "digest-mismatch").await;
    let got = grid.get(&format!("/api/v1/blobs/{digest}"), &ann).await;
    assert_eq!(got.bytes().await.unwrap(), bytes, "a stranger's wrong bytes change nothing");
    put(&grid, &bob, &bytes).await;
    assert_eq!(grid.get(&format!("/api/v1/blobs/{digest}"), &bob).await.status(), 200);
    put(&grid, &bob, b"").await;
}
