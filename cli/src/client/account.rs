//! The grid itself, accounts, tokens and author keys.

use fallow_protocol::api::{AccountCreated, GridInfo, Me, NewAccount, NewAuthorKey, NewToken, Page, TokenInfo};
use fallow_protocol::{AccountId, PublicKey};
use serde::{Deserialize, Serialize};

use super::call::Call;
use super::{Client, ClientError};

/// An account in the operator's list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountRow {
    /// The account.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// `user` or `operator`.
    pub role: String,
    /// Fuel that it may use in all.
    pub fuel_quota: u64,
    /// Fuel that its jobs have used.
    pub fuel_used: u64,
}

impl Client {
    /// `GET /healthz`: whether the server is up and its database answers.
    pub async fn healthz(&self) -> Result<(), ClientError> {
        self.bytes(Call::get(&["healthz"])).await.map(drop)
    }

    /// `GET /metrics`: Prometheus text.
    pub async fn metrics(&self) -> Result<String, ClientError> {
        let bytes = self.bytes(Call::get(&["metrics"])).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// `GET /api/openapi.json`.
    pub async fn openapi(&self) -> Result<serde_json::Value, ClientError> {
        self.json(Call::get(&["api", "openapi.json"])).await
    }

    /// `GET /grid`: name, version, root fingerprint and limits; needs no token.
    pub async fn grid(&self) -> Result<GridInfo, ClientError> {
        self.json(Call::get(&["api", "v1", "grid"])).await
    }

    /// `GET /me`: the account that the token belongs to.
    pub async fn me(&self) -> Result<Me, ClientError> {
        self.json(Call::get(&["api", "v1", "me"])).await
    }

    /// `POST /accounts` (operator): a new account with its first token.
    pub async fn create_account(&self, account: &NewAccount) -> Result<AccountCreated, ClientError> {
        self.json(Call::post(&["api", "v1", "accounts"]).json(account)).await
    }

    /// `GET /accounts` (operator), one page.
    pub async fn accounts(&self, cursor: Option<&str>, limit: u32) -> Result<Page<AccountRow>, ClientError> {
        self.page(&["api", "v1", "accounts"], cursor, limit).await
    }

    /// `POST /tokens`: the answer holds the secret, this once.
    pub async fn create_token(&self, token: &NewToken) -> Result<TokenInfo, ClientError> {
        self.json(Call::post(&["api", "v1", "tokens"]).json(token)).await
    }

    /// `GET /tokens`, one page.
    pub async fn tokens(&self, cursor: Option<&str>, limit: u32) -> Result<Page<TokenInfo>, ClientError> {
        self.page(&["api", "v1", "tokens"], cursor, limit).await
    }

    /// `DELETE /tokens/{id}`.
    pub async fn revoke_token(&self, id: &str) -> Result<(), ClientError> {
        self.bytes(Call::delete(&["api", "v1", "tokens", id])).await.map(drop)
    }

    /// `POST /keys`: register an author's public key. A key that is known already is no error.
    pub async fn register_key(&self, key: &NewAuthorKey) -> Result<NewAuthorKey, ClientError> {
        self.json(Call::post(&["api", "v1", "keys"]).json(key).repeatable()).await
    }

    /// `GET /keys`, one page.
    pub async fn keys(&self, cursor: Option<&str>, limit: u32) -> Result<Page<NewAuthorKey>, ClientError> {
        self.page(&["api", "v1", "keys"], cursor, limit).await
    }

    /// `DELETE /keys/{key}`.
    pub async fn remove_key(&self, key: &PublicKey) -> Result<(), ClientError> {
        self.bytes(Call::delete(&["api", "v1", "keys", &key.to_string()])).await.map(drop)
    }

    pub(crate) async fn page<T: serde::de::DeserializeOwned>(
        &self,
        segments: &[&str],
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<T>, ClientError> {
        self.json(Call::get(segments).query_some("cursor", cursor).query("limit", limit)).await
    }
}
