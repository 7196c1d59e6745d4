//! Everybody's jobs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fallow_protocol::api::{AdminJob, Page, Suspended};

use super::SearchQuery;
use crate::api::ApiError;
use crate::api::accounts::next;
use crate::api::extract::ApiQuery;
use crate::app::App;
use crate::auth::{Admin, Auth};
use crate::store::admin::{self as rows, JobOfGrid};

/// Everybody's jobs, newest first. Scope `admin`.
#[utoipa::path(get, path = "/api/v1/admin/jobs", tag = "operators", security(("bearer" = [])), params(SearchQuery),
    responses((status = 200, body = Page<AdminJob>)))]
pub async fn list_all_jobs(
    State(app): State<Arc<App>>,
    _caller: Auth<Admin>,
    ApiQuery(query): ApiQuery<SearchQuery>,
) -> Result<Json<Page<AdminJob>>, ApiError> {
    let part = query.part()?;
    let found = rows::jobs(app.store.reader(), part).await?;
    let next = next(found.len(), part.limit, found.last().map(|row| row.id));
    Ok(Json(Page { items: found.into_iter().map(|row| shown(&app, row)).collect(), next }))
}

fn shown(app: &App, row: JobOfGrid) -> AdminJob {
    let module = row.component.and_then(|component| app.suspensions.module(&row.module, &component));
    let why = || app.suspensions.account(row.account).map(|why| format!("its author is suspended: {why}"));
    let reason = if row.phase.is_final() { None } else { module.or_else(why) };
    let (units, done, failed) = row.units;
    AdminJob {
        id: row.public_id,
        name: row.name,
        owner: row.owner,
        phase: row.phase,
        module: row.module,
        suspended: reason.map(|reason| Suspended { reason }),
        units,
        done,
        failed,
        fuel: row.fuel,
        created_at_ms: row.created_at_ms,
        ended_at_ms: row.ended_at_ms,
        error: row.error,
    }
}
