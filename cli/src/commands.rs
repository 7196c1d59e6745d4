//! One function a command. Each says its result through the session's terminal; errors come back to `run`.

mod account;
mod admin;
mod control;
mod credits;
mod device;
mod disputes;
mod estimate;
mod explain;
mod grid;
mod groups;
mod jobs;
mod keygen;
mod login;
mod logs;
mod nodes;
pub mod project;
mod run;
mod token;

use std::process::ExitCode;

use clap::CommandFactory;
use serde_json::json;

use crate::args::{Cli, Command, FetchArgs, JobArg};
use crate::config::{Config, Environment};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::terminal::{Terminal, escape};
use crate::{fetch, submit, watch};

/// Do a command and say how it ended.
pub async fn run(cli: Cli) -> Exit {
    let environment = Environment::read();
    let terminal = Terminal::new(cli.global.json, cli.global.quiet, cli.global.color, environment.no_color);
    let config = Config::load(cli.global.config.as_deref(), &environment);
    let done = match config {
        Ok(config) => dispatch(Session { terminal, config }, cli.command).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Exit::Ok,
        Err(error) => {
            let failure = Failure::of(&error);
            terminal.failure(&failure);
            failure.exit
        }
    }
}

async fn dispatch(mut session: Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Login(args) => login::login(&mut session, args).await,
        Command::Keygen(args) => keygen::keygen(&session, &args).await,
        Command::New(args) => project::new(&session, &args).await,
        Command::Build(args) => project::build(&session, &args).await,
        Command::Run(args) => run::run(&session, &args).await,
        Command::Estimate(args) => estimate::estimate(&session, &args).await,
        Command::Submit(args) => submit::submit(&session, &args).await,
        Command::Jobs(args) => jobs::jobs(&session, &args).await,
        Command::Watch(args) => watch(&session, &args).await,
        Command::Explain(args) => explain::explain(&session, &args).await,
        Command::Logs(args) => logs::logs(&session, &args).await,
        Command::Fetch(args) => fetch(&session, &args).await,
        Command::Cancel(args) => control::cancel(&session, &args).await,
        Command::Retry(args) => control::retry(&session, &args).await,
        Command::Credits(args) => credits::credits(&session, &args).await,
        Command::Topup(args) => credits::topup(&session, &args).await,
        Command::Nodes(args) => nodes::nodes(&session, args.remove).await,
        Command::JoinToken(args) => nodes::join_token(&session, args.minutes).await,
        Command::Groups(command) => groups::groups(&session, command).await,
        Command::Admin(command) => admin::admin(&session, command).await,
        Command::Account(command) => account::account(&session, command).await,
        Command::Disputes(args) => disputes::disputes(&session, args.limit).await,
        Command::Token(command) => token::token(&session, command).await,
        Command::Grid => grid::grid(&session).await,
        Command::Completions { shell } => {
            completions(shell);
            Ok(())
        }
    }
}

async fn watch(session: &Session, args: &JobArg) -> anyhow::Result<()> {
    let client = session.client()?;
    let job = session.job(&client, args.job.as_deref()).await?;
    let ended = watch::follow(session, &client, &job).await?;
    watch::tell_end(session, &ended)
}

async fn fetch(session: &Session, args: &FetchArgs) -> anyhow::Result<()> {
    let client = session.client()?;
    let job = session.job(&client, args.job.job.as_deref()).await?;
    let info = if args.wait { client.wait_ended(&job).await? } else { client.job(&job).await? };
    let fetched = fetch::result(session, &client, &info, &args.to).await?;
    fetch::tell(session, &fetched, false);
    Ok(())
}

fn completions(shell: clap_complete::Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "fallow", &mut script);
    let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), &script);
}

/// Say what was wrong with the command line. Help and version are no errors.
pub fn usage_error(error: &clap::Error) -> ExitCode {
    let asked_for_json = std::env::args_os().any(|arg| arg == "--json");
    if !error.use_stderr() || !asked_for_json {
        let _ = error.print();
        return if error.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() };
    }
    let rendered = error.render().to_string();
    let what = rendered.trim_start_matches("error: ").split("\n\nFor more information").next().unwrap_or_default();
    let document = json!({ "error": { "what": what, "kind": "usage", "exit": Exit::Usage as u8 } });
    eprintln!("{}", escape::json(&document.to_string()));
    Exit::Usage.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_know_the_commands() {
        let mut script = Vec::new();
        clap_complete::generate(clap_complete::Shell::Bash, &mut Cli::command(), "fallow", &mut script);
        let script = String::from_utf8(script).unwrap();
        assert!(script.contains("join-token") && script.contains("--on-failed"));
    }
}
