//! What an author asks for: a module, inputs, how to cut and join them, who may run it.

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, FieldHasher};
use crate::manifest::{Floats, Limits};

/// How a job's input becomes units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Split {
    /// One unit an input file.
    File,
    /// So many lines a unit; the last may have fewer.
    Lines {
        /// Lines a unit.
        per_unit: u64,
    },
    /// Records of a fixed size.
    Records {
        /// Bytes a record.
        bytes: u64,
        /// Records a unit.
        per_unit: u64,
    },
    /// Rows of CSV (RFC 4180: quoted fields may hold line ends); each unit begins with the header row.
    CsvRows {
        /// Rows a unit.
        per_unit: u64,
    },
    /// Whole numbers `from..to`; a unit's input is JSON: `{"from": 0, "to": 1000}`.
    Range {
        /// First number.
        from: i64,
        /// One past the last number.
        to: i64,
        /// Numbers a unit.
        per_unit: u64,
    },
    /// Every combination of the values; a unit's input is a JSON object with one value a name. The last name varies fastest.
    Grid {
        /// Names with their values, in order.
        params: Vec<GridParam>,
    },
    /// The component's own `split` export, itself a unit; its input is all input files, one after the other.
    Guest,
}

/// One axis of a parameter grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GridParam {
    /// Name in the unit's JSON object.
    pub name: String,
    /// Its values, any JSON.
    pub values: Vec<serde_json::Value>,
}

/// Whose nodes may run a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum RunOn {
    /// Only nodes of the job's own account.
    Own,
    /// Nodes of a group's members.
    Group(String),
    /// Any node whose owner takes strangers' work. Those computers can read what they run.
    #[default]
    Anyone,
}

impl From<RunOn> for String {
    fn from(run_on: RunOn) -> String {
        match run_on {
            RunOn::Own => "own".into(),
            RunOn::Anyone => "anyone".into(),
            RunOn::Group(name) => format!("group:{name}"),
        }
    }
}

impl TryFrom<String> for RunOn {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for RunOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "own" => Ok(RunOn::Own),
            "anyone" => Ok(RunOn::Anyone),
            other => match other.strip_prefix("group:") {
                Some(name) if !name.is_empty() => Ok(RunOn::Group(name.to_owned())),
                _ => Err(format!("expected own, anyone or group:NAME, not {other:?}")),
            },
        }
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for RunOn {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for RunOn {}

/// What a job does about units that finally fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "then", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum OnFailed {
    /// The job ends as failed at the first.
    Stop,
    /// They are left out and named in the result, up to a share of all units.
    LeaveOut {
        /// Largest share that may be left out, in thousandths of all units.
        permille_max: u32,
    },
}

impl Default for OnFailed {
    fn default() -> Self {
        OnFailed::Stop
    }
}

/// How outputs become the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Assemble {
    /// A tar archive with a file a unit, named after its input file or its number, and `left-out.txt` where units are missing.
    #[default]
    Archive,
    /// All outputs in order, one after the other.
    Concat,
    /// The component's own `merge` export, as units in a tree.
    Merge,
}

/// How results of strangers' nodes are checked. A grid's own rules may ask for more, never for less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Verify {
    /// As much as the node that gave the result makes necessary.
    #[default]
    Adaptive,
    /// So many nodes have to say the same, each paid by the author.
    Copies(u32),
    /// Results are believed.
    None,
}

/// An input or shared file, uploaded as a blob before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileRef {
    /// Name for people, for the archive, and for `shared-read`.
    pub name: String,
    /// The blob, 64 hexadecimal letters.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub blob: Digest,
}

/// A job as it is submitted. Sent with an `Idempotency-Key`, so that a repeat is harmless.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobSubmission {
    /// Name for people.
    pub name: String,
    /// What it belongs to: jobs are listed by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Digest of the author's signed manifest bytes, as `POST /modules` answered.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub module: Digest,
    /// Arguments of a WASI command, without the program's name.
    #[serde(default)]
    pub args: Vec<String>,
    /// How to cut the input.
    pub split: Split,
    /// Input files, in order.
    #[serde(default)]
    pub inputs: Vec<FileRef>,
    /// Files that every unit may read by name.
    #[serde(default)]
    pub shared: Vec<FileRef>,
    /// Limits a unit; at most those of the manifest.
    #[serde(default)]
    pub limits: Limits,
    /// Who may run it.
    #[serde(default)]
    pub run_on: RunOn,
    /// The job is cancelled when it has not ended by then, milliseconds since 1970.
    #[serde(default)]
    pub deadline_ms: Option<u64>,
    /// What to do about failed units.
    #[serde(default)]
    pub on_failed: OnFailed,
    /// How to join the outputs.
    #[serde(default)]
    pub assemble: Assemble,
    /// `plain` runs the canonical build where a unit made a NaN, `canonical` always.
    #[serde(default)]
    pub floats: Floats,
    /// Seed of the units' random streams; chosen by the server where it is missing.
    #[serde(default)]
    pub seed: Option<u64>,
    /// How results are checked.
    #[serde(default)]
    pub verify: Verify,
    /// A wrong result would cost much: every one is checked by a node that is trusted.
    #[serde(default)]
    pub critical: bool,
    /// What the job may cost at most, micro-credits: moved to its escrow account now, and what is not spent comes back.
    /// Needed where others' nodes may run it and the grid takes credits.
    #[serde(default)]
    pub budget: Option<u64>,
    /// Thousandths of the grid's price that the author pays: more than 1,000 lets the job go first.
    #[serde(default = "ordinary_offer")]
    pub offer_permille: u32,
}

/// The grid's own price.
pub fn ordinary_offer() -> u32 {
    1_000
}

/// The job-wide part of what a result depends on.
pub fn settings_digest(args: &[String], limits: &Limits, seed: u64, epoch_ms: u64, shared: &[FileRef]) -> Digest {
    let mut hasher = FieldHasher::new("fallow job settings v1").u64(seed).u64(epoch_ms).u64(args.len() as u64);
    for arg in args {
        hasher = hasher.bytes(arg.as_bytes());
    }
    let Limits {
        memory_bytes,
        fuel,
        wall_ms: _,
        output_bytes,
        emit_bytes,
        log_bytes: _,
        scratch_bytes,
        checkpoint_bytes,
    } = *limits;
    for limit in [memory_bytes, fuel, output_bytes, emit_bytes, scratch_bytes, checkpoint_bytes] {
        hasher = hasher.u64(limit);
    }
    for file in shared {
        hasher = hasher.bytes(file.name.as_bytes()).bytes(&file.blob.0);
    }
    hasher.finish()
}
