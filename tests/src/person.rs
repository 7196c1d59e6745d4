//! A person with a browser: a session's cookie, the header that its pages send, and the mails in the server's outbox.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::SOON;
use crate::grid::{Grid, http, text};

/// A password that is taken.
pub const PASSWORD: &str = "correct horse battery";

/// Somebody who is logged in.
#[derive(Clone)]
pub struct Person {
    url: String,
    cookie: String,
}

impl Person {
    /// Register `name` with NAME@example.org, follow the link in the mail. The grid lets anybody register.
    pub async fn register(grid: &Grid, name: &str) -> Result<Self> {
        let email = format!("{name}@example.org");
        let new = json!({"name": name, "email": email, "password": PASSWORD});
        let answer = http().post(format!("{}/api/v1/register", grid.url)).json(&new).send().await?;
        ensure!(answer.status() == 202, "{}", answer.text().await?);
        let token = mailed_token(grid, &email, "confirm").await?;
        let answer = http().post(format!("{}/api/v1/confirm", grid.url)).json(&json!({"token": token})).send().await?;
        Self::of(grid, answer).await
    }

    /// Log in; `code` is of the second factor.
    pub async fn log_in(grid: &Grid, login: &str, code: Option<&str>) -> Result<Self> {
        let body = json!({"login": login, "password": PASSWORD, "code": code});
        Self::of(grid, http().post(format!("{}/api/v1/session", grid.url)).json(&body).send().await?).await
    }

    /// Log in as an account that has tokens only, by a one-time link of the server's operator.
    pub async fn by_link(grid: &Grid, account: &str) -> Result<Self> {
        let link = text(&grid.server_command(&["operator-link", "--account", account, "--json"]).await?, "url")?;
        let token = link.split("token=").nth(1).context("the link has a token")?;
        let url = format!("{}/api/v1/session/link", grid.url);
        Self::of(grid, http().post(url).json(&json!({"token": token})).send().await?).await
    }

    async fn of(grid: &Grid, answer: Response) -> Result<Self> {
        let cookie = answer.headers().get("set-cookie").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (status, body) = (answer.status(), answer.text().await?);
        let cookie = cookie.with_context(|| format!("expected a session, found {status}: {body}"))?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { url: grid.url.clone(), cookie })
    }

    /// A request as this site's pages send it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = http().request(method, format!("{}{path}", self.url));
        request.header("cookie", &self.cookie).header("x-fallow-csrf", "1")
    }

    /// What the API gives for a path.
    pub async fn get(&self, path: &str) -> Result<Value> {
        Ok(self.request(Method::GET, path).send().await?.error_for_status()?.json().await?)
    }

    /// Post a body; the answer's JSON, or null where it has none.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let answer = self.request(Method::POST, path).json(body).send().await?;
        let (status, bytes) = (answer.status(), answer.bytes().await?);
        ensure!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&bytes));
        if bytes.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_slice(&bytes)?) }
    }
}

/// The token of the link to `page` in a mail to an address; waits until the mail is there.
pub async fn mailed_token(grid: &Grid, to: &str, page: &str) -> Result<String> {
    let (outbox, link) = (grid.server_data().join("outbox"), format!("/{page}?token="));
    let look = async {
        loop {
            for entry in std::fs::read_dir(&outbox)? {
                let text = std::fs::read_to_string(entry?.path())?;
                let mine = text.contains(&format!("To: {to}\r\n"));
                if let Some((_, rest)) = text.split_once(&link).filter(|_| mine) {
                    return Ok(rest.chars().take_while(char::is_ascii_alphanumeric).collect());
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(SOON, look).await {
        Ok(token) => token,
        Err(_) => bail!("no mail to {to} leads to {page}"),
    }
}
