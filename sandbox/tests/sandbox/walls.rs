//! The operating system's wall: a worker that tries to get out fails.

use fallow_sandbox::client::escape_smoke;

use crate::guests;
use crate::rig::{Rig, exe, run, started};

#[tokio::test]
async fn every_way_out_is_closed() {
    let tried = escape_smoke(exe()).await.unwrap();
    let open: Vec<&str> = tried.iter().filter(|(_, denied)| !denied).map(|(name, _)| name.as_str()).collect();
    assert!(open.is_empty(), "not denied: {open:?}");
    for name in ["open for reading", "create a file", "socket inet", "connect", "fork", "exec", "ptrace attach"] {
        assert!(tried.iter().any(|(tried, _)| tried == name), "{name} was not tried");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_running_worker_is_behind_the_wall() {
    let rig = Rig::new(&guests::endless()).await;
    let (mut worker, mut events) = rig.start().await;
    worker.submit(vec![run(1, b"")]).await.unwrap();
    started(&mut events).await;
    let pid = worker.pid();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}"));
            line.split_whitespace().nth(1).unwrap().to_owned()
        };
        assert_eq!(field("Seccomp:"), "2", "every thread is filtered");
        assert_eq!(field("NoNewPrivs:"), "1");
    }
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let nice = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(16).unwrap().to_owned();
    assert_eq!(nice, "19");
    assert_eq!(std::fs::read(format!("/proc/{pid}/environ")).unwrap(), b"");
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    for (name, value) in [("Max core file size", "0"), ("Max processes", "0"), ("Max open files", "256")] {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        assert_eq!(line[name.len()..].split_whitespace().next(), Some(value), "{line}");
    }
}
