//! Credits: balance, statement, grants, budgets; and what operators see of the ledger and of disputes.

use fallow_protocol::api::{Credits, Dispute, Granted, GridSpeed, JobInfo, Movement, NewBudget, NewGrant, Page, Trial};
use fallow_protocol::{AccountId, JobId, NodeId};
use reqwest::header::{HeaderName, HeaderValue};

use super::call::Call;
use super::{Client, ClientError};

impl Client {
    /// `GET /grid/speed`: what a job that anyone may run finds now.
    pub async fn grid_speed(&self) -> Result<GridSpeed, ClientError> {
        self.json(Call::get(&["api", "v1", "grid", "speed"])).await
    }

    /// `GET /credits`: what the account has.
    pub async fn credits(&self) -> Result<Credits, ClientError> {
        self.json(Call::get(&["api", "v1", "credits"])).await
    }

    /// `GET /credits/statement`: what moved from one point in time until before another (milliseconds since 1970),
    /// newest first, one page.
    pub async fn statement(
        &self,
        from_ms: Option<u64>,
        to_ms: Option<u64>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<Movement>, ClientError> {
        let call =
            Call::get(&["api", "v1", "credits", "statement"]).query_some("from", from_ms).query_some("to", to_ms);
        self.json(call.query_some("cursor", cursor).query("limit", limit)).await
    }

    /// `POST /accounts/{id}/grants` (operator). With the same `key` a repeat gives nothing more.
    pub async fn grant(&self, account: &AccountId, grant: &NewGrant, key: &str) -> Result<Granted, ClientError> {
        let call = Call::post(&["api", "v1", "accounts", account.as_str(), "grants"]).json(grant);
        self.json(keyed(call, key)?).await
    }

    /// `POST /jobs/{id}/budget`: more budget, micro-credits. With the same `key` a repeat takes nothing more.
    pub async fn topup(&self, job: &JobId, amount: u64, key: &str) -> Result<JobInfo, ClientError> {
        let call = Call::post(&["api", "v1", "jobs", job.as_str(), "budget"]).json(&NewBudget { amount });
        self.json(keyed(call, key)?).await
    }

    /// `GET /disputes` (operator), newest first, one page.
    pub async fn disputes(&self, cursor: Option<&str>, limit: u32) -> Result<Page<Dispute>, ClientError> {
        self.page(&["api", "v1", "disputes"], cursor, limit).await
    }

    /// `GET /ledger/trial` (operator).
    pub async fn trial(&self) -> Result<Trial, ClientError> {
        self.json(Call::get(&["api", "v1", "ledger", "trial"])).await
    }

    /// `POST` or `DELETE /nodes/{id}/anchor` (operator): vouch for a node, or no longer.
    pub async fn set_anchor(&self, node: &NodeId, anchor: bool) -> Result<(), ClientError> {
        let segments = ["api", "v1", "nodes", node.as_str(), "anchor"];
        let call = if anchor { Call::post(&segments).repeatable() } else { Call::delete(&segments) };
        self.bytes(call).await.map(drop)
    }
}

fn keyed(call: Call, key: &str) -> Result<Call, ClientError> {
    let key = HeaderValue::from_str(key).map_err(|_| ClientError::Token)?;
    Ok(call.header(HeaderName::from_static("idempotency-key"), key).repeatable())
}
