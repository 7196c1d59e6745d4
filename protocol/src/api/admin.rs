//! Bodies for operators: users, nodes, jobs, modules, what is stopped and why, the ledger's transfers, health, reports.

use serde::{Deserialize, Serialize};

use super::{JobPhase, NodeStanding, Suspended};
use crate::digest::Digest;
use crate::ids::{AccountId, JobId, NodeId};

/// Bytes of the reason of a suspension.
pub const REASON_BYTES_MAX: usize = 500;

/// An account, where it is named beside something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountRef {
    /// The account.
    pub id: AccountId,
    /// Its name.
    pub name: String,
}

/// A row of `GET /api/v1/admin/users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdminUser {
    /// The account.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Its e-mail address.
    pub email: Option<String>,
    /// `user` or `operator`.
    pub role: String,
    /// When it was made.
    pub created_at_ms: u64,
    /// Why it may do nothing, where that is so.
    pub suspended: Option<Suspended>,
    /// Fuel that it may use in all.
    pub fuel_quota: u64,
    /// Fuel that its jobs have used.
    pub fuel_used: u64,
    /// Jobs that it may have that have not ended; the grid's limit where there is none of its own.
    pub jobs_max: Option<u64>,
    /// What it may spend, micro-credits.
    pub available: u64,
    /// Its nodes.
    pub nodes: u64,
    /// Its jobs that have not ended.
    pub jobs: u64,
}

/// `PATCH /api/v1/admin/users/{id}`. What is missing stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserChange {
    /// Fuel that it may use in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel_quota: Option<u64>,
    /// `user` or `operator`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Jobs that it may have that have not ended, 0 to 1,000,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs_max: Option<u64>,
}

/// `POST …/suspend`: of a user, a node or a module.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewSuspension {
    /// Why, for whoever it concerns: 1 to 500 bytes in one line.
    pub reason: String,
}

/// A row of `GET /api/v1/admin/nodes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdminNode {
    /// The node.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: AccountRef,
    /// `online`, `paused`, `draining` or `offline`.
    pub state: String,
    /// Why it is paused.
    pub reason: Option<String>,
    /// Why it gets no work, where it or its owner is suspended.
    pub suspended: Option<Suspended>,
    /// Units that it runs at once.
    pub slots: u32,
    /// Units that it holds now.
    pub units_held: u64,
    /// Results accepted in all.
    pub units_done: u64,
    /// Fuel of these.
    pub fuel: u64,
    /// Processor, memory and system in one line.
    pub machine: String,
    /// When it joined.
    pub joined_at_ms: u64,
    /// Last heard of.
    pub seen_at_ms: u64,
    /// What its results are worth to others; none where nothing is checked.
    pub standing: Option<NodeStanding>,
    /// Checks that it ever passed.
    pub checks_passed: u64,
    /// Its results that were found wrong.
    pub results_wrong: u64,
}

/// A row of `GET /api/v1/admin/jobs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdminJob {
    /// The job.
    pub id: JobId,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: AccountRef,
    /// Where it is.
    pub phase: JobPhase,
    /// What its units run.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub module: Digest,
    /// Why nothing of it runs, where its author or its module is suspended.
    pub suspended: Option<Suspended>,
    /// Units of the work that exist.
    pub units: u64,
    /// Those of them that are done.
    pub done: u64,
    /// Those of them that failed, left-out ones included.
    pub failed: u64,
    /// Fuel of all accepted runs.
    pub fuel: u64,
    /// Submission.
    pub created_at_ms: u64,
    /// End, where it has ended.
    pub ended_at_ms: Option<u64>,
    /// Why it failed or was cancelled.
    pub error: Option<String>,
}

/// A row of `GET /api/v1/admin/modules`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdminModule {
    /// BLAKE3 of the manifest's bytes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub module: Digest,
    /// The component.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub component: Digest,
    /// Whose it is.
    pub owner: AccountRef,
    /// Size of the component, bytes.
    pub bytes: u64,
    /// When it was registered.
    pub created_at_ms: u64,
    /// Nodes refuse it from then on.
    pub expires_at_ms: u64,
    /// Jobs of its owner that run it, ended ones included.
    pub jobs: u64,
    /// Why nobody runs it, where it, or its component under another manifest, is suspended.
    pub suspended: Option<Suspended>,
}

/// One side of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerParty {
    /// `issuance`, `fees`, `verification`, `forfeit`, `user` or `escrow`.
    pub kind: String,
    /// Whose account, where it is a user's; none where it was forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountRef>,
    /// Whose escrow, where it is a job's; none where it was forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
}

/// A row of `GET /api/v1/admin/ledger`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerRow {
    /// The transfer, 32 hexadecimal letters.
    pub id: String,
    /// When.
    pub at_ms: u64,
    /// `single`, `pending`, `post` or `void`.
    pub kind: String,
    /// Why, as one of the words that `?cause=` takes.
    pub cause: String,
    /// What reserved it, where it is a post or a void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolves: Option<String>,
    /// From whom.
    pub debit: LedgerParty,
    /// To whom.
    pub credit: LedgerParty,
    /// Micro-credits.
    pub amount: u64,
    /// What an operator wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A row of `GET /api/v1/admin/reports`: what somebody says of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Report {
    /// Its number.
    pub id: u64,
    /// When.
    pub at_ms: u64,
    /// Name of the account that made it.
    pub by: String,
    /// Of which module.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub module: Option<Digest>,
    /// Of which job.
    #[serde(default)]
    pub job: Option<JobId>,
    /// What is wrong, in one or more lines.
    pub text: String,
}

/// One part of the server in [`AdminHealth`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthPart {
    /// Which, as `database`.
    pub name: String,
    /// Whether it does its work.
    pub ok: bool,
    /// How it is, with its numbers.
    pub text: String,
    /// Since when it is so, as far as that was looked at.
    pub since_ms: u64,
}

/// `GET /api/v1/admin/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdminHealth {
    /// Every part.
    pub parts: Vec<HealthPart>,
}
