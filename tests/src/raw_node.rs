//! A node that says whatever a test wants: real keys, real enrolment, and then anything over the link.

use anyhow::{Context, Result, bail};
use fallow_protocol::api::{Enrol, Enrolled, JoinToken};
use fallow_protocol::digest::Digest;
use fallow_protocol::keys::{PublicKey, Purpose, SecretKey};
use fallow_protocol::link::{Hello, Login, Machine, NodeState, Status, ToNode, ToServer, enrol_bytes, login_bytes};
use fallow_protocol::{NodeId, wire};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::SOON;
use crate::grid::{Account, Grid, http, text};

/// An enrolled identity.
pub struct RawNode {
    /// Its id.
    pub id: NodeId,
    /// Its key.
    pub key: SecretKey,
    url: String,
}

/// An open connection.
pub struct RawLink {
    /// The socket.
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The server's challenge.
    pub hello: Hello,
}

impl RawNode {
    /// Enrol under an account.
    pub async fn enrol(grid: &Grid, owner: &Account, name: &str) -> Result<Self> {
        let token = text(&owner.json(&["join-token", "--json"]).await?, "token")?;
        let (secret, _root): (&str, Digest) = JoinToken::parse(&token).context("a join token can be read")?;
        let key = SecretKey::generate();
        let signature = key.sign(Purpose::NodeEnrol, &enrol_bytes(secret, name));
        let enrol = Enrol { secret: secret.into(), name: name.into(), key: key.public(), signature };
        let answer = http().post(format!("{}/api/v1/nodes/enrol", grid.url)).json(&enrol).send().await?;
        let enrolled: Enrolled = answer.error_for_status()?.json().await?;
        Ok(Self { id: enrolled.node, key, url: grid.url.clone() })
    }

    /// Its public key.
    pub fn public(&self) -> PublicKey {
        self.key.public()
    }

    /// Connect and hear the challenge.
    pub async fn connect(&self) -> Result<RawLink> {
        let url = self.url.replacen("http", "ws", 1) + "/api/v1/nodes/link";
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await?;
        match next(&mut socket).await? {
            Some(ToNode::Hello(hello)) => Ok(RawLink { socket, hello }),
            other => bail!("expected a challenge, found {other:?}"),
        }
    }

    /// A right answer to a challenge.
    pub fn login(&self, hello: &Hello) -> Login {
        let signature = self.key.sign(Purpose::NodeLogin, &login_bytes(&self.id, &hello.cert, &hello.nonce));
        Login {
            node: self.id.clone(),
            version: fallow_protocol::limits::LINK_VERSION,
            signature,
            machine: Machine { cores: 2, memory_bytes: 4 << 30, ..Machine::default() },
            profile: fallow_protocol::manifest::PROFILE.into(),
            leases: Vec::new(),
            features: Vec::new(),
        }
    }

    /// Connect, log in and offer `slots`.
    pub async fn online(&self, slots: u32) -> Result<RawLink> {
        let mut link = self.connect().await?;
        let login = self.login(&link.hello);
        link.say(&ToServer::Login(login)).await?;
        match link.hear().await? {
            Some(ToNode::Welcome(_)) => {}
            other => bail!("expected a welcome, found {other:?}"),
        }
        link.say(&ToServer::Status(status(slots, Vec::new(), 0))).await?;
        Ok(link)
    }
}

/// A status of a node that takes everything.
pub fn status(slots: u32, leases: Vec<u64>, units_held: u64) -> Status {
    Status {
        state: NodeState::Active,
        slots,
        memory_bytes: 4 << 30,
        takes_strangers: true,
        leases,
        units_held,
        progress: Vec::new(),
        owner: None,
    }
}

impl RawLink {
    /// Send a message.
    pub async fn say(&mut self, message: &ToServer) -> Result<()> {
        self.say_bytes(wire::encode(message)).await
    }

    /// Send any bytes as a binary message.
    pub async fn say_bytes(&mut self, bytes: Vec<u8>) -> Result<()> {
        Ok(self.socket.send(Message::Binary(bytes.into())).await?)
    }

    /// The next message of the server; None when it has closed the connection.
    pub async fn hear(&mut self) -> Result<Option<ToNode>> {
        next(&mut self.socket).await
    }

    /// Listen until a message `fits`; None when the connection was closed before.
    pub async fn hear_until<T>(&mut self, mut fits: impl FnMut(ToNode) -> Option<T>) -> Result<Option<T>> {
        while let Some(message) = self.hear().await? {
            if let Some(found) = fits(message) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

async fn next(socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>) -> Result<Option<ToNode>> {
    loop {
        match tokio::time::timeout(SOON, socket.next()).await.context("the server said nothing")? {
            Some(Ok(Message::Binary(bytes))) => return Ok(Some(wire::decode(&bytes, usize::MAX)?)),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(None),
            Some(Ok(_)) => {}
        }
    }
}
