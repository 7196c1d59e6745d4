//! Groups of accounts: thin handlers over `crate::groups`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use fallow_protocol::AccountId;
use fallow_protocol::api::{GroupDetail, GroupInfo, Invitation, NewGroup, NewInvitation, Page};
use serde::Deserialize;

use super::accounts::{PageQuery, next};
use super::extract::{ApiJson, ApiPath, ApiQuery, page_after, page_limit};
use super::{ApiError, names};
use crate::app::App;
use crate::auth::{AnyScope, Auth, NodesWrite};
use crate::groups::{self, GroupError};
use crate::store::groups as rows;

/// A group in a path.
#[derive(Debug, Deserialize)]
pub struct GroupPath {
    name: String,
}

/// A group and an account in a path.
#[derive(Debug, Deserialize)]
pub struct MemberPath {
    name: String,
    account: AccountId,
}

impl From<GroupError> for ApiError {
    fn from(error: GroupError) -> Self {
        let detail = error.to_string();
        let refused = |status, kind| ApiError::new(status, kind, detail.clone());
        match error {
            GroupError::NotFound(_) | GroupError::NotInvited(_) => refused(StatusCode::NOT_FOUND, "not-found"),
            GroupError::Name(_) => refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid").field("name"),
            GroupError::NameTaken(_) => refused(StatusCode::CONFLICT, "name-taken").field("name"),
            GroupError::NoAccount(_) => refused(StatusCode::NOT_FOUND, "no-such-account"),
            GroupError::IsMember(_) => refused(StatusCode::CONFLICT, "is-member"),
            GroupError::NotOwner(_) => refused(StatusCode::FORBIDDEN, "not-owner"),
            GroupError::Owner(_) => {
                refused(StatusCode::CONFLICT, "is-owner").help("DELETE /api/v1/groups/NAME ends it")
            }
            GroupError::Full(_) => refused(StatusCode::CONFLICT, "too-many"),
            GroupError::Store(source) => source.into(),
        }
    }
}

/// The account's groups.
#[utoipa::path(get, path = "/api/v1/groups", tag = "groups", security(("bearer" = [])), params(PageQuery),
    responses((status = 200, body = Page<GroupInfo>)))]
pub async fn list_groups(
    State(app): State<Arc<App>>,
    caller: Auth<AnyScope>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<GroupInfo>>, ApiError> {
    let (after, limit) = (page_after(query.cursor.as_deref())?, page_limit(query.limit)?);
    let found = rows::list(app.store.reader(), caller.account_id, after, limit).await?;
    let next = next(found.len(), limit, found.last().map(|(id, _)| *id));
    Ok(Json(Page { items: found.into_iter().map(|(_, group)| group).collect(), next }))
}

/// Make a group, which the account owns. Scope `nodes:write`.
#[utoipa::path(post, path = "/api/v1/groups", tag = "groups", security(("bearer" = [])), request_body = NewGroup,
    responses((status = 201, body = GroupDetail), (status = 409, description = "`name-taken`, `too-many`"),
        (status = 422, description = "`invalid`")))]
pub async fn create_group(
    State(app): State<Arc<App>>,
    caller: Auth<NodesWrite>,
    ApiJson(new): ApiJson<NewGroup>,
) -> Result<(StatusCode, Json<GroupDetail>), ApiError> {
    let group = groups::create(&app, caller.account_id, &new.name).await?;
    Ok((StatusCode::CREATED, Json(group)))
}

/// A group that the account is in: members, open invitations, devices.
#[utoipa::path(get, path = "/api/v1/groups/{name}", tag = "groups", security(("bearer" = [])),
    params(("name" = String, Path, description = "The group")),
    responses((status = 200, body = GroupDetail), (status = 404, description = "`not-found`")))]
pub async fn group(
    State(app): State<Arc<App>>,
    caller: Auth<AnyScope>,
    ApiPath(GroupPath { name }): ApiPath<GroupPath>,
) -> Result<Json<GroupDetail>, ApiError> {
    Ok(Json(groups::detail(&app, caller.account_id, &name).await?))
}

/// End a group: its owner only. Scope `nodes:write`.
#[utoipa::path(delete, path = "/api/v1/groups/{name}", tag = "groups", security(("bearer" = [])),
    params(("name" = String, Path, description = "The group")),
    responses((status = 204), (status = 403, description = "`not-owner`"), (status = 404, description = "`not-found`")))]
pub async fn delete_group(
    State(app): State<Arc<App>>,
    caller: Auth<NodesWrite>,
    ApiPath(GroupPath { name }): ApiPath<GroupPath>,
) -> Result<StatusCode, ApiError> {
    groups::delete(&app, caller.account_id, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask an account into a group: its owner only. A repeat changes nothing. Scope `nodes:write`.
#[utoipa::path(post, path = "/api/v1/groups/{name}/invitations", tag = "groups", security(("bearer" = [])),
    params(("name" = String, Path, description = "The group")), request_body = NewInvitation,
    responses((status = 201, body = GroupDetail), (status = 403, description = "`not-owner`"),
        (status = 404, description = "`not-found`, `no-such-account`"),
        (status = 409, description = "`is-member`, `too-many`")))]
pub async fn invite(
    State(app): State<Arc<App>>,
    caller: Auth<NodesWrite>,
    ApiPath(GroupPath { name }): ApiPath<GroupPath>,
    ApiJson(new): ApiJson<NewInvitation>,
) -> Result<(StatusCode, Json<GroupDetail>), ApiError> {
    names::check("account_name", &new.account_name)?;
    groups::invite(&app, caller.account_id, &name, &new.account_name).await?;
    Ok((StatusCode::CREATED, Json(groups::detail(&app, caller.account_id, &name).await?)))
}

/// Take an invitation back: the group's owner only. Scope `nodes:write`.
#[utoipa::path(delete, path = "/api/v1/groups/{name}/invitations/{account}", tag = "groups",
    security(("bearer" = [])), params(("name" = String, Path, description = "The group"),
        ("account" = String, Path, description = "The account, as `acc-…`")),
    responses((status = 204), (status = 403, description = "`not-owner`"),
        (status = 404, description = "`not-found`, `no-such-account`")))]
pub async fn uninvite(
    State(app): State<Arc<App>>,
    caller: Auth<NodesWrite>,
    ApiPath(MemberPath { name, account }): ApiPath<MemberPath>,
) -> Result<StatusCode, ApiError> {
    groups::uninvite(&app, caller.account_id, &name, &account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Leave a group; its owner removes others. Scope `nodes:write`.
#[utoipa::path(delete, path = "/api/v1/groups/{name}/members/{account}", tag = "groups", security(("bearer" = [])),
    params(("name" = String, Path, description = "The group"),
        ("account" = String, Path, description = "The account, as `acc-…`")),
    responses((status = 204), (status = 403, description = "`not-owner`"),
        (status = 404, description = "`not-found`, `no-such-account`"), (status = 409, description = "`is-owner`")))]
pub async fn remove_member(
    State(app): State<Arc<App>>,
    caller: Auth<NodesWrite>,
    ApiPath(MemberPath { name, account }): ApiPath<MemberPath>,
) -> Result<StatusCode, ApiError> {
    groups::remove(&app, caller.account_id, &name, &account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Groups that the account was asked into.
#[utoipa::path(get, path = "/api/v1/invitations", tag = "groups", security(("bearer" = [])), params(PageQuery),
    responses((status = 200, body = Page<Invitation>)))]
pub async fn list_invitations(
    State(app): State<Arc<App>>,
    caller: Auth<AnyScope>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<Invitation>>, ApiError> {
    let (after, limit) = (page_after(query.cursor.as_deref())?, page_limit(query.limit)?);
    let found = rows::invitations(app.store.reader(), caller.account_id, after, limit).await?;
    let next = next(found.len(), limit, found.last().map(|(id, _)| *id));
    Ok(Json(Page { items: found.into_iter().map(|(_, invitation)| invitation).collect(), next }))
}

/// Join a group that the account was asked into. Scope `nodes:write`.
#[utoipa::path(post, path = "/api/v1/invitations/{name}/accept", tag = "groups", security(("bearer" = [])),
    params(("name" = String, Path, description = "The group")),
    responses((status = 200, body = GroupDetail), (status = 404, description = "`not-found`"),
        (status = 409, description = "`too-many`")))]
pub async fn accept_invitation(
    State(app): State<Arc<App>>,
    caller: Auth<NodesWrite>,
    ApiPath(GroupPath { name }): ApiPath<GroupPath>,
) -> Result<Json<GroupDetail>, ApiError> {
    groups::answer(&app, caller.account_id, &name, true).await?;
    Ok(Json(groups::detail(&app, caller.account_id, &name).await?))
}

/// Do not join it. Scope `nodes:write`.
#[utoipa::path(post, path = "/api/v1/invitations/{name}/decline", tag = "groups", security(("bearer" = [])),
    params(("name" = String, Path, description = "The group")),
    responses((status = 204), (status = 404, description = "`not-found`")))]
pub async fn decline_invitation(
    State(app): State<Arc<App>>,
    caller: Auth<NodesWrite>,
    ApiPath(GroupPath { name }): ApiPath<GroupPath>,
) -> Result<StatusCode, ApiError> {
    groups::answer(&app, caller.account_id, &name, false).await?;
    Ok(StatusCode::NO_CONTENT)
}
