//! What a lender chooses is what happens: each rule through what the computer really tells, on a real grid.
//!
//! The node looks below a folder that the test lays out as the kernel would; processes, load and terminals are real.

use std::fs::{File, FileTimes};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use fallow_tests::grid::{Account, Grid, Node, http};
use fallow_tests::process::program;
use fallow_tests::{JOB, SOON};
use reqwest::Method;
use serde_json::{Value, json};

/// A computer as its kernel tells of it.
struct Computer {
    root: PathBuf,
}

impl Computer {
    /// With mains, a cool processor and the real `/proc`; nobody has ever typed.
    fn new(grid: &Grid, node: &str) -> Result<Self> {
        let computer = Self { root: grid.path(&format!("{node}-root")) };
        std::fs::create_dir_all(&computer.root)?;
        std::os::unix::fs::symlink("/proc", computer.root.join("proc"))?;
        computer.write("sys/class/power_supply/BAT0/type", "Battery")?;
        computer.battery(90, "Charging")?;
        computer.heat(45)?;
        let data = grid.path(node);
        std::fs::create_dir_all(&data)?;
        let root = computer.root.display();
        std::fs::write(
            data.join("node.toml"),
            format!("[probe]\nroot = \"{root}\"\nevery_ms = 100\nwindow_ms = 1000\n"),
        )?;
        Ok(computer)
    }

    fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
        // The node may look at any moment: never at half a file.
        let fresh = path.with_extension("fresh");
        std::fs::write(&fresh, format!("{text}\n"))?;
        Ok(std::fs::rename(fresh, path)?)
    }

    fn battery(&self, percent: u32, status: &str) -> Result<()> {
        self.write("sys/class/power_supply/BAT0/capacity", &percent.to_string())?;
        self.write("sys/class/power_supply/BAT0/status", status)
    }

    fn heat(&self, degrees: u32) -> Result<()> {
        self.write("sys/class/thermal/thermal_zone0/temp", &(degrees * 1_000).to_string())
    }

    /// Somebody typed at a terminal so long ago.
    fn typed(&self, ago: Duration) -> Result<()> {
        let path = self.root.join("dev/pts/0");
        std::fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
        let at = SystemTime::now().checked_sub(ago).context("a time")?;
        Ok(File::create(path)?.set_times(FileTimes::new().set_accessed(at))?)
    }

    fn network_manager(&self, metered: &str) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let answer = format!("GENERAL.STATE:100 (connected)\\nGENERAL.METERED:{metered}\\n");
        self.write("usr/bin/nmcli", &format!("#!/bin/sh\nprintf '{answer}'"))?;
        let executable = std::fs::Permissions::from_mode(0o755);
        Ok(std::fs::set_permissions(self.root.join("usr/bin/nmcli"), executable)?)
    }
}

/// The node as the server sees it.
async fn at_server(owner: &Account) -> Result<Value> {
    let nodes = owner.get("/api/v1/nodes").await?;
    Ok(nodes["items"][0].clone())
}

/// Wait until what `look` gives `fits`.
async fn until<F>(what: &str, look: impl Fn() -> F, fits: impl Fn(&Value) -> bool) -> Result<Value>
where
    F: Future<Output = Result<Value>>,
{
    let mut last = Value::Null;
    let looking = async {
        loop {
            if let Ok(seen) = look().await {
                last = seen;
            }
            if fits(&last) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    match tokio::time::timeout(JOB, looking).await {
        Ok(()) => Ok(last),
        Err(_) => bail!("{what} did not come; there is {last:#}"),
    }
}

async fn paused(owner: &Account, reason: &str) -> Result<Value> {
    let fits =
        |node: &Value| node["state"] == "paused" && node["reason"].as_str().is_some_and(|it| it.contains(reason));
    until(&format!("the pause {reason:?}"), || at_server(owner), fits).await
}

async fn working_again(owner: &Account) -> Result<()> {
    until("the end of the pause", || at_server(owner), |node| node["state"] == "online").await.map(drop)
}

/// A call of the node's own tool, as its owner makes it.
async fn tool(node: &Node, args: &[&str]) -> Result<String> {
    let output = program("fallow-node").args(args).arg("--data").arg(&node.data).output().await?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "fallow-node {args:?}: {text}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn set(node: &Node, key: &str, value: &str) -> Result<()> {
    tool(node, &["prefs", "set", key, value]).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn battery_heat_and_network_pause_with_their_numbers() -> Result<()> {
    let grid = Grid::start().await?;
    let ann = grid.account("ann").await?;
    let computer = Computer::new(&grid, "one")?;
    computer.network_manager("no (guessed)")?;
    let node = grid.node(&ann, "one", &["--slots", "1"]).await?;
    working_again(&ann).await?;

    computer.battery(41, "Discharging")?;
    paused(&ann, "battery 41 % below 60 %").await?;
    computer.battery(65, "Discharging")?;
    let told = || async { Ok(serde_json::from_str::<Value>(&tool(&node, &["status", "--json"]).await?)?) };
    let between = |status: &Value| status["state"]["reason"] == "battery 65 %; works again from 75 % on";
    until("the way between both levels", told, between).await?;
    computer.battery(75, "Discharging")?;
    working_again(&ann).await?;
    set(&node, "on_battery", "no").await?;
    paused(&ann, "on battery; waits for mains").await?;
    computer.battery(75, "Charging")?;
    working_again(&ann).await?;

    computer.heat(95)?;
    paused(&ann, "95 °C, above 90 °C").await?;
    computer.heat(70)?;
    working_again(&ann).await?;

    computer.network_manager("yes")?;
    paused(&ann, "on a metered network").await?;
    set(&node, "metered", "yes").await?;
    working_again(&ann).await
}

#[tokio::test(flavor = "multi_thread")]
async fn people_programs_and_hours_pause_it() -> Result<()> {
    let grid = Grid::start().await?;
    let ann = grid.account("ann").await?;
    let computer = Computer::new(&grid, "one")?;
    let node = grid.node(&ann, "one", &["--slots", "1"]).await?;
    set(&node, "idle_minutes", "5").await?;
    working_again(&ann).await?;
    computer.typed(Duration::from_secs(1))?;
    paused(&ann, "somebody used this computer").await?;
    computer.typed(Duration::from_secs(600))?;
    working_again(&ann).await?;

    let game = grid.path("fallow-game");
    std::fs::copy("/bin/cat", &game)?;
    set(&node, "pause_programs", "fallow-game").await?;
    let mut playing = tokio::process::Command::new(&game).stdin(Stdio::piped()).kill_on_drop(true).spawn()?;
    paused(&ann, "fallow-game runs").await?;
    drop(playing.stdin.take());
    playing.wait().await?;
    working_again(&ann).await?;

    // Twelve hours from now, so that the clock may go on while the test runs.
    let now = tokio::process::Command::new("date").arg("+%H").output().await?;
    let hour: u32 = String::from_utf8(now.stdout)?.trim().parse()?;
    let other = (hour + 12) % 24;
    set(&node, "hours", &format!("mon-sun {other}-{}", other + 1)).await?;
    paused(&ann, "outside its hours; works again at").await?;
    tool(&node, &["prefs", "unset", "hours"]).await?;
    working_again(&ann).await?;
    let shown = tool(&node, &["prefs"]).await?;
    let line = |key: &str| shown.lines().find(|line| line.trim_start().starts_with(key)).unwrap_or_default().to_owned();
    ensure!(line("idle_minutes").ends_with("here") && line("hours").ends_with("preset balanced"), "{shown}");
    ensure!(line("slots").contains("command line"), "{shown}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_load_of_others_pauses_it_and_its_own_does_not() -> Result<()> {
    let grid = Grid::start().await?;
    let ann = grid.account("ann").await?;
    Computer::new(&grid, "one")?;
    let node = grid.node(&ann, "one", &["--slots", "1"]).await?;
    let others = || async {
        let status: Value = serde_json::from_str(&tool(&node, &["status", "--json"]).await?)?;
        Ok(status["lender"]["seen"]["others_cpu_percent"].clone())
    };
    until("a full window", others, Value::is_u64).await?;
    let cores = std::thread::available_parallelism()?.get();
    let busy = || {
        let loops = ["-c", "while :; do :; done"];
        tokio::process::Command::new("sh").args(loops).kill_on_drop(true).spawn()
    };
    let mut children: Vec<_> = (0..cores).map(|_| busy()).collect::<Result<_, _>>()?;
    set(&node, "busy_cpu_percent", "20").await?;
    paused(&ann, "other programs use").await?;
    for child in &mut children {
        child.kill().await?;
    }
    set(&node, "busy_cpu_percent", "100").await?;
    working_again(&ann).await
}

/// One long unit of the guest that takes steps.
async fn long_unit(grid: &Grid, author: &Account, units: usize) -> Result<String> {
    let file = grid.path("steps.txt");
    let unit = "{\"steps\": 2000, \"work\": 5000000, \"checkpoint_every\": 0}\n";
    std::fs::write(&file, unit.repeat(units))?;
    let file = file.display().to_string();
    author.submit("tests/guests/steps", &["--input", &file, "--limit", "time=30m"]).await
}

fn started(event: &Value) -> bool {
    event["event"] == "unit_started"
}

/// States of the processes below one, as `/proc` tells them.
fn states_below(pid: u32) -> Vec<(u32, char)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, rest)) = stat.rsplit_once(')') else { continue };
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let of: Option<u32> = fields.get(1).and_then(|parent| parent.parse().ok());
        let child: Option<u32> = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let (true, Some(child), Some(state)) =
            (of == Some(pid), child, fields.first().and_then(|it| it.chars().next()))
        {
            found.push((child, state));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_stops_the_workers_and_then_gives_everything_back() -> Result<()> {
    let grid = Grid::start().await?;
    let ann = grid.account("ann").await?;
    let node = grid.node(&ann, "one", &["--slots", "1"]).await?;
    let job = long_unit(&grid, &ann, 1).await?;
    node.process.event(SOON, started).await?;
    let began = Instant::now();
    tool(&node, &["pause", "--for", "2h"]).await?;
    let pid = node.process.pid();
    let look = || async { Ok(json!(states_below(pid).iter().filter(|(_, state)| *state == 'T').count())) };
    until("a stopped worker", look, |stopped| stopped.as_u64() > Some(0)).await?;
    let took = began.elapsed();
    println!("a worker stood still {took:?} after the call of the command");
    ensure!(took < Duration::from_secs(5), "the pause took {took:?}");
    let status: Value = serde_json::from_str(&tool(&node, &["status", "--json"]).await?)?;
    ensure!(status["lender"]["until_ms"].is_u64(), "{status:#}");

    tool(&node, &["prefs", "set", "give_back_minutes", "0"]).await?;
    let given_back = |node: &Value| node["units_held"] == 0 && node["state"] == "paused";
    until("the unit's return", || at_server(&ann), given_back).await?;
    let none = || async { Ok(json!(states_below(pid).iter().filter(|(_, state)| *state == 'T').count())) };
    until("the end of the worker", none, |stopped| stopped == &json!(0)).await?;
    let seen = node.process.told();
    tool(&node, &["resume"]).await?;
    node.process.event_after(seen, JOB, started).await?;
    ann.call(&["cancel", &job]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_begun_ends_before_the_node_pauses() -> Result<()> {
    let grid = Grid::start().await?;
    let ann = grid.account("ann").await?;
    let node = grid.node(&ann, "one", &["--slots", "1"]).await?;
    let file = grid.path("short.txt");
    std::fs::write(&file, "{\"steps\": 60, \"work\": 5000000, \"checkpoint_every\": 0}\n".repeat(3))?;
    let input = file.display().to_string();
    let job = ann.submit("tests/guests/steps", &["--input", &input]).await?;
    node.process.event(SOON, started).await?;
    tool(&node, &["pause", "--finish"]).await?;
    let ended = node.process.event(JOB, |event| event["event"] == "unit_ended").await?;
    ensure!(ended["outcome"] == "done", "{ended}");
    paused(&ann, "by its owner").await?;
    until("nothing on the paused node", || at_server(&ann), |node| node["units_held"] == 0).await?;
    let counts = ann.job(&job).await?["counts"].clone();
    ensure!(counts["done"].as_u64() >= Some(1) && counts["done"].as_u64() < Some(3), "{counts}");
    tool(&node, &["resume"]).await?;
    ann.result(&job).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_portal_reaches_the_node_and_its_owner_overrules_it() -> Result<()> {
    let grid = Grid::start().await?;
    let ann = grid.account("ann").await?;
    let node = grid.node(&ann, "one", &[]).await?;
    let id = at_server(&ann).await?["id"].as_str().context("a node has an id")?.to_owned();
    let path = format!("/api/v1/nodes/{id}");
    let send =
        |method: Method, rest: &str, body: Value| ann.request(method, &format!("{path}{rest}")).json(&body).send();

    let put = send(Method::PUT, "/preferences", json!({ "slots": 1, "idle_minutes": 7 })).await?;
    ensure!(put.status() == 200, "{}", put.text().await?);
    until("one slot", || at_server(&ann), |node| node["slots"] == 1).await?;
    set(&node, "idle_minutes", "0").await?;
    let effective = |detail: &Value| {
        let preferences = &detail["preferences"];
        preferences["local"]["idle_minutes"] == 0 && preferences["effective"]["idle_minutes"] == 0
    };
    until("the owner's own word", || ann.get(&path), effective).await?;

    send(Method::PATCH, "", json!({ "name": "attic" })).await?.error_for_status()?;
    let named = || async { Ok(serde_json::from_str::<Value>(&tool(&node, &["status", "--json"]).await?)?) };
    until("its new name", named, |status| status["name"] == "attic").await?;

    send(Method::POST, "/pause", json!({ "for_s": 7200 })).await?.error_for_status()?;
    paused(&ann, "from the portal").await?;
    tool(&node, &["resume"]).await?;
    working_again(&ann).await?;
    until("the portal's pause to be gone", || ann.get(&path), |detail| detail["pause"].is_null()).await?;
    send(Method::POST, "/pause", json!({})).await?.error_for_status()?;
    paused(&ann, "from the portal").await?;
    send(Method::POST, "/resume", json!({})).await?.error_for_status()?;
    working_again(&ann).await
}

#[tokio::test(flavor = "multi_thread")]
async fn states_are_kept_as_intervals_over_a_kill_of_the_server() -> Result<()> {
    let mut grid = Grid::start().await?;
    let ann = grid.account("ann").await?;
    let node = grid.node(&ann, "one", &["--slots", "1"]).await?;
    let id = at_server(&ann).await?["id"].as_str().context("a node has an id")?.to_owned();
    let path = format!("/api/v1/nodes/{id}/intervals");
    tool(&node, &["pause", "--reason", "a backup"]).await?;
    paused(&ann, "a backup").await?;
    let at = |past: &Value, state: &str| {
        past["items"].as_array().into_iter().flatten().find(|it| it["state"] == state).cloned()
    };
    let before = until("a pause", || ann.get(&path), |past| at(past, "paused").is_some()).await?;
    let pause = at(&before, "paused").context("it was just there")?;
    // Changes are written every second; what is there after one more of them survives.
    let written = || async {
        let database = grid.server_data().join("fallow.sqlite");
        let bytes = [database.clone(), PathBuf::from(format!("{}-wal", database.display()))];
        let found = bytes.iter().filter_map(|path| std::fs::read(path).ok()).any(|it| contains(&it, b"a backup"));
        Ok(json!(found))
    };
    until("the pause in the database", written, |found| found == &json!(true)).await?;
    let seen = node.process.told();
    grid.kill_server().await?;
    grid.restart_server().await?;
    node.process.event_after(seen, SOON, |event| event["event"] == "online").await?;
    tool(&node, &["resume"]).await?;
    working_again(&ann).await?;
    let after = until("an end of the pause", || ann.get(&path), |past| at(past, "idle").is_some()).await?;
    let kept = at(&after, "paused").context("the pause is kept")?;
    ensure!(kept["from_ms"] == pause["from_ms"] && kept["reason"] == "a backup", "{after:#}");
    let items = after["items"].as_array().context("a list")?;
    ensure!(items.windows(2).all(|two| two[0]["to_ms"] == two[1]["from_ms"]), "gaps or overlaps: {after:#}");
    let week = ann.get(&format!("/api/v1/nodes/{id}/availability")).await?;
    let here =
        week["cells"].as_array().context("a list")?.iter().filter(|cell| cell["here_permille"].as_u64() > Some(0));
    ensure!(here.count() > 0, "{week:#}");
    Ok(())
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|part| part == word)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_turns_an_author_away_and_the_author_hears_why() -> Result<()> {
    let grid = Grid::start_with("[grid]\nkind = \"members\"\ncredits = false\n").await?;
    let (ann, bob) = (grid.account("ann").await?, grid.account("bob").await?);
    let _node = grid.node(&ann, "one", &["--slots", "1"]).await?;
    let id = at_server(&ann).await?["id"].as_str().context("a node has an id")?.to_owned();
    let takes = json!({ "who": "anyone", "not_authors": ["bob"], "not_modules": [] });
    let path = format!("/api/v1/nodes/{id}/takes");
    ann.request(Method::PUT, &path).json(&takes).send().await?.error_for_status()?;
    let job = bob.submit("examples/primes", &["--split", "range:0..4000:1000", "--run-on", "anyone"]).await?;
    let told = |explained: &Value| {
        explained["reasons"].as_array().into_iter().flatten().any(|reason| reason["code"] == "author-not-taken")
    };
    let explained = format!("/api/v1/jobs/{job}/explain");
    until("the reason", || bob.get(&explained), told).await?;
    let anyone = json!({ "who": "anyone" });
    ann.request(Method::PUT, &path).json(&anyone).send().await?.error_for_status()?;
    bob.result(&job).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nodes_own_page_pauses_it() -> Result<()> {
    let grid = Grid::start().await?;
    let ann = grid.account("ann").await?;
    let node = grid.node(&ann, "one", &["--slots", "1"]).await?;
    let link = tool(&node, &["page"]).await?;
    let (page, token) = link.trim().split_once("#token=").context("the link holds the token")?;
    let ask = |method: Method, path: &str| http().request(method, format!("{page}api/{path}")).bearer_auth(token);
    let status: Value = ask(Method::GET, "status").send().await?.error_for_status()?.json().await?;
    ensure!(status["name"] == "one" && status["owner"] == "ann", "{status:#}");
    let wrong = http().get(format!("{page}api/status")).bearer_auth("wrong").send().await?;
    ensure!(wrong.status() == 401, "{}", wrong.status());

    let mut events = ask(Method::GET, "events").send().await?.error_for_status()?;
    let paused_now = ask(Method::POST, "pause").json(&json!({ "for_s": 7200 })).send().await?.error_for_status()?;
    let status: Value = paused_now.json().await?;
    ensure!(status["state"] == "paused" && status["until_ms"].is_u64(), "{status:#}");
    let mut heard = String::new();
    let hearing = async {
        while !heard.contains("\"paused\"") {
            let chunk = events.chunk().await?.context("the events go on")?;
            heard.push_str(&String::from_utf8_lossy(&chunk));
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(SOON, hearing).await.context("the page heard nothing")??;
    paused(&ann, "by its owner").await?;
    ask(Method::POST, "resume").json(&json!({})).send().await?.error_for_status()?;
    working_again(&ann).await?;
    let history: Value = ask(Method::GET, "history").send().await?.error_for_status()?.json().await?;
    ensure!(
        history["items"].as_array().is_some_and(|items| items.iter().any(|it| it["what"] == "paused")),
        "{history:#}"
    );
    let earned: Value = ask(Method::GET, "earnings?days=3").send().await?.error_for_status()?.json().await?;
    ensure!(earned["days"].as_array().map(Vec::len) == Some(3), "{earned:#}");
    let log: Value = ask(Method::GET, "log?lines=50").send().await?.error_for_status()?.json().await?;
    ensure!(log["lines"].as_array().is_some(), "{log:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_a_unit_that_systemd_understands() -> Result<()> {
    if !["/usr/lib/systemd/system", "/etc/systemd/system"].iter().any(|path| Path::new(path).exists()) {
        println!("no systemd here: only the text of the unit is tested, beside its rule");
        return Ok(());
    }
    let home = tempfile::tempdir()?;
    let mut install = program("fallow-node");
    install.args(["service", "install", "--no-start", "--data"]).arg(home.path().join("my data"));
    let output = install.env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path().join("config")).output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let unit = home.path().join("config/systemd/user/fallow-node.service");
    let text = std::fs::read_to_string(&unit)?;
    ensure!(text.contains("run --data \"") && text.contains("Restart=on-failure"), "{text}");
    let verify = tokio::process::Command::new("systemd-analyze").args(["verify", "--user"]).arg(&unit).output().await;
    if let Ok(verified) = verify {
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        ensure!(!said.contains("fallow-node.service:"), "{said}");
    }
    Ok(())
}
