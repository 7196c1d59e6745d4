//! A node that does what a test says, and an author beside it.

use std::collections::VecDeque;
use std::time::Duration;

use fallow_protocol::api::{Enrol, Enrolled, JobInfo, JoinToken, NewJoinToken};
use fallow_protocol::job::{Assemble, JobSubmission, Split};
use fallow_protocol::keys::Purpose;
use fallow_protocol::link::{
    Lease, Login, Machine, NodeState, Refused, ResultsFrame, SignedResults, Status, ToNode, ToServer, UnitProgress,
    Welcome, enrol_bytes, login_bytes,
};
use fallow_protocol::manifest::{AuthoredManifest, Builds, Exports, Limits, Manifest, PROFILE};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Input, Output, UnitResult};
use fallow_protocol::{Digest, JobId, NodeId, SecretKey, wire};
use futures_util::{SinkExt, StreamExt};
use grid_server::store::modules;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::grid::{Grid, read};

/// Nothing here takes longer, unless it is broken.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Who a node is.
pub struct Identity {
    pub id: NodeId,
    pub key: SecretKey,
}

impl Identity {
    pub async fn enrol(grid: &Grid, token: &str) -> Self {
        let made = grid.post("/api/v1/nodes/join-tokens", token, &NewJoinToken::default()).await;
        let join: JoinToken = read(made, 201).await;
        let (secret, key) = (JoinToken::parse(&join.token).unwrap().0.to_owned(), SecretKey::generate());
        let signature = key.sign(Purpose::NodeEnrol, &enrol_bytes(&secret, "raw"));
        let body = Enrol { secret, name: "raw".into(), key: key.public(), signature };
        let enrolled: Enrolled = read(grid.post("/api/v1/nodes/enrol", "", &body).await, 201).await;
        Self { id: enrolled.node, key }
    }
}

/// A connection that says what it is told to.
pub struct Raw {
    pub id: NodeId,
    key: SecretKey,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    kept: VecDeque<ToNode>,
    frame: u64,
}

impl Raw {
    /// Connect without logging in.
    pub async fn connect(grid: &Grid, identity: &Identity) -> Self {
        let url = format!("ws://{}/api/v1/nodes/link", grid.running.address);
        let (socket, _) = connect_async(url).await.unwrap();
        let key = identity.key.clone();
        Self { id: identity.id.clone(), key, socket, kept: VecDeque::new(), frame: 0 }
    }

    /// Connect, log in with these leases, and be active with two slots.
    pub async fn login(grid: &Grid, identity: &Identity, leases: Vec<u64>) -> (Self, Welcome) {
        let mut raw = Self::connect(grid, identity).await;
        let login = raw.answer(leases).await;
        raw.send(&ToServer::Login(login)).await;
        let welcome = match raw.next().await {
            ToNode::Welcome(welcome) => welcome,
            other => panic!("no welcome but {other:?}"),
        };
        raw.status(Vec::new()).await;
        (raw, welcome)
    }

    /// The right answer to the server's hello.
    pub async fn answer(&mut self, leases: Vec<u64>) -> Login {
        let ToNode::Hello(hello) = self.next().await else { panic!("the server says hello first") };
        let signature = self.key.sign(Purpose::NodeLogin, &login_bytes(&self.id, &hello.cert, &hello.nonce));
        let machine = Machine { os: "test".into(), cores: 2, ..Machine::default() };
        Login {
            node: self.id.clone(),
            version: hello.version_max,
            signature,
            machine,
            profile: PROFILE.into(),
            leases,
            features: Vec::new(),
        }
    }

    pub async fn send(&mut self, message: &ToServer) {
        self.send_bytes(wire::encode(message)).await;
    }

    pub async fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::Binary(bytes.into())).await.unwrap();
    }

    pub async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::Text(text.into())).await.unwrap();
    }

    pub async fn status(&mut self, leases: Vec<u64>) {
        self.progress(leases, Vec::new()).await;
    }

    /// A status with progress of units.
    pub async fn progress(&mut self, leases: Vec<u64>, progress: Vec<UnitProgress>) {
        let status = Status {
            state: NodeState::Active,
            slots: 2,
            memory_bytes: 8 << 30,
            takes_strangers: true,
            leases,
            units_held: 0,
            progress,
            owner: None,
        };
        self.send(&ToServer::Status(status)).await;
    }

    /// Send the same status until the server ends the connection.
    pub async fn flood(&mut self) {
        let status = Status {
            state: NodeState::Draining,
            slots: 2,
            memory_bytes: 0,
            takes_strangers: false,
            leases: Vec::new(),
            units_held: 0,
            progress: Vec::new(),
            owner: None,
        };
        let bytes = wire::encode(&ToServer::Status(status));
        while self.socket.send(Message::Binary(bytes.clone().into())).await.is_ok() {}
    }

    /// The next message; panics where none comes or the connection ends.
    pub async fn next(&mut self) -> ToNode {
        self.next_or_end().await.expect("the connection stands")
    }

    /// The next message; none once the connection has ended.
    pub async fn next_or_end(&mut self) -> Option<ToNode> {
        if let Some(kept) = self.kept.pop_front() {
            return Some(kept);
        }
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a message in time")? {
                Ok(Message::Binary(bytes)) => return Some(wire::decode(&bytes, usize::MAX).unwrap()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The refusal that ends the connection.
    pub async fn refused(&mut self) -> Refused {
        loop {
            if let ToNode::Refused(refused) = self.next().await {
                return refused;
            }
        }
    }

    /// The first message that `wanted` takes; others before it are dropped.
    pub async fn wait_for<T>(&mut self, wanted: impl Fn(ToNode) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.next().await) {
                return found;
            }
        }
    }

    /// The next lease; other messages before it are dropped.
    pub async fn lease(&mut self) -> Lease {
        loop {
            if let ToNode::Lease(lease) = self.next().await {
                return lease;
            }
        }
    }

    /// Send results and wait until they are committed; leases that come meanwhile are kept.
    pub async fn results(&mut self, job: &JobId, results: Vec<UnitResult>) {
        self.send_results(job, results).await;
        let wanted = self.frame;
        let mut others = VecDeque::new();
        loop {
            match self.next().await {
                ToNode::Committed { frame } if frame == wanted => break,
                other => others.push_back(other),
            }
        }
        self.kept = others;
    }

    /// Send results.
    pub async fn send_results(&mut self, job: &JobId, results: Vec<UnitResult>) {
        self.frame += 1;
        let frame = ResultsFrame {
            node: self.id.clone(),
            frame: self.frame,
            job: job.clone(),
            profile: PROFILE.into(),
            results,
        };
        let bytes = wire::encode(&frame);
        let signature = self.key.sign(Purpose::Results, &bytes);
        self.send(&ToServer::Results(SignedResults { bytes, signature })).await;
    }

    /// Work until the job has ended: every unit's result is what `work` makes of its input.
    pub async fn work(&mut self, grid: &Grid, token: &str, job: &JobId, work: impl Fn(&Input) -> End) -> JobInfo {
        loop {
            let info = job_info(grid, token, job).await;
            if info.phase.is_final() {
                return info;
            }
            let lease = match tokio::time::timeout(Duration::from_millis(300), self.next_or_end()).await {
                Ok(Some(ToNode::Lease(lease))) => lease,
                Ok(Some(_)) | Err(_) => continue,
                Ok(None) => panic!("the connection ended"),
            };
            let results = lease.units.iter().map(|unit| result(&lease, unit.key.seq, work(&unit.input))).collect();
            self.results(&lease.job, results).await;
        }
    }
}

/// How a unit ends, and its output where it is done.
pub type End = Result<Vec<u8>, Outcome>;

/// A result for a unit of a lease.
pub fn result(lease: &Lease, seq: u64, end: End) -> UnitResult {
    let unit = lease.units.iter().find(|unit| unit.key.seq == seq).unwrap();
    let (outcome, output) = match end {
        Ok(bytes) => (Outcome::Done, Some(Output::Inline(bytes))),
        Err(outcome) => (outcome, None),
    };
    UnitResult {
        key: unit.key,
        attempt: unit.attempt,
        outcome,
        floats: Default::default(),
        fuel: 10,
        memory_bytes: 65_536,
        wall_us: 50,
        output,
        log: Vec::new(),
        resumed_at_fuel: None,
    }
}

/// The bytes of an inline input.
pub fn bytes(input: &Input) -> Vec<u8> {
    match input {
        Input::Inline(bytes) => bytes.clone(),
        other => panic!("not inline: {other:?}"),
    }
}

/// The parts of a merge, joined.
pub fn joined(input: &Input) -> Vec<u8> {
    let Input::Parts(parts) = input else { panic!("no parts: {input:?}") };
    let part = |part: &Option<Output>| match part {
        Some(Output::Inline(bytes)) => bytes.clone(),
        Some(other) => panic!("not inline: {other:?}"),
        None => b"?".to_vec(),
    };
    parts.iter().flat_map(part).collect()
}

/// An account with a module that was let in by the back door: what it is made of is no matter here.
pub async fn author(grid: &Grid, name: &str, exports: Exports) -> (String, Digest) {
    let token = grid.account(name).await;
    let account = grid_server::store::accounts::by_name(grid.running.app.store.reader(), name).await.unwrap().unwrap();
    let key = SecretKey::generate();
    let manifest = Manifest {
        component: Digest::of(name.as_bytes()),
        executed: Builds { plain: Digest::of(name.as_bytes()), canonical: Digest::of(b"canonical") },
        source: None,
        limits: Limits::default(),
        profile: PROFILE.into(),
        author: key.public(),
        serial: 1,
        expires_at_ms: u64::MAX / 4,
    };
    let signed = grid.running.app.keys.countersign(AuthoredManifest::sign(&manifest, &key));
    let module = Digest::of(&signed.authored.bytes);
    let kept = grid.running.app.store.write(move |db| {
        let (manifest, signed) = (manifest.clone(), signed.clone());
        Box::pin(async move { modules::insert(db, account.id, &manifest, &signed, 4, &exports, "", 1).await })
    });
    kept.await.unwrap();
    (token, module)
}

/// A job over `0..units`, one number a unit.
pub fn counting(module: Digest, units: i64) -> JobSubmission {
    JobSubmission {
        name: "counting".into(),
        project: None,
        module,
        args: Vec::new(),
        split: Split::Range { from: 0, to: units, per_unit: 1 },
        inputs: Vec::new(),
        shared: Vec::new(),
        limits: Limits::default(),
        run_on: Default::default(),
        deadline_ms: None,
        on_failed: Default::default(),
        assemble: Assemble::Concat,
        floats: Default::default(),
        seed: Some(1),
        verify: fallow_protocol::job::Verify::default(),
        critical: false,
        budget: None,
        offer_permille: 1_000,
    }
}

/// The exports of a task that does everything.
pub const ALL: Exports = Exports { run: true, split: true, merge: true, command: false };

pub async fn submit(grid: &Grid, token: &str, submission: &JobSubmission) -> JobInfo {
    read(grid.post("/api/v1/jobs", token, submission).await, 201).await
}

pub async fn job_info(grid: &Grid, token: &str, job: &JobId) -> JobInfo {
    read(grid.get(&format!("/api/v1/jobs/{job}"), token).await, 200).await
}

pub async fn fetch(grid: &Grid, token: &str, job: &JobId) -> Vec<u8> {
    let response = grid.get(&format!("/api/v1/jobs/{job}/result?wait_ms=20000"), token).await;
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap().to_vec()
}
