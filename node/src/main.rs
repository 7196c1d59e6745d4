//! `fallow-node`: the lender's agent. Joins a grid, runs units in confined workers, reports what they gave.
//!
//! Two actors that share no state: the dispatcher (`shell`), which asks the pure `agent` what to do, and the executor
//! (`runner`). Rules of the grid are the server's; running guests is the sandbox's.

mod agent;
mod backoff;
mod blobs;
mod cache;
mod cli;
mod config;
mod control;
mod events;
mod exit;
mod files;
mod grants;
mod http;
mod identity;
mod inputs;
mod join;
mod link;
mod outbox;
mod platform;
mod policy;
mod prepare;
mod probe;
mod run;
mod runner;
mod shell;
mod status;

use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};
use cli::{Cli, Command, Join, RunOptions};
use config::Config;
use control::Request;
use events::{Event, Teller};
use exit::{Code, Failure};
use http::GridUrl;
use identity::DataDir;

fn main() -> ExitCode {
    fallow_sandbox::serve_if_worker();
    let cli = Cli::parse();
    match start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn start(cli: Cli) -> Result<(), Failure> {
    let defaults = RunOptions::default();
    let options = match &cli.command {
        Command::Join(join) => &join.run,
        Command::Run(run) => run,
        _ => &defaults,
    };
    let environment = config::environment();
    let config = Config::load(&cli.common, options, &environment)
        .map_err(|error| Failure { code: Code::Usage, error: error.context("the configuration is wrong") })?;
    if let Command::Completions { shell } = cli.command {
        clap_complete::generate(shell, &mut Cli::command(), "fallow-node", &mut std::io::stdout());
        return Ok(());
    }
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log).context("FALLOW_NODE_LOG")?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    // An error means that one is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
    let ended = runtime.block_on(command(cli.command, config));
    // Transfers under way have nobody to tell any more.
    runtime.shutdown_background();
    ended
}

async fn command(command: Command, config: Config) -> Result<(), Failure> {
    match command {
        Command::Join(join) => join_grid(join, config).await,
        Command::Run(_) => {
            let data = DataDir::open(&config.data)?;
            run::run(config, data).await
        }
        Command::Status => ask(&config, Request::Status).await,
        Command::Pause { reason } => ask(&config, Request::Pause { reason }).await,
        Command::Resume => ask(&config, Request::Resume).await,
        Command::Completions { .. } => Ok(()),
    }
}

async fn join_grid(join: Join, config: Config) -> Result<(), Failure> {
    let url = GridUrl::parse(&join.url, config.insecure_http)?;
    let data = DataDir::open(&config.data)?;
    let host_name = || sysinfo::System::host_name().unwrap_or_else(|_| "a computer".into());
    let name = config.name.clone().unwrap_or_else(host_name);
    let membership = join::join(&data, &url, &join.token, &name).await?;
    eprintln!("joined {} as {} ({}) for {}", membership.grid, membership.name, membership.node, membership.owner);
    let joined = Event::Joined { node: membership.node, grid: membership.grid };
    Teller::new(config.json).tell(joined);
    if join.enrol_only {
        return Ok(());
    }
    run::run(config, data).await
}

async fn ask(config: &Config, request: Request) -> Result<(), Failure> {
    let status = control::ask(&config.data, &request).await?;
    if config.json {
        println!("{}", serde_json::to_string(&status)?);
    } else {
        print!("{}", status::text(&status));
    }
    Ok(())
}
