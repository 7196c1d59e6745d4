//! The WebSocket to the grid: connect, prove who one is, carry messages, come back after every failure.
//!
//! Owns the connection and its back-off. What messages mean is the agent's.

mod handshake;

use std::time::Duration;

use anyhow::{Context, bail};
use fallow_protocol::keys::{PublicKey, SecretKey};
use fallow_protocol::limits::FRAME_BYTES_MAX;
use fallow_protocol::link::{Machine, Refused, RefusedReason, ToNode, Welcome};
use fallow_protocol::{NodeId, wire};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use crate::backoff::{self, Backoff};
use crate::http::{self, GridUrl};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connecting and each step of the login take no longer.
const STEP: Duration = Duration::from_secs(15);
/// A ping so often, so that a dead connection is seen.
const PING: Duration = Duration::from_secs(10);
/// A connection that was silent for so long is dead.
const SILENCE: Duration = Duration::from_secs(30);
/// A connection that lasted so long was a good one: the next try comes soon.
const GOOD: Duration = Duration::from_secs(5);
/// Messages that wait for a slow network; one more, and the connection is given up.
pub const OUTGOING_MAX: usize = 2_048;

/// What the link tells.
#[derive(Debug)]
pub enum LinkEvent {
    /// It is about to log in: which leases are worked on?
    LoginWanted(oneshot::Sender<Vec<u64>>),
    /// The server let the node in.
    Online {
        /// What it said.
        welcome: Box<Welcome>,
        /// Serial of its online key's certificate.
        serial: u64,
        /// Encoded messages for it, in order. Dropping this ends the connection.
        outgoing: mpsc::Sender<Vec<u8>>,
    },
    /// It said something.
    Message(Box<ToNode>),
    /// The connection is gone, or could not be made.
    Offline(String),
    /// Trying again does not help.
    Fatal(Refused),
}

/// What a login needs.
#[derive(Clone, Debug)]
pub struct Link {
    /// The grid.
    pub url: GridUrl,
    /// The node.
    pub node: NodeId,
    /// Its key.
    pub key: SecretKey,
    /// The pinned root.
    pub root: PublicKey,
    /// Highest serial seen.
    pub seen_serial: u64,
    /// What the computer is.
    pub machine: Machine,
}

/// Why a connection ended.
enum Ended {
    Refused(Refused),
    Failed(anyhow::Error),
    Nobody,
}

impl<E: Into<anyhow::Error>> From<E> for Ended {
    fn from(error: E) -> Self {
        Ended::Failed(error.into())
    }
}

impl Link {
    /// Keep a connection until nobody listens any more, or the grid refuses this node.
    pub async fn run(mut self, events: mpsc::Sender<LinkEvent>) {
        let mut backoff = Backoff::default();
        loop {
            let began = Instant::now();
            let reason = match self.once(&events).await {
                Ended::Nobody => return,
                Ended::Refused(refused) if is_final(refused.reason) => {
                    let _ = events.send(LinkEvent::Fatal(refused)).await;
                    return;
                }
                Ended::Refused(refused) => refused.message,
                Ended::Failed(error) => format!("{error:#}"),
            };
            if began.elapsed() > GOOD {
                backoff.reset();
            }
            let wait = backoff.next(backoff::random());
            tracing::info!(reason, wait_ms = wait.as_millis() as u64, "not connected; trying again");
            if events.send(LinkEvent::Offline(reason)).await.is_err() {
                return;
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(&mut self, events: &mpsc::Sender<LinkEvent>) -> Ended {
        match self.connection(events).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn connection(&mut self, events: &mpsc::Sender<LinkEvent>) -> Result<std::convert::Infallible, Ended> {
        let mut socket = timeout(STEP, self.connect()).await.context("the server does not answer")??;
        let (welcome, serial) = handshake::login(self, &mut socket, events).await?;
        self.seen_serial = self.seen_serial.max(serial);
        let (outgoing, to_send) = mpsc::channel(OUTGOING_MAX);
        let online = LinkEvent::Online { welcome: Box::new(welcome), serial, outgoing };
        events.send(online).await.map_err(|_| Ended::Nobody)?;
        let (sink, stream) = socket.split();
        tokio::select! {
            ended = read(stream, events) => Err(ended),
            ended = write(sink, to_send) => Err(ended),
        }
    }

    async fn connect(&self) -> anyhow::Result<Socket> {
        let mut config = WebSocketConfig::default();
        config.max_message_size = Some(FRAME_BYTES_MAX);
        config.max_frame_size = Some(FRAME_BYTES_MAX);
        let connected = connect_async_tls_with_config(self.url.link(), Some(config), true, None).await;
        let (socket, _) = connected
            .map_err(|error| anyhow::anyhow!("cannot reach {}: {}", self.url.as_str(), http::chain(&error)))?;
        Ok(socket)
    }
}

fn is_final(reason: RefusedReason) -> bool {
    matches!(reason, RefusedReason::Unauthorised | RefusedReason::Version)
}

/// The next message; pings are answered by the library.
async fn next(stream: &mut (impl StreamExt<Item = Result<Message, WsError>> + Unpin)) -> anyhow::Result<ToNode> {
    loop {
        let message = timeout(SILENCE, stream.next()).await.context("the server is silent")?;
        match message.context("the server closed the connection")?.context("the connection broke")? {
            Message::Binary(bytes) => {
                return wire::decode(&bytes, FRAME_BYTES_MAX).context("the server said something unreadable");
            }
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Close(_) => bail!("the server closed the connection"),
            Message::Text(_) | Message::Frame(_) => bail!("the server said something that no grid says"),
        }
    }
}

type WsError = tokio_tungstenite::tungstenite::Error;

async fn read(mut stream: SplitStream<Socket>, events: &mpsc::Sender<LinkEvent>) -> Ended {
    loop {
        match next(&mut stream).await {
            Err(error) => return Ended::Failed(error),
            Ok(ToNode::Refused(refused)) => return Ended::Refused(refused),
            Ok(ToNode::Closing) => return Ended::Failed(anyhow::anyhow!("the server restarts")),
            Ok(message) => {
                if events.send(LinkEvent::Message(Box::new(message))).await.is_err() {
                    return Ended::Nobody;
                }
            }
        }
    }
}

async fn write(mut sink: SplitSink<Socket, Message>, mut to_send: mpsc::Receiver<Vec<u8>>) -> Ended {
    let mut ping = tokio::time::interval(PING);
    loop {
        let sent = tokio::select! {
            message = to_send.recv() => match message {
                None => return Ended::Failed(anyhow::anyhow!("the network is too slow for what there is to send")),
                Some(bytes) => send_all(&mut sink, bytes, &mut to_send).await,
            },
            _ = ping.tick() => sink.send(Message::Ping(Default::default())).await,
        };
        if let Err(error) = sent {
            return Ended::Failed(anyhow::Error::new(error).context("the connection broke"));
        }
    }
}

/// Send what waits together, with one flush.
async fn send_all(
    sink: &mut SplitSink<Socket, Message>,
    first: Vec<u8>,
    to_send: &mut mpsc::Receiver<Vec<u8>>,
) -> Result<(), WsError> {
    sink.feed(Message::Binary(first.into())).await?;
    while let Ok(bytes) = to_send.try_recv() {
        sink.feed(Message::Binary(bytes.into())).await?;
    }
    sink.flush().await
}
