//! Everybody's modules, and stopping one everywhere.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use fallow_protocol::Digest;
use fallow_protocol::api::{AdminModule, NewSuspension, Page, Suspended};
use serde::Deserialize;

use super::{SearchQuery, check_reason};
use crate::api::ApiError;
use crate::api::accounts::next;
use crate::api::extract::{ApiJson, ApiPath, ApiQuery};
use crate::app::App;
use crate::auth::{Admin, Auth};
use crate::operators::{self, Target};
use crate::store::admin::{self as rows, ModuleOfGrid};

/// A module in a path.
#[derive(Debug, Deserialize)]
pub struct ModulePath {
    digest: Digest,
}

/// Everybody's modules, newest first. Scope `admin`.
#[utoipa::path(get, path = "/api/v1/admin/modules", tag = "operators", security(("bearer" = [])),
    params(SearchQuery), responses((status = 200, body = Page<AdminModule>)))]
pub async fn list_all_modules(
    State(app): State<Arc<App>>,
    _caller: Auth<Admin>,
    ApiQuery(query): ApiQuery<SearchQuery>,
) -> Result<Json<Page<AdminModule>>, ApiError> {
    let part = query.part()?;
    let found = rows::modules(app.store.reader(), part, part.query.parse().ok()).await?;
    let next = next(found.len(), part.limit, found.last().map(|row| row.id));
    Ok(Json(Page { items: found.into_iter().map(|row| shown(&app, row)).collect(), next }))
}

fn shown(app: &App, row: ModuleOfGrid) -> AdminModule {
    AdminModule {
        module: row.digest,
        component: row.component,
        owner: row.owner,
        bytes: row.bytes,
        created_at_ms: row.created_at_ms,
        expires_at_ms: row.expires_at_ms,
        jobs: row.jobs,
        suspended: app.suspensions.module(&row.digest, &row.component).map(|reason| Suspended { reason }),
    }
}

/// Stop a module everywhere for a reason that its author and lenders are told: by the digest of its manifest or of its
/// component, and under whatever other manifest its component goes. Scope `admin`.
#[utoipa::path(post, path = "/api/v1/admin/modules/{digest}/suspend", tag = "operators", security(("bearer" = [])),
    params(("digest" = String, Path, description = "64 hexadecimal letters")), request_body = NewSuspension,
    responses((status = 204), (status = 404, description = "`not-found`"), (status = 422, description = "`invalid`")))]
pub async fn suspend_module(
    State(app): State<Arc<App>>,
    caller: Auth<Admin>,
    ApiPath(ModulePath { digest }): ApiPath<ModulePath>,
    ApiJson(new): ApiJson<NewSuspension>,
) -> Result<StatusCode, ApiError> {
    check_reason(&new)?;
    operators::suspend(&app, &caller, Target::Module(digest), &new.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a module go on; its jobs resume. Scope `admin`.
#[utoipa::path(post, path = "/api/v1/admin/modules/{digest}/restore", tag = "operators", security(("bearer" = [])),
    params(("digest" = String, Path, description = "64 hexadecimal letters")),
    responses((status = 204), (status = 404, description = "`not-found`")))]
pub async fn restore_module(
    State(app): State<Arc<App>>,
    caller: Auth<Admin>,
    ApiPath(ModulePath { digest }): ApiPath<ModulePath>,
) -> Result<StatusCode, ApiError> {
    operators::restore(&app, &caller, Target::Module(digest)).await?;
    Ok(StatusCode::NO_CONTENT)
}
