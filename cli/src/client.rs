//! A typed client of the grid's HTTP API: one function an endpoint, bodies from `fallow_protocol::api`.
//!
//! Used by the author's tool, by the end-to-end tests and by the benchmarks. It owns time limits, retries with
//! back-off for calls that may be repeated, and typed errors. It prints nothing and knows no configuration file; the
//! nodes' WebSocket is not here.

mod account;
mod admin;
mod blobs;
mod call;
mod copy;
mod credits;
mod device;
mod download;
mod error;
mod groups;
mod jobs;
mod nodes;
mod pass;
mod save;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderValue;

pub use account::AccountRow;
pub use blobs::Blobs;
pub use copy::{Copy, Taker};
pub use download::Download;
pub use error::ClientError;
pub use jobs::{UnitFilter, idempotency_key};
pub use save::{Saved, Source};
pub use upload::{Progress, Uploaded, digest_file};

/// Longest that one connection attempt may take.
const CONNECT: Duration = Duration::from_secs(10);
/// Default longest time for one call with a small answer, its waiting aside.
const CALL: Duration = Duration::from_secs(60);
/// Default number of times that a call is repeated after the first.
const RETRIES: u32 = 4;

/// How a [`Client`] behaves.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Bearer token of an account; none for the few calls that need none.
    pub token: Option<String>,
    /// PEM of the only certificate authorities to believe; the system's where missing.
    pub ca_pem: Option<Vec<u8>>,
    /// Talk plain HTTP also to other computers, where everybody between can read the token.
    pub allow_plain_http: bool,
    /// Longest time for one call with a small answer, long polls' waiting aside.
    pub call_timeout: Duration,
    /// How often a call that may be repeated is repeated.
    pub retries: u32,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self { token: None, ca_pem: None, allow_plain_http: false, call_timeout: CALL, retries: RETRIES }
    }
}

/// A grid's API, and the account in whose name it is called. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Arc<Url>,
    bearer: Option<HeaderValue>,
    call_timeout: Duration,
    retries: u32,
}

impl Client {
    /// A client of the grid at `url` (as `https://grid.example` or `http://127.0.0.1:7070`). Connects to nothing yet.
    pub fn new(url: &str, options: ClientOptions) -> Result<Self, ClientError> {
        let base = parse_url(url, options.allow_plain_http)?;
        let bearer = options.token.as_deref().map(bearer).transpose()?;
        let http = http_client(&base, options.ca_pem.as_deref())?;
        let (call_timeout, retries) = (options.call_timeout, options.retries);
        Ok(Self { http, base: Arc::new(base), bearer, call_timeout, retries })
    }

    /// [`Client::new`] with a token and defaults for the rest.
    pub fn connect(url: &str, token: &str) -> Result<Self, ClientError> {
        Self::new(url, ClientOptions { token: Some(token.to_owned()), ..ClientOptions::default() })
    }

    /// The same grid with another token, over the same connections.
    pub fn with_token(&self, token: &str) -> Result<Self, ClientError> {
        Ok(Self { bearer: Some(bearer(token)?), ..self.clone() })
    }

    /// The same, but a call that may be repeated is repeated up to so many times.
    pub fn with_retries(&self, retries: u32) -> Self {
        Self { retries, ..self.clone() }
    }

    /// The grid's address, without a slash at its end.
    pub fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }
}

fn parse_url(url: &str, allow_plain_http: bool) -> Result<Url, ClientError> {
    let wrong = |why: &'static str| ClientError::Url { url: url.to_owned(), why };
    let parsed = Url::parse(url.trim()).map_err(|_| wrong("it is not a URL like https://grid.example"))?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong("it must not hold a user name or password"));
    }
    match parsed.scheme() {
        "https" => Ok(parsed),
        "http" if allow_plain_http || is_loopback(&parsed) => Ok(parsed),
        "http" => Err(ClientError::PlainHttp { url: url.to_owned() }),
        _ => Err(wrong("it must begin with https:// (or http:// on this computer)")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        None => false,
    }
}

fn bearer(token: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim())).map_err(|_| ClientError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

fn http_client(base: &Url, ca_pem: Option<&[u8]>) -> Result<reqwest::Client, ClientError> {
    // Whoever set a provider first wins; every part of Fallow sets this same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("fallow/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true);
    if is_loopback(base) {
        builder = builder.no_proxy();
    }
    if let Some(pem) = ca_pem {
        builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem).map_err(ClientError::Tls)?);
    } else if base.scheme() == "http" {
        // Reading the system's certificates takes time, and fails where there are none.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(ClientError::Tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, accepted: bool) {
        assert_eq!(parse_url(url, false).is_ok(), accepted, "{url}");
    }

    #[test]
    fn plain_http_stays_on_this_computer() {
        check("https://grid.example", true);
        check("http://127.0.0.1:7070", true);
        check("http://[::1]:7070/", true);
        check("http://localhost", true);
        check("http://grid.example", false);
        check("http://127.0.0.1.example", false);
        check("ftp://grid.example", false);
        check("grid.example", false);
        check("https://user:secret@grid.example", false);
        assert!(parse_url("http://grid.example", true).is_ok());
    }

    #[test]
    fn a_client_never_prints_its_token() {
        let client = Client::connect("http://127.0.0.1:1", "s3cret").unwrap();
        assert!(!format!("{client:?}").contains("s3cret"));
        assert_eq!(client.url(), "http://127.0.0.1:1");
        assert!(matches!(client.with_token("a\nb"), Err(ClientError::Token)));
    }
}
