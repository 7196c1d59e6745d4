//! One HTTP call: its parts, its time limit, and its repetition where that is harmless.

use std::time::Duration;

use bytes::Bytes;
use fallow_protocol::problem::Problem;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Client, ClientError};

/// First pause before a repetition; it doubles each time.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// Longest pause before a repetition, whatever the server asks for.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Largest JSON answer. A page of 1,000 logs of 16 KiB each still fits.
const ANSWER_BYTES_MAX: usize = 32 << 20;

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: Method,
    segments: Vec<String>,
    query: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Bytes>,
    repeatable: bool,
    waits: Duration,
}

impl Call {
    fn new(method: Method, segments: &[&str]) -> Self {
        let segments = segments.iter().map(|segment| (*segment).to_owned()).collect();
        let repeatable = method != Method::POST;
        let (query, headers) = (Vec::new(), Vec::new());
        Self { method, segments, query, headers, body: None, repeatable, waits: Duration::ZERO }
    }

    /// `segments` follow the grid's address; each is escaped.
    pub fn get(segments: &[&str]) -> Self {
        Self::new(Method::GET, segments)
    }

    /// A POST; not repeated after it was sent unless [`Call::repeatable`] says so.
    pub fn post(segments: &[&str]) -> Self {
        Self::new(Method::POST, segments)
    }

    /// A DELETE.
    pub fn delete(segments: &[&str]) -> Self {
        Self::new(Method::DELETE, segments)
    }

    /// A JSON body.
    pub fn json<T: Serialize>(mut self, body: &T) -> Self {
        let bytes = serde_json::to_vec(body).expect("the protocol's own types always encode");
        self.headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        self.body = Some(bytes.into());
        self
    }

    /// A field of the query.
    pub fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// A field of the query, where there is a value.
    pub fn query_some(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// A header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// It does no harm to send this twice.
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// The server may wait so long before it answers.
    pub fn waits(mut self, wait: Duration) -> Self {
        self.waits = wait;
        self
    }
}

impl Client {
    /// Make a call; the answer's status says success.
    pub(crate) async fn answer(&self, call: &Call) -> Result<Response, ClientError> {
        let mut tries = 0;
        loop {
            let error = match self.once(call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(asked) = error.retry_after(call.repeatable).filter(|_| tries < self.retries) else {
                return Err(error.into_inner());
            };
            tokio::time::sleep(pause(tries, asked)).await;
            tries += 1;
        }
    }

    /// Make a call whose answer is JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T, ClientError> {
        let answer = self.answer(&call).await?;
        let status = answer.status();
        let bytes = self.read_all(answer).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.strange(status, format!("its JSON: {error}")))
    }

    /// Make a call whose answer is read as it is.
    pub(crate) async fn bytes(&self, call: Call) -> Result<Vec<u8>, ClientError> {
        let answer = self.answer(&call).await?;
        self.read_all(answer).await
    }

    /// Start a request with the address, the query and the account's token.
    pub(crate) fn request(&self, method: Method, segments: &[impl AsRef<str>]) -> reqwest::RequestBuilder {
        let mut url = (*self.base).clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        let request = self.http.request(method, url);
        match &self.bearer {
            Some(bearer) => request.header(AUTHORIZATION, bearer),
            None => request,
        }
    }

    /// An answer with a status of success, or the problem that it holds.
    pub(crate) async fn checked(&self, answer: Response) -> Result<Response, ClientError> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        if status.is_redirection() {
            return Err(self.strange(status, "a redirect; use the address that it leads to".into()));
        }
        let bytes = self.read_all(answer).await.unwrap_or_default();
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => Err(ClientError::Problem(Box::new(problem))),
            Err(_) => Err(self.strange(status, excerpt(&bytes))),
        }
    }

    pub(crate) fn strange(&self, status: StatusCode, what: String) -> ClientError {
        ClientError::Answer { url: self.url().to_owned(), status: status.as_u16(), what }
    }

    pub(crate) fn broken(&self, why: &str) -> ClientError {
        ClientError::Broken { url: self.url().to_owned(), why: why.to_owned() }
    }

    async fn once(&self, call: &Call) -> Result<Response, Failed> {
        let mut request = self.request(call.method.clone(), &call.segments).query(&call.query);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let sent = tokio::time::timeout(self.call_timeout + call.waits, request.send()).await;
        let answer = match sent {
            Err(_) => return Err(Failed::Unsure(self.broken("no answer in time"))),
            Ok(Err(error)) => return Err(Failed::transport(self.url(), &error)),
            Ok(Ok(answer)) => answer,
        };
        let (status, asked) = (answer.status(), asked_pause(&answer));
        self.checked(answer).await.map_err(|error| Failed::answered(status, asked, error))
    }

    async fn read_all(&self, mut answer: Response) -> Result<Vec<u8>, ClientError> {
        let status = answer.status();
        let read = async {
            let mut bytes = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(|error| ClientError::transport(self.url(), &error))? {
                if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                    return Err(self.strange(status, format!("more than {ANSWER_BYTES_MAX} bytes of JSON")));
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(bytes)
        };
        tokio::time::timeout(self.call_timeout, read).await.unwrap_or_else(|_| Err(self.broken("no answer in time")))
    }
}

/// A failed try, by what is known about the server's side.
enum Failed {
    /// Nothing was done there: any call may be repeated.
    NothingDone(ClientError, Option<Duration>),
    /// It may have been done: only repeatable calls may be repeated.
    Unsure(ClientError),
    /// As `Unsure`, with the pause that the server asked for.
    Away(ClientError, Option<Duration>),
    /// Repeating changes nothing.
    Final(ClientError),
}

impl Failed {
    fn transport(url: &str, error: &reqwest::Error) -> Self {
        let typed = ClientError::transport(url, error);
        if error.is_connect() {
            Failed::NothingDone(typed, None)
        } else if error.is_builder() {
            Failed::Final(typed)
        } else {
            Failed::Unsure(typed)
        }
    }

    fn answered(status: StatusCode, asked: Option<Duration>, error: ClientError) -> Self {
        match status {
            StatusCode::TOO_MANY_REQUESTS => Failed::NothingDone(error, asked),
            StatusCode::REQUEST_TIMEOUT
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Failed::Away(error, asked),
            _ => Failed::Final(error),
        }
    }

    /// Whether to try again, and after what pause the server would like it.
    fn retry_after(&self, repeatable: bool) -> Option<Option<Duration>> {
        match self {
            Failed::NothingDone(_, asked) => Some(*asked),
            Failed::Away(_, asked) => repeatable.then_some(*asked),
            Failed::Unsure(_) => repeatable.then_some(None),
            Failed::Final(_) => None,
        }
    }

    fn into_inner(self) -> ClientError {
        match self {
            Failed::NothingDone(error, _) | Failed::Unsure(error) | Failed::Away(error, _) | Failed::Final(error) => {
                error
            }
        }
    }
}

/// Doubling, with a random half, so that many clients do not come back together.
pub(crate) fn pause(tries: u32, asked: Option<Duration>) -> Duration {
    let full = PAUSE_FIRST.saturating_mul(1 << tries.min(10));
    let mut byte = [0u8];
    let random = if getrandom::fill(&mut byte).is_ok() { f64::from(byte[0]) / 255.0 } else { 1.0 };
    full.mul_f64(0.5 + random / 2.0).max(asked.unwrap_or_default()).min(PAUSE_MAX)
}

fn asked_pause(answer: &Response) -> Option<Duration> {
    let secs = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(secs))
}

fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    if text.trim().is_empty() { "an empty body".into() } else { format!("{:?}", text.trim()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(url: &str) -> Client {
        Client::new(url, super::super::ClientOptions::default()).unwrap()
    }

    #[test]
    fn pauses_grow_and_end() {
        for tries in 0..40 {
            let taken = pause(tries, None);
            assert!(taken >= PAUSE_FIRST / 2 && taken <= PAUSE_MAX, "{tries}: {taken:?}");
        }
        assert_eq!(pause(0, Some(Duration::from_secs(3))), Duration::from_secs(3));
        assert_eq!(pause(0, Some(Duration::from_secs(3_600))), PAUSE_MAX);
    }

    #[test]
    fn only_harmless_calls_are_repeated() {
        let error = || ClientError::Token;
        let status = |code| Failed::answered(StatusCode::from_u16(code).unwrap(), None, error());
        assert!(status(429).retry_after(false).is_some());
        assert!(status(503).retry_after(false).is_none());
        assert!(status(503).retry_after(true).is_some());
        assert!(status(500).retry_after(true).is_none());
        assert!(Failed::Unsure(error()).retry_after(false).is_none());
    }

    #[test]
    fn segments_are_escaped_below_the_grids_own_path() {
        let call = Call::delete(&["api", "v1", "tokens", "../a b?c"]);
        let client = client("http://127.0.0.1:1/grid/");
        let request = client.request(call.method.clone(), &call.segments).build().unwrap();
        assert_eq!(request.url().as_str(), "http://127.0.0.1:1/grid/api/v1/tokens/..%2Fa%20b%3Fc");
    }
}
