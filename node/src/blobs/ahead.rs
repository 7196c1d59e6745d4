//! An output that is uploaded while it is still being made, before it has a digest to be named by.
//!
//! Only a head start: whatever goes wrong with it, the whole output is uploaded under its digest in the end.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use fallow_protocol::Digest;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{BlobClient, TransferError};

/// Outputs shorter than this are uploaded once they are whole.
pub const AHEAD_FROM_BYTES: u64 = 8 << 20;
/// Bytes that must be there for a request, and that go with one at most.
const PIECE_BYTES_MIN: u64 = 8 << 20;
const PIECE_BYTES_MAX: u64 = 64 << 20;
/// Heads that wait for the upload of their output. Each of them may be one that nobody will ask for.
const NAMED_MAX: usize = 64;

/// Heads of outputs whose digest is known by now.
#[derive(Debug, Default)]
pub(super) struct Named(Mutex<HashMap<Digest, Ahead>>);

impl Named {
    /// The head of an output, once.
    pub(super) fn take(&self, digest: &Digest) -> Option<Ahead> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(digest)
    }

    fn put(&self, digest: Digest, ahead: Ahead) {
        let mut named = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if named.len() < NAMED_MAX {
            named.insert(digest, ahead);
        }
    }
}

/// The head of one output, on its way. Dropped, the server drops what it has of it.
#[derive(Debug)]
pub struct Ahead {
    client: BlobClient,
    /// Its name at the server for now.
    id: Digest,
    len: watch::Sender<Len>,
    /// Gives the bytes that the server has.
    sending: Option<JoinHandle<u64>>,
}

/// Bytes of the output that are in its file.
#[derive(Clone, Copy, Debug)]
struct Len {
    bytes: u64,
    /// No more of them go ahead.
    last: bool,
}

impl Ahead {
    /// Begin with `bytes` of the file at `path`, to which more will be appended.
    pub fn begin(client: &BlobClient, path: PathBuf, bytes: u64) -> Self {
        let mut name = [0; 32];
        // A name that repeats is another upload's: the server says so, and nothing goes ahead.
        let _ = getrandom::fill(&mut name);
        let (len, seen) = watch::channel(Len { bytes, last: false });
        let sending = tokio::spawn(send(client.clone(), Digest(name), path, seen));
        Self { client: client.clone(), id: Digest(name), len, sending: Some(sending) }
    }

    /// More bytes are there.
    pub fn grow(&self, bytes: u64) {
        self.len.send_modify(|len| len.bytes = bytes);
    }

    /// The output is whole and has this digest: its upload goes on from here.
    pub fn name(self, digest: Digest) {
        self.len.send_modify(|len| len.last = true);
        let client = self.client.clone();
        client.ahead.put(digest, self);
    }

    /// Name at the server, and bytes that it has, once no more are on their way.
    pub(super) async fn sent(&mut self) -> (Digest, u64) {
        let sent = match self.sending.take() {
            Some(sending) => sending.await.unwrap_or(0),
            None => 0,
        };
        (self.id, sent)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        let Some(sending) = self.sending.take() else { return };
        sending.abort();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (client, id) = (self.client.clone(), self.id);
            runtime.spawn(async move { client.forget(&id).await });
        }
    }
}

/// Send what is there in pieces, until all is there or something fails. The last bytes are left to the upload by name.
async fn send(client: BlobClient, id: Digest, path: PathBuf, mut len: watch::Receiver<Len>) -> u64 {
    let mut sent = 0;
    loop {
        let enough = len.wait_for(|len| len.last || len.bytes >= sent + PIECE_BYTES_MIN).await.map(|len| *len);
        let Ok(Len { bytes, last: false }) = enough else { return sent };
        let until = bytes.min(sent + PIECE_BYTES_MAX);
        match piece(&client, &id, sent, until, &path).await {
            Ok(()) => sent = until,
            Err(error) => {
                tracing::debug!(%error, sent, "an output does not go ahead any more");
                return sent;
            }
        }
    }
}

async fn piece(client: &BlobClient, id: &Digest, sent: u64, until: u64, path: &Path) -> Result<(), TransferError> {
    let url = client.url.api(&format!("node/uploads/{id}?len={until}"));
    let state = client.send(&url, sent, until, path).await?;
    // Where it broke off, the upload by name finds out what is there.
    let whole = state.is_some_and(|state| state.received == until);
    if whole { Ok(()) } else { Err(TransferError::Failed("it broke off".into())) }
}
