//! The listening task of a worker: turns what it says into events, watches the wall limit, and tells its end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use fallow_protocol::manifest::Floats;
use fallow_protocol::outcome::Outcome;
use tokio::io::AsyncReadExt;
use tokio::process::{ChildStderr, ChildStdout};
use tokio::sync::mpsc;

use super::emission::{Emission, OutputFile};
use super::flight::{Held, Running, Shared};
use super::process::PATIENCE;
use super::{TaskEnd, WorkerEvent, Written};
use crate::wire::{Ended, Frames, Source, Told};

/// Last part of what a worker writes to standard error.
const STDERR_KEPT: usize = 2048;

/// One worker's listener.
pub struct Listener {
    pub shared: Arc<Shared>,
    pub stdout: ChildStdout,
    pub frames: Frames,
    pub wants: mpsc::Sender<(u64, Source)>,
    pub events: mpsc::Sender<Vec<WorkerEvent>>,
    pub wall: Duration,
    pub floats: Floats,
    pub stderr: tokio::task::JoinHandle<String>,
    pub gathered: Gathered,
}

/// Bytes of the running unit that came ahead of its end.
#[derive(Default)]
pub struct Gathered {
    output: Vec<u8>,
    checkpoint: Vec<u8>,
    output_file: Option<OutputFile>,
    emission: Option<Emission>,
}

impl Gathered {
    async fn give_up(self) {
        if let Some(file) = self.output_file {
            file.give_up().await;
        }
        if let Some(emission) = self.emission {
            emission.give_up().await;
        }
    }
}

impl Listener {
    /// Listen until the worker is gone.
    pub async fn run(mut self) {
        let mut reason = self.listen().await.err().map(|error| error.to_string());
        if reason.is_some() {
            self.shared.process.kill();
        }
        let shared = self.shared.clone();
        let status = tokio::task::spawn_blocking(move || shared.process.reap(PATIENCE)).await.unwrap_or_default();
        let stderr = self.stderr.await.unwrap_or_default();
        let words = match (reason.take(), stderr.trim()) {
            (Some(reason), _) => reason,
            (None, "") => format!("the worker ended: {status}"),
            (None, stderr) => format!("the worker ended: {status}: {stderr}"),
        };
        let unfinished = self.shared.flight().order.drain(..).collect();
        // Nobody waits for room any more.
        self.shared.window.close();
        let _ = self.events.send(vec![WorkerEvent::Died { unfinished, reason: words }]).await;
    }

    async fn listen(&mut self) -> io::Result<()> {
        loop {
            let mut events = Vec::new();
            while let Some(told) = self.frames.take::<Told>()? {
                self.hear(told, &mut events).await?;
            }
            if !events.is_empty() && self.events.send(events).await.is_err() {
                return Err(io::Error::other("nobody listens to the worker any more"));
            }
            let left = self.time_left();
            tokio::select! {
                biased;
                len = self.stdout.read_buf(self.frames.room()) => {
                    if len? == 0 {
                        return Ok(());
                    }
                }
                () = self.shared.changed.notified() => {}
                () = tokio::time::sleep(left.unwrap_or_default()), if left.is_some() => {
                    if self.time_left() == Some(Duration::ZERO) {
                        return self.time_limit().await;
                    }
                }
            }
        }
    }

    /// Until the running unit's wall limit; none while nothing runs, or while the worker stands still.
    fn time_left(&self) -> Option<Duration> {
        let since = self.shared.flight().running.as_ref()?.since;
        if self.shared.active.is_held() {
            return None;
        }
        Some((since + self.wall).saturating_sub(self.shared.active.elapsed()))
    }

    async fn time_limit(&mut self) -> io::Result<()> {
        self.shared.process.kill();
        let Some(running) = self.shared.flight().running.take() else { return Ok(()) };
        self.shared.flight().order.retain(|tag| *tag != running.tag);
        let ended = TaskEnd {
            tag: running.tag,
            outcome: Outcome::TimeLimit,
            floats: self.floats,
            fuel: running.fuel,
            memory_bytes: 0,
            wall_us: (self.shared.active.elapsed() - running.since).as_micros() as u64,
            output: Vec::new(),
            written: None,
            log: Vec::new(),
        };
        let _ = self.events.send(vec![WorkerEvent::Ended(ended)]).await;
        Err(io::Error::other("a unit ran longer than its wall time"))
    }

    async fn hear(&mut self, told: Told, events: &mut Vec<WorkerEvent>) -> io::Result<()> {
        match told {
            Told::Started { tag } => {
                let active = &self.shared.active;
                let (since, paused_before) = (active.elapsed(), active.paused());
                self.shared.flight().running = Some(Running { tag, since, paused_before, fuel: 0 });
                std::mem::take(&mut self.gathered).give_up().await;
                events.push(WorkerEvent::Started { tag });
            }
            Told::Again { tag } => {
                std::mem::take(&mut self.gathered).give_up().await;
                events.push(WorkerEvent::Grown { tag, bytes: 0 });
                // The second run has the whole wall time, as it would have alone.
                let since = self.shared.active.elapsed();
                if let Some(running) = &mut self.shared.flight().running {
                    (running.since, running.fuel) = (since, 0);
                }
            }
            Told::Progress { tag, done, total, fuel } => {
                self.note_fuel(fuel);
                events.push(WorkerEvent::Progress { tag, done, total });
            }
            Told::Checkpoint { bytes, fuel, last } => {
                self.gathered.checkpoint.extend(bytes);
                if last {
                    self.note_fuel(fuel);
                    let state = std::mem::take(&mut self.gathered.checkpoint);
                    events.push(WorkerEvent::Checkpoint { tag: self.running()?, state, fuel });
                }
            }
            Told::Want { tag, source } => self
                .wants
                .try_send((tag, source))
                .map_err(|_| io::Error::other("the worker asks for more than one thing at a time"))?,
            Told::Emit { bytes, ends_unit } => {
                let grown = self.emission()?.add(bytes, ends_unit).await?;
                self.grown(grown, events)?;
            }
            Told::Output { bytes } => {
                let grown = self.take_output(bytes).await?;
                self.grown(grown, events)?;
            }
            Told::Ended(ended) => events.push(WorkerEvent::Ended(self.end(ended).await?)),
            Told::Failed { message } => return Err(io::Error::other(message)),
            other => return Err(io::Error::other(format!("unexpected message from the worker: {other:?}"))),
        }
        Ok(())
    }

    fn running(&self) -> io::Result<u64> {
        let running = self.shared.flight().running.as_ref().map(|running| running.tag);
        running.ok_or_else(|| io::Error::other("the worker speaks of a unit while none runs"))
    }

    fn note_fuel(&self, fuel: u64) {
        if let Some(running) = &mut self.shared.flight().running {
            running.fuel = fuel;
        }
    }

    fn grown(&self, bytes: Option<u64>, events: &mut Vec<WorkerEvent>) -> io::Result<()> {
        if let Some(bytes) = bytes {
            events.push(WorkerEvent::Grown { tag: self.running()?, bytes });
        }
        Ok(())
    }

    fn held<T>(&self, tag: u64, look: impl FnOnce(&Held) -> Option<T>) -> Option<T> {
        self.shared.flight().held.get(&tag).and_then(look)
    }

    /// A piece of an output that is too long to come with its end: into its file, where it has one.
    async fn take_output(&mut self, bytes: Vec<u8>) -> io::Result<Option<u64>> {
        let tag = self.running()?;
        if self.gathered.output_file.is_none() {
            let Some(path) = self.held(tag, |held| held.output_to.clone()) else {
                self.gathered.output.extend(bytes);
                return Ok(None);
            };
            self.gathered.output_file = Some(OutputFile::create(&path));
        }
        match &mut self.gathered.output_file {
            Some(file) => file.add(bytes).await,
            None => Ok(None),
        }
    }

    /// The file of the running split, begun when it is first needed.
    fn emission(&mut self) -> io::Result<&mut Emission> {
        if self.gathered.emission.is_none() {
            let tag = self.running()?;
            let path = self.held(tag, |held| held.emit_to.clone());
            let path = path.ok_or_else(|| io::Error::other("a unit emits inputs without being a split"))?;
            self.gathered.emission = Some(Emission::create(&path));
        }
        self.gathered.emission.as_mut().ok_or_else(|| io::Error::other("no file for emitted units"))
    }

    async fn end(&mut self, ended: Ended) -> io::Result<TaskEnd> {
        let splits = self.held(ended.tag, |held| held.emit_to.clone()).is_some();
        let paused_before = self.shared.flight().running.as_ref().map(|running| running.paused_before);
        if splits && ended.outcome == Outcome::Done {
            self.emission()?;
        }
        let mut output = std::mem::take(&mut self.gathered.output);
        let written = self.written(&ended.output).await?;
        if written.is_none() {
            output.extend(ended.output);
        }
        let paused = self.shared.active.paused().saturating_sub(paused_before.unwrap_or_default());
        self.forget(ended.tag);
        Ok(TaskEnd {
            tag: ended.tag,
            outcome: ended.outcome,
            floats: ended.floats,
            fuel: ended.fuel,
            memory_bytes: ended.memory_bytes,
            wall_us: ended.wall_us.saturating_sub(paused.as_micros() as u64),
            output,
            written,
            log: ended.log,
        })
    }

    /// The running unit's file, ended: with its index, or with the `rest` of the output.
    async fn written(&mut self, rest: &[u8]) -> io::Result<Option<Written>> {
        if let Some(emission) = self.gathered.emission.take() {
            return emission.finish().await.map(Some);
        }
        let Some(mut file) = self.gathered.output_file.take() else { return Ok(None) };
        file.add(rest.to_vec()).await?;
        file.finish().await.map(Some)
    }

    fn forget(&self, tag: u64) {
        let mut flight = self.shared.flight();
        flight.running = None;
        flight.held.remove(&tag);
        if flight.order.front() == Some(&tag) {
            flight.order.pop_front();
        } else {
            flight.order.retain(|other| *other != tag);
        }
        drop(flight);
        self.shared.window.add_permits(1);
    }
}

/// Read a worker's standard error to its end, keeping the last part.
pub async fn stderr_tail(mut stderr: ChildStderr) -> String {
    let mut tail = Vec::new();
    let mut chunk = [0; 1024];
    while let Ok(len @ 1..) = stderr.read(&mut chunk).await {
        tail.extend_from_slice(&chunk[..len]);
        tail.drain(..tail.len().saturating_sub(STDERR_KEPT));
    }
    String::from_utf8_lossy(&tail).into_owned()
}
