//! The node link: one WebSocket a node, from the challenge to the last frame.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ws::WebSocket;

use crate::app::App;

mod registry;

pub use registry::{Presence, Registry, Session};

/// Serve one connection until it ends. Never fails: whatever a node does is its own matter.
pub async fn serve(_app: Arc<App>, _socket: WebSocket, _peer: SocketAddr) {}
