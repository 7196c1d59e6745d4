//! Challenge and answer: a nonce for one connection, the node's signature over it, and what it still holds.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::extract::ws::{Message, WebSocket};
use fallow_protocol::keys::Purpose;
use fallow_protocol::limits::{LEASES_PER_NODE_MAX, LINK_VERSION, LINK_VERSION_MIN, NAME_BYTES_MAX};
use fallow_protocol::link::{
    FEATURE_OWNER, Hello, Login, Machine, RefusedReason, ToNode, ToServer, Welcome, login_bytes,
};
use fallow_protocol::wire;

use super::held::Held;
use super::node::{Connection, Node, Outgoing};
use super::registry::suspended;
use super::{Entered, LinkError, queue};
use crate::app::{App, now_ms};
use crate::devices;
use crate::store::nodes::{self, NodeRow};
use crate::store::{intervals, units};
use crate::trust::place_of;
use crate::workers::lease::share;

/// Letters of a session's token: 160 random bits.
const SESSION_LETTERS: usize = 32;
/// A login is far smaller.
const LOGIN_BYTES_MAX: usize = 64 * 1024;
/// Leases that a node may have worked on before; more than it can hold are none of ours.
const LEASES_TOLD_MAX: usize = 16 * LEASES_PER_NODE_MAX;
/// Leases that a node does not name at login may have results on their way, milliseconds.
const UNNAMED_MS: u64 = 3_000;

/// From the first byte to `Welcome`.
pub async fn login(app: &Arc<App>, socket: &mut WebSocket, peer: SocketAddr) -> Result<Entered, LinkError> {
    let mut nonce = vec![0; 32];
    getrandom::fill(&mut nonce).context("failed to draw a nonce").map_err(LinkError::Internal)?;
    let cert = app.keys.cert();
    let hello = Hello {
        version_min: LINK_VERSION_MIN,
        version_max: LINK_VERSION,
        nonce: nonce.clone(),
        cert: cert.clone(),
        now_ms: now_ms(),
    };
    send(socket, &ToNode::Hello(hello)).await?;
    let login = answer(socket).await?;
    if !(LINK_VERSION_MIN..=LINK_VERSION).contains(&login.version) {
        let text = format!(
            "protocol {} is not spoken here, only {LINK_VERSION_MIN} to {LINK_VERSION}; update fallow-node",
            login.version
        );
        return Err(LinkError::Refuse(RefusedReason::Version, text));
    }
    let row = nodes::by_public_id(app.store.reader(), &login.node).await.context("failed to look a node up")?;
    let signed = login_bytes(&login.node, &cert, &nonce);
    let row = row
        .filter(|row| row.revoked_at_ms.is_none())
        .filter(|row| row.key.verify(Purpose::NodeLogin, &signed, &login.signature).is_ok())
        .ok_or_else(|| {
            let text = "the node is not known here, was removed, or signed with another key; join again".to_owned();
            LinkError::Refuse(RefusedReason::Unauthorised, text)
        })?;
    if let Some(why) = app.suspensions.node(row.id, row.account_id) {
        return Err(LinkError::Refuse(RefusedReason::Suspended, suspended(&why)));
    }
    enter(app, socket, row, login, peer).await
}

async fn send(socket: &mut WebSocket, message: &ToNode) -> Result<(), LinkError> {
    socket.send(Message::Binary(wire::encode(message).into())).await.map_err(|_| LinkError::Gone)
}

async fn answer(socket: &mut WebSocket) -> Result<Login, LinkError> {
    let bytes = match socket.recv().await {
        Some(Ok(Message::Binary(bytes))) => bytes,
        Some(Ok(Message::Close(_))) | None => return Err(LinkError::Gone),
        Some(Ok(_)) => return Err(LinkError::protocol("a login was expected")),
        Some(Err(error)) => return Err(LinkError::protocol(error.to_string())),
    };
    let wrong = || LinkError::protocol("a login was expected");
    match wire::decode(&bytes, LOGIN_BYTES_MAX) {
        Ok(ToServer::Login(login)) if login.leases.len() <= LEASES_TOLD_MAX => Ok(login),
        Ok(_) => Err(wrong()),
        Err(error) => Err(LinkError::protocol(error.to_string())),
    }
}

/// Take the node in: replace an older connection, and settle what it still holds.
async fn enter(
    app: &Arc<App>,
    socket: &mut WebSocket,
    row: NodeRow,
    login: Login,
    peer: SocketAddr,
) -> Result<Entered, LinkError> {
    let machine = shortened(login.machine);
    let (id, kept) = (row.id, machine.clone());
    app.trust.enter(id, place_of(row.account_id, peer.ip(), &machine));
    app.store
        .write(move |db| {
            let kept = kept.clone();
            Box::pin(async move { nodes::logged_in(db, id, &kept, now_ms()).await })
        })
        .await
        .context("failed to keep a login")?;
    let node = Arc::new(Node::new(row.id, row.public_id, row.account_id, row.key));
    let (outgoing, waiting) = queue();
    let (connection, session) = (app.nodes.next_connection(), fallow_protocol::ids::random_letters(SESSION_LETTERS));
    let (node, unknown_leases) = app.nodes.enter(node, |inner| {
        let fresh = Connection { id: connection, session: session.clone(), outgoing: outgoing.clone() };
        if let Some(old) = inner.connection.replace(fresh) {
            let text = "another connection of this node took over".to_owned();
            let _ = old.outgoing.try_send(Outgoing::Close(RefusedReason::Replaced, text));
            app.nodes.close_session(&old.session);
        }
        inner.status = None;
        inner.machine = machine;
        inner.profile = login.profile.as_str().into();
        inner.hears_owner = login.features.iter().any(|feature| feature == FEATURE_OWNER);
        inner.seen_at_ms = now_ms();
        inner.jobs.values_mut().for_each(|share| share.sent = false);
        let named: HashSet<u64> = login.leases.iter().copied().collect();
        let now = now_ms();
        for held in inner.leases.iter_mut() {
            let ms = if named.contains(&held.row.id) { app.config.work.lease_ms } else { UNNAMED_MS };
            held.expires_at_ms = now + ms;
        }
        login.leases.iter().copied().filter(|id| inner.leases.get_mut(*id).is_none()).collect()
    });
    app.nodes.open_session(&session, &node);
    restore(app, &node).await?;
    let last = intervals::last(app.store.reader(), node.id).await.context("failed to read a node's last state")?;
    app.recorder.enter(node.id, last);
    let work = &app.config.work;
    let welcome = Welcome {
        session: session.clone(),
        heartbeat_ms: work.heartbeat_ms,
        lease_ms: work.lease_ms,
        checkpoint_ms: work.checkpoint_ms,
        unknown_leases,
    };
    send(socket, &ToNode::Welcome(welcome)).await?;
    devices::greet(app, &node).await.context("failed to read what a node's owner chose")?;
    tracing::info!(node = %node.public_id, %peer, "a node came online");
    Ok(Entered { node, connection, session, outgoing, waiting })
}

/// What a node may read for leases that it was given before a restart of the server.
async fn restore(app: &App, node: &Node) -> Result<(), LinkError> {
    let bare: Vec<Held> = node.lock().leases.iter().filter(|held| held.blobs.is_none()).cloned().collect();
    for held in bare {
        let inputs = units::held_inputs(app.store.reader(), &held.row).await.context("failed to read inputs")?;
        let blobs = inputs.iter().flat_map(|unit| unit.input.blobs()).collect();
        let mut inner = node.lock();
        if let Some(held) = inner.leases.get_mut(held.row.id) {
            held.blobs = Some(blobs);
        }
        if let Some(job) = app.active.get(held.row.job) {
            inner.jobs.entry(job.id).or_insert_with(|| share(&job));
        }
    }
    Ok(())
}

/// Texts of a machine are a stranger's: bounded.
fn shortened(mut machine: Machine) -> Machine {
    for text in [&mut machine.os, &mut machine.arch, &mut machine.cpu, &mut machine.version, &mut machine.engine] {
        text.retain(|letter| !letter.is_control());
        let end = text.floor_char_boundary(NAME_BYTES_MAX);
        text.truncate(end);
    }
    machine
}
