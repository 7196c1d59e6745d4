//! The node's log: on stderr, and in a file of the data folder for its own page, bounded to two files.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

/// A full file becomes the older one of two.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Bytes from the end that are looked at for the last lines.
const TAIL_BYTES: usize = 512 * 1024;

/// Where lines go.
#[derive(Clone, Debug)]
pub struct Log(Arc<Mutex<Sink>>);

#[derive(Debug)]
struct Sink {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
}

/// The file of a data folder.
pub fn path(data: &Path) -> PathBuf {
    data.join("node.log")
}

impl Log {
    /// Of a data folder; it is opened at the first line for which the folder is there.
    pub fn new(data: &Path) -> Self {
        Self(Arc::new(Mutex::new(Sink { path: path(data), file: None, bytes: 0 })))
    }
}

impl Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.bytes > FILE_BYTES_MAX {
            self.file = None;
            std::fs::rename(&self.path, self.path.with_extension("1.log"))?;
        }
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                let file = OpenOptions::new().create(true).append(true).open(&self.path)?;
                self.bytes = file.metadata()?.len();
                file
            }
        };
        self.bytes += bytes.len() as u64;
        self.file.insert(file).write_all(bytes)
    }
}

impl Write for &Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(bytes)?;
        // A full disk is no reason to be silent on stderr.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = &'a Log;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

/// The last lines of the log in a data folder, oldest first, without what colours a terminal.
pub fn tail(data: &Path, lines: usize) -> Vec<String> {
    let newest = path(data);
    let mut bytes = std::fs::read(newest.with_extension("1.log")).unwrap_or_default();
    bytes.extend(std::fs::read(&newest).unwrap_or_default());
    let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
    let last: Vec<&str> = text.lines().rev().take(lines).collect();
    last.into_iter().rev().map(plain).collect()
}

fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => letters.by_ref().take_while(|letter| !letter.is_ascii_alphabetic()).for_each(drop),
            letter if letter.is_control() => text.push(' '),
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_and_its_end_is_plain_text() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::new(folder.path());
        let mut sink = log.0.lock().unwrap();
        for n in 0..30_000 {
            sink.write(format!("line {n} {}\n", "x".repeat(100)).as_bytes()).unwrap();
        }
        sink.write(b"\x1b[32m INFO\x1b[0m the end\n").unwrap();
        let bytes: u64 =
            std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().metadata().unwrap().len()).sum();
        assert!(bytes < 3 * FILE_BYTES_MAX, "{bytes}");
        let last = tail(folder.path(), 2);
        assert!(last[0].starts_with("line 29999"), "{last:?}");
        assert_eq!(last[1], " INFO the end");
        assert!(tail(Path::new("/nowhere"), 5).is_empty());
    }
}
