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
mod device;
mod earnings;
mod events;
mod exit;
mod files;
mod grants;
mod history;
mod http;
mod identity;
mod inputs;
mod join;
mod lender;
mod link;
mod log;
mod outbox;
mod page;
mod platform;
mod policy;
mod preferences;
mod prepare;
mod probe;
mod run;
mod runner;
mod service;
mod shell;
mod status;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};
use cli::{Cli, Command, Common, Join, RunOptions, ServiceCommand};
use config::Config;
use control::{Request, StatusReply};
use events::{Event, Teller};
use exit::{Code, Failure};
use http::GridUrl;
use identity::DataDir;
use service::{Level, Service};

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
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "fallow-node", &mut script);
        return print(&script);
    }
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log).context("FALLOW_NODE_LOG")?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter);
    match cli.command {
        Command::Join(_) | Command::Run(_) => subscriber.with_writer(log::Log::new(&config.data)).init(),
        _ => subscriber.with_writer(std::io::stderr).init(),
    }
    // An error means that one is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
    let ended = runtime.block_on(command(cli.command, cli.common, config));
    // Transfers under way have nobody to tell any more.
    runtime.shutdown_background();
    ended
}

async fn command(command: Command, common: Common, config: Config) -> Result<(), Failure> {
    match command {
        Command::Join(join) => join_grid(join, config).await,
        Command::Run(_) => {
            let data = DataDir::open(&config.data)?;
            run::run(config, data).await
        }
        Command::Status => ask(&config, Request::Status).await,
        Command::Pause { reason, for_s, finish } => ask(&config, Request::Pause { reason, for_s, finish }).await,
        Command::Resume => ask(&config, Request::Resume).await,
        Command::Prefs(prefs) => print(lender::prefs(&config, prefs).await?.as_bytes()),
        Command::Earnings { days } => print(lender::earnings(&config, days).await?.as_bytes()),
        Command::Page { open } => page_link(&config, open).await,
        Command::Service { command } => print(format!("  {}\n", as_service(&config, &common, command)?).as_bytes()),
        Command::Completions { .. } => Ok(()),
    }
}

async fn join_grid(join: Join, config: Config) -> Result<(), Failure> {
    let url = GridUrl::parse(&join.url, config.insecure_http)?;
    let data = DataDir::open(&config.data)?;
    let host_name = || sysinfo::System::host_name().unwrap_or_else(|_| "a computer".into());
    let name = config.name.clone().unwrap_or_else(host_name);
    join::refuse_second(&data)?;
    let mut teller = Teller::new(config.json);
    let token = match join.token {
        Some(token) => token,
        None => device::approve(&url, &name, &config, &mut teller).await?,
    };
    let membership = join::join(&data, &url, &token, &name).await?;
    let root = membership.root.fingerprint();
    eprintln!("joined {} as {} ({}) for {}", membership.grid, membership.name, membership.node, membership.owner);
    eprintln!("pinned its root key {root}; from now on this node trusts nothing else");
    let joined = Event::Joined { node: membership.node, grid: membership.grid, root };
    teller.tell(joined);
    drop(teller);
    if join.enrol_only {
        return Ok(());
    }
    run::run(config, data).await
}

async fn ask(config: &Config, request: Request) -> Result<(), Failure> {
    let status: StatusReply = control::ask(&config.data, &request).await?;
    match config.json {
        true => print(format!("{}\n", serde_json::to_string(&status)?).as_bytes()),
        false => print(status::text(&status, lender::sums(config, &request).await.as_ref()).as_bytes()),
    }
}

/// The link of the running node's page. It holds the token, so it is for its owner's eyes.
async fn page_link(config: &Config, open: bool) -> Result<(), Failure> {
    let status: StatusReply = control::ask(&config.data, &Request::Status).await?;
    let page = status.lender.page.ok_or_else(|| {
        Failure::new(Code::NotRunning, "this node has no page: see [page] in node.toml, and the node's log")
    })?;
    let link = format!("{page}#token={}", page::token(&config.data)?);
    if open && let Err(error) = platform::open_in_browser(&link) {
        eprintln!("the browser did not open ({error}); open the link yourself");
    }
    print(format!("{link}\n").as_bytes())
}

fn as_service(config: &Config, common: &Common, command: ServiceCommand) -> anyhow::Result<String> {
    let level = |system| if system { Level::System } else { Level::User };
    match command {
        ServiceCommand::Install { system, user, no_start } => {
            let absolute = |path: &std::path::Path| std::path::absolute(path).context("the path cannot be read");
            let service = Service {
                level: level(system),
                exe: std::env::current_exe().context("failed to find this program's own file")?,
                data: absolute(&config.data)?,
                config: common.config.as_deref().map(absolute).transpose()?,
                user,
            };
            service.install(!no_start)
        }
        ServiceCommand::Uninstall { system } => service::uninstall(level(system)),
        ServiceCommand::Status { system } => service::status(level(system)),
    }
}

/// Print; a reader who has gone, as `head` does, is no error.
fn print(bytes: &[u8]) -> Result<(), Failure> {
    match std::io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
