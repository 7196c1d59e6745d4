//! The server's own worker keeps within its time, one unit at a time, and ends with whoever asked it.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fallow_protocol::manifest::Limits;
use grid_server::anchor::AnchorError;
use tempfile::TempDir;

use crate::rig::Rig;

/// Runs until it is ended.
const ENDLESS: Limits = Limits {
    memory_bytes: 64 << 20,
    fuel: 500_000_000_000_000,
    wall_ms: 3_600_000,
    output_bytes: 1 << 20,
    emit_bytes: 0,
    log_bytes: 0,
    scratch_bytes: 0,
    checkpoint_bytes: 0,
};
const PATIENCE: Duration = Duration::from_secs(60);

/// A server whose workers can be told from those of other tests in this process.
async fn start(share_permille: u32) -> (Rig, PathBuf, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let exe = folder.path().join("server");
    symlink(env!("CARGO_BIN_EXE_fallow-server"), &exe).unwrap();
    let worker = exe.clone();
    let rig = Rig::start(|config| {
        config.worker_exe = Some(worker);
        config.anchor.share_permille = share_permille;
    })
    .await;
    (rig, exe, folder)
}

/// States of the processes that were started as `exe`, as `R` or `T`: one that has a running thread runs.
fn states(exe: &Path) -> Vec<char> {
    let state = |stat: &Path| {
        let stat = std::fs::read_to_string(stat).ok()?;
        stat.rsplit(") ").next().and_then(|rest| rest.chars().next())
    };
    let of = |pid: &std::fs::DirEntry| {
        let line = std::fs::read(pid.path().join("cmdline")).ok()?;
        if !line.starts_with(exe.as_os_str().as_encoded_bytes()) {
            return None;
        }
        let threads = std::fs::read_dir(pid.path().join("task")).ok()?.flatten();
        let runs = threads.filter_map(|thread| state(&thread.path().join("stat"))).any(|state| state == 'R');
        if runs { Some('R') } else { state(&pid.path().join("stat")) }
    };
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|pid| of(&pid)).filter(|state| *state != 'Z').collect()
}

/// Wait until the worker's processes are as wanted.
async fn until(exe: &Path, wanted: impl Fn(&[char]) -> bool) {
    let look = async {
        while !wanted(&states(exe)) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let seen = tokio::time::timeout(PATIENCE, look).await;
    assert!(seen.is_ok(), "the workers are {:?}", states(exe));
}

fn seconds(rig: &Rig) -> f64 {
    let text = rig.app().metrics.text().unwrap();
    let line = text.lines().find(|line| line.starts_with("fallow_anchor_seconds_total")).unwrap().to_owned();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_is_held_once_the_budget_is_empty() {
    // 7.2 seconds of an hour.
    let (rig, exe, _folder) = start(2).await;
    let (app, unit) = (rig.grid.running.app.clone(), rig.fault("loop", ENDLESS).await);
    let (asked, running) = (app.clone(), unit.clone());
    let running = tokio::spawn(async move { asked.anchor.run(&asked, running).await });
    until(&exe, |states| states.contains(&'T')).await;
    let taken = seconds(&rig);
    assert!((7.2..30.0).contains(&taken), "{taken} s");
    let second = app.anchor.run(&app, unit).await;
    assert!(matches!(second, Err(AnchorError::Busy)), "{second:?}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(seconds(&rig), taken, "what is held takes no time");
    assert!(!running.is_finished());
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    until(&exe, <[char]>::is_empty).await;
    match app.anchor.ready() {
        Err(AnchorError::OverBudget { again_in_ms }) => assert!((3_500_000..=3_610_000).contains(&again_in_ms)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_ends_its_worker() {
    let (rig, exe, _folder) = start(1_000).await;
    let unit = rig.fault("loop", ENDLESS).await;
    let app = rig.grid.running.app.clone();
    let asked: Arc<_> = app.clone();
    let running = tokio::spawn(async move { asked.anchor.run(&asked, unit).await });
    until(&exe, |states| states.contains(&'R')).await;
    rig.grid.running.stop().await;
    let told = running.await.unwrap();
    assert!(matches!(told, Err(AnchorError::Stopping)), "{told:?}");
    until(&exe, <[char]>::is_empty).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_gives_nothing_runs_nothing() {
    let (rig, exe, _folder) = start(0).await;
    let unit = rig.fault("ok", ENDLESS).await;
    let told = rig.app().anchor.run(rig.app(), unit).await;
    assert!(matches!(told, Err(AnchorError::Off)), "{told:?}");
    assert!(states(&exe).is_empty() && !rig.data("data/anchor").exists());
}
