//! A process that writes to the ledger is killed, at any moment and between its statements. Whatever was acknowledged is
//! there, whatever was not is there as a whole or not at all, and doing everything again gives the state of a run that
//! nobody disturbed.
//!
//! This binary is both: without arguments the test, as `child URL POINT` the process that is killed.

#[path = "../../src/store/tests/postgres.rs"]
mod postgres;

mod child;
mod plan;

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use grid_core::ledger::{Account, Applied, Balance, Recorded};
use grid_server::store::Store;
use grid_server::store::ledger::check::check;
use grid_server::store::ledger::statements::{Page, statement_of};
use grid_server::store::ledger::{apply, balance};
use plan::{Batch, Random};

const NAME: &str = "a_killed_writer_leaves_a_ledger_that_adds_up";
/// Kills at any moment, after some new batches.
const KILLS: u64 = 12;
/// On PostgreSQL, where a process takes longer to begin.
const KILLS_POSTGRES: u64 = 4;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [command, url, point] = &args[..]
        && command == "child"
    {
        return child::run(url, point);
    }
    // As the usual harness: a filter that names something else skips this test.
    if args.iter().any(|arg| !arg.starts_with('-') && !NAME.contains(arg.as_str())) || args.contains(&"--list".into()) {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sqlite = |name: &str| format!("sqlite://{}", folder.path().join(name).display());
    let undisturbed = run_to_its_end(&runtime, &sqlite("clean.db"));
    let disturbed = runtime.block_on(disturb(&sqlite("killed.db"), KILLS));
    assert_eq!(disturbed, undisturbed, "SQLite");
    let disturbed = runtime.block_on(disturb(&postgres::new_database(), KILLS_POSTGRES));
    assert_eq!(disturbed, undisturbed, "PostgreSQL");
    println!("test {NAME} ... ok");
}

/// A ledger, but for the order in which one moment's rows were numbered.
type State = Vec<(Account, Balance, Vec<Recorded>)>;

/// A child, and what it says.
struct Writer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Writer {
    /// Start one that ends by itself at `point`, if that is one.
    fn start(url: &str, point: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.args(["child", url, point]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next batch that is committed, and whether it is a new one.
    fn next(&mut self) -> Option<(usize, bool)> {
        let line = self.lines.next()?.unwrap();
        let (number, what) = line.split_once(' ').unwrap();
        Some((number.parse().unwrap(), what == "new"))
    }

    /// Let it commit `new` batches of its own, then kill it after a moment; the last one that it told of.
    fn kill_after(mut self, new: u64, moment: std::time::Duration) -> Option<usize> {
        let mut last = None;
        let mut seen = 0;
        while seen < new {
            let Some((number, is_new)) = self.next() else { break };
            last = Some(number);
            seen += u64::from(is_new);
        }
        std::thread::sleep(moment);
        let _ = self.child.kill();
        self.child.wait().unwrap();
        last
    }

    /// Wait until it ends; the last batch that it told of, and whether it ended well.
    fn wait(mut self) -> (Option<usize>, bool) {
        let mut last = None;
        while let Some((number, _)) = self.next() {
            last = Some(number);
        }
        (last, self.child.wait().unwrap().success())
    }
}

fn run_to_its_end(runtime: &tokio::runtime::Runtime, url: &str) -> State {
    let (last, well) = Writer::start(url, "none").wait();
    assert_eq!((last, well), (Some(plan::batches().len() - 1), true));
    runtime.block_on(state(url))
}

/// Kill writers again and again, look at what they left, and let one come to the end.
async fn disturb(url: &str, kills: u64) -> State {
    let mut random = Random::new(0x9e37_79b9_7f4a_7c15 ^ u64::from(std::process::id()));
    println!("seed {:#x}", random.seed());
    let plan = plan::batches();
    for kill in 0..kills {
        let moment = std::time::Duration::from_micros(random.below(4_000));
        let last = Writer::start(url, "none").kill_after(1 + random.below(6), moment);
        expect_whole(url, &plan, last).await;
        // Between the rows of a frame and its transfers, and before the commit.
        let point = ["half", "applied"][(kill % 2) as usize];
        let (last, well) = Writer::start(url, &format!("{point}:{}", 1 + random.below(6))).wait();
        assert!(!well, "it should have ended at {point}");
        expect_whole(url, &plan, last).await;
    }
    let (last, well) = Writer::start(url, "none").wait();
    assert_eq!((last, well), (Some(plan.len() - 1), true));
    expect_whole(url, &plan, last).await;
    state(url).await
}

/// Everything adds up, and all batches up to the one that was told of last are there.
async fn expect_whole(url: &str, plan: &[Batch], last: Option<usize>) {
    let store = Store::open(url).await.unwrap();
    let report = check(store.reader(), 1).await.unwrap();
    assert_eq!(report.audit.findings(), &[], "after batch {last:?}");
    let told = plan[..last.map_or(0, |last| last + 1)].to_vec();
    let again = store.write(move |db| {
        let told = told.clone();
        Box::pin(async move {
            for (number, batch) in told.iter().enumerate() {
                let wanted = vec![Applied::Exists; batch.transfers.len()];
                let applied = apply(db, &batch.transfers, u64::MAX / 4).await?;
                assert_eq!(applied, Ok(wanted), "batch {number} was told of, and is not there");
            }
            Ok(())
        })
    });
    again.await.unwrap();
}

async fn state(url: &str) -> State {
    let store = Store::open(url).await.unwrap();
    let mut state = Vec::new();
    for account in plan::accounts() {
        let balance = balance(store.reader(), account).await.unwrap().expect("an open account");
        let page = Page { from_ms: 0, to_ms: u64::MAX / 2, after: None, limit: 100_000 };
        let lines = statement_of(store.reader(), account, &page).await.unwrap();
        let mut lines: Vec<Recorded> = lines.into_iter().map(|line| line.recorded).collect();
        lines.sort_unstable_by_key(|recorded| (recorded.made_at_ms, recorded.transfer.id()));
        state.push((account, balance, lines));
    }
    state
}
