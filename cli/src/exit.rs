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

With --json, the result is one JSON document on standard output; parts in capitals are shaped as in the grid's API
(URL/api/docs). Errors are {\"error\": {what, where, help, kind, exit}} on standard error.
  login {url, account: ME, config}         keygen {key, file, made, registered}
  grid {url, grid: GRIDINFO, account: ME}  submit {id, job: JOBINFO, module: MODULEINFO, uploaded: {files, bytes, bytes_known}}
  new {folder, files}                      build {component, bytes, digest, toolchain, wall_ms}
  run {built, limits, input, units, left_out, fuel, memory_bytes, wall_us, outcome, log, output_bytes}
  jobs, nodes, account list, token list {items: [...], next: null}
  cancel, retry JOBINFO                    explain EXPLANATION
  fetch {path, digest, len, files}         join-token JOINTOKEN
  account create ACCOUNTCREATED            token create TOKENINFO
  account grant GRANTED                    topup JOBINFO
  credits {balance: CREDITS, items: [MOVEMENT...]}  disputes {items: [DISPUTE...], next: null}
  estimate {units, sampled, fuel: {low, likely, high}, memory_bytes, here_s, grid_s: [from, to], credits: {low, likely,
    high}, budget, merge_failed}; amounts are micro-credits
JSON lines: logs one UNITLOG a line; watch {event: progress|ended, job: JOBINFO}; submit --watch or --fetch these and
{event: submitted, ...} before them, {event: fetched, result} after them.

Environment: FALLOW_CONFIG (configuration file), FALLOW_URL and FALLOW_TOKEN (instead of a login), FALLOW_CA (PEM of
the only certificate authorities to believe), NO_COLOR.";
