//! A grid of a test's own: one server, accounts, nodes, all in one temporary folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::process::{Process, program};
use crate::{JOB, SOON};

/// A running grid. Dropping it kills what runs and removes its folder (`FALLOW_TESTS_KEEP=1` keeps it, with the logs).
pub struct Grid {
    folder: TempDir,
    server: Option<Process>,
    /// Where the server listens.
    pub url: String,
    /// The operator's token.
    pub operator: String,
}

impl Grid {
    /// A server on SQLite with nothing else.
    pub async fn start() -> Result<Self> {
        Self::start_with("").await
    }

    /// A server with settings of its own (TOML, as in `docs/server.example.toml`).
    pub async fn start_with(settings: &str) -> Result<Self> {
        let mut folder = tempfile::tempdir()?;
        folder.disable_cleanup(std::env::var_os("FALLOW_TESTS_KEEP").is_some());
        std::fs::write(folder.path().join("server.toml"), settings)?;
        let mut grid = Self { folder, server: None, url: String::new(), operator: String::new() };
        grid.start_server("127.0.0.1:0").await?;
        let server = grid.server.as_ref().context("it was just started")?;
        grid.operator = text(&server.named("operator_token", SOON).await?, "token")?;
        Ok(grid)
    }

    async fn start_server(&mut self, listen: &str) -> Result<()> {
        let mut serve = program("fallow-server");
        // A relative folder, as a newcomer gives it.
        serve.args(["serve", "--json", "--listen", listen, "--data", "server", "--config", "server.toml"]);
        serve.current_dir(self.folder.path());
        let server = Process::start("the server", serve, &self.path("server.log"))?;
        self.url = text(&server.named("listening", SOON).await?, "url")?;
        self.server = Some(server);
        Ok(())
    }

    /// A path in the grid's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The server's data folder.
    pub fn server_data(&self) -> PathBuf {
        self.path("server")
    }

    /// The server's process.
    pub fn server(&self) -> &Process {
        self.server.as_ref().expect("the test has not killed the server")
    }

    /// `kill -9` of the server.
    pub async fn kill_server(&mut self) -> Result<()> {
        self.server.take().context("the server is not running")?.kill().await
    }

    /// A polite end of the server.
    pub async fn stop_server(&mut self) -> Result<()> {
        let status = self.server.take().context("the server is not running")?.stop().await?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    /// The server again, at the same address, on the same data.
    pub async fn restart_server(&mut self) -> Result<()> {
        let listen = self.url.trim_start_matches("http://").to_owned();
        self.start_server(&listen).await
    }

    /// A new account, with the author's tool logged in for it and an author key registered.
    pub async fn account(&self, name: &str) -> Result<Account> {
        let config = self.path(&format!("{name}.toml"));
        let mut operator = self.tool(&config);
        operator.env("FALLOW_URL", &self.url).env("FALLOW_TOKEN", &self.operator);
        let created = json(operator.args(["account", "create", name, "--json"])).await?;
        self.logged_in(name, &text(&created, "token")?).await
    }

    /// An account that has a token, with the author's tool logged in for it and an author key registered.
    pub async fn logged_in(&self, name: &str, token: &str) -> Result<Account> {
        let (config, token) = (self.path(&format!("{name}.toml")), token.to_owned());
        succeed(self.tool(&config).args(["login", &self.url, "--token", &token])).await?;
        succeed(self.tool(&config).arg("keygen")).await?;
        Ok(Account {
            name: name.to_owned(),
            token,
            config,
            url: self.url.clone(),
            folder: self.folder.path().to_owned(),
        })
    }

    /// A command of the server on its data that prints one JSON document.
    pub async fn server_command(&self, args: &[&str]) -> Result<Value> {
        let mut server = program("fallow-server");
        server.env("FALLOW_PUBLIC_URL", &self.url).current_dir(self.folder.path()).args(args);
        json(server.args(["--data", "server", "--config", "server.toml"])).await
    }

    fn tool(&self, config: &Path) -> Command {
        let mut fallow = program("fallow");
        fallow.env("FALLOW_CONFIG", config).current_dir(self.folder.path());
        fallow
    }

    /// A node of `owner` that is online.
    pub async fn node(&self, owner: &Account, name: &str, args: &[&str]) -> Result<Node> {
        self.node_logging(owner, name, args, "info").await
    }

    /// The same, with a filter for its log, which is `NAME.log` in the grid's folder.
    pub async fn node_logging(&self, owner: &Account, name: &str, args: &[&str], log: &str) -> Result<Node> {
        self.node_through(&self.url, owner, name, args, log).await
    }

    /// The same, where the node finds the server at another address.
    pub async fn node_through(&self, url: &str, owner: &Account, name: &str, args: &[&str], log: &str) -> Result<Node> {
        let token = text(&owner.json(&["join-token", "--json"]).await?, "token")?;
        let data = self.path(name);
        let mut join = program("fallow-node");
        join.env("FALLOW_NODE_LOG", log).env("NO_COLOR", "1");
        join.args(["join", url, "--token", &token, "--name", name, "--json", "--data"]).arg(&data).args(args);
        let process = Process::start(name, join, &self.path(&format!("{name}.log")))?;
        process.named("online", SOON).await?;
        Ok(Node { process, data })
    }

    /// A node that joined before, started again on its data.
    pub async fn node_again(&self, data: &Path, args: &[&str]) -> Result<Node> {
        let mut run = program("fallow-node");
        run.args(["run", "--json", "--data"]).arg(data).args(args);
        let process = Process::start("a node", run, &data.with_extension("log"))?;
        process.named("online", SOON).await?;
        Ok(Node { process, data: data.to_owned() })
    }
}

/// A node's process and its data folder.
pub struct Node {
    /// The process.
    pub process: Process,
    /// Its data.
    pub data: PathBuf,
}

impl Node {
    /// A word to the running node, as its owner says it: `pause`, `resume`, `status`.
    pub async fn control(&self, word: &str) -> Result<()> {
        succeed(program("fallow-node").args([word, "--data"]).arg(&self.data)).await.map(drop)
    }
}

/// An account with the author's tool.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its token with all scopes of a user.
    pub token: String,
    config: PathBuf,
    /// The grid's address.
    pub url: String,
    folder: PathBuf,
}

/// What a call of the tool gave.
#[derive(Debug)]
pub struct Called {
    /// Exit status.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Account {
    /// A call of the author's tool.
    pub async fn call(&self, args: &[&str]) -> Result<Called> {
        let output = self.command(args).output().await?;
        Ok(Called {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// The call as a command, not yet started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut fallow = program("fallow");
        fallow.env("FALLOW_CONFIG", &self.config).current_dir(&self.folder).args(args).kill_on_drop(true);
        fallow
    }

    /// A call that must succeed and prints one JSON document.
    pub async fn json(&self, args: &[&str]) -> Result<Value> {
        json(&mut self.command(args)).await
    }

    /// A request to the API with this account's token.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        http().request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    /// What the API gives for a path.
    pub async fn get(&self, path: &str) -> Result<Value> {
        Ok(self.request(reqwest::Method::GET, path).send().await?.error_for_status()?.json().await?)
    }

    /// The job as the API gives it.
    pub async fn job(&self, id: &str) -> Result<Value> {
        self.get(&format!("/api/v1/jobs/{id}")).await
    }

    /// Wait until the job `fits`, following it by long polls.
    pub async fn job_until(&self, id: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut seen = self.job(id).await?;
        let follow = async {
            loop {
                if fits(&seen) {
                    return seen.clone();
                }
                let path = format!("/api/v1/jobs/{id}?wait_ms=5000&after={}", seen["version"]);
                // The server may be away for a moment: tests kill it. Asking again is what a client does.
                if let Ok(answer) = self.request(reqwest::Method::GET, &path).send().await
                    && let Ok(job) = answer.json::<Value>().await
                    && job["version"].is_u64()
                {
                    seen = job;
                } else {
                    tokio::task::yield_now().await;
                }
            }
        };
        match tokio::time::timeout(JOB, follow).await {
            Ok(job) => Ok(job),
            Err(_) => bail!("the job did not come to be {what}; it is {seen:#}"),
        }
    }

    /// Wait until the job has ended, however.
    pub async fn job_ended(&self, id: &str) -> Result<Value> {
        self.job_until(id, "ended", |job| matches!(job["phase"].as_str(), Some("done" | "failed" | "cancelled"))).await
    }

    /// The result's bytes of a job that is done.
    pub async fn result(&self, id: &str) -> Result<Vec<u8>> {
        let job = self.job_ended(id).await?;
        ensure!(job["phase"] == "done", "the job is not done: {job:#}");
        let answer = self.request(reqwest::Method::GET, &format!("/api/v1/jobs/{id}/result")).send().await?;
        Ok(answer.error_for_status()?.bytes().await?.to_vec())
    }

    /// Submit a project of the repository; the id of the job.
    pub async fn submit(&self, project: &str, args: &[&str]) -> Result<String> {
        let component = crate::guests::component(project).await?;
        let (project, component) = (crate::guests::root().join(project), component.display().to_string());
        let project = project.display().to_string();
        let mut all = vec!["submit", &project, "--component", &component, "--json"];
        all.extend(args);
        text(&self.json(&all).await?, "id")
    }
}

/// A client for the tests' own requests.
pub fn http() -> reqwest::Client {
    static CLIENT: std::sync::OnceLock<reqwest::Client> = std::sync::OnceLock::new();
    CLIENT
        .get_or_init(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
            reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a plain client can be made")
        })
        .clone()
}

/// A text field of a JSON document.
pub fn text(json: &Value, key: &str) -> Result<String> {
    Ok(json[key].as_str().with_context(|| format!("expected a text {key:?} in {json}"))?.to_owned())
}

async fn succeed(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().await?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output.stdout)
}

async fn json(command: &mut Command) -> Result<Value> {
    let out = succeed(command).await?;
    serde_json::from_slice(&out)
        .with_context(|| format!("expected one JSON document, found {:?}", String::from_utf8_lossy(&out)))
}
