//! What every request passes: a request id, a span, counters, security headers, and problems instead of bare errors.

use std::any::Any;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method as HttpMethod, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fallow_protocol::ids::random_letters;
use tracing::Instrument;

use super::ApiState;
use super::problem::{ApiError, PROBLEM_JSON};
use crate::auth::client_ip;
use crate::metrics::{Method, RequestLabels};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Give the request an id and a span, count it, and tell it.
pub async fn observe(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let (id, started) = (random_letters(16), Instant::now());
    let (method, route) = (request.method().clone(), route(&request));
    let span = tracing::info_span!("request", id, %method, route);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let took = started.elapsed();
    span.in_scope(|| tracing::debug!(status, took_us = took.as_micros() as u64, "answered"));
    let metrics = &state.app.metrics;
    if status == StatusCode::TOO_MANY_REQUESTS.as_u16() {
        metrics.rate_limited.inc();
    }
    metrics.request_seconds.observe(took.as_secs_f64());
    metrics.requests.get_or_create(&RequestLabels { route, method: label(&method), status }).inc();
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The route's template: a path that somebody chose must not become a label.
fn route(request: &Request) -> String {
    let matched = request.extensions().get::<MatchedPath>();
    matched.map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned())
}

fn label(method: &HttpMethod) -> Method {
    match *method {
        HttpMethod::GET | HttpMethod::HEAD => Method::Get,
        HttpMethod::POST => Method::Post,
        HttpMethod::PATCH => Method::Patch,
        HttpMethod::DELETE => Method::Delete,
        _ => Method::Other,
    }
}

/// Routes that anyone may ask count against the asker's address.
pub async fn limit_address(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match state.rates.address(client_ip(&parts, state.app.config.tls.behind_proxy)) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(error) => error.into_response(),
    }
}

/// Nothing of the API is ever rendered, framed, sniffed or referred from.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
];
/// The page with the API's description runs its own scripts and writes styles into elements.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HSTS: &str = "max-age=31536000";

/// Add the security headers.
pub async fn secure(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let docs = request.uri().path().starts_with("/api/docs");
    let tls = &state.app.config.tls;
    let encrypted = tls.cert.is_some() || tls.behind_proxy;
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        // The portal's page and shown files have policies of their own.
        if name != header::CONTENT_SECURITY_POLICY || !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if docs {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOCS_POLICY));
    }
    if encrypted {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Errors of the framework (no such route or method, time is up, a refused WebSocket) become problems too.
pub async fn problems(request: Request, next: Next) -> Response {
    let what = format!("{} {}", request.method(), request.uri().path().chars().take(200).collect::<String>());
    let response = next.run(request).await;
    let status = response.status();
    let told = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    let json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if told || json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    let error = bare(status, &what);
    match allow {
        Some(allow) => error.header(header::ALLOW, allow).into_response(),
        None => error.into_response(),
    }
}

fn bare(status: StatusCode, what: &str) -> ApiError {
    match status {
        StatusCode::NOT_FOUND => {
            ApiError::new(status, "no-such-route", format!("there is no {what}")).help("see /api/docs")
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            ApiError::new(status, "method-not-allowed", format!("there is no {what}; the Allow header names what is"))
        }
        StatusCode::REQUEST_TIMEOUT => ApiError::new(status, "time-is-up", format!("{what} took too long")),
        _ if status.is_server_error() => ApiError::internal(anyhow::anyhow!("{what} gave a bare {status}")),
        _ => ApiError::new(status, "bad-request", format!("{what} was refused: {status}")),
    }
}

/// A panic is our own fault; its text goes to the log.
pub fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
    ApiError::internal(anyhow::anyhow!("a handler panicked: {text}")).into_response()
}
