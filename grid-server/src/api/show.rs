//! Results as they emerge, projects, modules, and drafts of what may be submitted.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use fallow_protocol::JobId;
use fallow_protocol::api::{JobDraft, ModuleDraft, ModuleListed, NewModuleDraft, Page, Preview, ProjectInfo};
use fallow_protocol::job::JobSubmission;
use serde::Deserialize;

use super::accounts::PageQuery;
use super::extract::{ApiJson, ApiPath, ApiQuery, page_limit, page_number};
use super::jobs::JobPath;
use super::{ApiError, ApiState, download, names};
use crate::app::App;
use crate::auth::{Auth, JobsRead, JobsWrite};
use crate::jobs::{self, PreviewBytes, Shown};
use crate::modules::{self, ModuleError};
use crate::store;

/// Shown bytes are nothing but a picture or text, whatever they say of themselves.
const POLICY: &str = "sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of a preview in a path.
#[derive(Debug, Deserialize)]
pub struct FilePath {
    id: JobId,
    index: u64,
}

/// The result so far: its beginning as text or table, a picture, or its first files.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/preview", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`")),
    responses((status = 200, body = Preview)))]
pub async fn job_preview(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiPath(JobPath { id }): ApiPath<JobPath>,
) -> Result<Json<Preview>, ApiError> {
    Ok(Json(jobs::preview(&app, caller.account_id, &id).await?))
}

/// A file of the result so far, where it is a picture (PNG, JPEG, WebP, GIF) or text.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/preview/{index}", tag = "jobs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, as `job-…`"),
        ("index" = u64, Path, description = "The file, as the preview numbers it")),
    responses((status = 200, body = Vec<u8>, content_type = "image/png"),
        (status = 415, description = "`not-shown`")))]
pub async fn job_preview_file(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiPath(path): ApiPath<FilePath>,
) -> Result<Response, ApiError> {
    let Shown { bytes, media_type } = jobs::preview_file(&app, caller.account_id, &path.id, path.index).await?;
    let body = match bytes {
        PreviewBytes::Inline(bytes) => axum::body::Body::from(bytes),
        PreviewBytes::Part { blob, offset, len } => download::piece(&app, &blob, offset, len).await?,
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}

/// The account's projects by name.
#[utoipa::path(get, path = "/api/v1/projects", tag = "jobs", security(("bearer" = [])), params(PageQuery),
    responses((status = 200, body = Page<ProjectInfo>)))]
pub async fn list_projects(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<ProjectInfo>>, ApiError> {
    let limit = page_limit(query.limit)?;
    let after = query.cursor.as_deref();
    let mut items = store::projects::page(app.store.reader(), caller.account_id, after, limit + 1).await?;
    let more = items.len() as u64 > limit;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|project| project.name.clone());
    Ok(Json(Page { items, next }))
}

/// The account's modules, newest first.
#[utoipa::path(get, path = "/api/v1/modules", tag = "modules", security(("bearer" = [])), params(PageQuery),
    responses((status = 200, body = Page<ModuleListed>)))]
pub async fn list_modules(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<ModuleListed>>, ApiError> {
    let limit = page_limit(query.limit)?;
    let before = query.cursor.as_deref().map(page_number).transpose()?;
    let mut rows = store::modules::page(app.store.reader(), caller.account_id, before, limit + 1).await?;
    let more = rows.len() as u64 > limit;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|(id, _)| id.to_string());
    let told = |(_, module): (i64, ModuleListed)| {
        let suspended = app.suspensions.module(&module.module, &module.component);
        ModuleListed { suspended, ..module }
    };
    Ok(Json(Page { items: rows.into_iter().map(told).collect(), next }))
}

/// What is to be signed for a component that was uploaded: its manifest, after it was validated.
#[utoipa::path(post, path = "/api/v1/modules/draft", tag = "modules", security(("bearer" = [])),
    request_body = NewModuleDraft,
    responses((status = 200, body = ModuleDraft), (status = 422, description = "`component-refused`, `invalid`")))]
pub async fn draft_module(
    State(state): State<ApiState>,
    caller: Auth<JobsWrite>,
    ApiJson(new): ApiJson<NewModuleDraft>,
) -> Result<Json<ModuleDraft>, ApiError> {
    names::check("name", &new.name)?;
    let draft = modules::draft(&state.app, &state.validations, caller.account_id, &new).await;
    draft.map(Json).map_err(|error: ModuleError| error.into())
}

/// What a submission would be, before anything is paid: units, price, time, and why it would be refused.
#[utoipa::path(post, path = "/api/v1/jobs/draft", tag = "jobs", security(("bearer" = [])),
    request_body = JobSubmission, responses((status = 200, body = JobDraft)))]
pub async fn draft_job(
    State(app): State<Arc<App>>,
    caller: Auth<JobsRead>,
    ApiJson(submission): ApiJson<JobSubmission>,
) -> Result<Json<JobDraft>, ApiError> {
    Ok(Json(jobs::draft(&app, caller.account_id, submission).await?))
}
