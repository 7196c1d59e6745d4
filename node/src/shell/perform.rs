//! The agent's actions, done.

use std::sync::Arc;
use std::time::Instant;

use fallow_protocol::Digest;
use fallow_protocol::link::{CheckpointNote, JobGrant, ResultsFrame, ToServer};
use fallow_protocol::wire;

use super::{Done, Shell};
use crate::agent::io::{Action, CheckpointUpload, Parked, PrepareError, Uploaded};
use crate::backoff::{self, Backoff};
use crate::blobs::{BlobClient, TransferError};
use crate::events::Event;
use crate::grants;
use crate::history::Happened;
use crate::http::micros;
use crate::inputs;
use crate::join::unix_ms;
use crate::outbox::{BlobFolder, blob_of};

impl Shell {
    /// Do all of them, in order.
    pub(super) fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            self.perform_one(action);
        }
    }

    fn perform_one(&mut self, action: Action) {
        match action {
            Action::Send(message) => self.send(wire::encode(&message)),
            Action::Frame { frame, leases } => self.send_frame(frame, leases),
            Action::Resend => self.resend(),
            Action::Forget { frame } => self.outbox.forget(frame),
            Action::Prepare(grant) => self.prepare(grant),
            Action::Release(job) => {
                self.prepared.remove(&job);
            }
            Action::Start { slot, life, job } => match self.prepared.get(&job) {
                Some(prepared) => self.runner.start(slot, life, prepared.clone()),
                None => tracing::error!(%job, "a job was started that is not prepared"),
            },
            Action::Submit { slot, units } => self.runner.submit(slot, units),
            Action::Stop { slot } => self.runner.stop(slot),
            Action::PauseWorkers => self.runner.pause(),
            Action::ResumeWorkers => self.runner.resume(),
            Action::Upload(parked) => {
                self.outbox.park(&parked);
                self.upload(parked, false);
            }
            Action::Unpark { parked, keep } => self.unpark(&parked, keep),
            Action::Prefetch(unit) => {
                let cache = self.preparer.cache.clone();
                tokio::spawn(async move { inputs::prefetch(&cache, &unit.input).await });
            }
            Action::Gather(parts) => {
                let cache = self.preparer.cache.clone();
                tokio::spawn(async move { inputs::gather(&cache, parts).await });
            }
            Action::Checkpoint(upload) => self.upload_checkpoint(upload),
            Action::Tell(event) => {
                if let Some(happened) = Happened::of(&event, unix_ms()) {
                    self.history.add(&happened);
                }
                self.teller.tell(event);
            }
            Action::Exit => self.leaving = true,
        }
    }

    fn send(&mut self, message: Vec<u8>) {
        let sent = self.outgoing.as_ref().map(|outgoing| outgoing.try_send(message));
        if let Some(Err(_)) = sent {
            // The link sees that nobody sends any more, ends the connection and makes a new one.
            self.outgoing = None;
        }
    }

    fn send_frame(&mut self, frame: ResultsFrame, leases: Vec<(u64, u32)>) {
        if let Err(error) = self.frames.reserve(frame.frame) {
            tracing::warn!("frame numbers may repeat after a restart: {error:#}");
        }
        match self.outbox.add(&frame, leases, &self.key) {
            Ok(message) => self.send(message),
            Err(error) => tracing::error!("a frame of results is lost: {error:#}"),
        }
    }

    fn resend(&mut self) {
        let messages: Vec<Vec<u8>> = self.outbox.messages().collect();
        for message in messages {
            self.send(message);
        }
    }

    fn prepare(&self, grant: Box<JobGrant>) {
        let (preparer, done, root) = (self.preparer.clone(), self.done.clone(), self.membership.root);
        let seen_serial = self.membership.serial;
        tokio::spawn(async move {
            let outcome = match grants::check(&grant, &root, unix_ms(), seen_serial) {
                Ok(manifest) => preparer.prepare(&grant, &manifest).await,
                Err(error) => Err(PrepareError::Refused(error.to_string())),
            };
            let _ = done.send(Done::Prepared(grant.job.clone(), outcome)).await;
        });
    }

    /// Upload an output until the server has it or says that it never will.
    pub(super) fn upload(&self, parked: Parked, restored: bool) {
        let (blobs, done, folder) = (self.blobs.clone(), self.done.clone(), self.outbox.blobs());
        tokio::spawn(async move {
            let outcome = match blob_of(&parked) {
                Some((digest, len)) => upload_output(&blobs, &folder, &digest, len).await,
                None => Uploaded::Done,
            };
            let _ = done.send(Done::Uploaded(Box::new(parked), outcome, restored)).await;
        });
    }

    fn unpark(&self, parked: &Parked, keep: bool) {
        if let Some((digest, len)) = blob_of(parked).filter(|_| keep) {
            let kept = self.preparer.cache.adopt(&digest, len, &self.outbox.blobs().path(&digest));
            // Gone where an equal output was kept before: it is fetched again by whoever needs it.
            let _ = kept.inspect_err(|error| tracing::debug!(%error, "an output was not kept"));
        }
        self.outbox.unpark(parked);
    }

    fn upload_checkpoint(&mut self, upload: CheckpointUpload) {
        // One at a time a unit: the next state is newer anyway.
        if !self.checkpoints.insert((upload.job.clone(), upload.key)) {
            return;
        }
        let (blobs, done, folder) = (self.blobs.clone(), self.done.clone(), self.outbox.blobs());
        tokio::spawn(async move {
            let mut upload = upload;
            let (digest, len) = (Digest::of(&upload.state), upload.state.len() as u64);
            let path = folder.path(&digest).with_extension("checkpoint");
            let sent = match tokio::fs::write(&path, std::mem::take(&mut upload.state)).await {
                Ok(()) => blobs.upload(&digest, len, &path).await,
                Err(error) => Err(error.into()),
            };
            let _ = tokio::fs::remove_file(&path).await;
            let blob = sent.inspect_err(|error| tracing::info!(%error, "a checkpoint was not kept")).ok();
            let _ = done.send(Done::Checkpointed(upload, blob.map(|()| (digest, len)))).await;
        });
    }

    pub(super) fn note_checkpoint(&self, upload: CheckpointUpload, blob: Option<(Digest, u64)>) -> Vec<Action> {
        let CheckpointUpload { job, key, attempt, fuel, .. } = upload;
        let Some((blob, len)) = blob else { return Vec::new() };
        let told = Event::Checkpoint { job: job.clone(), stage: key.stage, seq: key.seq, fuel };
        let note = CheckpointNote { job, key, attempt, blob, len, fuel };
        vec![Action::Send(ToServer::Checkpoint(note)), Action::Tell(told)]
    }
}

async fn upload_output(blobs: &BlobClient, folder: &BlobFolder, digest: &Digest, len: u64) -> Uploaded {
    let (path, mut backoff) = (Arc::new(folder.path(digest)), Backoff::default());
    let mut no_room = Backoff::slow();
    loop {
        let began = Instant::now();
        match blobs.upload(digest, len, &path).await {
            Ok(()) => {
                tracing::debug!(digest = %digest.short(), len, took_us = micros(began), "output uploaded");
                return Uploaded::Done;
            }
            Err(TransferError::Failed(why)) => {
                tracing::info!(why, digest = %digest.short(), "an output is not uploaded yet; trying again");
                tokio::time::sleep(backoff.next(backoff::random())).await;
            }
            // Results that are on their way name what was uploaded before, which makes room.
            Err(error @ TransferError::NoRoom(_)) => {
                let wait = no_room.next(backoff::random());
                tracing::warn!(%error, digest = %digest.short(), wait_s = wait.as_secs(), "an output waits for room");
                tokio::time::sleep(wait).await;
            }
            Err(error) => return Uploaded::Refused(error.to_string()),
        }
    }
}
