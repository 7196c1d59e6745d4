//! What operators see and do.

use fallow_protocol::api::{AdminHealth, AuditEvent, NewSuspension, Page};
use serde::de::DeserializeOwned;

use super::call::Call;
use super::{Client, ClientError};

impl Client {
    /// `GET /admin/{list}?query=`, one page.
    pub async fn admin_list<T: DeserializeOwned>(
        &self,
        list: &str,
        query: Option<&str>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<T>, ClientError> {
        let call = Call::get(&["api", "v1", "admin", list]).query_some("query", query);
        self.json(call.query_some("cursor", cursor).query("limit", limit)).await
    }

    /// `POST /admin/{list}/{id}/suspend`.
    pub async fn suspend(&self, list: &str, id: &str, reason: &str) -> Result<(), ClientError> {
        let body = NewSuspension { reason: reason.to_owned() };
        let call = Call::post(&["api", "v1", "admin", list, id, "suspend"]).json(&body).repeatable();
        self.bytes(call).await.map(drop)
    }

    /// `POST /admin/{list}/{id}/restore`.
    pub async fn restore(&self, list: &str, id: &str) -> Result<(), ClientError> {
        self.bytes(Call::post(&["api", "v1", "admin", list, id, "restore"])).await.map(drop)
    }

    /// `GET /admin/audit`, one page.
    pub async fn audit(
        &self,
        actor: Option<&str>,
        action: Option<&str>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<AuditEvent>, ClientError> {
        let call = Call::get(&["api", "v1", "admin", "audit"]).query_some("actor", actor).query_some("action", action);
        self.json(call.query_some("cursor", cursor).query("limit", limit)).await
    }

    /// `GET /admin/health`.
    pub async fn admin_health(&self) -> Result<AdminHealth, ClientError> {
        self.json(Call::get(&["api", "v1", "admin", "health"])).await
    }
}
