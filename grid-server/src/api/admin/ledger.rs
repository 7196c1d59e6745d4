//! The whole ledger, searched.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fallow_protocol::JobId;
use fallow_protocol::api::{LedgerRow, Page};
use grid_core::ledger::{Account, Cause};
use grid_core::{AccountNo, JobNo};
use serde::Deserialize;

use super::log::account;
use crate::api::ApiError;
use crate::api::extract::{ApiQuery, page_limit, page_number};
use crate::app::App;
use crate::auth::{Admin, Auth};
use crate::credits;
use crate::store::jobs;
use crate::store::ledger::search::Search;

/// Which transfers.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LedgerQuery {
    /// Only those that this account gave or got: its id or its name.
    pub account: Option<String>,
    /// Only those out of or into this job's budget.
    pub job: Option<JobId>,
    /// Only those with this cause: `grant`, `budget`, `refund`, `hold`, `hold-fee`, `pay`, `fee`, `check`, `post`,
    /// `void`, `expire`, `storage`, `surplus`, `forfeit`, `compensation` or `endow`.
    pub cause: Option<String>,
    /// From this time on, milliseconds since 1970.
    pub from_ms: Option<u64>,
    /// Before this time.
    pub to_ms: Option<u64>,
    /// Where the page begins: `next` of the one before.
    pub cursor: Option<String>,
    /// Rows, 1 to 1,000; 100 where missing.
    pub limit: Option<u64>,
}

/// Transfers of the whole ledger, newest first. Scope `admin`.
#[utoipa::path(get, path = "/api/v1/admin/ledger", tag = "operators", security(("bearer" = [])), params(LedgerQuery),
    responses((status = 200, body = Page<LedgerRow>), (status = 404, description = "No such account or job"),
        (status = 422, description = "`invalid`")))]
pub async fn search_ledger(
    State(app): State<Arc<App>>,
    _caller: Auth<Admin>,
    ApiQuery(query): ApiQuery<LedgerQuery>,
) -> Result<Json<Page<LedgerRow>>, ApiError> {
    let mut parties = Vec::new();
    if let Some(name) = &query.account {
        parties.push(Account::user(AccountNo(account(&app, name).await?)));
    }
    if let Some(job) = &query.job {
        let found = jobs::number_of(app.store.reader(), job).await?;
        parties.push(Account::escrow(JobNo(found.ok_or_else(|| ApiError::not_found(format!("job {job}")))?)));
    }
    let code = query.cause.as_deref().map(code).transpose()?;
    let wanted = Search {
        parties,
        code,
        from_ms: query.from_ms.unwrap_or(0),
        to_ms: query.to_ms.unwrap_or(u64::MAX),
        before: query.cursor.as_deref().map(page_number).transpose()?,
        limit: page_limit(query.limit)?,
    };
    Ok(Json(credits::search(&app, &wanted).await?))
}

fn code(word: &str) -> Result<u8, ApiError> {
    let wrong = || ApiError::invalid("cause", format!("one of {}", Cause::words().collect::<Vec<_>>().join(", ")));
    Cause::code_of(word).ok_or_else(wrong)
}
