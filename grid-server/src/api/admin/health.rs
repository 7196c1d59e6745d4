//! How every part of the server is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fallow_protocol::api::AdminHealth;

use crate::app::App;
use crate::auth::{Admin, Auth};
use crate::health;

/// How every part of the server is: whether it does its work, and its numbers. Scope `admin`.
#[utoipa::path(get, path = "/api/v1/admin/health", tag = "operators", security(("bearer" = [])),
    responses((status = 200, body = AdminHealth)))]
pub async fn health(State(app): State<Arc<App>>, _caller: Auth<Admin>) -> Json<AdminHealth> {
    Json(AdminHealth { parts: health::parts(&app).await })
}
