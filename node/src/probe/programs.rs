//! Which of the named programs run, from procfs.

use std::path::Path;

use super::watch::{entries, text};

/// The kernel keeps so many bytes of a process's name.
const COMM_BYTES: usize = 15;

/// Those of `names` that run, in their order.
pub fn running(proc: &Path, names: &[String]) -> Vec<String> {
    if names.is_empty() {
        return Vec::new();
    }
    let pids = entries(proc).into_iter().filter(|path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let found: Vec<String> = pids.filter_map(|path| text(&path.join("comm"))).collect();
    let runs = |name: &&String| {
        let end = name.floor_char_boundary(COMM_BYTES);
        found.iter().any(|comm| comm == &name[..end])
    };
    names.iter().filter(runs).cloned().collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_process_of_that_name_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("a-long-name-of-a-game");
        std::fs::copy("/bin/cat", &program).unwrap();
        let names = ["nobody-has-this".to_owned(), "a-long-name-of-a-game".to_owned()];
        assert!(running(Path::new("/proc"), &names).is_empty());
        let mut child = Command::new(&program).stdin(Stdio::piped()).spawn().unwrap();
        // A program has its name a moment after it was started.
        let patience = Instant::now() + Duration::from_secs(30);
        while running(Path::new("/proc"), &names) != names[1..] {
            assert!(Instant::now() < patience, "it is not found");
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(running(Path::new("/proc"), &names).is_empty());
    }
}
