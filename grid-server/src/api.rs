//! The HTTP API's handlers: extract, authorise, one call, respond. Routes are in `router.rs`, rules in `grid-core`.

use std::sync::Arc;

use axum::extract::FromRef;
use tokio::sync::Semaphore;

use crate::app::App;

pub mod accounts;
pub mod admin;
pub mod author_keys;
pub mod blobs;
pub mod credits;
pub mod device;
pub mod devices;
pub mod docs;
mod download;
mod extract;
pub mod grid;
pub mod groups;
pub mod jobs;
pub mod layers;
pub mod live;
pub mod me;
pub mod modules;
pub mod names;
pub mod node_blobs;
pub mod nodes;
pub mod problem;
pub mod rate;
pub mod register;
pub mod session;
pub mod show;
pub mod standing;
pub mod tokens;
mod upload;

pub use problem::ApiError;

/// What every handler can reach.
#[derive(Clone)]
pub struct ApiState {
    /// The running server.
    pub app: Arc<App>,
    /// Who asked how often.
    pub rates: Arc<rate::Rates>,
    /// Room for validations.
    pub validations: Arc<Semaphore>,
}

impl ApiState {
    /// State of a server.
    pub fn new(app: Arc<App>) -> Self {
        let limits = &app.config.limits;
        let rates = Arc::new(rate::Rates::new(limits));
        let validations = Arc::new(Semaphore::new(limits.validations_max));
        Self { app, rates, validations }
    }
}

impl FromRef<ApiState> for Arc<App> {
    fn from_ref(state: &ApiState) -> Self {
        state.app.clone()
    }
}
