//! The dispatcher: hears the link, the slots, the owner and the clock, asks the agent, and does what it says.
//!
//! Owns every IO of a running node. Decides nothing.

mod perform;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fallow_protocol::JobId;
use fallow_protocol::keys::SecretKey;
use fallow_protocol::link::Machine;
use fallow_protocol::unit::UnitKey;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::agent::io::{Action, CheckpointUpload, Now, OwnerCommand, Parked, PrepareError, Uploaded};
use crate::agent::{Agent, AgentSetup};
use crate::blobs::BlobClient;
use crate::cache::Cache;
use crate::config::Config;
use crate::control::{self, Asked, Request, StatusReply};
use crate::events::Teller;
use crate::exit::{Code, Failure};
use crate::http::{self, GridUrl};
use crate::identity::{DataDir, FrameCounter, Membership};
use crate::join::unix_ms;
use crate::link::{Link, LinkEvent};
use crate::outbox::Outbox;
use crate::platform::{self, ControlListener};
use crate::policy::Policy;
use crate::prepare::{Prepared, Preparer};
use crate::probe::Probe;
use crate::runner::{Runner, RunnerSetup, Told};

/// Things that ended and wait for the agent.
const DONE_WAITING: usize = 1_024;
/// Groups of events that are taken together.
const BATCH: usize = 64;
/// What was queued for the server when the node leaves gets so long to be sent.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Something that was done beside the loop.
#[derive(Debug)]
enum Done {
    Prepared(JobId, Result<Arc<Prepared>, PrepareError>),
    Uploaded(Box<Parked>, Uploaded, bool),
    Checkpointed(CheckpointUpload, Option<(fallow_protocol::Digest, u64)>),
}

/// What a node runs with.
#[derive(Debug)]
pub struct ShellSetup {
    /// The owner's configuration.
    pub config: Config,
    /// The data folder.
    pub data: DataDir,
    /// The grid.
    pub membership: Membership,
    /// The computer.
    pub probe: Probe,
    /// The owner's rules.
    pub policy: Policy,
    /// The executable that becomes worker.
    pub exe: PathBuf,
    /// Compiled modules.
    pub compiled_dir: PathBuf,
}

/// A running node.
struct Shell {
    agent: Agent,
    outbox: Outbox,
    frames: FrameCounter,
    runner: Runner,
    preparer: Arc<Preparer>,
    blobs: BlobClient,
    prepared: HashMap<JobId, Arc<Prepared>>,
    checkpoints: HashSet<(JobId, UnitKey)>,
    session: watch::Sender<Option<String>>,
    outgoing: Option<mpsc::Sender<Vec<u8>>>,
    done: mpsc::Sender<Done>,
    data: DataDir,
    membership: Membership,
    key: SecretKey,
    teller: Teller,
    offline: Option<String>,
    began: Instant,
    leaving: bool,
}

/// What the loop listens to.
struct Ears {
    link: mpsc::Receiver<LinkEvent>,
    slots: mpsc::Receiver<Told>,
    done: mpsc::Receiver<Done>,
    asked: mpsc::Receiver<Asked>,
}

/// Run until the owner, a signal or the grid ends it.
pub async fn run(setup: ShellSetup) -> Result<(), Failure> {
    let (mut shell, mut ears, parked, control) = build(setup)?;
    for parked in parked {
        shell.upload(parked, true);
    }
    let ended = shell.serve(&mut ears).await;
    shell.outgoing = None;
    let last_words = async { while !matches!(ears.link.recv().await, Some(LinkEvent::Offline(_)) | None) {} };
    let _ = tokio::time::timeout(LAST_WORDS, last_words).await;
    control.abort();
    let _ = std::fs::remove_file(control::socket_path(shell.data.path()));
    ended
}

type Built = (Shell, Ears, Vec<Parked>, tokio::task::JoinHandle<()>);

fn build(setup: ShellSetup) -> Result<Built, Failure> {
    let ShellSetup { config, data, membership, probe, policy, exe, compiled_dir } = setup;
    let url = GridUrl::parse(&membership.url, config.insecure_http)?;
    let key = data.key()?;
    let frames = data.frame_counter()?;
    let (outbox, left) = Outbox::open(&data.join("outbox"))?;
    let (session, session_seen) = watch::channel(None);
    let blobs = BlobClient::new(http::client()?, url.clone(), session_seen);
    let cache = Arc::new(Cache::open(&data.join("cache"), config.cache_bytes, blobs.clone())?);
    let scratch_dir = empty_dir(data.join("scratch"))?;
    let preparer = Arc::new(Preparer {
        exe: exe.clone(),
        cache: cache.clone(),
        compiled_dir,
        compiled_bytes_max: config.cache_bytes / 4,
        allow_unconfined: config.allow_unconfined,
        unconfined: probe.confined.clone().err(),
        in_use: Default::default(),
    });
    let slots = policy.slots as usize;
    let outputs = outbox.blobs();
    let (runner, slot_events) =
        Runner::new(RunnerSetup { exe, slots, scratch_dir, outputs, cache, blobs: blobs.clone() });
    let mut agent = agent(&membership, policy, frames.first, config.json);
    agent.restore(left.frames, &left.parked);
    let link = link(url, &membership, key.clone(), probe.machine);
    let (link_sender, link_events) = mpsc::channel(BATCH);
    tokio::spawn(link.run(link_sender));
    let (asked_sender, asked) = mpsc::channel(4);
    let control = serve_control(&data, asked_sender);
    let (done, done_events) = mpsc::channel(DONE_WAITING);
    let shell = Shell {
        agent,
        outbox,
        frames,
        runner,
        preparer,
        blobs,
        prepared: HashMap::new(),
        checkpoints: HashSet::new(),
        session,
        outgoing: None,
        done,
        data,
        membership,
        key,
        teller: Teller::new(config.json),
        offline: None,
        began: Instant::now(),
        leaving: false,
    };
    let ears = Ears { link: link_events, slots: slot_events, done: done_events, asked };
    Ok((shell, ears, left.parked, control))
}

fn agent(membership: &Membership, policy: Policy, next_frame: u64, tells_units: bool) -> Agent {
    Agent::new(AgentSetup {
        node: membership.node.clone(),
        root: membership.root,
        policy,
        seen_serial: membership.serial,
        next_frame,
        tells_units,
    })
}

fn link(url: GridUrl, membership: &Membership, key: SecretKey, machine: Machine) -> Link {
    let Membership { node, root, serial, .. } = membership;
    Link { url, node: node.clone(), key, root: *root, seen_serial: *serial, machine }
}

fn empty_dir(path: PathBuf) -> std::io::Result<PathBuf> {
    match std::fs::remove_dir_all(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => std::fs::create_dir_all(&path)?,
    }
    Ok(path)
}

/// A node without a control socket still works; its owner is told.
fn serve_control(data: &DataDir, asked: mpsc::Sender<Asked>) -> tokio::task::JoinHandle<()> {
    let path = control::socket_path(data.path());
    match ControlListener::bind(&path) {
        Ok(listener) => tokio::spawn(control::serve(listener, asked)),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "no control socket: status, pause and resume will not work");
            tokio::spawn(async move { asked.closed().await })
        }
    }
}

impl Shell {
    fn now(&self) -> Now {
        Now { ms: self.began.elapsed().as_millis() as u64, unix_ms: unix_ms() }
    }

    async fn serve(&mut self, ears: &mut Ears) -> Result<(), Failure> {
        let mut signalled = Box::pin(platform::asked_to_end());
        while !self.leaving {
            let due = self.agent.due_ms().map(|due| self.began + Duration::from_millis(due));
            let due = due.unwrap_or_else(|| Instant::now() + Duration::from_secs(3_600));
            let actions = tokio::select! {
                Some(event) = ears.link.recv() => self.on_link(event)?,
                Some(told) = ears.slots.recv() => self.on_slots(told, &mut ears.slots),
                Some(done) = ears.done.recv() => self.on_done(done),
                Some(asked) = ears.asked.recv() => self.on_asked(asked),
                () = tokio::time::sleep_until(due) => self.agent.on_tick(self.now()),
                heard = &mut signalled => {
                    heard?;
                    if self.agent.state() == fallow_protocol::link::NodeState::Draining {
                        return Ok(());
                    }
                    signalled = Box::pin(platform::asked_to_end());
                    self.agent.on_owner_command(self.now(), OwnerCommand::Drain)
                }
            };
            self.perform(actions);
        }
        Ok(())
    }

    fn on_link(&mut self, event: LinkEvent) -> Result<Vec<Action>, Failure> {
        Ok(match event {
            LinkEvent::LoginWanted(reply) => {
                let _ = reply.send(self.agent.lease_ids());
                Vec::new()
            }
            LinkEvent::Online { welcome, serial, outgoing } => {
                self.outgoing = Some(outgoing);
                self.offline = None;
                self.session.send_replace(Some(welcome.session.clone()));
                self.remember_serial(serial);
                self.agent.on_online(self.now(), &welcome, serial)
            }
            LinkEvent::Message(message) => self.agent.on_message(self.now(), *message),
            LinkEvent::Offline(reason) => {
                let was_online = self.outgoing.take().is_some();
                self.session.send_replace(None);
                let news = was_online || self.offline.as_ref() != Some(&reason);
                self.offline = Some(reason.clone());
                if news { self.agent.on_offline(self.now(), reason) } else { Vec::new() }
            }
            LinkEvent::Fatal(refused) => {
                let message = format!("the grid refuses this node: {}", refused.message);
                return Err(Failure::new(Code::Refused, message));
            }
        })
    }

    /// Rotated keys are remembered, so that nobody can go back to an old one.
    fn remember_serial(&mut self, serial: u64) {
        if serial > self.membership.serial {
            self.membership.serial = serial;
            if let Err(error) = self.data.save_membership(&self.membership) {
                tracing::warn!("the grid's new key is not remembered over a restart: {error:#}");
            }
        }
    }

    fn on_slots(&mut self, first: Told, more: &mut mpsc::Receiver<Told>) -> Vec<Action> {
        let mut actions = Vec::new();
        let (mut next, mut left) = (Some(first), BATCH);
        while let Some((slot, life, events)) = next.take() {
            actions.extend(self.agent.on_slot(self.now(), slot, life, events));
            left -= 1;
            next = if left > 0 { more.try_recv().ok() } else { None };
        }
        actions
    }

    fn on_done(&mut self, done: Done) -> Vec<Action> {
        match done {
            Done::Prepared(job, outcome) => {
                let outcome = outcome.map(|prepared| {
                    self.prepared.insert(job.clone(), prepared);
                });
                if let Err(PrepareError::Refused(reason) | PrepareError::Host(reason)) = &outcome {
                    tracing::warn!(%job, reason, "a job cannot run here");
                }
                self.agent.on_prepared(self.now(), &job, outcome)
            }
            Done::Uploaded(parked, outcome, restored) => self.agent.on_uploaded(self.now(), *parked, outcome, restored),
            Done::Checkpointed(upload, blob) => {
                self.checkpoints.remove(&(upload.job.clone(), upload.key));
                self.note_checkpoint(upload, blob)
            }
        }
    }

    fn on_asked(&mut self, (request, reply): Asked) -> Vec<Action> {
        let command = match request {
            Request::Status => None,
            Request::Pause { reason } => Some(OwnerCommand::Pause { reason }),
            Request::Resume => Some(OwnerCommand::Resume),
        };
        let actions = command.map(|command| self.agent.on_owner_command(self.now(), command)).unwrap_or_default();
        let _ = reply.send(self.status());
        actions
    }

    fn status(&self) -> StatusReply {
        StatusReply {
            name: self.membership.name.clone(),
            node: self.membership.node.to_string(),
            grid: self.membership.grid.clone(),
            url: self.membership.url.clone(),
            owner: self.membership.owner.clone(),
            offline: self.offline.clone(),
            report: self.agent.report(),
        }
    }
}
