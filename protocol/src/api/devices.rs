//! Bodies about a lender's devices: what one is and does, its states over time, what it earns, what its owner allows.

use serde::{Deserialize, Serialize};

use super::NodeInfo;
use crate::digest::Digest;
use crate::ids::JobId;
use crate::preferences::Preferences;

/// Account names in [`Takes`].
pub const NOT_AUTHORS_MAX: usize = 256;
/// Modules in [`Takes`].
pub const NOT_MODULES_MAX: usize = 256;
/// A pause from the portal lasts at most so long, seconds.
pub const PAUSE_S_MAX: u64 = 30 * 24 * 3_600;
/// Bytes of a report's text.
pub const REPORT_BYTES_MAX: usize = 4_000;

/// `GET /api/v1/nodes/{id}`: one device with all that its owner may know.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeDetail {
    /// As in the list.
    pub info: NodeInfo,
    /// What the computer is; zero and empty before its first login.
    pub machine: MachineInfo,
    /// Jobs whose units it holds now.
    pub doing: Vec<Doing>,
    /// What its owner allows.
    pub preferences: NodePreferences,
    /// Whose work it takes.
    pub takes: Takes,
    /// When it joined.
    pub joined_at_ms: u64,
    /// What it earns.
    pub earnings: NodeEarnings,
    /// The pause that was asked for from the portal, while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseInfo>,
}

/// What a computer is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachineInfo {
    /// Operating system and version.
    pub os: String,
    /// Processor architecture, as `x86_64`.
    pub arch: String,
    /// Processor's name.
    pub cpu: String,
    /// Logical processors.
    pub cores: u32,
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// Free disk where it keeps its data, bytes.
    pub disk_bytes: u64,
    /// Version of `fallow-node`.
    pub version: String,
}

/// A job whose units a device holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Doing {
    /// The job's name, chosen by its author.
    pub job_name: String,
    /// What it runs.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub module: Digest,
    /// Whether it is the owner's own job.
    pub own: bool,
    /// Units held.
    pub units: u64,
}

/// What a device's owner allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodePreferences {
    /// As chosen at the computer, as the device told them last. These win, field by field.
    pub local: Preferences,
    /// As chosen on the portal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<Preferences>,
    /// What follows from both and the preset.
    pub effective: Preferences,
}

/// A pause from the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PauseInfo {
    /// When it was asked for.
    pub since_ms: u64,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Whether units that have begun end first.
    pub finish: bool,
}

/// What a device earns, micro-credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeEarnings {
    /// Paid since midnight; UTC where no offset is given.
    pub today: u64,
    /// Paid in all.
    pub verified: u64,
    /// Held until it is certain that the results are right.
    pub pending: u64,
}

/// Whose work a device takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Who {
    /// Its owner's.
    Own,
    /// Its owner's and that of members of his groups.
    Groups,
    /// Anyone's.
    #[default]
    Anyone,
}

/// `PUT /api/v1/nodes/{id}/takes`: whose work a device takes. Its owner's own is always taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Takes {
    /// Whose.
    pub who: Who,
    /// Not of these accounts, by name; at most 256.
    pub not_authors: Vec<String>,
    /// Not these modules; at most 256.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub not_modules: Vec<Digest>,
}

/// What a device did. All but `Offline` are told by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum IntervalState {
    /// It was not connected.
    Offline,
    /// It would have taken work.
    Idle,
    /// It held units.
    Working,
    /// Its owner's rules said no.
    Paused,
}

/// A time in which a device's state was the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Interval {
    /// From then on.
    pub from_ms: u64,
    /// Until then.
    pub to_ms: u64,
    /// What it did.
    pub state: IntervalState,
    /// Why it was paused, in its first words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A list that has no further pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Items<T> {
    /// All of it.
    pub items: Vec<T>,
}

/// `GET /api/v1/nodes/{id}/availability`: the last eight weeks by hour of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Availability {
    /// Weeks that were looked at, thousandths.
    pub weeks_milli: u64,
    /// 168 hours, Monday 0:00 first.
    pub cells: Vec<AvailabilityCell>,
}

/// One hour of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AvailabilityCell {
    /// How much of this hour was looked at, seconds.
    pub seen_s: u64,
    /// Share of it in which the device was there for work (idle or working), thousandths.
    pub here_permille: u32,
    /// Share of it in which it worked, thousandths.
    pub working_permille: u32,
}

/// What a device earned in a day, micro-credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EarningsDay {
    /// The day's beginning.
    pub day_ms: u64,
    /// Paid by authors that day.
    pub paid: u64,
    /// Paid by the grid for checks that day.
    pub checks: u64,
    /// Put aside that day and still held.
    pub held: u64,
}

/// `GET /api/v1/node/earnings`: what a node asks for its owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EarningsReport {
    /// Whether work on this grid earns credits.
    pub credits: bool,
    /// Today, in all, held.
    pub sums: NodeEarnings,
    /// By day, oldest first.
    pub days: Vec<EarningsDay>,
}

/// `PATCH /api/v1/nodes/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RenameNode {
    /// Its new name.
    pub name: String,
}

/// `POST /api/v1/nodes/{id}/pause`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PauseNode {
    /// For so many seconds, 1 to 2,592,000; until it is resumed where missing.
    pub for_s: Option<u64>,
    /// Let the units end that have begun, then pause.
    pub finish: bool,
}

/// `POST /api/v1/reports`: something is wrong with a program. Names a module, a job or both.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewReport {
    /// The module.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub module: Option<Digest>,
    /// The job.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub job: Option<JobId>,
    /// What is wrong, at most 4,000 bytes.
    pub text: String,
}
