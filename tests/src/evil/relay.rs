//! The way from a node to its server, through its owner's hands: messages of the link pass a liar, everything else
//! (enrolment, blobs) passes as it is. Connections to the server begin at a loopback address of the node's own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, bail, ensure};
use fallow_protocol::keys::SecretKey;
use fallow_protocol::link::{ToNode, ToServer};
use fallow_protocol::{Digest, wire};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::liar::{Liar, Step, Traffic};
use super::misbehaviour::Misbehaviour;

/// How a connection of the link begins; the node's other requests have other paths.
const LINK: &[u8] = b"GET /api/v1/nodes/link ";

type Socket = WebSocketStream<TcpStream>;

/// A relay. Dropping it breaks its connections.
pub struct Relay {
    /// Where the node finds it.
    pub url: String,
    /// What was said of results so far.
    pub traffic: watch::Receiver<Traffic>,
    owner: Arc<Owner>,
    _connections: JoinSet<()>,
}

/// What all connections of a relay share.
struct Owner {
    server: SocketAddr,
    from: Ipv4Addr,
    data: PathBuf,
    name: String,
    how: Misbehaviour,
    liar: Mutex<Option<Liar>>,
    traffic: watch::Sender<Traffic>,
    vanished: watch::Sender<bool>,
}

impl Relay {
    /// A relay for the node of a data folder. Its connections to the server begin at `from`.
    pub async fn start(server: &str, from: Ipv4Addr, data: PathBuf, name: &str, how: Misbehaviour) -> Result<Self> {
        let server = server.strip_prefix("http://").context("a grid of a test has no TLS")?.parse()?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (sender, traffic) = watch::channel(Traffic::default());
        let (vanished, name) = (watch::channel(false).0, name.to_owned());
        let owner = Owner { server, from, data, name, how, liar: Mutex::new(None), traffic: sender, vanished };
        let (owner, mut connections) = (Arc::new(owner), JoinSet::new());
        connections.spawn(serve(listener, owner.clone()));
        Ok(Self { url, traffic, owner, _connections: connections })
    }

    /// From now on the node that is online behaves like this.
    pub fn turn(&self, how: Misbehaviour) {
        let mut liar = self.owner.liar.lock().expect("no relay panics while it holds this");
        liar.iter_mut().for_each(|liar| liar.how = how.clone());
    }
}

async fn serve(listener: TcpListener, owner: Arc<Owner>) {
    let (mut connections, mut vanished) = (JoinSet::new(), owner.vanished.subscribe());
    loop {
        tokio::select! {
            _ = vanished.wait_for(|vanished| *vanished) => return,
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let owner = owner.clone();
                // A connection that breaks is its node's matter, which makes another one.
                connections.spawn(async move { drop(owner.carry(stream).await) });
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Owner {
    async fn carry(&self, mut node: TcpStream) -> Result<()> {
        let mut server = self.connect().await?;
        node.set_nodelay(true)?;
        if !begins_with_link(&node).await? {
            tokio::io::copy_bidirectional(&mut node, &mut server).await?;
            return Ok(());
        }
        let node = tokio_tungstenite::accept_async(node).await?;
        let url = format!("ws://{}/api/v1/nodes/link", self.server);
        let (server, _) = tokio_tungstenite::client_async(url, server).await?;
        self.relay(node, server).await
    }

    async fn connect(&self) -> Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((self.from, 0).into())?;
        let stream = socket.connect(self.server).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn relay(&self, mut node: Socket, mut server: Socket) -> Result<()> {
        let mut session = String::new();
        loop {
            let steps = tokio::select! {
                said = node.next() => match binary(said)? {
                    Some(bytes) => self.node_said(bytes)?,
                    None => continue,
                },
                said = server.next() => match binary(said)? {
                    Some(bytes) => self.server_said(bytes, &mut session)?,
                    None => continue,
                },
            };
            let vanishes = steps.contains(&Step::Vanish);
            for step in steps {
                match step {
                    Step::ToNode(message) => node.send(Message::Binary(wire::encode(&message).into())).await?,
                    Step::ToServer(message) => server.send(Message::Binary(wire::encode(&message).into())).await?,
                    Step::Upload(bytes) => self.upload(bytes, &session).await?,
                    Step::Vanish => {
                        // What was said before is heard before the end: a broken connection would take it along.
                        server.close(None).await?;
                        while server.next().await.is_some_and(|said| said.is_ok()) {}
                    }
                }
            }
            // Tests hear of what was told.
            if let Some(liar) = self.liar.lock().expect("no relay panics while it holds this").as_ref() {
                self.traffic.send_replace(liar.traffic());
            }
            if vanishes {
                self.vanished.send_replace(true);
                return Ok(());
            }
        }
    }

    fn node_said(&self, bytes: Vec<u8>) -> Result<Vec<Step>> {
        let message: ToServer = wire::decode(&bytes, usize::MAX)?;
        let mut liar = self.liar.lock().expect("no relay panics while it holds this");
        if let (None, ToServer::Login(login)) = (&*liar, &message) {
            *liar = Some(Liar::new(self.how.clone(), login.node.clone(), self.key()?, &self.name));
        }
        let liar = liar.as_mut().context("the node spoke before its login")?;
        liar.on_node(message).context("the node's results cannot be read")
    }

    fn server_said(&self, bytes: Vec<u8>, session: &mut String) -> Result<Vec<Step>> {
        let message: ToNode = wire::decode(&bytes, usize::MAX)?;
        if let ToNode::Welcome(welcome) = &message {
            session.clone_from(&welcome.session);
        }
        let mut liar = self.liar.lock().expect("no relay panics while it holds this");
        let Some(liar) = liar.as_mut() else { return Ok(vec![Step::ToNode(message)]) };
        Ok(liar.on_server(message))
    }

    /// The node's key, as the node itself wrote it.
    fn key(&self) -> Result<SecretKey> {
        let path = self.data.join("node.key");
        let seed: Digest =
            std::fs::read_to_string(&path).with_context(|| path.display().to_string())?.trim().parse()?;
        Ok(SecretKey::from_seed(seed.0))
    }

    async fn upload(&self, bytes: Vec<u8>, session: &str) -> Result<()> {
        let (digest, len) = (Digest::of(&bytes), bytes.len());
        let url = format!("http://{}/api/v1/node/blobs/{digest}?offset=0&len={len}", self.server);
        let answer = crate::grid::http().patch(url).bearer_auth(session).body(bytes).send().await?;
        ensure!(answer.status().is_success(), "the server took no blob: {}", answer.text().await?);
        Ok(())
    }
}

/// Whether a connection is one of the link, by its first line, which stays to be read.
async fn begins_with_link(stream: &TcpStream) -> Result<bool> {
    let mut head = [0; LINK.len()];
    loop {
        let seen = stream.peek(&mut head).await?;
        ensure!(seen > 0, "the node said nothing");
        if seen == LINK.len() || !LINK.starts_with(&head[..seen]) {
            return Ok(head == LINK);
        }
        tokio::task::yield_now().await;
    }
}

/// A message's bytes; none of pings, which are answered already.
fn binary(said: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>) -> Result<Option<Vec<u8>>> {
    match said.context("the connection ended")?? {
        Message::Binary(bytes) => Ok(Some(bytes.into())),
        Message::Close(_) => bail!("the connection was closed"),
        _ => Ok(None),
    }
}
