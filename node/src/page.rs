//! The node's own page: a small web server on loopback for its owner alone.
//!
//! Who has the token in `page.token` is the owner. Other pages in his browser are not: the `Host` header must be this
//! server's own (names that are pointed here by DNS are not), nothing is shared with other origins, and the token comes
//! in a header that no foreign page can send. It asks the node through the same requests as the command line.

mod api;
mod files;
mod guard;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use data_encoding::BASE32_NOPAD;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};

use crate::control::Asked;
use crate::files::write_secret;

/// Ports that are tried where none is set.
const PORTS: std::ops::Range<u16> = 8_271..8_281;
/// Largest body of a request.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Pages that follow what happens at once.
const FOLLOWERS_MAX: usize = 8;

/// What the page's handlers share.
#[derive(Debug)]
pub struct PageState {
    port: u16,
    token: String,
    data: PathBuf,
    takes: String,
    asked: mpsc::Sender<Asked>,
    followers: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

/// What the page is made of.
#[derive(Debug)]
pub struct PageSetup {
    /// The port; the first free one where none is set.
    pub port: Option<u16>,
    /// The data folder.
    pub data: PathBuf,
    /// Whose jobs run here and in which walls, in words.
    pub takes: String,
    /// The way to the node.
    pub asked: mpsc::Sender<Asked>,
    /// Says when the node leaves.
    pub stopping: watch::Receiver<bool>,
}

/// Listen, and serve until the node ends. The address, without the token.
pub async fn serve(setup: PageSetup) -> anyhow::Result<String> {
    let PageSetup { port, data, takes, asked, stopping } = setup;
    let listener = listen(port).await?;
    let port = listener.local_addr().context("failed to see where the page is")?.port();
    let token = token(&data)?;
    let followers = Arc::new(Semaphore::new(FOLLOWERS_MAX));
    let state = Arc::new(PageState { port, token, data, takes, asked, followers, stopping });
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router(state)).await {
            tracing::warn!(%error, "the node's own page has ended");
        }
    });
    Ok(format!("http://127.0.0.1:{port}/"))
}

async fn listen(port: Option<u16>) -> anyhow::Result<TcpListener> {
    let bind = |port| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    if let Some(port) = port {
        return bind(port).await.with_context(|| format!("the page cannot listen on port {port}"));
    }
    for port in PORTS {
        if let Ok(listener) = bind(port).await {
            return Ok(listener);
        }
    }
    bind(0).await.context("the page cannot listen on any port")
}

/// The token of a data folder; made at the first call.
pub fn token(data: &Path) -> anyhow::Result<String> {
    let path = data.join("page.token");
    if let Ok(text) = std::fs::read_to_string(&path)
        && text.trim().len() >= 32
    {
        return Ok(text.trim().to_owned());
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    let token = BASE32_NOPAD.encode(&bytes).to_ascii_lowercase();
    write_secret(&path, format!("{token}\n").as_bytes())
        .with_context(|| format!("failed to write {}", path.display()))?;
    Ok(token)
}

fn router(state: Arc<PageState>) -> Router {
    let api = Router::new()
        .route("/status", get(api::status))
        .route("/events", get(api::events))
        .route("/pause", post(api::pause))
        .route("/resume", post(api::resume))
        .route("/preferences", get(api::preferences).put(api::choose))
        .route("/earnings", get(api::earnings))
        .route("/history", get(api::history))
        .route("/log", get(api::log))
        .route("/limits", get(api::limits))
        .fallback(api::nothing)
        .layer(from_fn_with_state(state.clone(), guard::token));
    Router::new()
        .nest("/api", api)
        .fallback(files::file)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(state.clone(), guard::host))
        .with_state(state)
}

#[cfg(test)]
mod tests {
    use reqwest::{Client, Method, StatusCode};
    use serde_json::{Value, json};

    use super::*;
    use crate::control::{Reply, Request};

    async fn page() -> (String, String, tempfile::TempDir, mpsc::Receiver<Asked>, watch::Sender<bool>) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let (asked, requests) = mpsc::channel(4);
        let (stop, stopping) = watch::channel(false);
        let data = folder.path().to_owned();
        let setup = PageSetup { port: Some(0), data, takes: "anyone's jobs".into(), asked, stopping };
        let url = serve(setup).await.unwrap();
        (url, token(folder.path()).unwrap(), folder, requests, stop)
    }

    #[tokio::test]
    async fn only_its_owner_gets_in() {
        let (url, token, folder, mut requests, _stop) = page().await;
        let client = Client::new();
        let asking = tokio::spawn(async move {
            let (request, reply) = requests.recv().await.unwrap();
            let _ = reply.send(Reply::Status(Box::new(crate::control::samples::reply())));
            request
        });
        let status = format!("{url}api/status");
        for wrong in ["", "x", &token[1..], &format!("{token}x")] {
            let answer = client.get(&status).bearer_auth(wrong).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{wrong:?}");
        }
        for host in ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example"] {
            for path in ["", "api/status"] {
                let asked = client.get(format!("{url}{path}")).bearer_auth(&token).header("host", host);
                assert_eq!(asked.send().await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST, "{host} /{path}");
            }
        }
        let foreign = client.get(&status).bearer_auth(&token).header("origin", "https://evil.example");
        assert_eq!(foreign.send().await.unwrap().status(), StatusCode::FORBIDDEN);

        let answer = client.get(&status).bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(answer.headers().get("access-control-allow-origin").is_none());
        let body: Value = answer.json().await.unwrap();
        assert_eq!((&body["name"], &body["state"]), (&json!("heron"), &json!("offline")));
        assert_eq!(asking.await.unwrap(), Request::Status);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.path().join("page.token")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[tokio::test]
    async fn what_a_page_sends_is_read_strictly() {
        let (url, token, _folder, _requests, _stop) = page().await;
        let client = Client::new();
        let send = |method: Method, path: &str, body: Value| {
            client.request(method, format!("{url}api/{path}")).bearer_auth(&token).json(&body).send()
        };
        for (path, body) in
            [("pause", json!({ "for_s": 0 })), ("pause", json!({ "for_s": "2h" })), ("pause", json!({ "fro_s": 5 }))]
        {
            let answer = send(Method::POST, path, body.clone()).await.unwrap();
            assert!(answer.status().is_client_error(), "{body}");
        }
        for body in [json!({ "idle": 5 }), json!({ "cpu_percent": 0 }), json!({ "hours": [true] }), json!([])] {
            let answer = send(Method::PUT, "preferences", body.clone()).await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        }
        let large = "x".repeat(BODY_BYTES_MAX + 1);
        let answer = send(Method::PUT, "preferences", json!({ "preset": large })).await.unwrap();
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(send(Method::GET, "nothing", json!({})).await.unwrap().status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn the_page_itself_is_there_without_a_token_and_says_its_policy() {
        let (url, _token, _folder, _requests, _stop) = page().await;
        let answer = Client::new().get(&url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && policy.contains("'nonce-"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let text = answer.text().await.unwrap();
        assert!(text.contains("<html") && !text.contains("__CSP_NONCE__"));
    }
}
