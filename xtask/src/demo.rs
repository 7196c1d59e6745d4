//! `cargo xtask demo`: a grid of its own on this machine segments a microscope picture. No part of it is staged.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::children::Running;
use crate::guests::{Profile, build_programs};
use crate::portal;
use crate::setup;
use crate::sh::{Result, command, json_text, output, root};

const START: Duration = Duration::from_secs(60);

struct Options {
    keep: bool,
    nodes: usize,
}

/// The whole show.
pub fn run(args: &[String]) -> Result<()> {
    let options = parse(args)?;
    step("setting up");
    setup::for_demo()?;
    step("building the programs (some minutes the first time)");
    portal::build()?;
    build_programs(Profile::Dev, &[&["--bins"][..], &portal::FEATURES].concat())?;
    let grid = Grid::start(options.nodes)?;
    let began = Instant::now();
    step("segmenting examples/cells/input/ihc.png on the grid");
    let folder = root().join("target/demo");
    let _ = std::fs::remove_dir_all(&folder);
    let mut submit =
        grid.fallow(&["submit", "examples/cells", "--run-on", "anyone", "--watch", "--fetch", "--extract", "--output"]);
    submit.arg(&folder);
    crate::sh::run(submit)?;
    show(&folder, began.elapsed())?;
    let page = grid.page()?;
    step("the job's page");
    println!("{page}   log in with the token {}", grid.author);
    if options.keep {
        grid.keep_running()?;
    } else {
        println!("it is there while the grid runs: `cargo xtask demo --keep` leaves it running");
    }
    Ok(())
}

fn parse(args: &[String]) -> Result<Options> {
    let mut options = Options { keep: false, nodes: 3 };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--keep" => options.keep = true,
            "--nodes" => {
                let nodes = args.next().and_then(|n| n.parse().ok()).filter(|n| (1..=16).contains(n));
                options.nodes = nodes.ok_or("--nodes takes a number from 1 to 16")?;
            }
            other => return Err(format!("demo takes --keep and --nodes N, not {other:?}")),
        }
    }
    Ok(options)
}

fn step(what: &str) {
    println!("\n── {what}");
}

fn show(folder: &Path, took: Duration) -> Result<()> {
    let summary = std::fs::read_to_string(folder.join("summary.json"))
        .map_err(|error| format!("failed to read the result's summary in {}: {error}", folder.display()))?;
    let table = std::fs::read_to_string(folder.join("nuclei.csv"))
        .map_err(|error| format!("failed to read the result's table: {error}"))?;
    step("the result");
    println!("{}", summary.trim());
    println!("first rows of the table:");
    table.lines().take(4).for_each(|line| println!("    {line}"));
    println!("\nafter {:.1} s, in {}:", took.as_secs_f64(), folder.display());
    println!("    overlay.png   the picture with every nucleus outlined");
    println!("    nuclei.csv    position and area of {} nuclei", table.lines().count().saturating_sub(1));
    Ok(())
}

/// A server and its nodes; dropping it stops them, nodes first.
struct Grid {
    nodes: Vec<Running>,
    server: Running,
    url: String,
    folder: PathBuf,
    /// The author's token, for the command line and the pages.
    author: String,
}

impl Grid {
    fn start(nodes: usize) -> Result<Self> {
        step("starting a server");
        let folder = std::env::temp_dir().join(format!("fallow-demo-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| format!("failed to create {}: {error}", folder.display()))?;
        let mut serve = program("fallow-server", &["serve", "--listen", "127.0.0.1:0", "--json", "--data"]);
        serve.arg(folder.join("server"));
        let server = Running::start("the server", serve, &folder.join("server.log"))?;
        let operator = field(&server.wait_for("operator_token", START)?, "token")?;
        let url = field(&server.wait_for("listening", START)?, "url")?;
        println!("{url}   its API is described at {url}/api/docs");
        let mut grid = Self { nodes: Vec::new(), server, url, folder, author: String::new() };
        grid.join_nodes(&operator, nodes)?;
        grid.author = grid.log_in("author", &operator)?;
        crate::sh::run(grid.fallow(&["keygen"]))?;
        Ok(grid)
    }

    fn join_nodes(&mut self, operator: &str, nodes: usize) -> Result<()> {
        step(&format!("{nodes} computers of a lender join"));
        self.log_in("lender", operator)?;
        for number in 1..=nodes {
            let token = field(&output(self.fallow(&["join-token", "--json"]))?, "token")?;
            let name = format!("heron-{number}");
            let mut join = program("fallow-node", &["join", &self.url, "--token", &token, "--name", &name]);
            join.args(["--slots", "1", "--json", "--data"]).arg(self.folder.join(&name));
            let node = Running::start(&name, join, &self.folder.join(format!("{name}.log")))?;
            node.wait_for("online", START)?;
            println!("{name} is online");
            self.nodes.push(node);
        }
        Ok(())
    }

    /// An account of its own, as a stranger would have.
    fn log_in(&self, account: &str, operator: &str) -> Result<String> {
        let mut create = self.fallow(&["account", "create", account, "--json"]);
        create.env("FALLOW_URL", &self.url).env("FALLOW_TOKEN", operator);
        let token = field(&output(create)?, "token")?;
        crate::sh::run(self.fallow(&["login", &self.url, "--token", &token]))?;
        Ok(token)
    }

    /// Where the author's newest job is shown.
    fn page(&self) -> Result<String> {
        let jobs = output(self.fallow(&["jobs", "--json"]))?;
        Ok(format!("{}/jobs/{}", self.url, field(&jobs, "id")?))
    }

    fn fallow(&self, args: &[&str]) -> Command {
        let mut fallow = program("fallow", args);
        fallow.env("FALLOW_CONFIG", self.folder.join("author.toml"));
        fallow
    }

    fn keep_running(&self) -> Result<()> {
        step("the grid keeps running until you press ^C");
        println!("server   {}   API: {}/api/docs", self.url, self.url);
        println!("files    {}", self.folder.display());
        println!(
            "author   FALLOW_CONFIG={} {} jobs",
            self.folder.join("author.toml").display(),
            fallow_path().display()
        );
        // ^C reaches the children too: the server ends by itself, and its lines with it.
        let _ = self.server.wait_for("never", Duration::from_secs(u64::from(u32::MAX)));
        Ok(())
    }
}

impl Drop for Grid {
    fn drop(&mut self) {
        self.nodes.clear();
    }
}

fn fallow_path() -> PathBuf {
    Profile::Dev.folder().join("fallow")
}

fn program(name: &str, args: &[&str]) -> Command {
    command(Profile::Dev.folder().join(name), args)
}

fn field(json: &str, key: &str) -> Result<String> {
    json_text(json, key).ok_or_else(|| format!("expected {key:?} in {json:?}"))
}
