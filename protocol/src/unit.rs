//! One unit: its key, its input, its result and the digest that results are compared by.

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, FieldHasher};
use crate::manifest::Floats;
use crate::outcome::Outcome;

/// Which export of the component a unit calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Call {
    /// Cut the job's input into units.
    Split,
    /// The work itself.
    Run,
    /// Join outputs; another `Merge` follows.
    Merge,
    /// Join outputs to the job's result.
    MergeLast,
    /// A plain WASI command.
    Command,
}

/// A unit within its job. Stage 0 is the split (where the guest splits), 1 the work, 2 and on the levels of the merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnitKey {
    /// Stage of the job.
    pub stage: u16,
    /// Number within the stage, from 0.
    pub seq: u64,
}

/// Stage of the guest's own split.
pub const STAGE_SPLIT: u16 = 0;
/// Stage of the work.
pub const STAGE_RUN: u16 = 1;
/// First level of the guest's own merge.
pub const STAGE_MERGE: u16 = 2;

/// A run of bytes within a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Range {
    /// The blob.
    pub blob: Digest,
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub len: u64,
}

/// What a unit is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// The bytes themselves, up to [`crate::limits::INLINE_BYTES_MAX`].
    Inline(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Ranges of blobs, one after the other.
    Ranges(Vec<Range>),
    /// Parts for a merge, in order; `None` where a unit was left out.
    Parts(Vec<Option<Output>>),
}

impl Input {
    /// What the input is, by reference: equal digests give equal bytes.
    pub fn digest(&self) -> Digest {
        match self {
            Input::Inline(bytes) => FieldHasher::new("fallow input inline v1").bytes(bytes).finish(),
            Input::Ranges(ranges) => ranges
                .iter()
                .fold(FieldHasher::new("fallow input ranges v1"), |hasher, range| {
                    hasher.bytes(&range.blob.0).u64(range.offset).u64(range.len)
                })
                .finish(),
            Input::Parts(parts) => parts
                .iter()
                .fold(FieldHasher::new("fallow input parts v1"), |hasher, part| match part {
                    Some(output) => hasher.u64(1).bytes(&output.root().0),
                    None => hasher.u64(0),
                })
                .finish(),
        }
    }

    /// The blobs that it needs.
    pub fn blobs(&self) -> Vec<Digest> {
        match self {
            Input::Inline(_) => Vec::new(),
            Input::Ranges(ranges) => ranges.iter().map(|range| range.blob).collect(),
            Input::Parts(parts) => parts.iter().flatten().filter_map(Output::blob).collect(),
        }
    }

    /// Bytes of the input, all parts together.
    pub fn len(&self) -> u64 {
        match self {
            Input::Inline(bytes) => bytes.len() as u64,
            Input::Ranges(ranges) => ranges.iter().map(|range| range.len).sum(),
            Input::Parts(parts) => parts.iter().flatten().map(Output::len).sum(),
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a unit gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// The bytes themselves, up to [`crate::limits::INLINE_BYTES_MAX`].
    Inline(#[serde(with = "serde_bytes")] Vec<u8>),
    /// A blob that was uploaded before the result was sent.
    Blob {
        /// BLAKE3 of the bytes.
        digest: Digest,
        /// Number of bytes.
        len: u64,
    },
}

impl Output {
    /// BLAKE3 of the bytes.
    pub fn root(&self) -> Digest {
        match self {
            Output::Inline(bytes) => Digest::of(bytes),
            Output::Blob { digest, .. } => *digest,
        }
    }

    /// The blob, where it is one.
    pub fn blob(&self) -> Option<Digest> {
        match self {
            Output::Inline(_) => None,
            Output::Blob { digest, .. } => Some(*digest),
        }
    }

    /// Number of bytes.
    pub fn len(&self) -> u64 {
        match self {
            Output::Inline(bytes) => bytes.len() as u64,
            Output::Blob { len, .. } => *len,
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How a unit ended, as its node says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitResult {
    /// Which unit.
    pub key: UnitKey,
    /// Which attempt of it; a stale one changes nothing.
    pub attempt: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The build that ran to this end. Evidence: both count the same and, but for NaNs that came in as data, give the
    /// same.
    #[serde(default, skip_serializing_if = "Floats::is_plain")]
    pub floats: Floats,
    /// Fuel, as the profile counts it, to the last flush where it failed.
    pub fuel: u64,
    /// Peak linear memory, bytes.
    pub memory_bytes: u64,
    /// Wall time of the run without pauses, microseconds. Evidence for scheduling only.
    pub wall_us: u64,
    /// The output, where the outcome is done. For a split: the emitted units, see [`EmittedUnits`].
    pub output: Option<Output>,
    /// Tail of the guest's log.
    #[serde(with = "serde_bytes")]
    pub log: Vec<u8>,
    /// Fuel at the checkpoint it started from, where it was resumed.
    pub resumed_at_fuel: Option<u64>,
}

/// What a result's digest is made of besides the result itself.
#[derive(Clone, Debug)]
pub struct UnitSpec<'a> {
    /// Semantics profile.
    pub profile: &'a str,
    /// The module that was executed: its plain build, whichever ran.
    pub executed: &'a Digest,
    /// The export.
    pub call: Call,
    /// Digest of the input by reference.
    pub input: Digest,
    /// Digest of job-wide settings: arguments, limits, seed, shared inputs.
    pub settings: Digest,
}

impl UnitSpec<'_> {
    /// Digest of the specification.
    pub fn digest(&self) -> Digest {
        FieldHasher::new("fallow unit v1")
            .bytes(self.profile.as_bytes())
            .bytes(&self.executed.0)
            .u64(self.call as u64)
            .bytes(&self.input.0)
            .bytes(&self.settings.0)
            .finish()
    }
}

impl UnitResult {
    /// What results are compared by: profile, specification, outcome class, fuel and output. Not logs, not times.
    pub fn digest(&self, spec: &UnitSpec<'_>) -> Digest {
        let root = self.output.as_ref().map_or(Digest([0; 32]), Output::root);
        FieldHasher::new("fallow result v1")
            .bytes(&spec.digest().0)
            .u64(u64::from(self.outcome.class()))
            .u64(self.fuel)
            .bytes(&root.0)
            .finish()
    }

    /// The same without fuel: a run that went on from a checkpoint says nothing certain about what came before.
    pub fn essence(&self, spec: &UnitSpec<'_>) -> Digest {
        let root = self.output.as_ref().map_or(Digest([0; 32]), Output::root);
        FieldHasher::new("fallow essence v1")
            .bytes(&spec.digest().0)
            .u64(u64::from(self.outcome.class()))
            .bytes(&root.0)
            .finish()
    }
}

/// The output of a `split` unit: inputs one after the other, then their lengths (u64 little-endian), then their number
/// (u64 little-endian). The index stands at the end so that inputs can be written while the guest makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmittedUnits {
    /// Number of units.
    pub count: u64,
    /// Where the lengths begin, and the inputs end.
    pub index_offset: u64,
}

/// An output of `split` that does not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the output of split is not a list of units")]
pub struct EmittedError;

impl EmittedUnits {
    /// Read the tail: `len` is the blob's length, `tail` its last 8 bytes.
    pub fn from_tail(len: u64, tail: &[u8]) -> Result<Self, EmittedError> {
        let count = u64::from_le_bytes(tail.try_into().map_err(|_| EmittedError)?);
        let index_bytes = count.checked_mul(8).and_then(|bytes| bytes.checked_add(8)).ok_or(EmittedError)?;
        let index_offset = len.checked_sub(index_bytes).ok_or(EmittedError)?;
        Ok(Self { count, index_offset })
    }

    /// The index to append after the inputs themselves.
    pub fn index(lens: &[u64]) -> Vec<u8> {
        let mut bytes: Vec<u8> = lens.iter().flat_map(|len| len.to_le_bytes()).collect();
        bytes.extend((lens.len() as u64).to_le_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emitted_units_are_read_from_their_tail() {
        let index = EmittedUnits::index(&[3, 0, 5]);
        let len = 8 + index.len() as u64;
        let read = EmittedUnits::from_tail(len, &index[index.len() - 8..]).unwrap();
        assert_eq!(read, EmittedUnits { count: 3, index_offset: 8 });
        assert_eq!(EmittedUnits::from_tail(len, &u64::MAX.to_le_bytes()), Err(EmittedError));
        assert_eq!(EmittedUnits::from_tail(8, &1u64.to_le_bytes()), Err(EmittedError));
    }

    #[test]
    fn logs_and_times_are_not_part_of_a_result() {
        let spec = UnitSpec {
            profile: "p",
            executed: &Digest([1; 32]),
            call: Call::Run,
            input: Digest([2; 32]),
            settings: Digest([3; 32]),
        };
        let result = UnitResult {
            key: UnitKey { stage: 1, seq: 0 },
            attempt: 1,
            outcome: Outcome::Done,
            floats: Floats::Plain,
            fuel: 10,
            memory_bytes: 1,
            wall_us: 5,
            output: Some(Output::Inline(b"x".to_vec())),
            log: vec![],
            resumed_at_fuel: None,
        };
        let other = UnitResult { wall_us: 6, log: b"hi".to_vec(), attempt: 2, ..result.clone() };
        assert_eq!(result.digest(&spec), other.digest(&spec));
        let blob = Output::Blob { digest: Digest::of(b"x"), len: 1 };
        assert_eq!(UnitResult { output: Some(blob), ..result.clone() }.digest(&spec), result.digest(&spec));
        assert_ne!(UnitResult { fuel: 11, ..result.clone() }.digest(&spec), result.digest(&spec));
    }
}
