//! Bodies of the HTTP API, shared by the server and its clients. Times are milliseconds since 1970 (`_ms`).

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{AccountId, JobId, NodeId};
use crate::job::{Assemble, JobSubmission};
use crate::keys::{OnlineCert, PublicKey, Signature};
use crate::manifest::Exports;
use crate::outcome::Outcome;

mod accounts;
mod admin;
mod credits;
mod devices;
mod groups;
mod live;

pub use accounts::{
    AccountDeletion, AuditEvent, DeviceCode, DevicePoll, DeviceRequest, DeviceToken, Forgotten, LinkToken, MeChange,
    NewDeviceCode, NewEmail, NewPerson, NewSession, PasswordChange, PasswordOnly, PasswordReset, RecoveryCodes,
    SessionInfo, Suspended, TotpCode, TotpRemoval, TotpSecret,
};
pub use admin::{
    AccountRef, AdminHealth, AdminJob, AdminModule, AdminNode, AdminUser, HealthPart, LedgerParty, LedgerRow,
    NewSuspension, REASON_BYTES_MAX, Report, UserChange,
};
pub use credits::{
    Credits, Dispute, Granted, GridSpeed, LedgerCheck, Movement, MovementState, NewBudget, NewGrant, NodeStanding,
    PriceInfo, Trial, TrialAccount,
};
pub use devices::{
    Availability, AvailabilityCell, Doing, EarningsDay, EarningsReport, Interval, IntervalState, Items, MachineInfo,
    NOT_AUTHORS_MAX, NOT_MODULES_MAX, NewReport, NodeDetail, NodeEarnings, NodePreferences, PAUSE_S_MAX, PauseInfo,
    PauseNode, REPORT_BYTES_MAX, RenameNode, Takes, Who,
};
pub use live::{
    DraftPrice, DraftProblem, DraftSeconds, DraftUnit, DraftUnits, ErrorGroup, ErrorGroups, JobDraft, JobNode,
    JobNodes, MapChange, ModuleDraft, ModuleListed, NewModuleDraft, Preview, PreviewFile, PreviewKind, ProjectInfo,
    Timeline, TimelineEvent, UnitAttempt, UnitDetail, UnitPlace,
};

pub use groups::{
    GroupDetail, GroupDevice, GroupInfo, GroupInvitation, GroupMember, GroupRole, Invitation, NewGroup, NewInvitation,
};

/// `GET /api/v1/grid`: what anyone may know.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GridInfo {
    /// The grid's name.
    pub name: String,
    /// Version of the server.
    pub version: String,
    /// BLAKE3 of the root key, 64 hexadecimal letters.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub root_fingerprint: Digest,
    /// Semantics profile of results.
    pub profile: String,
    /// Largest blob, bytes.
    pub blob_bytes_max: u64,
    /// Largest component, bytes.
    pub component_bytes_max: u64,
    /// Who may be on it: `own` (one person's devices), `members`, or `open` (anybody).
    pub kind: String,
    /// Whether work costs credits.
    pub credits: bool,
    /// What it costs then.
    pub price: PriceInfo,
    /// What a new account gets, micro-credits.
    pub allowance: u64,
    /// Who may register: `open` (anybody) or `closed` (operators make accounts).
    #[serde(default)]
    pub registration: String,
}

/// `GET /api/v1/me`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// The account.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// `user` or `operator`.
    pub role: String,
    /// Scopes of the token or the session in use.
    pub scopes: Vec<String>,
    /// Fuel that the account may use in all.
    pub fuel_quota: u64,
    /// Fuel that its jobs have used.
    pub fuel_used: u64,
    /// Its e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether somebody followed the link that was sent there.
    #[serde(default)]
    pub email_confirmed: bool,
    /// Whether it has a second factor.
    #[serde(default)]
    pub totp: bool,
    /// Whether it has a password; without one it has tokens only.
    #[serde(default)]
    pub has_password: bool,
    /// Whether a session asks, and not a token.
    #[serde(default)]
    pub session: bool,
    /// Why it may do nothing, where that is so.
    #[serde(default)]
    pub suspended: Option<Suspended>,
}

/// `POST /api/v1/accounts` (operator).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewAccount {
    /// Name, unique in the grid.
    pub name: String,
    /// Fuel that it may use; the grid's default where missing.
    #[serde(default)]
    pub fuel_quota: Option<u64>,
}

/// Answer to [`NewAccount`]: the account with its first token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountCreated {
    /// The account.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Its first token, shown once.
    pub token: String,
}

/// `POST /api/v1/tokens`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// Scopes: `jobs:read`, `jobs:write`, `nodes:write`, `admin`. No more than the caller has.
    pub scopes: Vec<String>,
    /// Life in days, 1 to 3,650.
    pub days: u32,
}

/// A token; the secret is there only when it was just made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenInfo {
    /// Prefix by which it is known.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// End of its life.
    pub expires_at_ms: u64,
    /// The token itself, shown once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// `POST /api/v1/keys`: register an author's public key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewAuthorKey {
    /// The public key, 64 hexadecimal letters.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: PublicKey,
    /// Where it is kept, for people.
    pub name: String,
}

/// State of a blob or of its upload: `GET /api/v1/blobs/{digest}/upload`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadState {
    /// Bytes received so far; go on from here.
    pub received: u64,
    /// Whether the blob is whole and checked.
    pub complete: bool,
}

/// `POST /api/v1/modules`: a component that was uploaded as a blob, with its signed manifest.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewModule {
    /// Signed manifest bytes, base64.
    pub manifest: String,
    /// The author's signature, 128 hexadecimal letters.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub author_signature: Signature,
    /// Its name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A module that the grid accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModuleInfo {
    /// BLAKE3 of the manifest's bytes: what a submission names.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub module: Digest,
    /// The component.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub component: Digest,
    /// What it exports.
    pub exports: Exports,
    /// Size of the component, bytes.
    pub bytes: u64,
    /// Whether the grid already had it.
    pub known: bool,
}

/// Phases of a job; they only rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum JobPhase {
    /// Units are being made.
    Splitting,
    /// Units run.
    Running,
    /// Outputs are being joined.
    Assembling,
    /// The result is there.
    Done,
    /// It ended without a result.
    Failed,
    /// Its author stopped it, or its deadline passed.
    Cancelled,
}

impl JobPhase {
    /// Whether nothing will change any more.
    pub fn is_final(self) -> bool {
        self >= JobPhase::Done
    }
}

/// States of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum UnitState {
    /// Ready for its first attempt.
    Waiting,
    /// On a node.
    Running,
    /// One result is there; another is needed.
    Checking,
    /// Its output stands.
    Done,
    /// Ready for another attempt.
    Again,
    /// It finally failed.
    Failed,
    /// It finally failed, and the job goes on without it.
    LeftOut,
}

/// Number of units by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnitCounts {
    /// Ready for the first attempt.
    pub waiting: u64,
    /// On nodes.
    pub running: u64,
    /// With a result that needs another.
    pub checking: u64,
    /// With an output.
    pub done: u64,
    /// Ready for another attempt.
    pub again: u64,
    /// Finally failed.
    pub failed: u64,
    /// Left out.
    pub left_out: u64,
}

impl UnitCounts {
    /// All units.
    pub fn total(&self) -> u64 {
        self.waiting + self.running + self.checking + self.done + self.again + self.failed + self.left_out
    }

    /// Units that will not change any more.
    pub fn ended(&self) -> u64 {
        self.done + self.failed + self.left_out
    }
}

/// The result of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResultInfo {
    /// BLAKE3 of the result's bytes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub digest: Digest,
    /// Its length, bytes.
    pub len: u64,
    /// How it was joined: an archive is a tar file.
    pub assemble: Assemble,
}

/// A job as `GET /api/v1/jobs/{id}` gives it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobInfo {
    /// The job.
    pub id: JobId,
    /// Its name.
    pub name: String,
    /// What it belongs to, where its author said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Where it is.
    pub phase: JobPhase,
    /// Rises with every change; wait for more with `?after=`.
    pub version: u64,
    /// Units of the work by state (without the guest's own split and merge).
    pub counts: UnitCounts,
    /// Whether all units exist by now.
    pub split_done: bool,
    /// Units of the merge, where the guest merges.
    pub merge_counts: UnitCounts,
    /// Fuel of all accepted runs.
    pub fuel: u64,
    /// Units a second over the last half minute, in thousandths.
    pub rate_milli: u64,
    /// Likely time to the end, seconds: from and to. None where nothing is known.
    pub eta_s: Option<(u64, u64)>,
    /// Progress within running units, in thousandths of a unit, all together.
    pub progress_milli: u64,
    /// Nodes that hold units now.
    pub nodes: u32,
    /// Submission.
    pub created_at_ms: u64,
    /// End, where it has ended.
    pub ended_at_ms: Option<u64>,
    /// The result, where there is one.
    pub result: Option<ResultInfo>,
    /// Why it failed or was cancelled.
    pub error: Option<String>,
    /// All that it was given to spend, micro-credits; none where it costs nothing.
    #[serde(default)]
    pub budget: Option<u64>,
    /// What it has spent of that, micro-credits.
    #[serde(default)]
    pub spent: u64,
    /// What is put aside for results that are not final yet, micro-credits.
    #[serde(default)]
    pub held: u64,
    /// What it needs before it goes on: `budget` where that is used up, `operator` where its module or its author is
    /// suspended, for the reason in `notice`.
    #[serde(default)]
    pub waiting_for: Option<String>,
    /// How often its result was corrected after it was delivered.
    #[serde(default)]
    pub corrections: u64,
    /// What its author is told of that, or of a suspension.
    #[serde(default)]
    pub notice: Option<String>,
    /// What it was asked to do; given for a single job, not in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission: Option<Box<JobSubmission>>,
}

/// A page of a list. Go on with `?cursor=` where there is one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// A unit as `GET /api/v1/jobs/{id}/units` gives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnitInfo {
    /// Stage: 0 split, 1 work, 2 and on merge.
    pub stage: u16,
    /// Number within the stage.
    pub seq: u64,
    /// Its state.
    pub state: UnitState,
    /// Attempts so far.
    pub attempt: u32,
    /// Node of the newest attempt, under a pseudonym for strangers' nodes.
    pub node: Option<String>,
    /// How it ended, where it has.
    pub outcome: Option<Outcome>,
    /// Fuel of the accepted run.
    pub fuel: u64,
    /// Wall time of the accepted run, microseconds.
    pub wall_us: u64,
    /// Peak memory of the accepted run, bytes.
    pub memory_bytes: u64,
    /// Length of the output, bytes.
    pub output_bytes: u64,
}

/// A unit's log and message.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnitLog {
    /// Stage.
    pub stage: u16,
    /// Number within the stage.
    pub seq: u64,
    /// Attempt.
    pub attempt: u32,
    /// How that attempt ended.
    pub outcome: Outcome,
    /// Tail of the guest's log, made valid UTF-8.
    pub log: String,
}

/// One reason in `GET /api/v1/jobs/{id}/explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reason {
    /// Stable word for programs, as `memory-too-small`.
    pub code: String,
    /// How many nodes (or units) it is about.
    pub count: u64,
    /// The reason for people, with its numbers.
    pub text: String,
    /// What would change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Why a job's units wait.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Explanation {
    /// The job.
    pub job: JobId,
    /// Where it is.
    pub phase: JobPhase,
    /// Units that are ready and wait.
    pub waiting: u64,
    /// The reasons, most important first.
    pub reasons: Vec<Reason>,
    /// Nodes that are connected.
    pub nodes_online: u64,
    /// Nodes that work for this job now.
    pub nodes_working: u64,
}

/// `POST /api/v1/nodes/join-tokens`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewJoinToken {
    /// Life in minutes, 1 to 10,080; 15 where missing.
    #[serde(default)]
    pub minutes: Option<u32>,
}

/// A single-use token by which a node joins. It carries the fingerprint of the grid's root key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JoinToken {
    /// The token: `fallow_join_` + secret + `_` + 64 hexadecimal letters of the root's fingerprint.
    pub token: String,
    /// End of its life.
    pub expires_at_ms: u64,
}

impl JoinToken {
    /// What every join token begins with.
    pub const PREFIX: &'static str = "fallow_join_";

    /// Join secret and fingerprint.
    pub fn compose(secret: &str, root: &Digest) -> String {
        format!("{}{secret}_{root}", Self::PREFIX)
    }

    /// The secret and the root's fingerprint within a token's text.
    pub fn parse(token: &str) -> Option<(&str, Digest)> {
        let (secret, root) = token.trim().strip_prefix(Self::PREFIX)?.rsplit_once('_')?;
        Some((secret, root.parse().ok()?)).filter(|_| !secret.is_empty())
    }
}

/// `POST /api/v1/nodes/enrol` (no account token: the join token is the right).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Enrol {
    /// Secret part of the join token.
    pub secret: String,
    /// Name of the computer, for its owner.
    pub name: String,
    /// The node's public key, 64 hexadecimal letters.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: PublicKey,
    /// Its signature over [`crate::link::enrol_bytes`], 128 hexadecimal letters.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Signature,
}

/// Answer to [`Enrol`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Enrolled {
    /// The node's id.
    pub node: NodeId,
    /// The grid's name.
    pub grid: String,
    /// The account that it works for.
    pub owner: String,
    /// The chain of the grid's keys; its root must have the token's fingerprint.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub cert: OnlineCert,
}

/// A node as its owner sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeInfo {
    /// The node.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// `online`, `paused`, `draining`, `offline`, or `suspended` by the grid's operator.
    pub state: String,
    /// Why it is paused or suspended, or what it is about to do.
    pub reason: Option<String>,
    /// Whether it holds units and runs them.
    #[serde(default)]
    pub working: bool,
    /// Paid for its work since midnight UTC, micro-credits.
    #[serde(default)]
    pub earned_today: u64,
    /// Held for its work until it is certain that the results are right, micro-credits.
    #[serde(default)]
    pub pending: u64,
    /// Units that it runs at once.
    pub slots: u32,
    /// Units that it holds now.
    pub units_held: u64,
    /// Results accepted in all.
    pub units_done: u64,
    /// Fuel of these.
    pub fuel: u64,
    /// Last heard of.
    pub seen_at_ms: u64,
    /// Processor, memory and system in one line.
    pub machine: String,
    /// What its results are worth to others; none where nothing is checked.
    #[serde(default)]
    pub standing: Option<NodeStanding>,
    /// Checks that it ever passed.
    #[serde(default)]
    pub checks_passed: u64,
    /// Its results that were found wrong.
    #[serde(default)]
    pub results_wrong: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn join_tokens_carry_the_fingerprint() {
        let root = Digest::of(b"root");
        let token = JoinToken::compose("s3cret", &root);
        assert_eq!(JoinToken::parse(&token), Some(("s3cret", root)));
        assert_eq!(JoinToken::parse("fallow_join_s3cret"), None);
        assert_eq!(JoinToken::parse(&token[..token.len() - 1]), None);
    }

    #[test]
    fn phases_rise() {
        assert!(JobPhase::Splitting < JobPhase::Running && JobPhase::Assembling < JobPhase::Done);
        assert!(JobPhase::Cancelled.is_final() && !JobPhase::Assembling.is_final());
    }
}
