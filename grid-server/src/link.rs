//! The node link: one WebSocket a node, from the challenge to the last frame.
//!
//! What a node says is data: bytes that no node sends end its connection, lies are counted and ignored, floods are cut
//! off. Nothing here decides about units.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use fallow_protocol::limits::FRAME_BYTES_MAX;
use fallow_protocol::link::{Refused, RefusedReason, ToNode, ToServer};
use fallow_protocol::wire;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;

use crate::app::App;

mod checkpoint;
mod flood;
mod hear;
pub(crate) mod held;
mod login;
pub(crate) mod node;
mod registry;

pub use registry::{Presence, Registry, Session};

use flood::Flood;
use node::{Node, OUTGOING_MAX, Outgoing};

/// From the challenge to the login.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);
/// One message on its way to a node that does not read.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);
/// Heartbeats that may be missing before a connection counts as dead.
const HEARTBEATS_MISSED_MAX: u64 = 5;
/// A node that is gone keeps its leases for so long, unless they end before, milliseconds.
const GRACE_MS: u64 = 5_000;

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
enum LinkError {
    /// We end it, and say why.
    #[error("{1}")]
    Refuse(RefusedReason, String),
    /// It ended.
    #[error("the connection ended")]
    Gone,
    /// Our own fault.
    #[error("failed to serve a node")]
    Internal(#[from] anyhow::Error),
}

impl LinkError {
    fn protocol(what: impl Into<String>) -> Self {
        LinkError::Refuse(RefusedReason::Protocol, what.into())
    }
}

/// Serve one connection until it ends. Never fails: whatever a node does is its own matter.
pub async fn serve(app: Arc<App>, mut socket: WebSocket, peer: SocketAddr) {
    let stop = app.wakes.stop.clone();
    let login = tokio::time::timeout(LOGIN_TIMEOUT, login::login(&app, &mut socket, peer));
    let outcome = tokio::select! {
        outcome = login => outcome.unwrap_or_else(|_| Err(LinkError::protocol("no login came within ten seconds"))),
        () = stop.cancelled() => Err(LinkError::Gone),
    };
    match outcome {
        Ok(entered) => converse(&app, socket, entered).await,
        Err(LinkError::Refuse(reason, message)) => {
            tracing::info!(%peer, ?reason, message, "a node was refused");
            app.metrics.node_faults.inc();
            refuse(&mut socket, reason, message).await;
        }
        Err(LinkError::Gone) => {}
        Err(LinkError::Internal(error)) => {
            tracing::error!(error = format!("{error:#}"), "failed to log a node in");
            refuse(&mut socket, RefusedReason::Busy, "the server cannot log you in now; try again later".into()).await;
        }
    }
}

async fn refuse(socket: &mut WebSocket, reason: RefusedReason, message: String) {
    let bytes = wire::encode(&ToNode::Refused(Refused { reason, message }));
    // Best effort: the peer may have gone.
    let _ = tokio::time::timeout(SEND_TIMEOUT, async {
        let _ = socket.send(Message::Binary(bytes.into())).await;
        let _ = socket.send(Message::Close(None)).await;
    })
    .await;
}

/// A node that has logged in.
struct Entered {
    node: Arc<Node>,
    connection: u64,
    session: String,
    outgoing: mpsc::Sender<Outgoing>,
    waiting: mpsc::Receiver<Outgoing>,
}

fn queue() -> (mpsc::Sender<Outgoing>, mpsc::Receiver<Outgoing>) {
    mpsc::channel(OUTGOING_MAX)
}

async fn converse(app: &Arc<App>, socket: WebSocket, entered: Entered) {
    let Entered { node, connection, session, outgoing, waiting } = entered;
    let (sink, stream) = socket.split();
    let mut writer = tokio::spawn(write(sink, waiting));
    let outcome = tokio::select! {
        outcome = hear_all(app, &node, connection, stream) => outcome,
        _ = &mut writer => Err(LinkError::Gone),
    };
    leave(app, &node, connection, &session);
    match outcome {
        Err(LinkError::Refuse(reason, message)) => {
            tracing::info!(node = %node.public_id, ?reason, message, "a node was refused");
            app.metrics.node_faults.inc();
            let _ = outgoing.try_send(Outgoing::Close(reason, message));
        }
        Err(LinkError::Internal(error)) => tracing::error!(error = format!("{error:#}"), "failed to hear a node"),
        Ok(()) | Err(LinkError::Gone) => {}
    }
    // The writer ends once the last sender is gone and what was queued is sent, or its time is over.
    drop(outgoing);
    if !writer.is_finished() && tokio::time::timeout(SEND_TIMEOUT, &mut writer).await.is_err() {
        writer.abort();
    }
    app.wakes.dispatch.notify_one();
}

/// The node keeps its leases for a moment: it may be back at once.
fn leave(app: &App, node: &Node, connection: u64, session: &str) {
    app.nodes.close_session(session);
    let mut inner = node.lock();
    if inner.connection.as_ref().is_some_and(|found| found.id != connection) {
        // Another connection has taken over.
        return;
    }
    inner.connection = None;
    inner.status = None;
    if !app.wakes.stop.is_cancelled() {
        let until = crate::app::now_ms() + GRACE_MS;
        inner.leases.iter_mut().for_each(|held| held.expires_at_ms = held.expires_at_ms.min(until));
    }
    drop(inner);
    app.recorder.leave(node.id);
    tracing::info!(node = %node.public_id, "a node went offline");
}

type Sink = futures_util::stream::SplitSink<WebSocket, Message>;
type Stream = futures_util::stream::SplitStream<WebSocket>;

/// Send what is queued until there is no more, or a message says to close.
async fn write(mut sink: Sink, mut waiting: mpsc::Receiver<Outgoing>) {
    while let Some(outgoing) = waiting.recv().await {
        let (message, last) = match outgoing {
            Outgoing::Message(message) => (*message, false),
            Outgoing::Close(reason, message) => (ToNode::Refused(Refused { reason, message }), true),
        };
        let send = sink.send(Message::Binary(wire::encode(&message).into()));
        if !matches!(tokio::time::timeout(SEND_TIMEOUT, send).await, Ok(Ok(()))) {
            return;
        }
        if last {
            break;
        }
    }
    let _ = tokio::time::timeout(SEND_TIMEOUT, sink.send(Message::Close(None))).await;
}

/// Hear messages until the connection ends.
async fn hear_all(app: &Arc<App>, node: &Arc<Node>, connection: u64, mut stream: Stream) -> Result<(), LinkError> {
    let silence = Duration::from_millis((app.config.work.heartbeat_ms * HEARTBEATS_MISSED_MAX).max(15_000));
    let mut flood = Flood::default();
    loop {
        let message = tokio::select! {
            message = tokio::time::timeout(silence, stream.next()) => message.map_err(|_| LinkError::Gone)?,
            () = app.wakes.stop.cancelled() => {
                node.send(vec![ToNode::Closing]);
                return Ok(());
            }
        };
        let bytes = match message {
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                flood.count(0)?;
                continue;
            }
            Some(Ok(Message::Text(_))) => return Err(LinkError::protocol("texts are not part of the protocol")),
            Some(Ok(Message::Close(_))) | None => return Ok(()),
            // Also a frame over the size limit.
            Some(Err(error)) => return Err(LinkError::protocol(error.to_string())),
        };
        flood.count(bytes.len())?;
        if !is_current(node, connection) {
            return Ok(());
        }
        let message: ToServer =
            wire::decode(&bytes, FRAME_BYTES_MAX).map_err(|error| LinkError::protocol(error.to_string()))?;
        hear::hear(app, node, message).await?;
    }
}

fn is_current(node: &Node, connection: u64) -> bool {
    node.lock().connection.as_ref().is_some_and(|found| found.id == connection)
}
