//! A server in this process, an author with real components, and a real node.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use data_encoding::BASE64;
use fallow_protocol::api::{JobInfo, JoinToken, ModuleInfo, NewAuthorKey, NewJoinToken, NewModule, UploadState};
use fallow_protocol::job::{Assemble, FileRef, JobSubmission, OnFailed, RunOn, Split};
use fallow_protocol::manifest::{AuthoredManifest, Limits, Manifest, PROFILE};
use fallow_protocol::unit::{Input, UnitKey};
use fallow_protocol::{Digest, JobId, SecretKey};
use grid_server::anchor::AnchorUnit;
use grid_server::app::{App, now_ms};
use grid_server::config::Config;
use grid_server::store::units;
use reqwest::Method;
use tokio::process::{Child, Command};

use crate::grid::{Grid, read};

/// No job here takes longer, on a busy computer.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Rig {
    pub grid: Grid,
    pub token: String,
    author: SecretKey,
}

/// A guest's component.
fn component(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("../guests/{name}.wasm"));
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask test` builds the guests", path.display()))
}

/// A file of an example.
pub fn example(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The key of a unit of the work.
pub fn work(seq: u64) -> UnitKey {
    UnitKey { stage: 1, seq }
}

impl Rig {
    /// A server with the default settings but for a change.
    pub async fn start(change: impl FnOnce(&mut Config)) -> Self {
        let grid = Grid::with(|config| {
            config.worker_exe = Some(env!("CARGO_BIN_EXE_fallow-server").into());
            change(config);
        })
        .await;
        let (token, author) = (grid.account("ann").await, SecretKey::generate());
        let key = NewAuthorKey { key: author.public(), name: "k".into() };
        assert_eq!(grid.post("/api/v1/keys", &token, &key).await.status(), 201);
        Self { grid, token, author }
    }

    pub fn app(&self) -> &App {
        &self.grid.running.app
    }

    /// Upload bytes, unless they are there: the server would answer before it has read them, and hang up.
    pub async fn put(&self, name: &str, bytes: Vec<u8>) -> FileRef {
        let blob = Digest::of(&bytes);
        let state = self.grid.get(&format!("/api/v1/blobs/{blob}/upload"), &self.token).await;
        if read::<UploadState>(state, 200).await.complete {
            return FileRef { name: name.into(), blob };
        }
        let path = format!("/api/v1/blobs/{blob}?offset=0&len={}", bytes.len());
        let sent = self.grid.ask(Method::PATCH, &path, &self.token).body(bytes).send().await.unwrap();
        assert!(read::<UploadState>(sent, 200).await.complete);
        FileRef { name: name.into(), blob }
    }

    /// A job of a guest over a range of one, to be changed.
    pub async fn job(&self, guest: &str, limits: Limits) -> JobSubmission {
        let component = component(guest);
        let executed = fallow_sandbox::instrument::builds(&component).unwrap();
        let manifest = Manifest {
            component: self.put(guest, component).await.blob,
            executed,
            source: None,
            limits,
            profile: PROFILE.into(),
            author: self.author.public(),
            serial: 1,
            expires_at_ms: now_ms() + 86_400_000,
        };
        let signed = AuthoredManifest::sign(&manifest, &self.author);
        let new =
            NewModule { manifest: BASE64.encode(&signed.bytes), author_signature: signed.author_signature, name: None };
        let sent = self.grid.post("/api/v1/modules", &self.token, &new).await;
        let status = sent.status().as_u16();
        assert!(status == 201 || status == 200, "{}", sent.text().await.unwrap());
        let module = read::<ModuleInfo>(sent, status).await.module;
        JobSubmission {
            name: guest.into(),
            project: None,
            module,
            args: Vec::new(),
            split: Split::Range { from: 0, to: 1, per_unit: 1 },
            inputs: Vec::new(),
            shared: Vec::new(),
            limits,
            run_on: RunOn::Own,
            deadline_ms: None,
            on_failed: OnFailed::LeaveOut { permille_max: 1_000 },
            assemble: Assemble::Concat,
            floats: Default::default(),
            seed: Some(0xfa11),
            verify: fallow_protocol::job::Verify::default(),
            critical: false,
            budget: None,
            offer_permille: 1_000,
        }
    }

    /// A job of the guest that ends as each line says.
    pub async fn faults(&self, lines: &str, limits: Limits) -> JobSubmission {
        let job = self.job("faults", limits).await;
        let inputs = vec![self.put("lines", lines.into()).await];
        JobSubmission { split: Split::Lines { per_unit: 1 }, inputs, ..job }
    }

    /// Submit a job; its internal id.
    pub async fn submit(&self, job: &JobSubmission) -> (JobId, i64) {
        let sent = self.grid.post("/api/v1/jobs", &self.token, job).await;
        let info: JobInfo = read(sent, 201).await;
        let id = self.app().active.find(&info.id).expect("it has not ended").id;
        (info.id, id)
    }

    /// The job once it has ended.
    pub async fn ended(&self, job: &JobId) -> JobInfo {
        let follow = async {
            let mut after = 0;
            loop {
                let path = format!("/api/v1/jobs/{job}?wait_ms=5000&after={after}");
                let info: JobInfo = read(self.grid.get(&path, &self.token).await, 200).await;
                if info.phase.is_final() {
                    return info;
                }
                after = info.version;
            }
        };
        tokio::time::timeout(PATIENCE, follow).await.expect("the job ends in time")
    }

    /// A unit of the work of a job that no node has, ready for the server's own worker.
    pub async fn unit(&self, job: &JobSubmission) -> AnchorUnit {
        let (_, id) = self.submit(job).await;
        AnchorUnit::load(self.app(), id, work(0)).await.unwrap()
    }

    /// A unit of the faults guest under these limits, submitted to nobody.
    pub async fn fault(&self, line: &str, limits: Limits) -> AnchorUnit {
        self.unit(&self.faults(line, limits).await).await
    }

    /// A unit's input as it stands.
    pub async fn input(&self, job: i64, key: UnitKey) -> Input {
        let standing = units::standing(self.app().store.reader(), job, key.stage, &[key.seq]).await.unwrap();
        standing[0].input.clone()
    }

    /// A real node of the author's.
    pub async fn node(&self) -> Child {
        let made = self.grid.post("/api/v1/nodes/join-tokens", &self.token, &NewJoinToken::default()).await;
        let join: JoinToken = read(made, 201).await;
        let program = Path::new(env!("CARGO_BIN_EXE_fallow-server")).with_file_name("fallow-node");
        assert!(program.exists(), "{} is not there; build it with `cargo build --workspace`", program.display());
        let mut node = Command::new(program);
        node.args(["join", &self.grid.running.url(), "--token", &join.token, "--name", "one", "--slots", "2"]);
        node.arg("--data").arg(self.data("node")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        node.kill_on_drop(true).spawn().unwrap()
    }

    /// A path beside the server's folder.
    pub fn data(&self, name: &str) -> PathBuf {
        self.grid.data.path().join(name)
    }
}
