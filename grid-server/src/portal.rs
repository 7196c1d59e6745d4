//! The portal's built files, and the app's page for every address that is not the API's. A server that was built without
//! them says so on a plain page.
//!
//! The page gets a fresh nonce each time, in its policy and in its text; files below `/assets/` have names that change
//! with what is in them, and never expire.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;

#[cfg(feature = "portal")]
#[path = "portal/files.rs"]
mod files;
#[cfg(not(feature = "portal"))]
#[path = "portal/no_files.rs"]
mod files;

/// What stands for the nonce in the built page.
const PLACEHOLDER: &str = "__CSP_NONCE__";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Paths that are the server's own.
const RESERVED: [&str; 3] = ["/api", "/healthz", "/metrics"];

/// A built file.
struct File {
    /// Its bytes.
    bytes: Bytes,
    /// How these are compressed, as `content-encoding` has it.
    encoding: Option<&'static str>,
    /// A digest of the uncompressed bytes.
    tag: String,
}

/// Answer what no route of the server answers.
pub async fn fallback(request: Request) -> Response {
    let path = request.uri().path();
    let reserved = |room: &str| path.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads || RESERVED.iter().any(|room| reserved(room)) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let name = path.trim_start_matches('/');
    if let Some(kind) = kind_of(name).filter(|_| name != files::INDEX) {
        return file(name, kind, request.headers());
    }
    if accepts_html(request.headers()) { page() } else { StatusCode::NOT_FOUND.into_response() }
}

/// Media type by the ending of a file's name; none for addresses within the app.
fn kind_of(name: &str) -> Option<&'static str> {
    Some(match name.rsplit('/').next()?.rsplit_once('.')?.1 {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        _ => return None,
    })
}

fn accepts_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("text/html")
}

fn file(name: &str, kind: &'static str, headers: &HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(File { bytes, encoding, tag }) = files::get(name, accepts) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // Compressed and plain bytes are two things to a cache.
    let tag = format!("\"{tag}{}\"", encoding.map_or("", |encoding| &encoding[..1]));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Body::from(bytes).into_response(),
    };
    let cache = if name.starts_with("assets/") { IMMUTABLE } else { "no-cache" };
    let told = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, cache),
        (header::VARY, "accept-encoding"),
        (header::ETAG, &tag),
        (header::CONTENT_ENCODING, encoding.unwrap_or_default()),
    ];
    for (name, value) in told.into_iter().filter(|(_, value)| !value.is_empty()) {
        set(response.headers_mut(), name, value);
    }
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The app's page, with a nonce of its own.
fn page() -> Response {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    let nonce = BASE64.encode(&bytes);
    let Some(index) = files::get(files::INDEX, "") else { return StatusCode::NOT_FOUND.into_response() };
    let text = String::from_utf8_lossy(&index.bytes).replace(PLACEHOLDER, &nonce);
    let mut response = text.into_response();
    set(response.headers_mut(), header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(response.headers_mut(), header::CONTENT_SECURITY_POLICY, &policy(&nonce));
    response
}

/// Only the server's own scripts, styles, pictures and answers; styles and scripts in the page need the nonce.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(path: &str, accept: &str) -> (StatusCode, HeaderMap, String) {
        let request = Request::builder().uri(path).header(header::ACCEPT, accept).body(Body::empty()).unwrap();
        let (parts, body) = fallback(request).await.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn the_api_is_never_answered_with_a_page() {
        for path in ["/api", "/api/v1/nothing", "/api/v2", "/healthz/x", "/metrics"] {
            assert_eq!(ask(path, "text/html").await.0, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(ask("/jobs/x", "application/json").await.0, StatusCode::NOT_FOUND);
        let post = Request::builder().method("POST").uri("/").header(header::ACCEPT, "text/html");
        assert_eq!(fallback(post.body(Body::empty()).unwrap()).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(ask("/assets/../Cargo.toml", "*/*").await.0, StatusCode::NOT_FOUND);
        assert_eq!(ask("/assets/none.js", "*/*").await.0, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn each_page_has_a_nonce_of_its_own() {
        if files::get(files::INDEX, "").is_none() {
            // A build with the feature before the portal's own build.
            return;
        }
        let (one, other) = (ask("/jobs/job-1", "text/html").await, ask("/", "text/html,*/*").await);
        assert_eq!(one.0, StatusCode::OK);
        let policy = |headers: &HeaderMap| headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert_ne!(policy(&one.1), policy(&other.1));
        assert!(!one.2.contains(PLACEHOLDER) && !policy(&one.1).contains("unsafe"));
    }

    #[test]
    fn kinds_of_files() {
        assert_eq!(kind_of("assets/index-1a.js"), Some("text/javascript; charset=utf-8"));
        assert_eq!(kind_of("favicon.svg"), Some("image/svg+xml"));
        assert_eq!((kind_of("jobs/job-1"), kind_of(""), kind_of("a.b/c"), kind_of("x.exe")), (None, None, None, None));
    }
}
