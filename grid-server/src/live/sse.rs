//! Server-sent events (the HTML standard, section 9.2) as bytes, and streams of them that end in good time.

use std::time::Duration;

use axum::body::Bytes;
use futures_util::{Stream, stream};
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::streams::Open;

/// A sign of life where nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A stream ends after this time, and its reader comes again, with a token that is looked at again.
const LIFE: Duration = Duration::from_secs(300);
/// How long a reader waits before it comes again, milliseconds.
const RETRY: &str = "retry: 1000\n\n";

/// One event. `id` is what the reader sends as `Last-Event-ID` when it comes again.
pub fn event(name: &str, id: Option<u64>, data: &impl Serialize) -> Bytes {
    // JSON has no line ends of its own, so one data line is enough.
    let data = serde_json::to_string(data).unwrap_or_else(|_| "null".into());
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    Bytes::from(format!("{id}event: {name}\ndata: {data}\n\n"))
}

/// The reader has missed something and fetches everything again. Without an id: until it has, it has nothing newer.
pub fn reset() -> Bytes {
    Bytes::from_static(b"event: reset\ndata: {}\n\n")
}

/// Where events come from.
pub trait Source: Send {
    /// The next event; none where there will be no more.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;
}

struct State<S> {
    source: S,
    end: Instant,
    stop: CancellationToken,
    begun: bool,
    _open: Open,
}

/// Events as a body, until the server stops, the caller's right ends (`until_ms` from now), or the stream is old.
pub fn stream<S: Source>(
    source: S,
    stop: CancellationToken,
    until: Duration,
    open: Open,
) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> {
    let state = State { source, end: Instant::now() + until.min(LIFE), stop, begun: false, _open: open };
    stream::unfold(state, |mut state| async move {
        if !std::mem::replace(&mut state.begun, true) {
            return Some((Ok(Bytes::from_static(RETRY.as_bytes())), state));
        }
        let next = tokio::select! {
            biased;
            () = state.stop.cancelled() => None,
            () = tokio::time::sleep_until(state.end) => None,
            next = state.source.next() => next,
            () = tokio::time::sleep(HEARTBEAT) => Some(Bytes::from_static(b":\n\n")),
        };
        next.map(|bytes| (Ok(bytes), state))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_block_whatever_is_in_it() {
        let bytes = event("job", Some(7), &serde_json::json!({ "name": "a\n\nevent: forged\r\n" }));
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(text.lines().count(), 4, "{text:?}");
        assert!(text.starts_with("id: 7\nevent: job\ndata: {") && text.ends_with("}\n\n"), "{text:?}");
    }
}
