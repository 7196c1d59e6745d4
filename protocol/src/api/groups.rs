//! Bodies about groups: a lab or a club whose members' nodes run each other's jobs (`run_on = "group:NAME"`).

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, NodeId};

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum GroupRole {
    /// Made the group: invites, removes, and may end it.
    Owner,
    /// Uses it, and may leave.
    Member,
}

/// A group in `GET /api/v1/groups`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupInfo {
    /// Its name, unique in the grid.
    pub name: String,
    /// What the caller is in it.
    pub role: GroupRole,
    /// Accounts in it.
    pub members: u64,
    /// Nodes of these.
    pub nodes: u64,
    /// When it was made.
    pub created_at_ms: u64,
}

/// `POST /api/v1/groups`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewGroup {
    /// 1 to 64 small letters, digits, `-`, `_` or `.`.
    pub name: String,
}

/// `GET /api/v1/groups/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupDetail {
    /// Its name.
    pub name: String,
    /// What the caller is in it.
    pub role: GroupRole,
    /// When it was made.
    pub created_at_ms: u64,
    /// Who is in it, the longest first.
    pub members: Vec<GroupMember>,
    /// Who has not answered yet; empty for those who are not its owner.
    pub invitations: Vec<GroupInvitation>,
    /// Nodes of all members, at most 1,000.
    pub devices: Vec<GroupDevice>,
}

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupMember {
    /// Who.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// What it is.
    pub role: GroupRole,
    /// Since when.
    pub since_ms: u64,
}

/// Somebody who was asked into a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupInvitation {
    /// Who.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// When.
    pub at_ms: u64,
}

/// A node of a member. What its owner calls it is for its owner only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupDevice {
    /// The node, where it is the caller's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<NodeId>,
    /// Its name where it is the caller's own, else one that tells it apart within the group.
    pub name: String,
    /// Name of its owner's account.
    pub owner: String,
    /// `online`, `paused`, `draining` or `offline`.
    pub state: String,
    /// Units that it runs at once.
    pub slots: u32,
}

/// `POST /api/v1/groups/{name}/invitations`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewInvitation {
    /// Name of the account.
    pub account_name: String,
}

/// `GET /api/v1/invitations`: a group that the caller was asked into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    /// The group.
    pub group: String,
    /// Name of the account that asks.
    pub by: String,
    /// Accounts in it.
    pub members: u64,
    /// When.
    pub at_ms: u64,
}
