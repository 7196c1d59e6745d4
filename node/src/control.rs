//! The owner's commands from other processes: a socket in the data folder, one JSON object a line.
//!
//! Whoever can open the socket is the owner: the folder and the socket are his alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::agent::report::Report;
use crate::exit::{Code, Failure};
use crate::platform::{self, ControlListener, ControlStream};

/// A request is one line of at most so many bytes.
const LINE_BYTES_MAX: u64 = 4 * 1024;
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
    },
    /// Go on.
    Resume,
}

/// What is answered to all of them.
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
    /// What it does.
    #[serde(flatten)]
    pub report: Report,
}

/// A request with the place for its answer.
pub type Asked = (Request, oneshot::Sender<StatusReply>);

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
pub async fn ask(data: &Path, request: &Request) -> Result<StatusReply, Failure> {
    let path = socket_path(data);
    let stream = platform::connect_control(&path).await.map_err(|error| {
        let message = format!("no fallow-node runs with {} ({error}); start it with `fallow-node run`", data.display());
        Failure::new(Code::NotRunning, message)
    })?;
    Ok(timeout(WAIT, exchange(stream, request)).await.context("the node does not answer")??)
}

async fn exchange(mut stream: ControlStream, request: &Request) -> anyhow::Result<StatusReply> {
    stream.write_all(format!("{}\n", serde_json::to_string(request)?).as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(stream).take(REPLY_BYTES_MAX).read_line(&mut line).await?;
    serde_json::from_str(&line).with_context(|| format!("the node answered {:?}", line.trim()))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::agent::samples;

    fn reply() -> StatusReply {
        StatusReply {
            name: "heron".into(),
            node: "node-1".into(),
            grid: "lab".into(),
            url: "https://grid.example".into(),
            owner: "ann".into(),
            offline: None,
            report: samples::agent(2).report(),
        }
    }

    #[tokio::test]
    async fn commands_go_over_the_socket_and_nonsense_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let failed = ask(folder.path(), &Request::Status).await.unwrap_err();
        assert_eq!(failed.code, Code::NotRunning);

        let listener = ControlListener::bind(&socket_path(folder.path())).unwrap();
        let (sender, mut asked) = mpsc::channel(1);
        let serving = tokio::spawn(serve(listener, sender));
        let answering = tokio::spawn(async move {
            let mut requests = Vec::new();
            while let Some((request, answer)) = asked.recv().await {
                requests.push(request);
                answer.send(reply()).unwrap();
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

        let pause = Request::Pause { reason: "backup".into() };
        assert_eq!(ask(folder.path(), &pause).await.unwrap(), reply());
        assert_eq!(ask(folder.path(), &Request::Resume).await.unwrap(), reply());
        assert_eq!(answering.await.unwrap(), [pause, Request::Resume]);
        serving.abort();
    }
}
