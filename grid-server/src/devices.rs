//! Devices as their owners see and steer them: states over time, earnings, what was chosen where, whose work is taken.

mod detail;
mod history;
mod recorder;
mod wishes;

pub(crate) use detail::machine_line;
pub use detail::{detail, infos};
pub use history::{availability, earnings, intervals, totals};
pub use recorder::{Recorder, Unwritten};
pub use wishes::{change, greet, note_word, takes};

use fallow_protocol::NodeId;

use crate::app::App;
use crate::store::StoreError;
use crate::store::nodes::{self, NodeRow};

/// Why a request about a device is refused.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The account has no such device.
    #[error("node {0}")]
    NotFound(NodeId),
    /// Nobody has that name.
    #[error("there is no account {0:?}")]
    NoAccount(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An account's own device.
pub async fn own(app: &App, account: i64, id: &NodeId) -> Result<NodeRow, DeviceError> {
    let row = nodes::by_public_id(app.store.reader(), id).await?;
    let own = row.filter(|row| row.account_id == account && row.revoked_at_ms.is_none());
    own.ok_or_else(|| DeviceError::NotFound(id.clone()))
}
