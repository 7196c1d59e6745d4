//! Joining a grid: the join token against a node id, and the grid's root key pinned for good.

use fallow_protocol::api::{Enrol, Enrolled, JoinToken};
use fallow_protocol::digest::Digest;
use fallow_protocol::keys::{KeyError, Purpose, SecretKey};
use fallow_protocol::link::enrol_bytes;
use reqwest::StatusCode;

use crate::exit::{Code, Failure};
use crate::http::{self, GridUrl};
use crate::identity::{DataDir, Membership};

/// Join, check everything, and only then keep it.
pub async fn join(data: &DataDir, url: &GridUrl, token: &str, name: &str) -> Result<Membership, Failure> {
    refuse_second(data)?;
    let (secret, root) = JoinToken::parse(token).ok_or_else(|| {
        let message = "the token is no join token (fallow_join_…); copy it whole, or get a fresh one from the grid";
        Failure::new(Code::Usage, message)
    })?;
    // The key is on disk before the token is spent: an answer that is lost costs a token, not the identity.
    let key = data.key()?;
    let enrolled = enrol(url, secret, name, &key).await?;
    let membership = accept(enrolled, &root, url, name, unix_ms())?;
    data.save_membership(&membership)?;
    Ok(membership)
}

/// A computer belongs to one grid for each data folder.
pub fn refuse_second(data: &DataDir) -> Result<(), Failure> {
    if let Some(membership) = data.membership()? {
        let message = format!(
            "this computer is {} of {} already ({}); start it with `fallow-node run`, or join with another --data",
            membership.node,
            membership.grid,
            data.path().display()
        );
        return Err(Failure::new(Code::Usage, message));
    }
    Ok(())
}

async fn enrol(url: &GridUrl, secret: &str, name: &str, key: &SecretKey) -> Result<Enrolled, Failure> {
    let signature = key.sign(Purpose::NodeEnrol, &enrol_bytes(secret, name));
    let body = Enrol { secret: secret.to_owned(), name: name.to_owned(), key: key.public(), signature };
    let sent = http::client()?.post(url.api("nodes/enrol")).json(&body).send().await;
    let response = sent.map_err(|error| {
        let message = format!(
            "cannot reach {}: {}; check the address, and that the server runs",
            url.as_str(),
            http::chain(&error)
        );
        Failure::new(Code::Unreachable, message)
    })?;
    if response.status().is_success() {
        let unreadable = |error: reqwest::Error| {
            let message = format!("{} does not answer like a grid: {}", url.as_str(), http::chain(&error));
            Failure::new(Code::WrongGrid, message)
        };
        return response.json().await.map_err(unreadable);
    }
    let (status, text) = http::problem(response).await;
    let code = match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Code::WrongGrid,
        status if status.is_client_error() => Code::Refused,
        _ => Code::Unreachable,
    };
    Err(Failure::new(code, format!("{} refuses to enrol this computer: {text}", url.as_str())))
}

/// The answer against the token's fingerprint. Pure.
fn accept(enrolled: Enrolled, root: &Digest, url: &GridUrl, name: &str, unix_ms: u64) -> Result<Membership, Failure> {
    let cert = enrolled.cert;
    if cert.root.fingerprint() != *root {
        let message = format!(
            "{} is not the grid that the token is from: its root key is {}, the token names {}; nothing was kept",
            url.as_str(),
            cert.root.fingerprint().short(),
            root.short()
        );
        return Err(Failure::new(Code::WrongGrid, message));
    }
    cert.verify(&cert.root, unix_ms, 0).map_err(|error| {
        let help = match error {
            KeyError::Expired { .. } => "; is this computer's clock right?",
            _ => "",
        };
        Failure::new(Code::WrongGrid, format!("the grid's certificate is not accepted: {error}{help}"))
    })?;
    Ok(Membership {
        url: url.as_str().to_owned(),
        node: enrolled.node,
        name: name.to_owned(),
        grid: enrolled.grid,
        owner: enrolled.owner,
        root: cert.root,
        serial: cert.serial,
    })
}

/// Milliseconds since 1970.
pub fn unix_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use fallow_protocol::NodeId;
    use fallow_protocol::keys::OnlineCert;

    use super::*;

    fn answer(root: &SecretKey, expires_at_ms: u64) -> Enrolled {
        let cert = OnlineCert::issue(root, SecretKey::generate().public(), 4, expires_at_ms);
        Enrolled { node: NodeId::random(), grid: "lab".into(), owner: "ann".into(), cert }
    }

    #[test]
    fn only_the_tokens_grid_is_accepted() {
        let url = GridUrl::parse("http://127.0.0.1:1", false).unwrap();
        let (root, other) = (SecretKey::generate(), SecretKey::generate());
        let pinned = root.public().fingerprint();
        let kept = accept(answer(&root, 1_000), &pinned, &url, "heron", 1).unwrap();
        assert_eq!((kept.root, kept.serial, kept.name.as_str()), (root.public(), 4, "heron"));

        let wrong = accept(answer(&other, 1_000), &pinned, &url, "heron", 1).unwrap_err();
        assert_eq!(wrong.code, Code::WrongGrid);
        let late = accept(answer(&root, 1_000), &pinned, &url, "heron", 1_000).unwrap_err();
        assert!(format!("{:#}", late.error).contains("clock"), "{late:?}");
        let mut forged = answer(&other, 1_000);
        forged.cert.root = root.public();
        assert_eq!(accept(forged, &pinned, &url, "heron", 1).unwrap_err().code, Code::WrongGrid);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_said_so() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = GridUrl::parse(&format!("http://{free}"), false).unwrap();
        let token = JoinToken::compose("secret", &Digest::of(b"root"));
        let failed = join(&data, &url, &token, "heron").await.unwrap_err();
        assert_eq!(failed.code, Code::Unreachable, "{failed:?}");
        assert_eq!(join(&data, &url, "fallow_join_x", "heron").await.unwrap_err().code, Code::Usage);
        assert!(data.membership().unwrap().is_none());
    }
}
