//! Who may ask: requests that name this very server, from its own page, with its token.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::PageState;

/// An answer that says what was wrong.
pub fn problem(status: StatusCode, detail: &str) -> Response {
    (status, Json(json!({ "error": detail }))).into_response()
}

/// A name that somebody pointed to this computer is not this server: the browser would take its page for the owner's.
fn foreign(headers: &HeaderMap, port: u16) -> Option<Response> {
    let own = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let is_own = |host: &str| own.iter().any(|own| own == host);
    if !one(headers, header::HOST).is_some_and(is_own) {
        let detail = "this server is called 127.0.0.1 with its port, and nothing else";
        return Some(problem(StatusCode::MISDIRECTED_REQUEST, detail));
    }
    let origin = one(headers, header::ORIGIN).and_then(|origin| origin.strip_prefix("http://"));
    let other = headers.contains_key(header::ORIGIN) && !origin.is_some_and(is_own);
    other.then(|| problem(StatusCode::FORBIDDEN, "other pages have no business here"))
}

/// Only requests that name this server come through; every answer says how it is to be kept.
pub async fn host(State(state): State<Arc<PageState>>, request: Request, next: Next) -> Response {
    if let Some(refused) = foreign(request.headers(), state.port) {
        return refused;
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The token as bearer. Digests are compared, in constant time.
pub async fn token(State(state): State<Arc<PageState>>, request: Request, next: Next) -> Response {
    let given = one(request.headers(), header::AUTHORIZATION).and_then(|text| text.strip_prefix("Bearer "));
    match given.is_some_and(|given| blake3::hash(given.as_bytes()) == blake3::hash(state.token.as_bytes())) {
        true => next.run(request).await,
        false => problem(StatusCode::UNAUTHORIZED, "open the page with the link that `fallow-node page` prints"),
    }
}

/// A header that is there once.
fn one(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    value.to_str().ok()
}
