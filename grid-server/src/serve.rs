//! A whole server from its settings: opens everything, listens, and ends in good order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::app::{App, now_ms};
use crate::blobs::BlobStore;
use crate::config::Config;
use crate::keys::GridKeys;
use crate::metrics::Metrics;
use crate::people::{People, addresses, login};
use crate::router::router;
use crate::store::{Store, accounts};
use crate::tls::{self, Certificates};
use crate::{auth, mail, workers};

mod accept;
mod folder;
mod housekeeping;
mod nightly;

/// Requests that are being answered get so long when the server stops.
const FAREWELL: Duration = Duration::from_secs(10);

/// A server that listens. Dropped without [`Running::stop`] it leaves its tasks to the runtime.
pub struct Running {
    /// What it is made of.
    pub app: Arc<App>,
    /// Where it listens, with the real port.
    pub address: SocketAddr,
    /// The operator's token, where this was the grid's first start.
    pub operator_token: Option<String>,
    /// The operator's one-time link, likewise.
    pub operator_link: Option<String>,
    certificates: Option<Certificates>,
    tasks: Vec<JoinHandle<()>>,
    // Keeps a second server out of the data folder.
    _lock: std::fs::File,
}

/// Open the data folder, make what is missing, start the workers, and listen.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    let certificates = tls::plan(&config).await?;
    let lock = folder::open(&config.data)?;
    let store = Store::open(config.database().expose()).await?;
    let open_keys = if auth::has_accounts(&store).await? { GridKeys::reopen } else { GridKeys::open };
    let keys = open_keys(&config.data, config.keys.online_days, now_ms())?;
    let blobs = BlobStore::open_in(&config.data).await.context("failed to open the folder of blobs")?;
    let (mail, post) = mail::open(&config)?;
    let people = People::open(&config, mail)?;
    let operator_token = auth::operator(&store, config.limits.fuel_quota).await?;
    let listener = TcpListener::bind(config.listen).await;
    let listener = listener.with_context(|| format!("failed to listen on {}", config.listen))?;
    let address = listener.local_addr().context("failed to see where the server listens")?;

    people.set_url(addresses::of_listener(&config, address));
    if config.public_url.is_none() && !address.ip().is_loopback() {
        tracing::warn!("public_url is not set: links in mails lead to {}", people.public_url());
    }
    let app = App::new(config, store, blobs, keys, people, Metrics::default());
    let operator_link = match &operator_token {
        Some(_) => Some(first_link(&app).await?),
        None => None,
    };
    let mut tasks = workers::start(app.clone()).await?;
    tasks.push(tokio::spawn(housekeeping::run(app.clone())));
    tasks.push(tokio::spawn(nightly::run(app.clone())));
    tasks.push(tokio::spawn(post.run(app.wakes.stop.clone())));
    tasks.push(tokio::spawn(accept::run(app.clone(), listener, router(app.clone()), certificates.clone())));
    tracing::info!(%address, encrypted = certificates.is_some(), "listening");
    Ok(Running { app, address, operator_token, operator_link, certificates, tasks, _lock: lock })
}

async fn first_link(app: &App) -> anyhow::Result<String> {
    let operator = accounts::by_name(app.store.reader(), "operator").await?;
    let operator = operator.context("failed to find the operator's account")?;
    Ok(login::welcome_link(&app.store, operator.id, &app.people.public_url()).await?)
}

impl Running {
    /// Address for clients.
    pub fn url(&self) -> String {
        let scheme = if self.certificates.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Read keys and certificates again.
    pub async fn reload(&self) -> anyhow::Result<()> {
        self.app.keys.reload(now_ms())?;
        if let Some(certificates) = &self.certificates {
            certificates.reload().await?;
        }
        tracing::info!(serial = self.app.keys.cert().serial, "keys and certificates read again");
        Ok(())
    }

    /// Take nothing new, let what is under way end, and stop.
    pub async fn stop(self) {
        tracing::info!("stopping");
        self.app.wakes.stop.cancel();
        for mut task in self.tasks {
            if tokio::time::timeout(FAREWELL + Duration::from_secs(2), &mut task).await.is_err() {
                tracing::warn!("a task did not end in time");
                task.abort();
            }
        }
    }
}
