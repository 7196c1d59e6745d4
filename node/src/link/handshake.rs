//! The login: the server's certificate against the pinned root, the node's signature over the server's nonce.

use anyhow::{Context, anyhow, bail};
use fallow_protocol::keys::{KeyError, Purpose};
use fallow_protocol::limits::{LINK_VERSION, LINK_VERSION_MIN};
use fallow_protocol::link::{FEATURE_OWNER, Hello, Login, ToNode, ToServer, Welcome, login_bytes};
use fallow_protocol::manifest::PROFILE;
use fallow_protocol::wire;
use futures_util::SinkExt;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::{Ended, Link, LinkEvent, STEP, Socket, next};
use crate::join::unix_ms;

/// Clocks may differ by so much before it is said.
const SKEW_MS: u64 = 60_000;
/// A challenge is at least so long.
const NONCE_BYTES_MIN: usize = 16;

/// Log in. Gives the welcome and the serial of the server's certificate.
pub(super) async fn login(
    link: &Link,
    socket: &mut Socket,
    events: &mpsc::Sender<LinkEvent>,
) -> Result<(Welcome, u64), Ended> {
    let hello = match timeout(STEP, next(socket)).await.context("the server says no hello")?? {
        ToNode::Hello(hello) => hello,
        ToNode::Refused(refused) => return Err(Ended::Refused(refused)),
        _ => return Err(anyhow!("the server did not begin with hello").into()),
    };
    let version = check(link, &hello, unix_ms())?;
    let (reply, answer) = oneshot::channel();
    events.send(LinkEvent::LoginWanted(reply)).await.map_err(|_| Ended::Nobody)?;
    let leases = answer.await.map_err(|_| Ended::Nobody)?;
    let login = Login {
        node: link.node.clone(),
        version,
        signature: link.key.sign(Purpose::NodeLogin, &login_bytes(&link.node, &hello.cert, &hello.nonce)),
        machine: link.machine.clone(),
        profile: PROFILE.to_owned(),
        leases,
        features: vec![FEATURE_OWNER.to_owned()],
    };
    let bytes = wire::encode(&ToServer::Login(login));
    socket.send(Message::Binary(bytes.into())).await.context("the connection broke at login")?;
    match timeout(STEP, next(socket)).await.context("the server does not answer the login")?? {
        ToNode::Welcome(welcome) => Ok((welcome, hello.cert.serial)),
        ToNode::Refused(refused) => Err(Ended::Refused(refused)),
        _ => Err(anyhow!("the server answered the login with something else").into()),
    }
}

/// The protocol version to speak, where the server is who it must be.
fn check(link: &Link, hello: &Hello, unix_ms: u64) -> anyhow::Result<u32> {
    let skew_ms = unix_ms.abs_diff(hello.now_ms);
    if skew_ms > SKEW_MS {
        tracing::warn!(skew_s = skew_ms / 1_000, "this computer's clock and the server's differ; set the clock");
    }
    if let Err(error) = hello.cert.verify(&link.root, unix_ms, link.seen_serial) {
        let help = match error {
            KeyError::Expired { .. } if skew_ms > SKEW_MS => "; this computer's clock is wrong, or the server's",
            KeyError::Expired { .. } => "; its operator must run `fallow-server keys rotate`",
            _ => "; it is not the grid that this node joined",
        };
        bail!("the server's key is not accepted: {error}{help}");
    }
    if hello.nonce.len() < NONCE_BYTES_MIN {
        bail!("the server's challenge is too short");
    }
    let version = hello.version_max.min(LINK_VERSION);
    if version < hello.version_min.max(LINK_VERSION_MIN) {
        bail!(
            "the server speaks protocol {} to {}, this node {LINK_VERSION_MIN} to {LINK_VERSION}; update the older one",
            hello.version_min,
            hello.version_max
        );
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use fallow_protocol::keys::{OnlineCert, SecretKey};
    use fallow_protocol::{NodeId, link::Machine};

    use super::*;
    use crate::http::GridUrl;

    #[test]
    fn only_the_pinned_grid_is_spoken_to() {
        let (root, other) = (SecretKey::generate(), SecretKey::generate());
        let link = Link {
            url: GridUrl::parse("http://127.0.0.1:1", false).unwrap(),
            node: NodeId::random(),
            key: SecretKey::generate(),
            root: root.public(),
            seen_serial: 2,
            machine: Machine::default(),
        };
        let hello = |root: &SecretKey, serial, expires_at_ms| Hello {
            version_min: 1,
            version_max: 7,
            nonce: vec![0; 32],
            cert: OnlineCert::issue(root, other.public(), serial, expires_at_ms),
            now_ms: 1,
        };
        assert_eq!(check(&link, &hello(&root, 2, 1_000), 1).unwrap(), LINK_VERSION);
        for (wrong, now) in [(hello(&other, 2, 1_000), 1), (hello(&root, 1, 1_000), 1), (hello(&root, 2, 1_000), 1_000)]
        {
            assert!(check(&link, &wrong, now).is_err(), "{wrong:?}");
        }
        let newer = Hello { version_min: 9, version_max: 9, ..hello(&root, 2, 1_000) };
        assert!(check(&link, &newer, 1).is_err());
        let short = Hello { nonce: vec![0; 4], ..hello(&root, 2, 1_000) };
        assert!(check(&link, &short, 1).is_err());
    }
}
