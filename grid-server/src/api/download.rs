//! Bytes of a blob as an answer: streamed, in ranges, and always as an attachment that nothing renders.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fallow_protocol::Digest;
use futures_util::{Stream, stream};

use super::ApiError;
use crate::app::App;

/// Bytes of an answer that are read at a time.
const PIECE_BYTES: u64 = 512 * 1024;

/// What part of a blob is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Part { first: u64, last: u64 },
    Nothing,
}

/// Answer with a blob of `len` bytes, or with the range that the headers ask for.
pub async fn blob(
    app: &App,
    digest: &Digest,
    len: u64,
    headers: &HeaderMap,
    file_name: &str,
) -> Result<Response, ApiError> {
    let tag = format!("\"{digest}\"");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let (status, first, count) = match wanted(headers, &tag, len) {
        Wanted::Whole => (StatusCode::OK, 0, len),
        Wanted::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Wanted::Nothing => return Err(unsatisfiable(len)),
    };
    let file = match app.blobs.open(digest).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(ApiError::not_found("such blob")),
        other => other?,
    };
    app.metrics.blob_bytes_out.inc_by(count);
    let body = Body::from_stream(pieces(file.into_std().await, first, count));
    let mut response = (status, body).into_response();
    describe(response.headers_mut(), &tag, count, file_name);
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{len}", first + count - 1);
        set(response.headers_mut(), header::CONTENT_RANGE, range);
    }
    Ok(response)
}

/// A part of a blob as a body.
pub async fn piece(app: &App, digest: &Digest, first: u64, count: u64) -> Result<Body, ApiError> {
    let file = match app.blobs.open(digest).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(ApiError::not_found("such blob")),
        other => other?,
    };
    app.metrics.blob_bytes_out.inc_by(count);
    Ok(Body::from_stream(pieces(file.into_std().await, first, count)))
}

/// Answer with bytes that are at hand, as an attachment too.
pub fn bytes(bytes: Vec<u8>, file_name: &str) -> Response {
    let (tag, count) = (format!("\"{}\"", Digest::of(&bytes)), bytes.len() as u64);
    let mut response = bytes.into_response();
    describe(response.headers_mut(), &tag, count, file_name);
    // They are few, and always sent whole.
    response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("none"));
    response
}

/// The bytes piece by piece, each read in one go, off the runtime and without a copy between.
fn pieces(file: File, first: u64, count: u64) -> impl Stream<Item = io::Result<Bytes>> {
    let file = Arc::new(file);
    stream::try_unfold((first, count), move |(at, left)| {
        let file = file.clone();
        async move {
            if left == 0 {
                return Ok(None);
            }
            let len = left.min(PIECE_BYTES);
            let read = move || {
                let mut piece = vec![0; len as usize];
                file.read_exact_at(&mut piece, at).map(|()| piece)
            };
            let piece = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??;
            Ok(Some((Bytes::from(piece), (at + len, left - len))))
        }
    })
}

fn describe(headers: &mut HeaderMap, tag: &str, count: u64, file_name: &str) {
    set(headers, header::CONTENT_TYPE, "application/octet-stream".into());
    set(headers, header::CONTENT_LENGTH, count.to_string());
    set(headers, header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", safe(file_name)));
    set(headers, header::ACCEPT_RANGES, "bytes".into());
    set(headers, header::ETAG, tag.into());
    set(headers, header::CACHE_CONTROL, "private, max-age=31536000, immutable".into());
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// Letters that mean nothing to any file system or browser.
fn safe(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    name.chars().take(120).map(plain).collect::<String>().trim_start_matches('.').to_owned()
}

fn unsatisfiable(len: u64) -> ApiError {
    let detail = format!("the range lies outside of the {len} bytes");
    ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "range-outside", detail)
        .header(header::CONTENT_RANGE, format!("bytes */{len}"))
}

/// One range of bytes (RFC 9110, section 14). Several ranges, other units and unreadable ones are answered whole.
fn wanted(headers: &HeaderMap, tag: &str, len: u64) -> Wanted {
    if headers.get(header::IF_RANGE).is_some_and(|value| value.as_bytes() != tag.as_bytes()) {
        return Wanted::Whole;
    }
    let text = headers.get(header::RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Wanted::Whole;
    };
    match (first.trim(), last.trim()) {
        ("", suffix) => suffix.parse().map_or(Wanted::Whole, |count: u64| part(len.saturating_sub(count), len, len)),
        (first, "") => first.parse().map_or(Wanted::Whole, |first| part(first, len, len)),
        (first, last) => match (first.parse(), last.parse::<u64>()) {
            (Ok(first), Ok(last)) if first <= last => part(first, last.saturating_add(1), len),
            _ => Wanted::Whole,
        },
    }
}

/// From `first` to before `end`, as far as there is something.
fn part(first: u64, end: u64, len: u64) -> Wanted {
    let end = end.min(len);
    if first < end { Wanted::Part { first, last: end - 1 } } else { Wanted::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(range: &str, len: u64, expected: Wanted) {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        assert_eq!(wanted(&headers, "\"t\"", len), expected, "{range} of {len}");
    }

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        check("bytes=0-0", 10, Wanted::Part { first: 0, last: 0 });
        check("bytes=2-4", 10, Wanted::Part { first: 2, last: 4 });
        check("bytes=2-", 10, Wanted::Part { first: 2, last: 9 });
        check("bytes=2-99", 10, Wanted::Part { first: 2, last: 9 });
        check("bytes=-3", 10, Wanted::Part { first: 7, last: 9 });
        check("bytes=-30", 10, Wanted::Part { first: 0, last: 9 });
        check("bytes=0-18446744073709551615", 10, Wanted::Part { first: 0, last: 9 });
        for nothing in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            check(nothing, 10, Wanted::Nothing);
        }
        check("bytes=0-", 0, Wanted::Nothing);
        for whole in ["bytes=4-2", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "bytes=--1", "bytes"] {
            check(whole, 10, Wanted::Whole);
        }
    }

    #[test]
    fn another_version_is_sent_whole() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static("bytes=0-1"));
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"other\""));
        assert_eq!(wanted(&headers, "\"t\"", 10), Wanted::Whole);
    }

    #[test]
    fn file_names_are_plain() {
        assert_eq!(safe("../../etc/pass\"wd\r\n.tar"), "_.._etc_pass_wd__.tar");
        assert_eq!(safe("Zellen ü.tar"), "Zellen__.tar");
    }
}
