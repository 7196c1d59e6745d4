//! The binary itself: what it prints, how it ends, and its commands on a data folder.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const PATIENCE: Duration = Duration::from_secs(60);

fn command(data: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fallow-server"));
    command.args(args).arg("--data").arg(data).arg("--json").stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Run a command to its end: whether it succeeded, and what it said.
async fn run(data: &Path, args: &[&str]) -> (bool, Value, String) {
    let output = tokio::time::timeout(PATIENCE, command(data, args).output()).await.unwrap().unwrap();
    let out = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.success(), out, String::from_utf8_lossy(&output.stderr).into_owned())
}

struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Server {
    fn start(data: &Path) -> Self {
        let mut command = command(data, &["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn event(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await.unwrap().unwrap();
        serde_json::from_str(&line.expect("another line")).unwrap()
    }

    async fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().await.unwrap().success());
    }

    async fn ended(mut self) -> bool {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap().success()
    }
}

#[tokio::test]
async fn a_grid_is_started_asked_killed_and_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = Server::start(&data);
    let first = server.event().await;
    assert_eq!(first["event"], "operator_token");
    let token = first["token"].as_str().unwrap().to_owned();
    let link = server.event().await;
    assert_eq!(link["event"], "operator_link");
    assert!(link.to_string().contains("/welcome?token="), "{link}");
    let listening = server.event().await;
    assert_eq!(listening["event"], "listening");

    let _ = rustls::crypto::ring::default_provider().install_default();
    let me = async |url: &Value, token: &str| {
        let url = format!("{}/api/v1/me", url.as_str().unwrap());
        reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap().status().as_u16()
    };
    assert_eq!(me(&listening["url"], &token).await, 200);
    let (made, out, _) = run(&data, &["token", "create", "--scopes", "jobs:read", "--days", "2"]).await;
    assert!(made, "also beside a running server");
    assert_eq!(me(&listening["url"], out["token"].as_str().unwrap()).await, 200);
    server.signal("-KILL").await;
    assert!(!server.ended().await);

    let mut server = Server::start(&data);
    let listening = server.event().await;
    assert_eq!(listening["event"], "listening", "the token is shown once");
    assert_eq!(me(&listening["url"], &token).await, 200, "what was acknowledged is there");
    server.signal("-TERM").await;
    assert!(server.ended().await, "stopped in good order");
}

#[tokio::test]
async fn keys_are_managed_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let (data, stick) = (folder.path().join("data"), folder.path().join("root.key"));
    let (shown, _, error) = run(&data, &["keys", "show"]).await;
    assert!(!shown && error.contains("missing"), "{error}");
    let mut server = Server::start(&data);
    server.event().await;
    server.event().await;
    let stick_name = stick.to_str().unwrap();
    assert!(run(&data, &["keys", "export-root", stick_name]).await.0);
    let (rotated, _, error) = run(&data, &["keys", "rotate"]).await;
    assert!(!rotated && error.contains("--root"), "{error}");
    let (rotated, out, _) = run(&data, &["keys", "rotate", "--root", stick_name]).await;
    assert!(rotated);
    assert_eq!(out["serial"], 2);
    let shown = run(&data, &["keys", "show"]).await.1;
    assert_eq!((&shown["serial"], &shown["root_here"]), (&Value::from(2), &Value::from(false)));
    std::fs::remove_file(data.join("keys/online.key")).unwrap();
    assert!(run(&data, &["keys", "recover", "--root", stick_name]).await.0);
    server.signal("-HUP").await;
    server.signal("-TERM").await;
    assert!(server.ended().await);
    let mut server = Server::start(&data);
    assert_eq!(server.event().await["event"], "listening");
}

#[tokio::test]
async fn a_backup_is_made_and_brought_back() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("grid.tar"));
    let mut server = Server::start(&data);
    server.event().await;
    let file_name = file.to_str().unwrap();
    assert!(run(&data, &["backup", file_name]).await.0);
    let (over, _, error) = run(&data, &["restore", file_name]).await;
    assert!(!over && error.contains("not empty"), "{error}");
    let fresh = folder.path().join("fresh");
    assert!(run(&fresh, &["restore", file_name]).await.0);
    let mut restored = Server::start(&fresh);
    assert_eq!(restored.event().await["event"], "listening", "the operator is there already");
}

#[tokio::test]
async fn wrong_settings_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    std::fs::write(&file, "[limits]\nblob_byte_max = 1\n").unwrap();
    let (started, _, error) = run(folder.path(), &["serve", "--config", file.to_str().unwrap()]).await;
    assert!(!started && error.contains("blob_byte_max") && error.contains("settings.toml"), "{error}");
    let (started, _, error) = run(folder.path(), &["serve", "--listen", "0.0.0.0:0"]).await;
    assert!(!started && error.contains("loopback only"), "{error}");
}

#[tokio::test]
async fn the_ledger_is_checked_beside_a_running_server() {
    use grid_core::JobNo;
    use grid_core::ledger::{Account, Amount, Cause, Transfer};
    use grid_server::store::{Store, ledger};

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let (checked, _, error) = run(&data, &["ledger", "check"]).await;
    assert!(!checked && error.contains("no database"), "{error}");
    let mut server = Server::start(&data);
    server.event().await;
    server.event().await;
    let (checked, out, error) = run(&data, &["ledger", "check"]).await;
    assert!(checked, "{error}");
    assert_eq!((&out["found"], &out["transfers"]), (&Value::from(0), &Value::from(0)));

    let store = Store::open(&format!("sqlite://{}", data.join("fallow.sqlite").display())).await.unwrap();
    let write = store.write(|db| {
        Box::pin(async move {
            // A budget that no job has, from long ago.
            let ([debit, ..], credit) = (Account::SYSTEM, Account::escrow(JobNo(7)));
            let cause = Cause::Fund { job: JobNo(7), n: 0 };
            ledger::open_account(db, credit).await?;
            let lost = Transfer { cause, debit, credit, amount: Amount::CREDIT, timeout_ms: None };
            ledger::apply(db, &[lost], 1).await
        })
    });
    assert!(write.await.unwrap().is_ok());
    let (checked, out, error) = run(&data, &["ledger", "check"]).await;
    assert!(!checked && error.contains("does not add up"), "{error}");
    assert_eq!((&out["transfers"], &out["findings"][0]["invariant"]), (&Value::from(1), &Value::from("I9")));
    server.signal("-TERM").await;
    assert!(server.ended().await);
}
