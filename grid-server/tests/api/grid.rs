//! A server of a test's own, and short ways to ask it.

use fallow_protocol::api::{AccountCreated, NewToken, TokenInfo};
use fallow_protocol::problem::Problem;
use grid_server::config::Config;
use grid_server::serve::{self, Running};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub struct Grid {
    pub running: Running,
    pub client: Client,
    /// The operator's token.
    pub operator: String,
    pub data: tempfile::TempDir,
}

pub fn config(data: &std::path::Path) -> Config {
    Config { data: data.join("data"), listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() }
}

pub fn client() -> Client {
    // The first test of the process does it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}

impl Grid {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = config(data.path());
        change(&mut config);
        let client = client();
        let running = serve::start(config).await.unwrap();
        let operator = running.operator_token.clone().expect("the first start gives a token");
        Self { running, client, operator, data }
    }

    /// A request to `path` with a token; an empty one is none.
    pub fn ask(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.running.url()));
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    pub async fn get(&self, path: &str, token: &str) -> Response {
        self.ask(Method::GET, path, token).send().await.unwrap()
    }

    pub async fn post(&self, path: &str, token: &str, body: &impl serde::Serialize) -> Response {
        self.ask(Method::POST, path, token).json(body).send().await.unwrap()
    }

    pub async fn send(&self, method: Method, path: &str, token: &str, body: &impl serde::Serialize) -> Response {
        self.ask(method, path, token).json(body).send().await.unwrap()
    }

    pub async fn delete(&self, path: &str, token: &str) -> Response {
        self.ask(Method::DELETE, path, token).send().await.unwrap()
    }

    /// A new account's token.
    pub async fn account(&self, name: &str) -> String {
        let made = self.post("/api/v1/accounts", &self.operator, &json!({ "name": name })).await;
        read::<AccountCreated>(made, 201).await.token
    }

    /// A token with some of the scopes of `token`.
    pub async fn scoped(&self, token: &str, scopes: &[&str]) -> String {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let new = NewToken { name: "scoped".into(), scopes, days: 1 };
        read::<TokenInfo>(self.post("/api/v1/tokens", token, &new).await, 201).await.token.unwrap()
    }
}

pub async fn read<T: DeserializeOwned>(response: Response, status: u16) -> T {
    let found = response.status().as_u16();
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The answer is a problem of this status and kind, told as the standard wants it.
pub async fn problem(response: Response, status: u16, kind: &str) -> Problem {
    let media = response.headers().get("content-type").cloned();
    let problem: Problem = read(response, status).await;
    assert_eq!(media.unwrap(), "application/problem+json");
    assert_eq!((problem.status, problem.kind.as_str()), (status, kind), "{problem:?}");
    assert!(!problem.detail.is_empty() && !problem.title.is_empty());
    problem
}

pub async fn json_of(response: Response) -> Value {
    read(response, 200).await
}
