//! Nodes of the account: joining, listing, removing.

use fallow_protocol::NodeId;
use fallow_protocol::api::{Enrol, Enrolled, JoinToken, NewJoinToken, NodeInfo, Page};

use super::call::Call;
use super::{Client, ClientError};

impl Client {
    /// `POST /nodes/join-tokens`: a single-use token by which a computer joins; `minutes` of life (15 where missing).
    pub async fn create_join_token(&self, minutes: Option<u32>) -> Result<JoinToken, ClientError> {
        self.json(Call::post(&["api", "v1", "nodes", "join-tokens"]).json(&NewJoinToken { minutes })).await
    }

    /// `POST /nodes/enrol`: redeem a join token (no account token needed).
    pub async fn enrol(&self, enrol: &Enrol) -> Result<Enrolled, ClientError> {
        self.json(Call::post(&["api", "v1", "nodes", "enrol"]).json(enrol)).await
    }

    /// `GET /nodes`: own nodes, one page.
    pub async fn nodes(&self, cursor: Option<&str>, limit: u32) -> Result<Page<NodeInfo>, ClientError> {
        self.page(&["api", "v1", "nodes"], cursor, limit).await
    }

    /// `DELETE /nodes/{id}`: the node may not come back without joining anew.
    pub async fn remove_node(&self, node: &NodeId) -> Result<(), ClientError> {
        self.bytes(Call::delete(&["api", "v1", "nodes", node.as_str()])).await.map(drop)
    }
}
