//! Groups: making, asking, joining, leaving.

use fallow_protocol::AccountId;
use fallow_protocol::api::{GroupDetail, GroupInfo, Invitation, NewGroup, NewInvitation, Page};

use super::call::Call;
use super::{Client, ClientError};

impl Client {
    /// `GET /groups`, one page.
    pub async fn groups(&self, cursor: Option<&str>, limit: u32) -> Result<Page<GroupInfo>, ClientError> {
        self.page(&["api", "v1", "groups"], cursor, limit).await
    }

    /// `GET /invitations`, one page.
    pub async fn invitations(&self, cursor: Option<&str>, limit: u32) -> Result<Page<Invitation>, ClientError> {
        self.page(&["api", "v1", "invitations"], cursor, limit).await
    }

    /// `GET /groups/{name}`.
    pub async fn group(&self, name: &str) -> Result<GroupDetail, ClientError> {
        self.json(Call::get(&["api", "v1", "groups", name])).await
    }

    /// `POST /groups`.
    pub async fn create_group(&self, name: &str) -> Result<GroupDetail, ClientError> {
        self.json(Call::post(&["api", "v1", "groups"]).json(&NewGroup { name: name.to_owned() })).await
    }

    /// `DELETE /groups/{name}`.
    pub async fn delete_group(&self, name: &str) -> Result<(), ClientError> {
        self.bytes(Call::delete(&["api", "v1", "groups", name])).await.map(drop)
    }

    /// `POST /groups/{name}/invitations`.
    pub async fn invite(&self, name: &str, account: &str) -> Result<GroupDetail, ClientError> {
        let body = NewInvitation { account_name: account.to_owned() };
        self.json(Call::post(&["api", "v1", "groups", name, "invitations"]).json(&body).repeatable()).await
    }

    /// `POST /invitations/{name}/accept`.
    pub async fn accept_invitation(&self, name: &str) -> Result<GroupDetail, ClientError> {
        self.json(Call::post(&["api", "v1", "invitations", name, "accept"])).await
    }

    /// `POST /invitations/{name}/decline`.
    pub async fn decline_invitation(&self, name: &str) -> Result<(), ClientError> {
        self.bytes(Call::post(&["api", "v1", "invitations", name, "decline"])).await.map(drop)
    }

    /// `DELETE /groups/{name}/members/{account}`.
    pub async fn remove_member(&self, name: &str, account: &AccountId) -> Result<(), ClientError> {
        self.bytes(Call::delete(&["api", "v1", "groups", name, "members", account.as_str()])).await.map(drop)
    }
}
