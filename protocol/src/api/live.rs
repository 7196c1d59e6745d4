//! What is shown of jobs while they work: map, errors, nodes, timeline, one unit, previews, projects, drafts.

use serde::{Deserialize, Serialize};

use super::{UnitInfo, UnitState};
use crate::digest::Digest;
use crate::keys::PublicKey;
use crate::manifest::{Exports, Limits};
use crate::outcome::Outcome;
use crate::unit_map::Run;

/// `event: map` of `GET /api/v1/jobs/{id}/events`: what changed since the version before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MapChange {
    /// The map's version with these changes.
    pub version: u64,
    /// Units of the stage that exist by now; new ones wait, where no run says otherwise.
    pub total: u64,
    /// Runs of units that changed: number of the first, how many, and the byte of their state.
    pub runs: Vec<(u64, u64, u8)>,
}

impl MapChange {
    /// From runs.
    pub fn new(version: u64, total: u64, runs: &[Run]) -> Self {
        Self { version, total, runs: runs.iter().map(|run| (run.first, run.len, run.state)).collect() }
    }
}

/// A unit by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnitPlace {
    /// Stage: 0 split, 1 work, 2 and on merge.
    pub stage: u16,
    /// Number within the stage.
    pub seq: u64,
    /// Attempt.
    pub attempt: u32,
}

/// Units whose newest attempt ended with the same message, but for its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorGroup {
    /// How they ended, for people, as `guest error` or `memory limit`.
    pub class: String,
    /// Message of the example.
    pub message: String,
    /// Attempts that these units have had.
    pub count: u64,
    /// Units.
    pub units: u64,
    /// What they are now: `failed`, `left_out` or `again`.
    pub state: UnitState,
    /// One of them.
    pub example: UnitPlace,
    /// What can be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// `GET /api/v1/jobs/{id}/errors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorGroups {
    /// Largest groups first.
    pub items: Vec<ErrorGroup>,
    /// Whether all units with errors were looked at; else the numbers are of the first ones.
    pub complete: bool,
}

/// A node that works for a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobNode {
    /// Its name; a pseudonym for strangers' nodes, the same as in lists of units.
    pub name: String,
    /// Whether it is the author's own.
    pub own: bool,
    /// Units of the job that it holds.
    pub units: u64,
    /// Units of the job that it has done since it, or the server, began.
    pub done: u64,
    /// Since when it has worked for the job.
    pub since_ms: u64,
}

/// `GET /api/v1/jobs/{id}/nodes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobNodes {
    /// Those with most units first.
    pub items: Vec<JobNode>,
}

/// Something that happened to a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineEvent {
    /// When.
    pub at_ms: u64,
    /// What, for people.
    pub text: String,
}

/// `GET /api/v1/jobs/{id}/timeline`: units that ended, by time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Timeline {
    /// Length of a bucket.
    pub bucket_ms: u64,
    /// Where the first bucket begins.
    pub from_ms: u64,
    /// Units done in each bucket.
    pub done: Vec<u64>,
    /// Units that finally failed in each bucket.
    pub failed: Vec<u64>,
    /// What happened, in order.
    pub events: Vec<TimelineEvent>,
}

/// One attempt of a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnitAttempt {
    /// Which.
    pub attempt: u32,
    /// Who ran it, under a pseudonym for strangers' nodes.
    pub node: Option<String>,
    /// How it ended; none while it runs.
    pub outcome: Option<Outcome>,
    /// Fuel.
    pub fuel: u64,
    /// Wall time, microseconds.
    pub wall_us: u64,
    /// Peak memory, bytes.
    pub memory_bytes: u64,
    /// When it ended, where that is known.
    pub ended_at_ms: Option<u64>,
    /// What was made of it: `accepted`, `agreed`, `disagreed`, `checking`, `running`, `failed` or `tried_again`.
    pub verdict: String,
}

/// `GET /api/v1/jobs/{id}/units/{stage}/{seq}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnitDetail {
    /// The unit as lists show it.
    pub unit: UnitInfo,
    /// Length of its input, bytes.
    pub input_bytes: u64,
    /// Its attempts in order.
    pub attempts: Vec<UnitAttempt>,
    /// Tail of the guest's log, where it wrote any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// Message of the newest attempt's outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What a preview shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PreviewKind {
    /// Nothing that can be shown.
    #[default]
    None,
    /// Text.
    Text,
    /// Rows with columns.
    Table,
    /// A picture: file 0.
    Image,
    /// Files.
    Files,
}

/// A file within a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreviewFile {
    /// Its number, for `GET /api/v1/jobs/{id}/preview/{index}`.
    pub index: u64,
    /// Its name, for people: what a guest chose, without control letters.
    pub name: String,
    /// Its length, bytes.
    pub bytes: u64,
    /// What its first bytes are: `png`, `jpeg`, `webp`, `gif`, `text` or `binary`.
    pub kind: String,
}

/// `GET /api/v1/jobs/{id}/preview`: the result so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preview {
    /// What it is.
    pub kind: PreviewKind,
    /// Whether this is the whole result.
    pub complete: bool,
    /// Units that are in it.
    pub units_done: u64,
    /// Its beginning, where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Names of the columns, where it is a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Its first rows, where it is a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<Vec<String>>>,
    /// Its first files, where it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<PreviewFile>>,
}

/// Jobs of one project: a row of `GET /api/v1/projects`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProjectInfo {
    /// Its name; empty for jobs without a project.
    pub name: String,
    /// Jobs.
    pub jobs: u64,
    /// Jobs that have not ended.
    pub running: u64,
    /// Jobs that are done.
    pub done: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// What they have spent, micro-credits.
    pub spent: u64,
    /// When the newest was submitted.
    pub last_at_ms: u64,
}

/// A row of `GET /api/v1/modules`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModuleListed {
    /// BLAKE3 of the manifest's bytes: what a submission names.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub module: Digest,
    /// The component.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub component: Digest,
    /// Its name; where none was given, that of the newest job that it ran, or nothing.
    pub name: String,
    /// Size of the component, bytes.
    pub bytes: u64,
    /// What it exports.
    pub exports: Exports,
    /// Most that a job may allow its units.
    pub limits: Limits,
    /// When it was registered.
    pub created_at_ms: u64,
    /// Nodes refuse it from then on.
    pub expires_at_ms: u64,
    /// Jobs of the account that name it.
    pub jobs: u64,
    /// Why operators stopped it, where they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<String>,
}

/// `POST /api/v1/modules/draft`: what is to be signed for a component that was uploaded as a blob.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewModuleDraft {
    /// The component.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub component: Digest,
    /// Its name, for people.
    pub name: String,
    /// The author's public key that will sign, 64 hexadecimal letters; one that is registered.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub author: PublicKey,
    /// Most that a job may allow its units; the ordinary limits where missing.
    #[serde(default)]
    pub limits: Option<Limits>,
}

/// Answer to [`NewModuleDraft`]. Sign `message` with ed25519, and send `manifest` with the signature to
/// `POST /api/v1/modules`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModuleDraft {
    /// The manifest's bytes, base64.
    pub manifest: String,
    /// The bytes that the author's key signs, base64: a digest of purpose and manifest.
    pub message: String,
    /// What the component exports.
    pub exports: Exports,
}

/// How many units a job would have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DraftUnits {
    /// How many; 0 where that is unknown before a guest's split has run.
    pub count: u64,
    /// Whether that is exact, or a guess from the beginning of the input.
    pub exact: bool,
}

/// One of a job's first units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DraftUnit {
    /// Its number.
    pub seq: u64,
    /// Length of its input, bytes.
    pub bytes: u64,
    /// Beginning of its input, where that is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What a job would cost, micro-credits. Nothing is there where it costs nothing, or where no job of the module has
/// run yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DraftPrice {
    /// Whether work costs credits at all.
    pub costs: bool,
    /// One unit, about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_unit: Option<u64>,
    /// All of it: hardly less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_from: Option<u64>,
    /// All of it: hardly more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_to: Option<u64>,
    /// A budget that covers it, and that the grid accepts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_suggested: Option<u64>,
}

/// How long a job would take, seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DraftSeconds {
    /// At best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// At worst.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
}

/// Why a submission would be refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DraftProblem {
    /// Which field.
    pub field: String,
    /// What is wrong with it, and what to do.
    pub text: String,
}

/// `POST /api/v1/jobs/draft`: what a submission would be, before anything is paid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobDraft {
    /// How many units.
    pub units: DraftUnits,
    /// The first of them.
    pub first: Vec<DraftUnit>,
    /// What it would cost.
    pub price: DraftPrice,
    /// How long it would take.
    pub seconds: DraftSeconds,
    /// Why it would be refused; empty where it would be accepted.
    pub problems: Vec<DraftProblem>,
}
