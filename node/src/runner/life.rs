//! One life of one worker: started with a job, fed with units, listened to until it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use fallow_protocol::unit::Output;
use fallow_sandbox::client::{Task, Worker, WorkerControl, WorkerEvent, WorkerEvents, WorkerSetup};
use tokio::sync::mpsc;

use super::{Bench, outputs};
use crate::agent::io::{End, SlotEvent, SlotUnit};
use crate::blobs::{AHEAD_FROM_BYTES, Ahead};
use crate::cache::Entry;
use crate::http::{chain, micros};
use crate::inputs::{self, Bringing};
use crate::prepare::Prepared;

/// Pause, resume and kill, also while the worker is being started or fed.
#[derive(Debug)]
pub struct Control(Mutex<(bool, Option<WorkerControl>)>);

impl Control {
    /// Of a worker that is not there yet.
    pub fn new(paused: bool) -> Self {
        Self(Mutex::new((paused, None)))
    }

    fn with(&self, act: impl FnOnce(&mut (bool, Option<WorkerControl>))) {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn arrived(&self, worker: WorkerControl) {
        self.with(|(paused, control)| {
            if *paused {
                worker.pause();
            }
            *control = Some(worker);
        });
    }

    /// Stand still.
    pub fn pause(&self) {
        self.with(|(paused, control)| {
            *paused = true;
            control.iter().for_each(WorkerControl::pause);
        });
    }

    /// Go on.
    pub fn resume(&self) {
        self.with(|(paused, control)| {
            *paused = false;
            control.iter().for_each(WorkerControl::resume);
        });
    }

    /// End at once.
    pub fn kill(&self) {
        self.with(|(_, control)| control.iter().for_each(WorkerControl::kill));
    }
}

/// What is remembered of a task until it ends.
#[derive(Debug, Default)]
pub struct Kept {
    /// Blobs that it reads.
    _pins: Vec<Arc<Entry>>,
    /// Parts that are on their way to it.
    _bringing: Option<Bringing>,
}

type KeptTasks = Arc<Mutex<HashMap<u64, Kept>>>;

/// The task of one life.
#[derive(Debug)]
pub struct Life {
    /// The slot.
    pub slot: usize,
    /// Number of the life.
    pub life: u64,
    /// What slots share.
    pub bench: Arc<Bench>,
    /// The job.
    pub prepared: Arc<Prepared>,
    /// Commands from outside.
    pub control: Arc<Control>,
}

/// Ends the listening task with the life.
struct Listening(tokio::task::JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Life {
    /// Live.
    pub async fn run(self, mut units: mpsc::UnboundedReceiver<Vec<SlotUnit>>) {
        let scratch = self.scratch();
        let began = Instant::now();
        let (mut worker, events) = match self.start(scratch.as_ref()).await {
            Ok(started) => started,
            Err(reason) => return self.tell(vec![SlotEvent::StartFailed { reason }]).await,
        };
        tracing::debug!(slot = self.slot, took_us = micros(began), "worker started");
        self.control.arrived(worker.control());
        self.tell(vec![SlotEvent::Ready]).await;
        let kept = KeptTasks::default();
        let _listening =
            Listening(tokio::spawn(listen(self.slot, self.life, self.bench.clone(), events, kept.clone())));
        while let Some(units) = units.recv().await {
            let tasks = self.make(units, &kept).await;
            // A worker that is gone tells so itself.
            if !tasks.is_empty() && worker.submit(tasks).await.is_err() {
                break;
            }
        }
        // The worker lives until this life is ended from outside; its last events must still be heard.
        std::future::pending::<()>().await;
    }

    fn scratch(&self) -> Option<tempfile::TempDir> {
        let wanted = self.prepared.setup.limits.scratch_bytes > 0;
        let made = wanted.then(|| tempfile::Builder::new().prefix("slot-").tempdir_in(&self.bench.scratch_dir));
        made.and_then(|made| made.inspect_err(|error| tracing::warn!(%error, "no scratch directory")).ok())
    }

    async fn start(&self, scratch: Option<&tempfile::TempDir>) -> Result<(Worker, WorkerEvents), String> {
        let scratch_dir = scratch.map(|dir| dir.path().to_owned());
        if scratch_dir.is_none() && self.prepared.setup.limits.scratch_bytes > 0 {
            return Err("no scratch directory could be made".into());
        }
        let setup = WorkerSetup { scratch_dir, ..self.prepared.setup.clone() };
        let idle = self.bench.take().map_err(|error| chain(&error))?;
        idle.start(&setup).await.map_err(|error| chain(&error))
    }

    /// Units as tasks. Those whose input cannot be had end at once.
    async fn make(&self, units: Vec<SlotUnit>, kept: &KeptTasks) -> Vec<Task> {
        let (mut tasks, mut failed) = (Vec::with_capacity(units.len()), Vec::new());
        for unit in units {
            let output_to = self.bench.outputs.unnamed(unit.tag);
            let (key, began) = (unit.unit.key, Instant::now());
            match inputs::make(&self.bench.cache, &unit, self.prepared.seed, output_to).await {
                Ok(made) => {
                    let (stage, seq) = (key.stage, key.seq);
                    tracing::debug!(tag = unit.tag, stage, seq, took_us = micros(began), "input fetched");
                    if !made.pins.is_empty() || made.bringing.is_some() {
                        let remember = Kept { _pins: made.pins, _bringing: made.bringing };
                        kept.lock().unwrap_or_else(PoisonError::into_inner).insert(unit.tag, remember);
                    }
                    tasks.push(made.task);
                }
                Err(error) => {
                    let end = End::host_fault(format!("its input could not be had: {error}"));
                    failed.push(SlotEvent::Ended { tag: unit.tag, end });
                }
            }
        }
        if !failed.is_empty() {
            self.tell(failed).await;
        }
        tasks
    }

    async fn tell(&self, events: Vec<SlotEvent>) {
        let _ = self.bench.told.send((self.slot, self.life, events)).await;
    }
}

/// Hand on what the worker tells; large outputs are put aside as files, and go to the server while they are made.
async fn listen(slot: usize, life: u64, bench: Arc<Bench>, mut events: WorkerEvents, kept: KeptTasks) {
    let mut ahead = None;
    while let Some(told) = events.next().await {
        let mut handed = Vec::with_capacity(told.len());
        for event in told {
            handed.extend(hand_on(&bench, &kept, &mut ahead, event).await);
        }
        if bench.told.send((slot, life, handed)).await.is_err() {
            return;
        }
    }
}

async fn hand_on(bench: &Bench, kept: &KeptTasks, ahead: &mut Option<Ahead>, event: WorkerEvent) -> Option<SlotEvent> {
    Some(match event {
        WorkerEvent::Started { tag } => {
            tracing::debug!(tag, "unit began");
            SlotEvent::Started { tag }
        }
        WorkerEvent::Progress { tag, done, total } => SlotEvent::Progress { tag, done, total },
        WorkerEvent::Checkpoint { tag, state, fuel } => SlotEvent::Checkpoint { tag, state, fuel },
        WorkerEvent::Grown { tag, bytes } => {
            send_ahead(bench, ahead, tag, bytes);
            return None;
        }
        WorkerEvent::Died { reason, .. } => SlotEvent::Died { reason },
        WorkerEvent::Ended(ended) => {
            let tag = ended.tag;
            let task = kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&tag);
            tracing::debug!(tag, took_us = ended.wall_us, "unit ended");
            let began = Instant::now();
            let end = outputs::end(&bench.outputs, ended).await;
            drop(task);
            if let (Some(ahead), Some(Output::Blob { digest, .. })) = (ahead.take(), &end.output) {
                ahead.name(*digest);
            }
            tracing::debug!(tag, took_us = micros(began), "output kept");
            SlotEvent::Ended { tag, end }
        }
    })
}

/// A worker has one unit at a time, so what goes ahead is the running one's; none of it where it is made anew.
fn send_ahead(bench: &Bench, ahead: &mut Option<Ahead>, tag: u64, bytes: u64) {
    match ahead {
        _ if bytes < AHEAD_FROM_BYTES => *ahead = None,
        Some(ahead) => ahead.grow(bytes),
        None => *ahead = Some(Ahead::begin(&bench.blobs, bench.outputs.unnamed(tag), bytes)),
    }
}
