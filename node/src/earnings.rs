//! What this node earned, asked from the grid with the session of the link.

use std::time::Duration;

use anyhow::{Context, bail};
use fallow_protocol::api::EarningsReport;
use reqwest::Client;
use tokio::sync::watch;

use crate::http::{self, GridUrl};

/// The owner waits in front of his screen.
const WAIT: Duration = Duration::from_secs(4);

/// Who asks.
#[derive(Clone, Debug)]
pub struct Asker {
    /// For requests.
    pub http: Client,
    /// The grid.
    pub url: GridUrl,
    /// The session, while there is a connection.
    pub session: watch::Receiver<Option<String>>,
}

impl Asker {
    /// Sums, and the last `days` days where clocks show `utc_offset_min` more than UTC.
    pub async fn earnings(&self, days: u32, utc_offset_min: i32) -> anyhow::Result<EarningsReport> {
        let session = self.session.borrow().clone().context("the grid is not reached now; try again later")?;
        let query = [("days", i64::from(days)), ("utc_offset_min", i64::from(utc_offset_min))];
        let asked = self.http.get(self.url.api("node/earnings")).bearer_auth(session).query(&query).timeout(WAIT);
        let response = asked.send().await.map_err(|error| anyhow::anyhow!("the grid does not answer: {error}"))?;
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            bail!("this grid is too old to say what a node earned; `fallow credits` shows the account's");
        }
        if !response.status().is_success() {
            bail!("the grid refuses: {}", http::problem(response).await.1);
        }
        response.json().await.context("the grid answers something else")
    }
}
