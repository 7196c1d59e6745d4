//! Extractors that turn everything a client can get wrong into problems: JSON bodies, queries and paths.

use std::net::IpAddr;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::{ApiError, ApiState, rate};
use crate::auth::client_ip;

/// Nothing that the API takes is nested deeper.
const DEPTH_MAX: usize = 32;

/// A JSON body without unknown fields.
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        check_type(request.headers())?;
        let bytes = Bytes::from_request(request, state).await.map_err(unreadable)?;
        parse(&bytes).map(Self)
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let unsupported = |detail: &str| Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", detail));
    if headers.contains_key(header::CONTENT_ENCODING) {
        return unsupported("compressed bodies are not taken; send the JSON as it is");
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    unsupported("the body must be JSON: send Content-Type: application/json")
}

fn unreadable(rejection: BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let most = fallow_protocol::limits::API_BODY_BYTES_MAX;
        let detail = format!("the body has more than {most} bytes");
        return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
            .help("upload large inputs as blobs and name them by digest");
    }
    ApiError::new(StatusCode::BAD_REQUEST, "body-broken", "the body broke off before its end")
}

/// Parse a body: syntax errors are 400, data that does not fit is 422 with the field's path.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let syntax = |detail: String| ApiError::new(StatusCode::BAD_REQUEST, "invalid-json", detail);
    if std::str::from_utf8(bytes).is_err() {
        return Err(syntax("the body is not valid UTF-8".into()));
    }
    if too_deep(bytes) {
        return Err(syntax(format!("the body is nested deeper than {DEPTH_MAX} levels")));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            let error = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", shorten(inner.to_string()));
            if field == "." { error } else { error.field(shorten(field)) }
        } else {
            syntax(format!("the body is not valid JSON: {}", shorten(inner.to_string())))
        }
    })?;
    json.end().map_err(|error| syntax(format!("the body is not valid JSON: {error}")))?;
    Ok(value)
}

/// Whether brackets outside of strings are nested too deep, seen before anything recurses.
fn too_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return true;
        }
    }
    false
}

/// A message may quote what was sent; not a megabyte of it.
fn shorten(text: String) -> String {
    if text.chars().count() <= 300 { text } else { text.chars().take(300).chain(['…']).collect() }
}

/// A query without unknown fields.
pub struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if has_nul(parts.uri.query().unwrap_or_default()) {
            return Err(ApiError::invalid("query", "there is a NUL in it"));
        }
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(value)| Self(value)).map_err(|rejection: QueryRejection| {
            ApiError::new(StatusCode::BAD_REQUEST, "invalid-query", shorten(rejection.body_text()))
        })
    }
}

/// No text that is kept or looked for holds a NUL, and PostgreSQL takes none.
fn has_nul(raw: &str) -> bool {
    raw.contains("%00")
}

/// Typed parts of the path.
pub struct ApiPath<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for ApiPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if has_nul(parts.uri.path()) {
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid-path", "there is a NUL in it"));
        }
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(value)| Self(value)).map_err(|rejection: PathRejection| {
            ApiError::new(StatusCode::BAD_REQUEST, "invalid-path", shorten(rejection.body_text()))
        })
    }
}

/// The network that a request comes from: an address, or the /64 of IPv6.
pub struct ClientNetwork(pub IpAddr);

impl FromRequestParts<ApiState> for ClientNetwork {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        Ok(Self(rate::network(client_ip(parts, state.app.config.tls.behind_proxy))))
    }
}

/// Rows of a page when nothing is said.
const PAGE_DEFAULT: u64 = 100;

/// The wished number of rows.
pub fn page_limit(limit: Option<u64>) -> Result<u64, ApiError> {
    let most = crate::jobs::PAGE_MAX;
    match limit.unwrap_or(PAGE_DEFAULT) {
        limit if (1..=most).contains(&limit) => Ok(limit),
        other => Err(ApiError::invalid("limit", format!("a page has 1 to {most} rows, not {other}"))),
    }
}

/// A cursor that is the internal number of the last row.
pub fn page_after(cursor: Option<&str>) -> Result<i64, ApiError> {
    cursor.map_or(Ok(0), page_number)
}

/// The number that a cursor is.
pub fn page_number(cursor: &str) -> Result<i64, ApiError> {
    let number = cursor.parse().ok().filter(|number| *number >= 0);
    number.ok_or_else(|| ApiError::invalid("cursor", "not a cursor that this list gave"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fallow_protocol::api::NewAccount;

    fn kind(body: &[u8]) -> u16 {
        match parse::<NewAccount>(body) {
            Ok(_) => 200,
            Err(error) => error.status().as_u16(),
        }
    }

    #[test]
    fn bodies_are_read_strictly() {
        assert_eq!(kind(br#"{"name":"ann"}"#), 200);
        for syntax in [&b""[..], b"{", b"\xff", b"{\"name\":\"a\"} x", b"nul", b"{\"name\":\"\\ud800\"}"] {
            assert_eq!(kind(syntax), 400, "{}", String::from_utf8_lossy(syntax));
        }
        let data = [
            r#"{"name":"a","role":"operator"}"#,
            r#"{"name":"a","name":"b"}"#,
            r#"{"name":"a","fuel_quota":-1}"#,
            r#"{"name":"a","fuel_quota":1.5}"#,
            r#"{"name":"a","fuel_quota":18446744073709551616}"#,
            r#"{"name":7}"#,
            r#"[]"#,
        ];
        for data in data {
            assert_eq!(kind(data.as_bytes()), 422, "{data}");
        }
    }

    #[test]
    fn depth_is_seen_before_it_is_followed() {
        assert_eq!(kind("[".repeat(100_000).as_bytes()), 400);
        assert!(!too_deep(br#"{"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"["}"#));
        assert!(!too_deep("[]".repeat(100).as_bytes()));
    }
}
