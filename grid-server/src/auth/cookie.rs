//! The cookie of a browser's session, and what keeps pages of other sites from using it.
//!
//! Three walls: the cookie is `SameSite=Lax`, a request that changes something needs a header that a page of another
//! site cannot set, and what the browser tells of a request's origin must be this site.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use cookie::time::Duration;
use cookie::{Cookie, SameSite};

use crate::api::ApiError;
use crate::app::App;
use crate::store::sessions::{self, SessionRow};

/// Name over plain HTTP on loopback.
const NAME: &str = "fallow_session";
/// Name over HTTPS: browsers take it only with `Secure`, `Path=/` and no `Domain`, so no neighbour can set it.
const NAME_SECURE: &str = "__Host-fallow_session";
/// Longer ones are no secrets, and are not hashed.
const SECRET_BYTES_MAX: usize = 256;
/// Header that every request with the cookie has which changes something.
const CSRF: HeaderName = HeaderName::from_static("x-fallow-csrf");
/// What is kept of a browser's name for itself, bytes.
const AGENT_CHARS_MAX: usize = 200;
/// When a session was heard of is written at most so often, milliseconds.
const SEEN_MS: u64 = 60_000;

fn name(secure: bool) -> &'static str {
    if secure { NAME_SECURE } else { NAME }
}

/// The session's secret. Two cookies of the name are none: one of them is somebody else's.
pub fn read(headers: &HeaderMap, secure: bool) -> Option<&str> {
    let wanted = name(secure);
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values = all.flat_map(|text| text.split(';')).filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == wanted).then_some(value)
    });
    let (value, None) = (values.next()?, values.next()) else { return None };
    (!value.is_empty() && value.len() <= SECRET_BYTES_MAX).then_some(value)
}

/// `Set-Cookie` of a new session.
pub fn set(secret: &str, secure: bool, life_ms: u64) -> HeaderValue {
    let life = Duration::milliseconds(i64::try_from(life_ms).unwrap_or(i64::MAX));
    build(secret, secure, life)
}

/// `Set-Cookie` that ends it.
pub fn clear(secure: bool) -> HeaderValue {
    build("", secure, Duration::ZERO)
}

fn build(value: &str, secure: bool, life: Duration) -> HeaderValue {
    let cookie = Cookie::build((name(secure), value))
        .http_only(true)
        .secure(secure)
        .same_site(SameSite::Lax)
        .path("/")
        .max_age(life);
    HeaderValue::try_from(cookie.to_string()).expect("a cookie of letters and digits is a header's value")
}

/// Whether the method changes nothing.
fn is_safe(parts: &Parts) -> bool {
    parts.method.is_safe()
}

/// A request that changes something must come from this site, where the browser says where it comes from.
pub fn check_origin(parts: &Parts, public_url: &str) -> Result<(), ApiError> {
    if is_safe(parts) {
        return Ok(());
    }
    let text = |name: HeaderName| parts.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return if matches!(site, "same-origin" | "none") { Ok(()) } else { Err(foreign()) };
    }
    let Some(origin) = text(header::ORIGIN) else { return Ok(()) };
    let here = text(header::HOST).is_some_and(|host| origin.split_once("://").is_some_and(|(_, from)| from == host));
    if here || origin == public_url { Ok(()) } else { Err(foreign()) }
}

/// A request with the cookie that changes something has the header.
pub fn check_header(parts: &Parts) -> Result<(), ApiError> {
    let told = parts.headers.get(&CSRF).is_some_and(|value| value == "1");
    if is_safe(parts) || told { Ok(()) } else { Err(foreign()) }
}

fn foreign() -> ApiError {
    let detail = "this request may come from another site's page";
    ApiError::new(StatusCode::FORBIDDEN, "csrf", detail).help("send the header x-fallow-csrf: 1 from this site's pages")
}

/// What the browser calls itself, in one short visible line.
pub fn agent(headers: &HeaderMap) -> String {
    let text = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.chars().filter(|c| !c.is_control()).take(AGENT_CHARS_MAX).collect()
}

/// Remember that a session was heard of; nobody waits for it.
pub fn note_seen(app: &Arc<App>, session: &SessionRow, now_ms: u64) {
    if now_ms.saturating_sub(session.seen_at_ms) < SEEN_MS {
        return;
    }
    let (app, id) = (app.clone(), session.id);
    tokio::spawn(async move {
        let written = app.store.write(move |db| Box::pin(async move { sessions::seen(db, id, now_ms).await })).await;
        if let Err(error) = written {
            tracing::warn!(%error, "failed to note that a session was heard of");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = axum::http::Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn one_cookie_of_the_name_counts() {
        let secret = |headers: &[(&str, &str)], secure| read(&parts("GET", headers).headers, secure).map(str::to_owned);
        assert_eq!(secret(&[("cookie", "a=b; fallow_session=s")], false), Some("s".into()));
        assert_eq!(secret(&[("cookie", "fallow_session=s")], true), None, "a plain one is not taken over HTTPS");
        assert_eq!(secret(&[("cookie", "__Host-fallow_session=s")], true), Some("s".into()));
        assert_eq!(secret(&[("cookie", "fallow_session=s; fallow_session=t")], false), None);
        assert_eq!(secret(&[("cookie", "fallow_session=s"), ("cookie", "fallow_session=t")], false), None);
        assert_eq!(secret(&[("cookie", &format!("fallow_session={}", "x".repeat(300)))], false), None);
    }

    #[test]
    fn cookies_are_closed() {
        let plain = set("s", false, 60_000);
        assert_eq!(plain, "fallow_session=s; HttpOnly; SameSite=Lax; Path=/; Max-Age=60");
        let secure = set("s", true, 60_000);
        assert!(secure.to_str().unwrap().starts_with("__Host-fallow_session=s;"));
        assert!(secure.to_str().unwrap().contains("Secure"));
        assert!(clear(false).to_str().unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn other_sites_change_nothing() {
        let url = "https://grid.example";
        let origin = |method, headers: &[(&str, &str)]| check_origin(&parts(method, headers), url).is_ok();
        assert!(origin("GET", &[("sec-fetch-site", "cross-site")]));
        assert!(origin("POST", &[]));
        assert!(origin("POST", &[("sec-fetch-site", "same-origin")]));
        assert!(origin("POST", &[("origin", url)]));
        assert!(origin("POST", &[("origin", "http://127.0.0.1:7"), ("host", "127.0.0.1:7")]));
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site"), ("origin", url)],
            &[("origin", "null")],
            &[("origin", "https://grid.example.evil.example")],
            &[("origin", "https://evil.example"), ("host", "grid.example")],
        ] {
            assert!(!origin("POST", headers), "{headers:?}");
        }
        assert!(check_header(&parts("DELETE", &[])).is_err());
        assert!(check_header(&parts("DELETE", &[("x-fallow-csrf", "1")])).is_ok());
        assert!(check_header(&parts("GET", &[])).is_ok());
    }
}
