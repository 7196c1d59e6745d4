//! What the tool says when something went wrong: what, where, and what to do.

use std::fmt;

use serde_json::json;

use crate::client::ClientError;
use crate::exit::Exit;
use crate::terminal::escape::{line, text};
use crate::terminal::paint::Paint;

/// An error for people and programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was wrong.
    pub what: String,
    /// Where: the field, the file, the step.
    pub place: Option<String>,
    /// What to do; the call that would be right.
    pub help: Option<String>,
    /// Stable word for programs.
    pub kind: String,
    /// The tool's exit code.
    pub exit: Exit,
}

impl Failure {
    /// A failure without a code of its own.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), place: None, help: None, kind: "failed".into(), exit: Exit::Failed }
    }

    /// A wrong call; `help` is the call that would be right.
    pub fn usage(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(what).help(help).exit(Exit::Usage).kind("usage")
    }

    /// Say where.
    pub fn place(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Say what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// End with this code.
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// The word for programs.
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = kind.into();
        self
    }

    /// Any error: one that is a failure inside stays it; contexts around it say where.
    pub fn of(error: &anyhow::Error) -> Self {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return with_context(failure.clone(), error, failure.what.as_str());
        }
        if let Some(failed) = error.downcast_ref::<ClientError>() {
            return with_context(of_client(failed), error, &failed.to_string());
        }
        let mut causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        let what = causes.remove(0);
        let failure = Failure::new(what);
        if causes.is_empty() { failure } else { failure.place(causes.join(": ")) }
    }

    /// As people see it: `error:`, `where:`, `help:`. Foreign text in it cannot command the terminal.
    pub fn render(&self, paint: Paint) -> String {
        let mut lines = format!("{} {}\n", paint.bad("error:"), indented(&self.what));
        for (label, value) in [("where:", &self.place), (" help:", &self.help)] {
            if let Some(value) = value {
                lines.push_str(&format!("{} {}\n", paint.dim(label), indented(value)));
            }
        }
        lines
    }

    /// As programs see it.
    pub fn json(&self) -> serde_json::Value {
        let Self { what, place, help, kind, exit } = self;
        json!({ "error": { "what": what, "where": place, "help": help, "kind": kind, "exit": *exit as u8 } })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&line(&self.what))
    }
}

impl std::error::Error for Failure {}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        of_client(&error)
    }
}

fn indented(value: &str) -> String {
    text(value.trim_end()).replace('\n', "\n       ")
}

/// Contexts stand before the error itself in the chain.
fn with_context(mut failure: Failure, error: &anyhow::Error, inner: &str) -> Failure {
    let around: Vec<String> = error.chain().map(ToString::to_string).take_while(|cause| cause != inner).collect();
    let around: Vec<String> = around.into_iter().filter(|cause| *cause != failure.to_string()).collect();
    if failure.place.is_none() && !around.is_empty() {
        failure.place = Some(around.join(": "));
    }
    failure
}

fn of_client(error: &ClientError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        ClientError::Problem(problem) => of_problem(problem),
        ClientError::Unreachable { .. } => failure
            .kind("unreachable")
            .exit(Exit::Unreachable)
            .help("is the server running, and is the address right? `fallow grid` says which one is used"),
        ClientError::Broken { .. } => failure
            .kind("connection-broken")
            .exit(Exit::Unreachable)
            .help("try again; uploads and downloads go on where they were, and a repeated submit gives one job"),
        ClientError::PlainHttp { .. } => failure
            .kind("plain-http")
            .help("use https://, or, on a network that you trust, `fallow login URL --allow-plain-http`"),
        ClientError::Url { .. } => failure.kind("usage").exit(Exit::Usage),
        ClientError::Token => failure.kind("usage").exit(Exit::NotAllowed).help("copy it again, without line ends"),
        ClientError::Tls(source) => failure.kind("tls").place(source.to_string()),
        ClientError::Answer { status, .. } => {
            failure.kind("strange-answer").place(format!("HTTP status {status}")).help("is this the address of a grid?")
        }
        ClientError::File { source, .. } => failure.kind("file").place(source.to_string()),
        ClientError::FileChanged { .. } => failure.kind("file").help("submit again when it no longer changes"),
        ClientError::WrongBytes { .. } => failure.kind("wrong-bytes").help("fetch again; nothing was written"),
    }
}

fn of_problem(problem: &fallow_protocol::problem::Problem) -> Failure {
    let what = if problem.detail.is_empty() { &problem.title } else { &problem.detail };
    let failure = Failure::new(what.clone()).kind(problem.kind.clone());
    let failure = Failure {
        place: problem.field.as_ref().map(|field| format!("`{field}` of the request")),
        help: problem.help.clone(),
        ..failure
    };
    match problem.status {
        401 => Failure { help: failure.help.or(Some("fallow login URL".into())), ..failure }.exit(Exit::NotAllowed),
        403 => failure.exit(Exit::NotAllowed),
        _ if problem.kind == "no-result-yet" => failure.exit(Exit::NotEnded),
        _ if problem.kind == "no-result" => failure.exit(Exit::JobFailed),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use fallow_protocol::problem::Problem;

    use super::*;

    fn problem(status: u16, kind: &str) -> ClientError {
        ClientError::Problem(Box::new(Problem {
            kind: kind.into(),
            title: "quota exhausted".into(),
            status,
            detail: "the account has 0 fuel left".into(),
            help: Some("ask the operator".into()),
            field: Some("limits.fuel".into()),
        }))
    }

    #[test]
    fn people_read_what_where_and_help() {
        let failure = Failure::of(&anyhow::Error::new(problem(409, "quota-exhausted")));
        let wanted =
            "error: the account has 0 fuel left\nwhere: `limits.fuel` of the request\n help: ask the operator\n";
        assert_eq!(failure.render(Paint::off()), wanted);
        assert_eq!(failure.json()["error"]["kind"], "quota-exhausted");
        assert_eq!(failure.json()["error"]["exit"], 1);
    }

    #[test]
    fn statuses_have_exit_codes() {
        let exit = |status, kind| Failure::of(&anyhow::Error::new(problem(status, kind))).exit;
        assert_eq!(exit(401, "unauthorised"), Exit::NotAllowed);
        assert_eq!(exit(403, "unknown-author-key"), Exit::NotAllowed);
        assert_eq!(exit(409, "no-result-yet"), Exit::NotEnded);
        assert_eq!(exit(410, "no-result"), Exit::JobFailed);
        assert_eq!(exit(422, "module-refused"), Exit::Failed);
    }

    #[test]
    fn contexts_say_where() {
        let error = anyhow::Error::new(Failure::new("it is empty")).context("reading fallow.toml");
        assert_eq!(Failure::of(&error).render(Paint::off()), "error: it is empty\nwhere: reading fallow.toml\n");
        let plain = Err::<(), _>(std::io::Error::other("disk full")).context("failed to write x").unwrap_err();
        assert_eq!(Failure::of(&plain).render(Paint::off()), "error: failed to write x\nwhere: disk full\n");
    }

    #[test]
    fn foreign_text_cannot_command_the_terminal() {
        let failure = Failure::new("\u{1b}[2Jgone\rnew\nline").help("\u{9b}31m");
        let shown = failure.render(Paint::off());
        assert_eq!(shown, "error: \\u{1b}[2Jgone\\rnew\n       line\n help: \\u{9b}31m\n");
    }
}
