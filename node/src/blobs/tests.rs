//! Transfers to a server that says no, over plain HTTP on this computer.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use fallow_protocol::api::UploadState;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
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

/// A server of one node's uploads, which checks what is whole.
#[derive(Default)]
struct Uploads {
    files: HashMap<String, Vec<u8>>,
    whole: HashMap<Digest, Vec<u8>>,
    pieces: usize,
    /// What comes ahead of its digest breaks off in the middle.
    broken: bool,
}

impl Uploads {
    fn answer(&mut self, first: &str, body: &[u8]) -> (u16, UploadState) {
        let (method, path) = first.split_once(" /api/v1/node/").unwrap();
        let (path, query) = path.trim_end().split_once(' ').unwrap().0.split_once('?').unwrap_or((path, ""));
        let field = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let name = path.split(['/', ' ']).nth(1).unwrap().to_owned();
        if method == "DELETE" {
            self.files.remove(&name);
            return (200, state(0, false));
        }
        if method == "GET" {
            let digest: Digest = name.parse().unwrap();
            let there = self.files.get(&name).map_or(0, Vec::len);
            return (200, state(there, self.whole.contains_key(&digest)));
        }
        let (offset, len): (usize, usize) =
            (field("offset").unwrap().parse().unwrap(), field("len").unwrap().parse().unwrap());
        if let Some(file) = field("from").and_then(|from| self.files.remove(from)) {
            self.files.insert(name.clone(), file);
        }
        let ahead = path.starts_with("uploads/");
        self.pieces += usize::from(ahead);
        let file = self.files.entry(name.clone()).or_default();
        if file.len() != offset {
            return (409, state(file.len(), false));
        }
        let taken = if ahead && self.broken { &body[..body.len() / 2] } else { body };
        file.extend_from_slice(taken);
        if ahead && self.broken {
            return (408, state(0, false));
        }
        assert!(file.len() <= len);
        if ahead || file.len() < len {
            return (200, state(file.len(), false));
        }
        let (file, digest) = (self.files.remove(&name).unwrap(), name.parse().unwrap());
        if Digest::of(&file) != digest {
            return (422, state(0, false));
        }
        self.whole.insert(digest, file);
        (200, state(len, true))
    }
}

fn state(received: usize, complete: bool) -> UploadState {
    UploadState { received: received as u64, complete }
}

async fn uploads(broken: bool) -> (BlobClient, Arc<Mutex<Uploads>>, watch::Sender<Option<String>>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = GridUrl::parse(&format!("http://{}", listener.local_addr().unwrap()), false).unwrap();
    let uploads = Arc::new(Mutex::new(Uploads { broken, ..Uploads::default() }));
    let serving = uploads.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream, &serving).await.unwrap();
        }
    });
    let (session, seen) = watch::channel(Some("session".to_owned()));
    (BlobClient::new(http::client().unwrap(), url, seen), uploads, session)
}

async fn serve(stream: TcpStream, uploads: &Mutex<Uploads>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut body_len) = (String::new(), 0);
    reader.read_line(&mut first).await?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            body_len = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; body_len];
    reader.read_exact(&mut body).await?;
    let (status, state) = uploads.lock().unwrap().answer(&first, &body);
    let text = serde_json::to_string(&state).unwrap();
    let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{text}", text.len());
    reader.into_inner().write_all(head.as_bytes()).await
}

/// An output that grows to 20 MB while it is uploaded.
async fn grown(client: &BlobClient, path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..20_000_000u32).map(|i| (i % 251) as u8).collect();
    std::fs::write(path, &bytes[..9_000_000]).unwrap();
    let ahead = Ahead::begin(client, path.to_owned(), 9_000_000);
    let mut file = std::fs::File::options().append(true).open(path).unwrap();
    std::io::Write::write_all(&mut file, &bytes[9_000_000..]).unwrap();
    ahead.grow(19_000_000);
    while client.requests.available_permits() == REQUESTS_MAX {
        tokio::task::yield_now().await;
    }
    change(&mut bytes);
    std::fs::write(path, &bytes).unwrap();
    ahead.name(Digest::of(&bytes));
    bytes
}

#[tokio::test]
async fn an_output_goes_ahead_and_is_named_in_the_end() {
    for broken in [false, true] {
        let (client, uploads, _session) = uploads(broken).await;
        let (_folder, path) = file();
        let bytes = grown(&client, &path, |_| ()).await;
        let digest = Digest::of(&bytes);
        client.upload(&digest, bytes.len() as u64, &path).await.unwrap();
        let found = uploads.lock().unwrap();
        assert_eq!(found.whole.get(&digest), Some(&bytes), "broken: {broken}");
        assert!(found.pieces >= 1 && found.files.is_empty(), "{} pieces", found.pieces);
    }
}

#[tokio::test]
async fn an_output_that_changed_is_uploaded_anew() {
    let (client, uploads, _session) = uploads(false).await;
    let (_folder, path) = file();
    let bytes = grown(&client, &path, |bytes| bytes[5] ^= 1).await;
    let digest = Digest::of(&bytes);
    client.upload(&digest, bytes.len() as u64, &path).await.unwrap();
    assert_eq!(uploads.lock().unwrap().whole.get(&digest), Some(&bytes));
}

#[tokio::test]
async fn what_nobody_wants_is_dropped() {
    let (client, uploads, _session) = uploads(false).await;
    let (_folder, path) = file();
    std::fs::write(&path, vec![7; 9_000_000]).unwrap();
    let ahead = Ahead::begin(&client, path.clone(), 9_000_000);
    while uploads.lock().unwrap().files.values().all(Vec::is_empty) {
        tokio::task::yield_now().await;
    }
    drop(ahead);
    let emptied = async {
        while !uploads.lock().unwrap().files.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), emptied).await.expect("the server is told");
}
