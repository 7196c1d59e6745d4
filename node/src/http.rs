//! The HTTP client and the grid's address: TLS except on this computer, and errors that say what to do.

use std::error::Error;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use fallow_protocol::problem::Problem;
use reqwest::{Client, Response, StatusCode, Url};

use crate::exit::{Code, Failure};

/// A server that does not even accept within this time is not there.
const CONNECT_SECS: u64 = 10;
/// A body that brings nothing for so long is broken.
const SILENCE_SECS: u64 = 30;
/// Bytes of an error's body that are read.
const PROBLEM_BYTES_MAX: usize = 64 * 1024;

/// The grid's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridUrl(Url);

impl GridUrl {
    /// Read an address; plain HTTP is only for this computer, unless `insecure_http`.
    pub fn parse(text: &str, insecure_http: bool) -> Result<Self, Failure> {
        let usage = |message: String| Failure::new(Code::Usage, message);
        let url = Url::parse(text)
            .map_err(|error| usage(format!("{text:?} is no address ({error}); write it like https://grid.example")))?;
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) || insecure_http => Ok(Self(url)),
            "http" => Err(usage(format!(
                "{text} has no TLS and is not on this computer, so anyone on the way could read and change what is \
                 said; use https, or --insecure-http if you know that network"
            ))),
            other => Err(usage(format!("{other}:// is no way to a grid; write the address like https://grid.example"))),
        }
    }

    /// An address below `/api/v1/`.
    pub fn api(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.0.as_str().trim_end_matches('/'))
    }

    /// The address of the node link.
    pub fn link(&self) -> String {
        let http = self.api("nodes/link");
        match http.strip_prefix("https") {
            Some(rest) => format!("wss{rest}"),
            None => format!("ws{}", http.trim_start_matches("http")),
        }
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A client that follows no redirects and waits for nothing for ever.
pub fn client() -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!("fallow-node/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_secs(CONNECT_SECS))
        .read_timeout(Duration::from_secs(SILENCE_SECS))
        .build()
}

/// Microseconds since then, for the log.
pub fn micros(began: Instant) -> u64 {
    began.elapsed().as_micros() as u64
}

/// An error with all that caused it, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// What an answer that is no success says, in words; reads a bounded part of it.
pub async fn problem(response: Response) -> (StatusCode, String) {
    let status = response.status();
    let body = limited_body(response).await;
    let text = match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => match problem.help {
            Some(help) => format!("{}; {help}", problem.detail),
            None => problem.detail,
        },
        Err(_) => format!("the server answered {status}"),
    };
    (status, text)
}

/// A bounded part of an answer's body.
pub async fn limited_body(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > PROBLEM_BYTES_MAX {
            break;
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_computer() {
        for (text, insecure, ok) in [
            ("https://grid.example", false, true),
            ("http://127.0.0.1:7070", false, true),
            ("http://localhost:7070/", false, true),
            ("http://[::1]:7070", false, true),
            ("http://grid.example", false, false),
            ("http://127.0.0.1.evil.example", false, false),
            ("http://grid.example", true, true),
            ("ftp://grid.example", true, false),
            ("grid.example", false, false),
        ] {
            assert_eq!(GridUrl::parse(text, insecure).is_ok(), ok, "{text}");
        }
    }

    #[test]
    fn addresses_are_made_of_the_grids() {
        let url = GridUrl::parse("https://grid.example/", false).unwrap();
        assert_eq!(url.api("grid"), "https://grid.example/api/v1/grid");
        assert_eq!(url.link(), "wss://grid.example/api/v1/nodes/link");
        let url = GridUrl::parse("http://127.0.0.1:80", false).unwrap();
        assert_eq!(url.link(), "ws://127.0.0.1/api/v1/nodes/link");
    }
}
