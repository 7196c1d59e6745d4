//! A person's browser, and the mails that the server put into its outbox.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde_json::json;

use crate::grid::Grid;

pub const PASSWORD: &str = "correct horse battery";
const SOON: Duration = Duration::from_secs(30);

/// A grid on which anybody registers.
pub async fn open_grid() -> Grid {
    Grid::with(|config| config.accounts.registration = Some(grid_server::config::Registration::Open)).await
}

pub struct Browser {
    client: reqwest::Client,
    url: String,
    cookie: String,
}

impl Browser {
    /// With the cookie that an answer set.
    pub fn of(grid: &Grid, answer: &Response) -> Self {
        let set = answer.headers().get("set-cookie").expect("a session").to_str().unwrap();
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && set.contains("Path=/"), "{set}");
        let cookie = set.split(';').next().unwrap().to_owned();
        Self { client: grid.client.clone(), url: grid.running.url(), cookie }
    }

    pub async fn log_in(grid: &Grid, login: &str, password: &str) -> Self {
        let answer = grid.post("/api/v1/session", "", &json!({"login": login, "password": password})).await;
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        Self::of(grid, &answer)
    }

    /// A request with the cookie and nothing else.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).header("cookie", &self.cookie)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.bare(Method::GET, path).send().await.unwrap()
    }

    pub async fn send(&self, method: Method, path: &str, body: &impl Serialize) -> Response {
        self.bare(method, path).header("x-fallow-csrf", "1").json(body).send().await.unwrap()
    }
}

/// Register NAME with NAME@example.org and confirm it.
pub async fn register(grid: &Grid, name: &str) -> Browser {
    let email = format!("{name}@example.org");
    let new = json!({"name": name, "email": email, "password": PASSWORD});
    assert_eq!(grid.post("/api/v1/register", "", &new).await.status(), 202);
    let token = letter(grid, &email, "confirm").await;
    let answer = grid.post("/api/v1/confirm", "", &json!({"token": token})).await;
    assert_eq!(answer.status(), 200);
    Browser::of(grid, &answer)
}

/// All mails to an address.
pub fn letters(grid: &Grid, to: &str) -> Vec<String> {
    let outbox = grid.running.app.config.data.join("outbox");
    let files = std::fs::read_dir(outbox).unwrap().map(|entry| entry.unwrap().path());
    let texts = files.filter_map(|path| std::fs::read_to_string(path).ok());
    texts.filter(|text| text.contains(&format!("To: {to}\r\n"))).collect()
}

/// Forget the mails so far.
pub fn throw_letters_away(grid: &Grid) {
    for entry in std::fs::read_dir(grid.running.app.config.data.join("outbox")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
}

/// A mail to an address with these words in it; waits until it is there.
pub async fn any_letter(grid: &Grid, to: &str, words: &str) -> String {
    let look = async {
        loop {
            if let Some(text) = letters(grid, to).into_iter().find(|text| text.contains(words)) {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, look).await.unwrap_or_else(|_| panic!("no mail to {to} says {words}"))
}

/// The token of the link to `page` in the one mail that has such a link.
pub async fn letter(grid: &Grid, to: &str, page: &str) -> String {
    let text = any_letter(grid, to, &format!("/{page}?token=")).await;
    let token = text.split("?token=").nth(1).unwrap();
    token.chars().take_while(char::is_ascii_alphanumeric).collect()
}
