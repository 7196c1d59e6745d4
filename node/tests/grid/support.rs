//! A grid just large enough for one node: enrolment, blobs and the link over plain HTTP on this computer.
//!
//! It speaks the real protocol with the real keys; what a test wants said, it says.

#![allow(dead_code)]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fallow_protocol::api::{Enrol, Enrolled, JoinToken, UploadState};
use fallow_protocol::blocks::BlockList;
use fallow_protocol::keys::{OnlineCert, Purpose, SecretKey};
use fallow_protocol::limits::FRAME_BYTES_MAX;
use fallow_protocol::link::*;
use fallow_protocol::manifest::{AuthoredManifest, Exports, Floats, Limits, Manifest, PROFILE, SignedManifest};
use fallow_protocol::unit::{Call, Input, UnitKey};
use fallow_protocol::{Digest, JobId, NodeId, PublicKey, wire};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// The module of all tests: a no-op on any input but the empty one.
pub const KERNEL: &[u8] = include_bytes!("../../src/probe/kernel.wasm");
/// Nothing here takes longer, on a busy computer.
pub const LIMIT: Duration = Duration::from_secs(60);
const EXPIRES_MS: u64 = 4_000_000_000_000;

/// What the grid's connections share.
struct Inner {
    root: SecretKey,
    online: SecretKey,
    blobs: Mutex<HashMap<Digest, Vec<u8>>>,
    node: Mutex<Option<(NodeId, PublicKey)>>,
    connections: mpsc::UnboundedSender<Connection>,
    unknown_leases: Mutex<Vec<u64>>,
}

/// The grid.
pub struct Grid {
    pub addr: SocketAddr,
    inner: Arc<Inner>,
    connections: mpsc::UnboundedReceiver<Connection>,
}

/// A node's connection, logged in.
pub struct Connection {
    pub login: Login,
    pub key: PublicKey,
    from: mpsc::UnboundedReceiver<ToServer>,
    to: mpsc::UnboundedSender<ToNode>,
}

impl Grid {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (sender, connections) = mpsc::unbounded_channel();
        let inner = Arc::new(Inner {
            root: SecretKey::generate(),
            online: SecretKey::generate(),
            blobs: Mutex::new(HashMap::from([(Digest::of(KERNEL), KERNEL.to_vec())])),
            node: Mutex::default(),
            connections: sender,
            unknown_leases: Mutex::default(),
        });
        let serving = inner.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(serving.clone(), stream));
            }
        });
        Self { addr, inner, connections }
    }

    pub fn token(&self) -> String {
        JoinToken::compose("secret", &self.inner.root.public().fingerprint())
    }

    pub fn put(&self, name: Digest, bytes: Vec<u8>) {
        self.inner.blobs.lock().unwrap().insert(name, bytes);
    }

    pub fn forget_leases(&self, leases: Vec<u64>) {
        *self.inner.unknown_leases.lock().unwrap() = leases;
    }

    pub async fn connection(&mut self) -> Connection {
        timeout(LIMIT, self.connections.recv()).await.expect("a node connects in time").unwrap()
    }

    pub fn grant(&self) -> JobGrant {
        let author = SecretKey::generate();
        let manifest = Manifest {
            component: Digest::of(KERNEL),
            executed: fallow_sandbox::instrument::builds(KERNEL).unwrap(),
            source: None,
            limits: Limits::default(),
            profile: PROFILE.into(),
            author: author.public(),
            serial: 1,
            expires_at_ms: EXPIRES_MS,
        };
        let authored = AuthoredManifest::sign(&manifest, &author);
        JobGrant {
            job: JobId::random(),
            name: "noop".into(),
            own: true,
            manifest: SignedManifest::countersign(authored, &self.inner.online, self.inner.cert()),
            module_bytes: KERNEL.len() as u64,
            floats: Floats::Plain,
            exports: Exports { run: true, ..Exports::default() },
            args: vec![],
            limits: Limits { memory_bytes: 64 << 20, ..Limits::default() },
            seed: 1,
            epoch_ms: 0,
            shared: vec![],
            parts: Vec::new(),
        }
    }
}

/// A lease of no-op units.
pub fn lease(id: u64, job: &JobId, seqs: std::ops::Range<u64>) -> Lease {
    with_inputs(id, job, seqs, |_| Input::Inline(vec![1; 32]))
}

pub fn with_inputs(id: u64, job: &JobId, seqs: std::ops::Range<u64>, input: impl Fn(u64) -> Input) -> Lease {
    let key = |seq| UnitKey { stage: 1, seq };
    let units =
        seqs.map(|seq| LeaseUnit { key: key(seq), attempt: 1, input: input(seq), floats: None, checkpoint: None });
    Lease { id, job: job.clone(), call: Call::Run, units: units.collect() }
}

impl Inner {
    fn cert(&self) -> OnlineCert {
        OnlineCert::issue(&self.root, self.online.public(), 1, EXPIRES_MS)
    }
}

impl Connection {
    pub fn say(&self, message: ToNode) {
        let _ = self.to.send(message);
    }

    pub async fn hear(&mut self) -> ToServer {
        timeout(LIMIT, self.from.recv()).await.expect("the node says something in time").expect("the node is connected")
    }

    /// The next frame of results, its signature checked.
    pub async fn results(&mut self) -> ResultsFrame {
        loop {
            if let ToServer::Results(signed) = self.hear().await {
                self.key.verify(Purpose::Results, &signed.bytes, &signed.signature).unwrap();
                return wire::decode(&signed.bytes, FRAME_BYTES_MAX).unwrap();
            }
        }
    }

    pub async fn status_with(&mut self, wanted: impl Fn(&Status) -> bool) -> Status {
        loop {
            match self.hear().await {
                ToServer::Status(status) if wanted(&status) => return status,
                _ => {}
            }
        }
    }

    pub async fn decline(&mut self) -> Decline {
        loop {
            if let ToServer::Decline(decline) = self.hear().await {
                return decline;
            }
        }
    }
}

/// A node process; killed when it is dropped.
pub fn node(data: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fallow-node"));
    // The folder is named as people do it: from where they stand.
    command.args(args).arg("--data").arg(data.file_name().unwrap()).current_dir(data.parent().unwrap());
    command.stdout(Stdio::piped()).kill_on_drop(true);
    command.spawn().unwrap()
}

pub async fn join_and_run(grid: &Grid, data: &Path) -> Child {
    let (url, token) = (format!("http://{}", grid.addr), grid.token());
    node(data, &["join", &url, "--token", &token, "--slots", "2", "--memory", "1GiB", "--name", "heron", "--json"])
}

async fn serve(inner: Arc<Inner>, stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let mut head = vec![0; 4096];
    let len = stream.peek(&mut head).await.unwrap_or(0);
    if String::from_utf8_lossy(&head[..len]).to_ascii_lowercase().contains("upgrade: websocket") {
        let _ = link(inner, stream).await;
    } else {
        let _ = http(inner, stream).await;
    }
}

async fn link(inner: Arc<Inner>, stream: TcpStream) -> anyhow::Result<()> {
    let mut socket = tokio_tungstenite::accept_async(stream).await?;
    let (cert, nonce) = (inner.cert(), vec![7; 32]);
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis() as u64;
    let hello = Hello { version_min: 1, version_max: 1, nonce: nonce.clone(), cert: cert.clone(), now_ms };
    socket.send(Message::Binary(wire::encode(&ToNode::Hello(hello)).into())).await?;
    let Some(Ok(Message::Binary(bytes))) = socket.next().await else { return Ok(()) };
    let ToServer::Login(login) = wire::decode(&bytes, FRAME_BYTES_MAX)? else { return Ok(()) };
    let (node, key) = inner.node.lock().unwrap().clone().expect("enrolled");
    assert_eq!(login.node, node);
    key.verify(Purpose::NodeLogin, &login_bytes(&node, &cert, &nonce), &login.signature)?;
    let welcome = Welcome {
        session: "session".into(),
        heartbeat_ms: 500,
        lease_ms: 5_000,
        checkpoint_ms: 500,
        unknown_leases: inner.unknown_leases.lock().unwrap().clone(),
    };
    socket.send(Message::Binary(wire::encode(&ToNode::Welcome(welcome)).into())).await?;
    let (heard, from) = mpsc::unbounded_channel();
    let (to, mut say) = mpsc::unbounded_channel::<ToNode>();
    let _ = inner.connections.send(Connection { login, key, from, to });
    loop {
        tokio::select! {
            message = say.recv() => match message {
                Some(message) => socket.send(Message::Binary(wire::encode(&message).into())).await?,
                None => return Ok(()),
            },
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => {
                    let _ = heard.send(wire::decode(&bytes, FRAME_BYTES_MAX)?);
                }
                Some(Ok(_)) => {}
                _ => return Ok(()),
            },
        }
    }
}

async fn http(inner: Arc<Inner>, stream: TcpStream) -> anyhow::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).await?;
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let len = headers.get("content-length").map_or(0, |len| len.parse().unwrap());
    let mut body = vec![0; len];
    reader.read_exact(&mut body).await?;
    let (status, bytes) = answer(&inner, &first, &headers, &body);
    let mut stream = reader.into_inner();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", bytes.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&bytes).await?;
    Ok(stream.shutdown().await?)
}

fn answer(inner: &Inner, first: &str, headers: &HashMap<String, String>, body: &[u8]) -> (u16, Vec<u8>) {
    let path = first.split(' ').nth(1).unwrap();
    if path == "/api/v1/nodes/enrol" {
        let enrol: Enrol = serde_json::from_slice(body).unwrap();
        enrol.key.verify(Purpose::NodeEnrol, &enrol_bytes(&enrol.secret, &enrol.name), &enrol.signature).unwrap();
        let node = NodeId::random();
        *inner.node.lock().unwrap() = Some((node.clone(), enrol.key));
        let enrolled = Enrolled { node, grid: "lab".into(), owner: "ann".into(), cert: inner.cert() };
        return (201, serde_json::to_vec(&enrolled).unwrap());
    }
    let rest = path.strip_prefix("/api/v1/node/blobs/").expect("a path of the node's API");
    if headers.get("authorization").map(String::as_str) != Some("Bearer session") {
        return (401, vec![]);
    }
    let digest: Digest = rest[..64].parse().unwrap();
    let mut blobs = inner.blobs.lock().unwrap();
    if first.starts_with("PATCH") {
        blobs.insert(digest, body.to_vec());
        return (200, serde_json::to_vec(&UploadState { received: body.len() as u64, complete: true }).unwrap());
    }
    let Some(blob) = blobs.get(&digest) else { return (404, vec![]) };
    match &rest[64..] {
        "/blocks" => (200, wire::encode(&BlockList::of(blob))),
        _ => match headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) {
            Some((first, last)) => {
                let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
                (206, blob[first..=last].to_vec())
            }
            None => (200, blob.clone()),
        },
    }
}
