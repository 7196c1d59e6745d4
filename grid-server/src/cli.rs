//! The command line of `fallow-server`. Exit codes: 0 done, 1 failed, 2 wrong usage.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use toml::Value;

use crate::config::{Config, Flags, Log};

mod commands;
mod ledger;
mod run;

#[derive(Parser)]
#[command(
    name = "fallow-server",
    version,
    about = "The server of a grid of volunteers' computers",
    max_term_width = 100
)]
#[command(after_help = "Examples:
  fallow-server serve
      A grid on this machine: http://127.0.0.1:7070, everything in ./fallow-data. The first start prints the
      operator's token, once.
  fallow-server serve --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem
      For other computers: HTTPS. Behind a proxy that ends TLS, give --behind-proxy instead.
  fallow-server keys export-root /media/stick/root.key
      Take the grid's root key offline.
  fallow-server backup grid.tar && fallow-server restore grid.tar --data new-folder")]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Settings that every command has.
#[derive(Args)]
struct Common {
    /// Settings file (TOML); docs/server.example.toml shows every key. Also FALLOW_SERVER_CONFIG
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of database, blobs and keys [default: ./fallow-data]. Also FALLOW_DATA
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE [default: SQLite in the data folder]. Better given as
    /// FALLOW_DATABASE_URL, which other users of the machine do not see
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// What is told on stderr, as info,grid_server=debug [default: info]. Also FALLOW_LOG
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// Tell it as JSON, one object a line. Also FALLOW_LOG_JSON
    #[arg(long, global = true)]
    log_json: bool,
    /// Answer on stdout with one JSON object a line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server until SIGTERM or SIGINT; SIGHUP reads keys and certificates again
    Serve(ServeArgs),
    /// The grid's keys: a root, meant to be offline, signs the online key for a time
    #[command(subcommand)]
    Keys(KeysCommand),
    /// API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print a one-time link by which the operator (or another account) logs in with a browser; good for a day
    OperatorLink {
        /// Name of the account
        #[arg(long, default_value = "operator")]
        account: String,
    },
    /// Copy database, blobs and keys into one tar file; the server may run meanwhile
    Backup {
        /// File to write; must not exist. It holds the grid's keys: keep it safe
        file: PathBuf,
    },
    /// Bring a backup back into a data folder that is empty or missing
    Restore {
        /// File that `backup` wrote
        file: PathBuf,
    },
    /// The grid's credits
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Print the API's OpenAPI document
    Openapi,
}

#[derive(Args)]
struct ServeArgs {
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:7070]. Also FALLOW_LISTEN
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Certificate chain, PEM. Also FALLOW_TLS_CERT
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM. Also FALLOW_TLS_KEY
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// A proxy in front ends TLS and sets X-Forwarded-For; nobody else reaches the port. Also FALLOW_BEHIND_PROXY
    #[arg(long)]
    behind_proxy: bool,
    /// Most that the server's own worker may take of any hour, thousandths of one core; 0 switches it off
    /// [default: 250]. It runs units again, confined as on a node, where the grid has nobody else to check them.
    /// Also FALLOW_ANCHOR_SHARE
    #[arg(long, value_name = "PERMILLE")]
    anchor_share: Option<u32>,
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Tell fingerprint, serial and expiry
    Show,
    /// Make a new online key with a higher serial; a running server takes it on SIGHUP
    Rotate {
        /// File of the root key, where it was exported
        #[arg(long, value_name = "FILE")]
        root: Option<PathBuf>,
    },
    /// Move the root key out of the data folder into FILE
    ExportRoot {
        /// File to write; must not exist
        file: PathBuf,
    },
    /// Give a grid that lost its online key or certificate new ones
    Recover {
        /// File of the root key, where it was exported
        #[arg(long, value_name = "FILE")]
        root: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Make a token for an account, straight in the database
    Create {
        /// Name of the account
        #[arg(long, default_value = "operator")]
        account: String,
        /// What the token is for
        #[arg(long, default_value = "made on the server")]
        name: String,
        /// Scopes: jobs:read, jobs:write, nodes:write, admin [default: all that the account may have]
        #[arg(long, value_delimiter = ',')]
        scopes: Vec<String>,
        /// Life in days
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
    },
}

#[derive(Subcommand)]
enum LedgerCommand {
    /// Recompute every account from its transfers and say what does not add up; the server may run meanwhile. Exit code
    /// 1 where something does not
    Check,
}

impl Common {
    fn flags(&self) -> Flags {
        let path = |path: &PathBuf| Value::String(path.to_string_lossy().into_owned());
        let mut flags: Flags = Vec::new();
        flags.extend(self.data.as_ref().map(|data| (&["data"][..], path(data))));
        flags.extend(self.database_url.clone().map(|url| (&["database_url"][..], Value::String(url))));
        flags.extend(self.log.clone().map(|log| (&["log", "filter"][..], Value::String(log))));
        flags.extend(self.log_json.then_some((&["log", "json"][..], Value::Boolean(true))));
        flags
    }
}

impl ServeArgs {
    fn flags(&self) -> Flags {
        let path = |path: &PathBuf| Value::String(path.to_string_lossy().into_owned());
        let mut flags: Flags = Vec::new();
        flags.extend(self.listen.map(|listen| (&["listen"][..], Value::String(listen.to_string()))));
        flags.extend(self.tls_cert.as_ref().map(|cert| (&["tls", "cert"][..], path(cert))));
        flags.extend(self.tls_key.as_ref().map(|key| (&["tls", "key"][..], path(key))));
        flags.extend(self.behind_proxy.then_some((&["tls", "behind_proxy"][..], Value::Boolean(true))));
        let share = self.anchor_share.map(i64::from).map(Value::Integer);
        flags.extend(share.map(|share| (&["anchor", "share_permille"][..], share)));
        flags
    }
}

/// Read the command line and do it.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match try_main(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fallow-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn try_main(cli: Cli) -> anyhow::Result<()> {
    let mut flags = cli.common.flags();
    if let Command::Serve(args) = &cli.command {
        flags.extend(args.flags());
    }
    let config = Config::load(cli.common.config.as_deref(), flags)?;
    init_log(&config.log)?;
    let json = cli.common.json;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve(_) => run::serve(config, json).await,
            Command::Keys(command) => commands::keys(&config, command, json),
            Command::Token(command) => commands::token(&config, command, json).await,
            Command::OperatorLink { account } => commands::operator_link(&config, &account, json).await,
            Command::Backup { file } => commands::backup(&config, &file, json).await,
            Command::Restore { file } => commands::restore(&config, &file, json).await,
            Command::Ledger(LedgerCommand::Check) => ledger::check(&config, json).await,
            Command::Openapi => commands::openapi(),
        }
    })
}

fn init_log(log: &Log) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&log.filter)
        .map_err(|error| anyhow::anyhow!("failed to understand log.filter {:?}: {error}", log.filter))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    if log.json {
        builder.json().init()
    } else {
        builder.init()
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_become_settings() {
        let line = "fallow-server serve --data d --listen 127.0.0.1:9 --behind-proxy --anchor-share 0 --json";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Serve(args) = &cli.command else { panic!("not serve") };
        let flags: Flags = cli.common.flags().into_iter().chain(args.flags()).collect();
        assert_eq!(flags.len(), 4);
        assert_eq!(flags[1], (&["listen"][..], Value::String("127.0.0.1:9".into())));
        assert_eq!(flags[3], (&["anchor", "share_permille"][..], Value::Integer(0)));
    }
}
