//! Exit codes of `fallow-node`, all in one place, and the error that carries them.

use std::process::ExitCode;

/// Why the program ends, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// Something failed that has no code of its own.
    Failed = 1,
    /// The call or the configuration is wrong (clap's own errors have the same code).
    Usage = 2,
    /// The server cannot be reached, or the connection is not allowed as it is.
    Unreachable = 3,
    /// The grid refuses this node: token used or expired, node removed, wrong signature.
    Refused = 4,
    /// Who answers is not the grid that the token or an earlier enrolment named.
    WrongGrid = 5,
    /// There is no running node to talk to, or there is one already.
    NotRunning = 6,
}

/// Text for `--help`.
pub const HELP: &str = "\
Exit codes:
  0  all went well
  1  something failed on this computer
  2  the call or the configuration is wrong
  3  the server cannot be reached
  4  the grid refuses this node (token used or expired, node removed)
  5  who answers is not the grid that was pinned
  6  no node runs with this data folder, or one does already";

/// An error with its exit code.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub code: Code,
    /// What was wrong, where, what to do.
    pub error: anyhow::Error,
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { code: Code::Failed, error: error.into() }
    }
}

impl Failure {
    /// An error of this code.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, error: anyhow::Error::msg(message.into()) }
    }

    /// Print it to stderr and give the code to the operating system.
    pub fn report(&self) -> ExitCode {
        eprintln!("error: {:#}", self.error);
        ExitCode::from(self.code as u8)
    }
}
