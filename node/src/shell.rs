//! The dispatcher: hears the link, the slots, the owner and the clock, asks the agent, and does what it says.
//!
//! Owns every IO of a running node. Decides nothing.

mod owner;
mod perform;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fallow_protocol::JobId;
use fallow_protocol::keys::SecretKey;
use fallow_protocol::link::{Machine, ToNode};
use fallow_protocol::unit::UnitKey;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::agent::io::{Action, CheckpointUpload, Now, OwnerCommand, Parked, PrepareError, Uploaded};
use crate::agent::{Agent, AgentSetup};
use crate::blobs::BlobClient;
use crate::cache::Cache;
use crate::config::{CACHE_BYTES, Config};
use crate::control::{self, Asked};
use crate::earnings::Asker;
use crate::events::Teller;
use crate::exit::{Code, Failure};
use crate::history::History;
use crate::http::{self, GridUrl};
use crate::identity::{DataDir, FrameCounter, Membership};
use crate::join::unix_ms;
use crate::link::{Link, LinkEvent};
use crate::outbox::Outbox;
use crate::page::{self, PageSetup};
use crate::platform::{self, ControlListener};
use crate::policy::{Lender, Observation, Offer, OwnPause, Pause, Policy};
use crate::preferences::Keeper;
use crate::prepare::{Prepared, Preparer};
use crate::probe::Probe;
use crate::probe::watch::{self as eyes, WatchSetup};
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
    /// What he says.
    pub lender: Lender,
    /// Where that is kept.
    pub keeper: Keeper,
    /// What follows for the agent.
    pub policy: Policy,
    /// Whose jobs run here and in which walls, in words.
    pub takes: String,
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
    lender: Lender,
    keeper: Keeper,
    kept_pause: Option<OwnPause>,
    pause: Option<Pause>,
    offer: Option<Offer>,
    duty_permille: u32,
    /// When workers that run only a part of the time change next.
    turn: Option<Instant>,
    programs: watch::Sender<Vec<String>>,
    asker: Asker,
    history: History,
    page: Option<String>,
    stopping: watch::Sender<bool>,
    began: Instant,
    leaving: bool,
}

/// What the loop listens to.
struct Ears {
    link: mpsc::Receiver<LinkEvent>,
    slots: mpsc::Receiver<Told>,
    done: mpsc::Receiver<Done>,
    asked: mpsc::Receiver<Asked>,
    seen: mpsc::Receiver<Observation>,
}

/// Run until the owner, a signal or the grid ends it.
pub async fn run(setup: ShellSetup) -> Result<(), Failure> {
    let (mut shell, mut ears, parked, control) = build(setup).await?;
    let first = shell.follow();
    shell.perform(first);
    for parked in parked {
        shell.upload(parked, true);
    }
    let ended = shell.serve(&mut ears).await;
    shell.stopping.send_replace(true);
    shell.outgoing = None;
    let last_words = async { while !matches!(ears.link.recv().await, Some(LinkEvent::Offline(_)) | None) {} };
    let _ = tokio::time::timeout(LAST_WORDS, last_words).await;
    control.abort();
    let _ = std::fs::remove_file(control::socket_path(shell.data.path()));
    ended
}

type Built = (Shell, Ears, Vec<Parked>, tokio::task::JoinHandle<()>);

async fn build(setup: ShellSetup) -> Result<Built, Failure> {
    let ShellSetup { config, data, membership, probe, lender, keeper, policy, takes, exe, compiled_dir } = setup;
    let url = GridUrl::parse(&membership.url, config.insecure_http)?;
    let key = data.key()?;
    let frames = data.frame_counter()?;
    let (outbox, left) = Outbox::open(&data.join("outbox"))?;
    let (session, session_seen) = watch::channel(None);
    let asker = Asker { http: http::client()?, url: url.clone(), session: session_seen.clone() };
    let blobs = BlobClient::new(http::client()?, url.clone(), session_seen);
    let cache_bytes = lender.offer().disk_bytes.unwrap_or(CACHE_BYTES);
    let cache = Arc::new(Cache::open(&data.join("cache"), cache_bytes, blobs.clone())?);
    let scratch_dir = empty_dir(data.join("scratch"))?;
    let preparer = Arc::new(Preparer {
        exe: exe.clone(),
        cache: cache.clone(),
        compiled_dir,
        compiled_bytes_max: cache_bytes / 4,
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
    let to_page = asked_sender.clone();
    let control = serve_control(&data, asked_sender);
    let (done, done_events) = mpsc::channel(DONE_WAITING);
    let (stopping, stopped) = watch::channel(false);
    let setup =
        PageSetup { port: config.page.port, data: data.path().to_owned(), takes, asked: to_page, stopping: stopped };
    let page = if config.page.enabled { serve_page(setup).await } else { None };
    let (programs, seen) = watch_computer(&config);
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
        membership,
        key,
        teller: Teller::new(config.json),
        offline: None,
        kept_pause: lender.own_pause().cloned(),
        lender,
        keeper,
        pause: None,
        offer: None,
        duty_permille: 1_000,
        turn: None,
        programs,
        asker,
        history: History::new(data.path()),
        data,
        page,
        stopping,
        began: Instant::now(),
        leaving: false,
    };
    let ears = Ears { link: link_events, slots: slot_events, done: done_events, asked, seen };
    Ok((shell, ears, left.parked, control))
}

/// A node without its page still works; its owner is told.
async fn serve_page(setup: PageSetup) -> Option<String> {
    match page::serve(setup).await {
        Ok(url) => Some(url),
        Err(error) => {
            tracing::warn!("the node has no page of its own: {error:#}");
            None
        }
    }
}

fn watch_computer(config: &Config) -> (watch::Sender<Vec<String>>, mpsc::Receiver<Observation>) {
    let (programs, names) = watch::channel(Vec::new());
    let (sender, seen) = mpsc::channel(4);
    let setup = WatchSetup {
        root: config.probe.root.clone(),
        every: Duration::from_millis(config.probe.every_ms),
        window: Duration::from_millis(config.probe.window_ms),
    };
    tokio::spawn(eyes::run(setup, names, sender));
    (programs, seen)
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
                Some(seen) = ears.seen.recv() => self.on_seen(seen),
                () = tokio::time::sleep_until(due) => self.agent.on_tick(self.now()),
                () = until(self.pause_ends()) => self.follow(),
                () = until(self.turn) => {
                    self.turn();
                    Vec::new()
                }
                heard = &mut signalled => {
                    heard?;
                    if self.agent.is_draining() {
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
            LinkEvent::Message(message) => match *message {
                ToNode::Owner(wish) => self.on_wish(&wish),
                message => self.agent.on_message(self.now(), message),
            },
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
}

/// Ends at a moment, or never.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
