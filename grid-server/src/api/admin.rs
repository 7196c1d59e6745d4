//! What operators see and do: users, nodes, jobs, modules, the ledger, health, the audit log. All of it needs the scope
//! `admin`.

use axum::http::StatusCode;
use fallow_protocol::api::{NewSuspension, REASON_BYTES_MAX};
use serde::Deserialize;

use super::extract::{page_limit, page_number};
use super::{ApiError, names};
use crate::operators::OperatorError;
use crate::store::admin::Part;

pub mod health;
pub mod jobs;
pub mod ledger;
pub mod log;
pub mod modules;
pub mod nodes;
pub mod users;

/// Longest text that is searched for, bytes.
const QUERY_BYTES_MAX: usize = 200;

/// Which part of a list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// Only rows with this in a name, or with exactly this id; at most 200 bytes.
    pub query: Option<String>,
    /// Where the page begins: `next` of the one before.
    pub cursor: Option<String>,
    /// Rows, 1 to 1,000; 100 where missing.
    pub limit: Option<u64>,
}

impl SearchQuery {
    fn part(&self) -> Result<Part<'_>, ApiError> {
        let query = self.query.as_deref().map_or("", str::trim);
        if query.len() > QUERY_BYTES_MAX || query.contains('\0') {
            return Err(ApiError::invalid("query", format!("at most {QUERY_BYTES_MAX} bytes, without NUL")));
        }
        let after = self.cursor.as_deref().map(page_number).transpose()?;
        Ok(Part { query, after, limit: page_limit(self.limit)? })
    }
}

impl From<OperatorError> for ApiError {
    fn from(error: OperatorError) -> Self {
        let detail = error.to_string();
        match error {
            OperatorError::NotFound(what) => ApiError::not_found(what),
            OperatorError::Invalid { field, .. } => ApiError::invalid(field, detail),
            OperatorError::LastOperator => ApiError::new(StatusCode::CONFLICT, "last-operator", detail),
            OperatorError::Store(source) => source.into(),
        }
    }
}

fn check_reason(new: &NewSuspension) -> Result<(), ApiError> {
    names::check_line("reason", "reason", &new.reason, REASON_BYTES_MAX)
}
