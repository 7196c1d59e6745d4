//! When somebody used the computer last, from what Linux tells without a desktop: terminals and input devices are read
//! when somebody types, and the keyboard controller interrupts. A desktop with USB devices alone shows itself only by
//! its terminals: see `docs/lending.md`.

use std::path::Path;
use std::time::SystemTime;

use super::watch::{entries, text};

/// What was seen last of the keyboard controller.
#[derive(Debug, Default)]
pub struct Input {
    interrupts: Option<u64>,
    last: Option<SystemTime>,
}

impl Input {
    /// Seconds since somebody used the computer; none where nothing tells.
    pub fn idle_s(&mut self, root: &Path, now: SystemTime) -> Option<u64> {
        let interrupts = text(&root.join("proc/interrupts")).as_deref().and_then(controller);
        if interrupts != self.interrupts {
            if self.interrupts.is_some() {
                self.last = Some(now);
            }
            self.interrupts = interrupts;
        }
        let last = devices(root).into_iter().chain(self.last).max()?;
        // A clock that was set back is no visitor from the future.
        Some(now.duration_since(last).unwrap_or_default().as_secs())
    }
}

/// Interrupts of keyboard and mouse at the old controller, where it has any.
fn controller(interrupts: &str) -> Option<u64> {
    let lines: Vec<&str> = interrupts.lines().filter(|line| line.contains("i8042")).collect();
    let counts =
        lines.iter().flat_map(|line| line.split_whitespace().skip(1).map_while(|field| field.parse::<u64>().ok()));
    (!lines.is_empty()).then(|| counts.sum())
}

/// When terminals and input devices were last read.
fn devices(root: &Path) -> Vec<SystemTime> {
    let dev = root.join("dev");
    let terminals = entries(&dev.join("pts")).into_iter().filter(|path| numbered(path, ""));
    let consoles = entries(&dev).into_iter().filter(|path| numbered(path, "tty"));
    let inputs =
        entries(&dev.join("input")).into_iter().filter(|path| numbered(path, "event") || numbered(path, "mouse"));
    terminals.chain(consoles).chain(inputs).filter_map(|path| std::fs::metadata(path).ok()?.accessed().ok()).collect()
}

/// `tty7` and the like.
fn numbered(path: &Path, word: &str) -> bool {
    let rest = path.file_name().and_then(|name| name.to_str()?.strip_prefix(word));
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};
    use std::time::Duration;

    use super::*;

    #[test]
    fn terminals_and_the_keyboard_tell() {
        let root = tempfile::tempdir().unwrap();
        let (root, now) = (root.path(), SystemTime::now());
        let mut input = Input::default();
        assert_eq!(input.idle_s(root, now), None, "a computer without any has no user to tell of");
        let used = |path: &str, ago_s| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let at = now - Duration::from_secs(ago_s);
            File::create(&path).unwrap().set_times(FileTimes::new().set_accessed(at).set_modified(now)).unwrap();
        };
        used("dev/pts/ptmx", 1);
        used("dev/pts/3", 500);
        used("dev/tty", 1);
        used("dev/tty2", 300);
        assert_eq!(input.idle_s(root, now), Some(300), "what is written to a terminal is no use");
        used("dev/input/event4", 40);
        assert_eq!(input.idle_s(root, now), Some(40));
        std::fs::create_dir_all(root.join("proc")).unwrap();
        let interrupts =
            |count| std::fs::write(root.join("proc/interrupts"), format!("  1:  {count}  0  IO-APIC  i8042\n"));
        interrupts(7).unwrap();
        assert_eq!(input.idle_s(root, now), Some(40), "the first look says nothing");
        interrupts(8).unwrap();
        assert_eq!(input.idle_s(root, now), Some(0));
    }
}
