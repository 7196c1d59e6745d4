//! What client half and worker say to each other: MessagePack frames behind a four-byte length, over two pipes.
//!
//! Both ends are the same executable, so there is no version here. Everything large travels in chunks, and inputs
//! only when the worker asks for them, so that neither side ever holds more than one unit's bytes.

use std::io;
use std::path::PathBuf;

use fallow_protocol::manifest::{Builds, Exports, Floats, Limits};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::Call;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Longest frame that either side accepts.
pub const FRAME_BYTES_MAX: usize = 2 << 20;
/// Longest piece of an input, output, checkpoint or emitted unit within one frame.
pub const CHUNK_BYTES: usize = 1 << 20;
/// Inputs up to this length go with their task instead of being asked for.
pub const INPUT_INLINE_BYTES: usize = 16 << 10;
/// Bytes that are read at a time.
const ROOM_BYTES: usize = 256 << 10;
/// Units that may be queued in a worker: bounds its memory to this many inline inputs.
pub const WINDOW: usize = 512;

/// What a worker may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The unit's input.
    Input,
    /// A part of a merge.
    Part(u32),
    /// The state that it goes on from.
    State,
    /// The module's canonical build, compiled.
    Canonical,
}

/// Everything that the units of one job share.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Setup {
    pub compiled: PathBuf,
    /// Which build that is.
    pub floats: Floats,
    /// Whether the other one differs. Where it does not, no NaN's bits can be seen.
    pub builds_differ: bool,
    pub exports: Exports,
    pub args: Vec<String>,
    pub limits: Limits,
    pub epoch_ms: u64,
    pub shared: Vec<(String, PathBuf)>,
    pub scratch_dir: Option<PathBuf>,
    pub require_confinement: bool,
}

/// One unit, without its larger bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskHead {
    pub tag: u64,
    pub call: Call,
    pub seed: [u8; 32],
    /// The build that it begins with.
    pub floats: Floats,
    /// The input where it is short.
    #[serde(with = "serde_bytes")]
    pub input: Option<Vec<u8>>,
    /// Number of parts of a merge.
    pub parts: u32,
    /// Fuel used at the checkpoint that it goes on from.
    pub checkpoint_fuel: Option<u64>,
}

/// From the client half to the worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Order {
    /// Validate a component, answer, exit.
    Validate { component: PathBuf },
    /// Instrument a component, compare the build with its digest, compile it into the cache, answer, exit.
    Compile { component: PathBuf, digest: [u8; 32], build: [u8; 32], floats: Floats, cache_dir: PathBuf },
    /// Load a module, confine the process, answer, then serve tasks.
    Start(Box<Setup>),
    /// Confine the process, try to break out, answer, exit.
    Smoke,
    /// Run a unit.
    Task(TaskHead),
    /// Bytes that were asked for.
    Data {
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
        last: bool,
    },
    /// There is no such part.
    Missing,
    /// They cannot be read.
    Unreadable { message: String },
}

/// How a unit ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ended {
    pub tag: u64,
    pub outcome: Outcome,
    /// The build that ran to this end.
    pub floats: Floats,
    pub fuel: u64,
    pub memory_bytes: u64,
    pub wall_us: u64,
    /// What is left of the output after its chunks.
    #[serde(with = "serde_bytes")]
    pub output: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub log: Vec<u8>,
}

/// From the worker to the client half.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Told {
    Valid {
        exports: Exports,
        builds: Builds,
    },
    /// Name of the compiled file within the cache.
    Compiled {
        name: String,
    },
    Refused {
        message: String,
    },
    Failed {
        message: String,
    },
    Smoked {
        tried: Vec<(String, bool)>,
    },
    Ready,
    Started {
        tag: u64,
    },
    /// The unit made a NaN and begins again, in the canonical build: nothing that it told before counts.
    Again {
        tag: u64,
    },
    Progress {
        tag: u64,
        done: u64,
        total: u64,
        fuel: u64,
    },
    Checkpoint {
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
        fuel: u64,
        last: bool,
    },
    Want {
        tag: u64,
        source: Source,
    },
    Emit {
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
        ends_unit: bool,
    },
    Output {
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    Ended(Ended),
}

/// Those of [`Told`] that are long, from bytes that lie elsewhere. They are read as [`Told`].
#[derive(Clone, Copy, Debug, Serialize)]
pub enum Piece<'a> {
    Emit {
        #[serde(with = "serde_bytes")]
        bytes: &'a [u8],
        ends_unit: bool,
    },
    Output {
        #[serde(with = "serde_bytes")]
        bytes: &'a [u8],
    },
}

/// Append a frame to `buffer`.
pub fn put<T: Serialize>(buffer: &mut Vec<u8>, message: &T) -> io::Result<()> {
    let start = buffer.len();
    buffer.extend([0; 4]);
    rmp_serde::encode::write_named(buffer, message).map_err(io::Error::other)?;
    let len = buffer.len() - start - 4;
    if len > FRAME_BYTES_MAX {
        buffer.truncate(start);
        return Err(io::Error::other(format!("a frame of {len} bytes is over the limit of {FRAME_BYTES_MAX}")));
    }
    buffer[start..start + 4].copy_from_slice(&(len as u32).to_le_bytes());
    Ok(())
}

/// Bytes that were read and the frames within them.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    start: usize,
}

impl Frames {
    /// Where the next bytes that are read are appended.
    pub fn room(&mut self) -> &mut Vec<u8> {
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        } else if self.start > CHUNK_BYTES {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.reserve(ROOM_BYTES);
        &mut self.bytes
    }

    /// Add what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.room().extend_from_slice(bytes);
    }

    /// The next whole frame, if it is there.
    pub fn take<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let rest = &self.bytes[self.start..];
        let Some((len, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let len = u32::from_le_bytes(*len) as usize;
        if len > FRAME_BYTES_MAX {
            return Err(io::Error::other(format!("a frame of {len} bytes is over the limit of {FRAME_BYTES_MAX}")));
        }
        let Some(frame) = rest.get(..len) else { return Ok(None) };
        let message = rmp_serde::from_slice(frame).map_err(io::Error::other)?;
        self.start += 4 + len;
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_as_they_went_in_whatever_the_pieces() {
        let mut bytes = Vec::new();
        let ended = Ended {
            tag: 7,
            outcome: Outcome::GuestError { message: "no".into() },
            floats: Floats::Plain,
            fuel: 1,
            memory_bytes: 2,
            wall_us: 3,
            output: vec![1, 2, 3],
            log: vec![],
        };
        put(&mut bytes, &Told::Started { tag: 7 }).unwrap();
        put(&mut bytes, &Told::Ended(ended)).unwrap();
        let mut frames = Frames::default();
        let mut told = Vec::new();
        for byte in bytes {
            frames.push(&[byte]);
            told.extend(frames.take::<Told>().unwrap());
        }
        assert!(matches!(told[0], Told::Started { tag: 7 }));
        let Told::Ended(ended) = &told[1] else { panic!("{told:?}") };
        assert_eq!(ended.outcome, Outcome::GuestError { message: "no".into() });
        assert_eq!(ended.output, [1, 2, 3]);
    }

    #[test]
    fn pieces_are_read_as_what_was_told() {
        let mut frames = Frames::default();
        put(frames.room(), &Piece::Emit { bytes: &[1, 2], ends_unit: true }).unwrap();
        put(frames.room(), &Piece::Output { bytes: &[3] }).unwrap();
        assert!(matches!(frames.take().unwrap(), Some(Told::Emit { bytes, ends_unit: true }) if bytes == [1, 2]));
        assert!(matches!(frames.take().unwrap(), Some(Told::Output { bytes }) if bytes == [3]));
        assert!(frames.take::<Told>().unwrap().is_none());
    }

    #[test]
    fn a_frame_over_the_limit_is_refused() {
        let mut frames = Frames::default();
        frames.push(&u32::MAX.to_le_bytes());
        assert!(frames.take::<Told>().is_err());
        assert!(put(&mut Vec::new(), &Told::Output { bytes: vec![0; FRAME_BYTES_MAX + 1] }).is_err());
    }
}
