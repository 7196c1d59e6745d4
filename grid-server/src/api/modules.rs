//! Modules: an uploaded component with its author's signed manifest.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use fallow_protocol::api::{ModuleInfo, NewModule};

use super::extract::ApiJson;
use super::{ApiError, ApiState};
use crate::auth::{Auth, JobsWrite};
use crate::modules::{ModuleError, accept};

impl From<ModuleError> for ApiError {
    fn from(error: ModuleError) -> Self {
        let detail = error.to_string();
        let refused = |status, kind| ApiError::new(status, kind, detail.clone());
        match &error {
            ModuleError::Encoding | ModuleError::Unreadable(_) => {
                refused(StatusCode::UNPROCESSABLE_ENTITY, "module-refused").field("manifest")
            }
            ModuleError::Signature => {
                refused(StatusCode::UNPROCESSABLE_ENTITY, "bad-signature").field("author_signature")
            }
            ModuleError::UnknownKey(_) => refused(StatusCode::FORBIDDEN, "unknown-author-key")
                .help("register the key first: fallow login does it, or POST /api/v1/keys"),
            ModuleError::NoComponent(_) => refused(StatusCode::UNPROCESSABLE_ENTITY, "no-such-component")
                .help("upload the component as a blob first"),
            ModuleError::Refused(_) | ModuleError::Limit { .. } | ModuleError::Executed | ModuleError::Life { .. } => {
                refused(StatusCode::UNPROCESSABLE_ENTITY, "module-refused")
            }
            ModuleError::Suspended(_) => refused(StatusCode::FORBIDDEN, "module-suspended"),
            ModuleError::Busy => {
                refused(StatusCode::SERVICE_UNAVAILABLE, "validation-busy").header(axum::http::header::RETRY_AFTER, "5")
            }
            ModuleError::Store(_) | ModuleError::Host(_) => ApiError::internal(error),
        }
    }
}

/// Register a module: 201, or 200 where the account has it already (`known`).
#[utoipa::path(post, path = "/api/v1/modules", tag = "jobs", security(("bearer" = [])),
    request_body = NewModule,
    responses((status = 201, body = ModuleInfo), (status = 200, description = "Known", body = ModuleInfo),
        (status = 403, description = "`unknown-author-key`, `module-suspended`"),
        (status = 422, description = "`module-refused`, `bad-signature`, `no-such-component`")))]
pub async fn create_module(
    State(state): State<ApiState>,
    caller: Auth<JobsWrite>,
    ApiJson(new): ApiJson<NewModule>,
) -> Result<(StatusCode, Json<ModuleInfo>), ApiError> {
    let outcome = accept(&state.app, &state.validations, caller.account_id, &new).await;
    let counters = &state.app.metrics;
    match &outcome {
        Ok(info) if !info.known => drop(counters.modules_accepted.inc()),
        Err(_) => drop(counters.modules_refused.inc()),
        Ok(_) => {}
    }
    let info = outcome?;
    Ok((if info.known { StatusCode::OK } else { StatusCode::CREATED }, Json(info)))
}
