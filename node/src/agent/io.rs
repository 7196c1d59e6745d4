//! What goes into the agent and what comes out: events and actions as plain data.

use std::sync::Arc;

use fallow_protocol::link::{CheckpointRef, JobGrant, OwnerWord, ResultsFrame, ToServer};
use fallow_protocol::manifest::Floats;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Call, Input, Output, UnitKey, UnitResult};
use fallow_protocol::{Digest, JobId};
use serde::{Deserialize, Serialize};

use crate::events::Event;

/// The two clocks, read once by the shell for each call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since the node's start; never goes back.
    pub ms: u64,
    /// Milliseconds since 1970, for signatures' expiry only.
    pub unix_ms: u64,
}

/// One leased unit as the node keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Which.
    pub key: UnitKey,
    /// Which attempt.
    pub attempt: u32,
    /// The build that it begins with, where that is not the job's.
    pub floats: Option<Floats>,
    /// The lease that brought it.
    pub lease: u64,
    /// The export it calls.
    pub call: Call,
    /// Its input.
    pub input: Input,
    /// Checkpoint to go on from.
    pub checkpoint: Option<CheckpointRef>,
}

/// A unit on its way to a slot's worker.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotUnit {
    /// Unique over the node's run.
    pub tag: u64,
    /// The unit.
    pub unit: Arc<Unit>,
}

/// How a run ended; a large output was put aside as a file and is named by its digest.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// How.
    pub outcome: Outcome,
    /// The build that ran to this end.
    pub floats: Floats,
    /// Fuel used.
    pub fuel: u64,
    /// Peak memory, bytes.
    pub memory_bytes: u64,
    /// Wall time without pauses, microseconds.
    pub wall_us: u64,
    /// The output, where it is done.
    pub output: Option<Output>,
    /// Tail of the log.
    pub log: Vec<u8>,
}

/// What a slot tells.
#[derive(Clone, Debug, PartialEq)]
pub enum SlotEvent {
    /// Its worker has the job and takes units.
    Ready,
    /// Its worker could not be started.
    StartFailed {
        /// Why.
        reason: String,
    },
    /// A unit began.
    Started {
        /// Its tag.
        tag: u64,
    },
    /// A unit told how far it is.
    Progress {
        /// Its tag.
        tag: u64,
        /// Done so far.
        done: u64,
        /// Of so much.
        total: u64,
    },
    /// A unit made a checkpoint.
    Checkpoint {
        /// Its tag.
        tag: u64,
        /// Its state.
        state: Vec<u8>,
        /// Fuel used so far.
        fuel: u64,
    },
    /// A unit ended.
    Ended {
        /// Its tag.
        tag: u64,
        /// How.
        end: End,
    },
    /// The worker process is gone.
    Died {
        /// Why.
        reason: String,
    },
}

/// A result whose output is still being uploaded. Kept on disk until then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parked {
    /// Its job.
    pub job: JobId,
    /// The lease that brought it.
    pub lease: u64,
    /// The result; its output is a blob.
    pub result: UnitResult,
}

/// How an upload ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uploaded {
    /// The server has the blob.
    Done,
    /// The server will never take it, and why.
    Refused(String),
}

/// A checkpoint on its way to the server.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckpointUpload {
    /// The job.
    pub job: JobId,
    /// The unit.
    pub key: UnitKey,
    /// Its attempt.
    pub attempt: u32,
    /// Its state.
    pub state: Vec<u8>,
    /// Fuel used when it was made.
    pub fuel: u64,
}

/// What the owner, or the operating system for him, asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnerCommand {
    /// Stand still.
    Pause {
        /// In words.
        reason: String,
    },
    /// Let units end that have begun, give the others back, then stand still.
    Finish {
        /// In words.
        reason: String,
    },
    /// Go on.
    Resume,
    /// Offer so much from now on.
    Offer {
        /// Units at once; more than the node began with are not there.
        slots: u32,
        /// Memory of all units together, bytes.
        memory_bytes: u64,
        /// Paused for so long, units are given back, milliseconds.
        give_back_ms: u64,
    },
    /// The owner chose something that the grid is told.
    Word(Box<OwnerWord>),
    /// Give back what has not begun, report the rest, leave.
    Drain,
}

/// Why a job's module could not be made ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrepareError {
    /// It will never run here; the author's or the grid's matter.
    Refused(String),
    /// This computer could not just now.
    Host(String),
}

/// What the shell is to do, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Tell the server; dropped while offline.
    Send(ToServer),
    /// Sign, spool and send a frame of results; it is kept until `Forget`.
    Frame {
        /// The frame.
        frame: ResultsFrame,
        /// Leases that its results came with, and how many of each.
        leases: Vec<(u64, u32)>,
    },
    /// Send all spooled frames again, in order.
    Resend,
    /// The server has this frame.
    Forget {
        /// Its number.
        frame: u64,
    },
    /// Fetch and compile a job's module and fetch its shared files.
    Prepare(Box<JobGrant>),
    /// The job's prepared files are not needed any more.
    Release(JobId),
    /// Give the slot's worker a job.
    Start {
        /// The slot.
        slot: usize,
        /// Number of this worker's life; its events carry it.
        life: u64,
        /// The job, prepared before.
        job: JobId,
    },
    /// Queue units at a slot that was started.
    Submit {
        /// The slot.
        slot: usize,
        /// The units, in order.
        units: Vec<SlotUnit>,
    },
    /// End the slot's worker.
    Stop {
        /// The slot.
        slot: usize,
    },
    /// All workers stand still.
    PauseWorkers,
    /// All workers go on.
    ResumeWorkers,
    /// Spool a result and upload its output.
    Upload(Parked),
    /// Its upload is over: take it from the spool. Where other units will read the output, it stays as a cached blob.
    Unpark {
        /// The result.
        parked: Box<Parked>,
        /// Whether its output stays.
        keep: bool,
    },
    /// Fetch a unit's input while its job is made ready.
    Prefetch(Arc<Unit>),
    /// Fetch outputs, with their lengths, that a merge will read which this node may be given.
    Gather(Vec<(Digest, u64)>),
    /// Upload a checkpoint, then tell the server.
    Checkpoint(CheckpointUpload),
    /// Tell programs that listen.
    Tell(Event),
    /// Everything is given back and reported: leave.
    Exit,
}
