//! The server's own work: split, dispatch, take results, expire, finish, tidy. Each loads, decides, commits, wakes.

use std::sync::Arc;

use crate::app::App;

/// Rebuild what is kept in memory from the database, and start all workers. They stop with `app.wakes.stop`.
pub async fn start(_app: Arc<App>) -> anyhow::Result<Vec<tokio::task::JoinHandle<()>>> {
    Ok(Vec::new())
}
