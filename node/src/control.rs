//! The owner's commands from other processes: a socket in the data folder, one JSON object a line.
//!
//! Whoever can open the socket is the owner: the folder and the socket are his alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use fallow_protocol::api::EarningsReport;
use fallow_protocol::preferences::Preferences;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::agent::report::Report;
use crate::exit::{Code, Failure};
use crate::platform::{self, ControlListener, ControlStream};
use crate::policy::Observation;

/// A request is one line of at most so many bytes.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// An answer is one line of at most so many bytes.
const REPLY_BYTES_MAX: u64 = 1024 * 1024;
/// Who says nothing for so long is gone.
const WAIT: Duration = Duration::from_secs(5);

/// What may be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// What runs here?
    Status,
    /// Stand still.
    Pause {
        /// Shown to the grid.
        reason: String,
        /// For so many seconds; until it is resumed where missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_s: Option<u64>,
        /// Let the units end first that have begun.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        finish: bool,
    },
    /// Go on.
    Resume,
    /// These are the owner's preferences at this computer, all of them.
    Choose {
        /// What he allows.
        preferences: Box<Preferences>,
    },
    /// What did this node earn?
    Earnings {
        /// Days, today included.
        days: u32,
        /// Where the days begin.
        utc_offset_min: i32,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// What runs here, after what was asked is done.
    Status(Box<StatusReply>),
    /// What was earned.
    Earnings(Box<EarningsReport>),
    /// It cannot be done.
    Refused {
        /// Why, and what to do.
        error: String,
    },
}

/// What runs here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReply {
    /// The node's name.
    pub name: String,
    /// Its id.
    pub node: String,
    /// The grid's name.
    pub grid: String,
    /// The grid's address.
    pub url: String,
    /// The account that it works for.
    pub owner: String,
    /// Why it is not connected, where it is not.
    pub offline: Option<String>,
    /// What its owner allows.
    #[serde(default)]
    pub lender: LenderReport,
    /// What it does.
    #[serde(flatten)]
    pub report: Report,
}

/// What the owner allows, and what the computer tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LenderReport {
    /// Chosen here.
    pub local: Preferences,
    /// Chosen on the portal.
    pub remote: Preferences,
    /// What holds.
    pub effective: Preferences,
    /// What command line, variables or `node.toml` fix.
    #[serde(default)]
    pub fixed: Fixed,
    /// What the computer told last.
    pub seen: Observation,
    /// When the pause ends by itself, milliseconds since 1970.
    pub until_ms: Option<u64>,
    /// The pause that begins once all has ended that has begun.
    pub finishing: Option<String>,
    /// Address of the node's own page.
    pub page: Option<String>,
}

/// What wins over all that is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fixed {
    /// Units at once.
    pub slots: Option<u32>,
    /// Memory of all units, bytes.
    pub memory_bytes: Option<u64>,
    /// Disk for modules and inputs, bytes.
    pub disk_bytes: Option<u64>,
}

/// A request with the place for its answer.
pub type Asked = (Request, oneshot::Sender<Reply>);

/// The socket of a data folder.
pub fn socket_path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Answer requests until nobody listens any more.
pub async fn serve(listener: ControlListener, asked: mpsc::Sender<Asked>) {
    while let Ok(stream) = listener.accept().await {
        // One at a time: commands are rare, and each has a time limit.
        match timeout(WAIT, answer(stream, &asked)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!("a control connection failed: {error:#}"),
            Err(_) => tracing::debug!("a control connection said nothing"),
        }
        if asked.is_closed() {
            return;
        }
    }
}

async fn answer(stream: ControlStream, asked: &mpsc::Sender<Asked>) -> anyhow::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    (&mut reader).take(LINE_BYTES_MAX).read_line(&mut line).await?;
    let reply = match serde_json::from_str::<Request>(&line) {
        Ok(request) => {
            let (sender, receiver) = oneshot::channel();
            asked.send((request, sender)).await.context("the node is ending")?;
            serde_json::to_string(&receiver.await.context("the node is ending")?)?
        }
        Err(error) => serde_json::json!({ "error": format!("not understood: {error}") }).to_string(),
    };
    let mut stream = reader.into_inner();
    stream.write_all(format!("{reply}\n").as_bytes()).await?;
    Ok(())
}

/// Ask the running node of a data folder.
pub async fn ask<T: DeserializeOwned>(data: &Path, request: &Request) -> Result<T, Failure> {
    let path = socket_path(data);
    let stream = platform::connect_control(&path).await.map_err(|error| {
        let message = format!("no fallow-node runs with {} ({error}); start it with `fallow-node run`", data.display());
        Failure::new(Code::NotRunning, message)
    })?;
    Ok(timeout(WAIT, exchange(stream, request)).await.context("the node does not answer")??)
}

async fn exchange<T: DeserializeOwned>(mut stream: ControlStream, request: &Request) -> anyhow::Result<T> {
    stream.write_all(format!("{}\n", serde_json::to_string(request)?).as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(stream).take(REPLY_BYTES_MAX).read_line(&mut line).await?;
    let odd = || format!("the node answered {:?}", line.trim());
    let reply: Value = serde_json::from_str(&line).with_context(odd)?;
    if let Some(error) = reply.get("error").and_then(Value::as_str) {
        anyhow::bail!("{error}");
    }
    serde_json::from_value(reply).with_context(odd)
}

/// Replies for tests.
#[cfg(test)]
pub mod samples {
    use super::*;

    /// Of a node that is not connected.
    pub fn reply() -> StatusReply {
        StatusReply {
            name: "heron".into(),
            node: "node-1".into(),
            grid: "lab".into(),
            url: "https://grid.example".into(),
            owner: "ann".into(),
            offline: None,
            lender: LenderReport::default(),
            report: crate::agent::samples::agent(2).report(),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::samples::reply;
    use super::*;

    #[tokio::test]
    async fn commands_go_over_the_socket_and_nonsense_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let failed = ask::<StatusReply>(folder.path(), &Request::Status).await.unwrap_err();
        assert_eq!(failed.code, Code::NotRunning);

        let listener = ControlListener::bind(&socket_path(folder.path())).unwrap();
        let (sender, mut asked) = mpsc::channel(1);
        let serving = tokio::spawn(serve(listener, sender));
        let answering = tokio::spawn(async move {
            let mut requests = Vec::new();
            while let Some((request, answer)) = asked.recv().await {
                requests.push(request);
                answer.send(Reply::Status(Box::new(reply()))).unwrap();
                if requests.len() == 2 {
                    break;
                }
            }
            requests
        });
        let mut stream = platform::connect_control(&socket_path(folder.path())).await.unwrap();
        stream.write_all(b"rm -rf /\n").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.contains("not understood"), "{text}");

        let pause = Request::Pause { reason: "backup".into(), for_s: Some(60), finish: false };
        assert_eq!(ask::<StatusReply>(folder.path(), &pause).await.unwrap(), reply());
        assert_eq!(ask::<StatusReply>(folder.path(), &Request::Resume).await.unwrap(), reply());
        assert_eq!(answering.await.unwrap(), [pause, Request::Resume]);
        serving.abort();
    }
}
