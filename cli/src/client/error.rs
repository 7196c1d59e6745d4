//! What can go wrong when a grid is called.

use std::path::PathBuf;

use fallow_protocol::Digest;
use fallow_protocol::problem::Problem;

/// Why a call failed. The variants are those that callers tell apart.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The grid's address is not usable.
    #[error("the address {url:?} cannot be used: {why}")]
    Url {
        /// As it was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The token would travel readable for everybody.
    #[error("{url:?} is plain HTTP on another computer: everybody between could read the token")]
    PlainHttp {
        /// As it was given.
        url: String,
    },
    /// The token holds letters that no token has.
    #[error("the token holds letters that no token has")]
    Token,
    /// TLS could not be set up.
    #[error("failed to set up TLS")]
    Tls(#[source] reqwest::Error),
    /// Nobody could be reached, also after the retries.
    #[error("cannot reach {url}: {why}")]
    Unreachable {
        /// The grid's address.
        url: String,
        /// The innermost cause.
        why: String,
    },
    /// The connection broke, or the answer did not come in time, also after the retries.
    #[error("the connection to {url} broke: {why}")]
    Broken {
        /// The grid's address.
        url: String,
        /// The innermost cause.
        why: String,
    },
    /// The grid said what was wrong.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// An answer that no grid of this version gives.
    #[error("{url} gave an answer (status {status}) that is not a grid's: {what}")]
    Answer {
        /// The grid's address.
        url: String,
        /// HTTP status.
        status: u16,
        /// What was found instead.
        what: String,
    },
    /// A file here could not be read or written.
    #[error("failed to {step} {}", path.display())]
    File {
        /// What was being done, as `read`.
        step: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file changed while it was uploaded.
    #[error("{} changed while it was uploaded", path.display())]
    FileChanged {
        /// The file.
        path: PathBuf,
    },
    /// Bytes that arrived are not what their digest says.
    #[error("the bytes that arrived have digest {found}, not {wanted}")]
    WrongBytes {
        /// What was asked for.
        wanted: Digest,
        /// What came.
        found: Digest,
    },
}

impl ClientError {
    /// The grid's own words, where it gave any.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            ClientError::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// Whether the grid answered with the problem `kind`, as `quota-exhausted`.
    pub fn is_kind(&self, kind: &str) -> bool {
        self.problem().is_some_and(|problem| problem.kind == kind)
    }

    /// HTTP status of the answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            ClientError::Problem(problem) => Some(problem.status),
            ClientError::Answer { status, .. } => Some(*status),
            _ => None,
        }
    }

    pub(crate) fn transport(url: &str, error: &reqwest::Error) -> Self {
        let (url, why) = (url.to_owned(), innermost(error));
        if error.is_connect() { ClientError::Unreachable { url, why } } else { ClientError::Broken { url, why } }
    }

    pub(crate) fn file(step: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        ClientError::File { step, path: path.to_owned(), source }
    }
}

/// The last cause of a chain says what happened; the others only say who noticed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
