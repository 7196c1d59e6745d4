//! The one type of errors of the API, told as `application/problem+json` (RFC 9457).
//!
//! What is inside (paths, SQL, causes) goes to the log and never into an answer.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fallow_protocol::problem::Problem;

use crate::blobs::uploads::UploadError;
use crate::jobs::JobError;
use crate::keys::KeysError;
use crate::store::StoreError;

/// Media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request is not answered as wished.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    problem: Box<Problem>,
    headers: Vec<(HeaderName, HeaderValue)>,
    source: Option<anyhow::Error>,
}

impl ApiError {
    /// `kind` is a stable word for programs, `detail` says what was wrong, with names and numbers.
    pub fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        let problem = Problem {
            kind: kind.to_owned(),
            title: kind.replace('-', " "),
            status: status.as_u16(),
            detail: detail.into(),
            help: None,
            field: None,
        };
        Self { status, problem: Box::new(problem), headers: Vec::new(), source: None }
    }

    /// Say what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.problem.help = Some(help.into());
        self
    }

    /// Say which field of the request was wrong.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.problem.field = Some(field.into());
        self
    }

    /// Add a header to the answer.
    pub fn header(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.headers.push((name, value));
        }
        self
    }

    /// Our own fault. The cause is for the log only.
    pub fn internal(source: impl Into<anyhow::Error>) -> Self {
        let detail = "the server failed to do this; its log says why, under this answer's x-request-id";
        let error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail);
        Self { source: Some(source.into()), ..error }
    }

    /// There is none, or it is somebody else's: the same answer for both.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", format!("there is no {what}"))
    }

    /// A field of the body or of the query cannot be accepted.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).field(field)
    }

    /// HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Some(source) = &self.source {
            tracing::error!(error = format!("{source:#}"), "failed to answer a request");
        }
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.headers);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Closed => {
                let detail = "the server is stopping; try again in a moment";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", detail).header(header::RETRY_AFTER, "2")
            }
            other => Self::internal(other),
        }
    }
}

impl From<KeysError> for ApiError {
    fn from(error: KeysError) -> Self {
        Self::internal(error)
    }
}

impl From<std::io::Error> for ApiError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        if matches!(error.kind(), StorageFull | QuotaExceeded) {
            tracing::error!(%error, "the disk is full");
            let detail = "the server's disk is full; what it has already is safe";
            return Self::new(StatusCode::INSUFFICIENT_STORAGE, "storage-full", detail)
                .help("tell the grid's operator, and try again later");
        }
        Self::internal(error)
    }
}

impl From<JobError> for ApiError {
    fn from(error: JobError) -> Self {
        let detail = error.to_string();
        let (kind, status) = (error.kind(), StatusCode::from_u16(error.status()).unwrap_or_default());
        match error {
            JobError::Internal(source) => match source.downcast::<StoreError>() {
                Ok(error) => error.into(),
                Err(error) => Self::internal(error),
            },
            JobError::Invalid { field, help, .. } => {
                let error = Self::new(status, kind, detail).field(field);
                help.into_iter().fold(error, Self::help)
            }
            JobError::NotEnoughCredits { .. } => Self::new(status, kind, detail)
                .field("budget")
                .help("`fallow credits` says what moved; lend computers, or ask the grid's operator for more"),
            _ => Self::new(status, kind, detail),
        }
    }
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        let detail = error.to_string();
        match error {
            UploadError::Io(source) => source.into(),
            UploadError::Offset { .. } => Self::new(StatusCode::CONFLICT, "upload-offset", detail).field("offset"),
            UploadError::Busy => Self::new(StatusCode::CONFLICT, "upload-busy", detail),
            UploadError::TooMany(_) => Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-uploads", detail)
                .help("go on with those that were broken off, or wait until the server drops them"),
            UploadError::Overrun(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "upload-overrun", detail).field("len")
            }
            UploadError::Mismatch { .. } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "digest-mismatch", detail)
                .help("the file changed meanwhile or was damaged on the way: upload it again from the start"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn causes_are_not_told() {
        let error = ApiError::from(StoreError::Corrupt("secret_column"));
        let response = error.into_response();
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let problem: Problem = serde_json::from_slice(&body).unwrap();
        assert_eq!((problem.status, problem.kind.as_str()), (500, "internal"));
        assert!(!String::from_utf8_lossy(&body).contains("secret_column"));
    }

    #[test]
    fn a_full_disk_is_told_as_such() {
        let error = std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert_eq!(ApiError::from(error).status().as_u16(), 507);
    }
}
