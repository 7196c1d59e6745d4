//! Exit codes of `fallow`, in the one place that documents them.

/// How the tool ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked.
    Ok = 0,
    /// It failed, for a reason without a code of its own.
    Failed = 1,
    /// The call was wrong.
    Usage = 2,
    /// The job (or the unit run here) failed or was cancelled.
    JobFailed = 3,
    /// Not logged in, or the account may not do this.
    NotAllowed = 4,
    /// The grid cannot be reached.
    Unreachable = 5,
    /// The job has not ended yet.
    NotEnded = 6,
    /// ^C; a job that was watched goes on.
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        std::process::ExitCode::from(exit as u8)
    }
}

/// What `--help` says about exit codes and `--json`.
pub const HELP: &str = "\
Exit codes:
  0  done                          4  not logged in, or not allowed
  1  failed                        5  the grid cannot be reached
  2  the call was wrong            6  the job has not ended yet
  3  the job or the unit failed    130  interrupted; a watched job goes on

With --json, results are one JSON document on standard output (JSON lines for watch, logs and submit --watch),
shaped as in the grid's API (URL/api/docs); errors are {\"error\": {what, where, help, kind, exit}} on standard error.

Environment: FALLOW_CONFIG (configuration file), FALLOW_URL and FALLOW_TOKEN (instead of a login), FALLOW_CA (PEM of
the only certificate authorities to believe), NO_COLOR.";
