//! The device flow: programs ask for a code and then for their token, people look at the code and decide.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use fallow_protocol::api::{DeviceCode, DevicePoll, DeviceRequest, DeviceToken, NewDeviceCode};

use super::extract::{ApiJson, ApiPath};
use super::{ApiError, ApiState};
use crate::auth::{Auth, Person, Visitor};
use crate::people::device;

/// A program without a browser begins to ask for a token.
#[utoipa::path(post, path = "/api/v1/device/code", tag = "people", request_body = NewDeviceCode,
    responses((status = 200, body = DeviceCode)))]
pub async fn begin_device(
    State(state): State<ApiState>,
    visitor: Visitor,
    ApiJson(new): ApiJson<NewDeviceCode>,
) -> Result<Json<DeviceCode>, ApiError> {
    device::begin(&state, &visitor, new).await.map(Json)
}

/// It asks whether somebody approved; its token, once.
#[utoipa::path(post, path = "/api/v1/device/token", tag = "people", request_body = DevicePoll,
    responses((status = 200, body = DeviceToken),
        (status = 400, description = "`authorization-pending`, `slow-down`, `access-denied`, `expired-token`")))]
pub async fn poll_device(
    State(state): State<ApiState>,
    ApiJson(poll): ApiJson<DevicePoll>,
) -> Result<Json<DeviceToken>, ApiError> {
    device::poll(&state, &poll.device_code).await.map(Json)
}

/// Which program shows a code.
#[utoipa::path(get, path = "/api/v1/device/{user_code}", tag = "people", security(("cookie" = [])),
    params(("user_code" = String, Path, description = "The code, as `BCDF-GHJK`")),
    responses((status = 200, body = DeviceRequest)))]
pub async fn look_at_device(
    State(state): State<ApiState>,
    caller: Auth<Person>,
    ApiPath(code): ApiPath<String>,
) -> Result<Json<DeviceRequest>, ApiError> {
    device::look(&state, &caller, &code).await.map(Json)
}

/// Let the program have its token.
#[utoipa::path(post, path = "/api/v1/device/{user_code}/approve", tag = "people", security(("cookie" = [])),
    params(("user_code" = String, Path, description = "The code, as `BCDF-GHJK`")), responses((status = 204)))]
pub async fn approve_device(
    State(state): State<ApiState>,
    caller: Auth<Person>,
    ApiPath(code): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    device::decide(&state, &caller, &code, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let the program have none.
#[utoipa::path(post, path = "/api/v1/device/{user_code}/deny", tag = "people", security(("cookie" = [])),
    params(("user_code" = String, Path, description = "The code, as `BCDF-GHJK`")), responses((status = 204)))]
pub async fn deny_device(
    State(state): State<ApiState>,
    caller: Auth<Person>,
    ApiPath(code): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    device::decide(&state, &caller, &code, false).await?;
    Ok(StatusCode::NO_CONTENT)
}
