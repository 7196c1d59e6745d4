//! Transfers to a server that says no, over plain HTTP on this computer.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A server that gives every request the same answer; how many came.
async fn server(
    status: &'static str,
    body: &'static str,
) -> (BlobClient, Arc<AtomicU32>, watch::Sender<Option<String>>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = GridUrl::parse(&format!("http://{}", listener.local_addr().unwrap()), false).unwrap();
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            answer(stream, status, body).await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let (session, seen) = watch::channel(Some("session".to_owned()));
    (BlobClient::new(http::client().unwrap(), url, seen), count, session)
}

async fn answer(mut stream: TcpStream, status: &str, body: &str) -> std::io::Result<()> {
    let mut seen = Vec::new();
    // The whole request: the bodies here are one letter, and only `GET` has none.
    let end = |seen: &[u8]| if seen.starts_with(b"GET") { &b"\r\n\r\n"[..] } else { b"\r\n\r\nx" };
    while !seen.ends_with(end(&seen)) {
        let mut chunk = [0; 4096];
        let len = stream.read(&mut chunk).await?;
        assert!(len > 0, "the request is whole");
        seen.extend_from_slice(&chunk[..len]);
    }
    let len = body.len();
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {len}\r\n\r\n{body}");
    stream.write_all(head.as_bytes()).await
}

fn file() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("output");
    std::fs::write(&path, b"x").unwrap();
    (folder, path)
}

#[tokio::test]
async fn a_server_without_room_is_asked_once() {
    let body = r#"{"type":"/problems/unnamed-blobs","title":"","status":507,"detail":"over the bytes allowed","help":"send the results"}"#;
    let (client, requests, _session) = server("507 Insufficient Storage", body).await;
    let (_folder, path) = file();
    let error = client.upload(&Digest::of(b"x"), 1, &path).await.unwrap_err();
    assert!(matches!(error, TransferError::NoRoom(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("no room") && text.contains("over the bytes allowed; send the results"), "{text}");
    assert_eq!(requests.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_server_that_fails_is_asked_some_times() {
    let (client, requests, _session) = server("500 Internal Server Error", "").await;
    let (_folder, path) = file();
    let error = client.upload(&Digest::of(b"x"), 1, &path).await.unwrap_err();
    assert!(matches!(error, TransferError::Failed(_)), "{error:?}");
    assert_eq!(requests.load(Ordering::Relaxed), TRIES_MAX);
}
