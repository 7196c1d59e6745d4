//! The page's own files. With the feature `portal` they are those that were built in `web-portal/dist-node`; without it
//! there is one plain page that says what the command line can do.

use axum::body::Bytes;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;

use super::guard::problem;

const PLACEHOLDER: &str = "__CSP_NONCE__";
const INDEX: &str = "index.html";

#[cfg(feature = "portal")]
#[derive(rust_embed::RustEmbed)]
#[folder = "../web-portal/dist-node"]
struct Built;

#[cfg(feature = "portal")]
fn read(path: &str) -> Option<Vec<u8>> {
    Built::get(path).map(|file| file.data.into_owned())
}

#[cfg(not(feature = "portal"))]
fn read(path: &str) -> Option<Vec<u8>> {
    (path == INDEX).then(|| include_bytes!("plain.html").to_vec())
}

/// A built file, or the page itself for every other path: its own router reads the rest of the address.
pub async fn file(method: Method, uri: Uri) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return problem(StatusCode::METHOD_NOT_ALLOWED, "files are only read");
    }
    let path = uri.path().trim_start_matches('/');
    if let Some(bytes) = read(path).filter(|_| path != INDEX) {
        return asset(path, bytes);
    }
    if path.starts_with("assets/") {
        return problem(StatusCode::NOT_FOUND, "there is no such file");
    }
    match read(INDEX) {
        Some(bytes) => page(&String::from_utf8_lossy(&bytes)),
        None => problem(StatusCode::NOT_FOUND, "the page was not built; run `npm run build` in web-portal/"),
    }
}

fn asset(path: &str, bytes: Vec<u8>) -> Response {
    let kind = match path.rsplit_once('.').map(|(_, end)| end) {
        Some("js" | "mjs") => "text/javascript",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "webmanifest") => "application/json",
        Some("html") => "text/html; charset=utf-8",
        _ => "application/octet-stream",
    };
    // Names of files below `assets` change with what is in them.
    let kept = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)];
    (headers, Bytes::from(bytes)).into_response()
}

/// The page with a fresh nonce, which its own scripts and styles carry and nothing else can know.
fn page(text: &str) -> Response {
    let mut bytes = [0; 18];
    if getrandom::fill(&mut bytes).is_err() {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "no random bytes");
    }
    let nonce = BASE64.encode(&bytes);
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut response = text.replace(PLACEHOLDER, &nonce).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
