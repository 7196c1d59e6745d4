//! Users: who they are, what they may, and stopping them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use fallow_protocol::AccountId;
use fallow_protocol::api::{AdminUser, NewSuspension, Page, UserChange};
use serde::Deserialize;

use super::{SearchQuery, check_reason};
use crate::api::ApiError;
use crate::api::accounts::next;
use crate::api::extract::{ApiJson, ApiPath, ApiQuery};
use crate::app::App;
use crate::auth::{Admin, Auth};
use crate::operators::{self, Target};
use crate::store::admin::{self as rows, Part};

/// An account in a path.
#[derive(Debug, Deserialize)]
pub struct UserPath {
    id: AccountId,
}

/// Users with what they have and use, oldest first. Scope `admin`.
#[utoipa::path(get, path = "/api/v1/admin/users", tag = "operators", security(("bearer" = [])), params(SearchQuery),
    responses((status = 200, body = Page<AdminUser>)))]
pub async fn list_users(
    State(app): State<Arc<App>>,
    _caller: Auth<Admin>,
    ApiQuery(query): ApiQuery<SearchQuery>,
) -> Result<Json<Page<AdminUser>>, ApiError> {
    let part = query.part()?;
    let found = rows::users(app.store.reader(), part).await?;
    let mut jobs: HashMap<i64, u64> = HashMap::new();
    for job in app.active.all() {
        *jobs.entry(job.account).or_default() += 1;
    }
    let next = next(found.len(), part.limit, found.last().map(|(id, _)| *id));
    let of = |(id, user)| AdminUser { jobs: jobs.get(&id).copied().unwrap_or(0), ..user };
    Ok(Json(Page { items: found.into_iter().map(of).collect(), next }))
}

/// Stop a user for a reason: tokens and sessions are refused with it, jobs wait, nodes get no work. Scope `admin`.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/suspend", tag = "operators", security(("bearer" = [])),
    params(("id" = String, Path, description = "The account, as `acc-…`")), request_body = NewSuspension,
    responses((status = 204), (status = 404, description = "`not-found`"),
        (status = 409, description = "`last-operator`"), (status = 422, description = "`invalid`")))]
pub async fn suspend_user(
    State(app): State<Arc<App>>,
    caller: Auth<Admin>,
    ApiPath(UserPath { id }): ApiPath<UserPath>,
    ApiJson(new): ApiJson<NewSuspension>,
) -> Result<StatusCode, ApiError> {
    check_reason(&new)?;
    operators::suspend(&app, &caller, Target::User(id), &new.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a user go on. Scope `admin`.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/restore", tag = "operators", security(("bearer" = [])),
    params(("id" = String, Path, description = "The account, as `acc-…`")),
    responses((status = 204), (status = 404, description = "`not-found`")))]
pub async fn restore_user(
    State(app): State<Arc<App>>,
    caller: Auth<Admin>,
    ApiPath(UserPath { id }): ApiPath<UserPath>,
) -> Result<StatusCode, ApiError> {
    operators::restore(&app, &caller, Target::User(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change what a user may: fuel, jobs, role. Scope `admin`.
#[utoipa::path(patch, path = "/api/v1/admin/users/{id}", tag = "operators", security(("bearer" = [])),
    params(("id" = String, Path, description = "The account, as `acc-…`")), request_body = UserChange,
    responses((status = 200, body = AdminUser), (status = 404, description = "`not-found`"),
        (status = 409, description = "`last-operator`"), (status = 422, description = "`invalid`")))]
pub async fn change_user(
    State(app): State<Arc<App>>,
    caller: Auth<Admin>,
    ApiPath(UserPath { id }): ApiPath<UserPath>,
    ApiJson(change): ApiJson<UserChange>,
) -> Result<Json<AdminUser>, ApiError> {
    operators::change(&app, &caller, &id, change).await?;
    let part = Part { query: id.as_str(), after: None, limit: 2 };
    let found = rows::users(app.store.reader(), part).await?.into_iter().find(|(_, user)| user.id == id);
    let (number, user) = found.ok_or_else(|| ApiError::not_found(format!("account {id}")))?;
    let jobs = app.active.all().iter().filter(|job| job.account == number).count() as u64;
    Ok(Json(AdminUser { jobs, ..user }))
}
