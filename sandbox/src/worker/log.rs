//! The tail of a guest's log: what it wrote to standard error or told the host, newest last.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use fallow_protocol::limits::LOG_BYTES_KEPT;

/// A log that keeps its end; clones are the same log.
#[derive(Clone, Debug)]
pub struct Log(Arc<Mutex<Tail>>);

#[derive(Debug)]
struct Tail {
    bytes: VecDeque<u8>,
    kept: usize,
}

impl Log {
    /// Keep at most `limit` bytes, and never more than any log.
    pub fn new(limit: u64) -> Self {
        let kept = limit.min(LOG_BYTES_KEPT as u64) as usize;
        Self(Arc::new(Mutex::new(Tail { bytes: VecDeque::new(), kept })))
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Add bytes; the oldest make room.
    pub fn push(&self, bytes: &[u8]) {
        let mut tail = self.tail();
        let new = &bytes[bytes.len().saturating_sub(tail.kept)..];
        let over = (tail.bytes.len() + new.len()).saturating_sub(tail.kept);
        tail.bytes.drain(..over);
        tail.bytes.extend(new);
    }

    /// Add a line.
    pub fn line(&self, bytes: &[u8]) {
        self.push(bytes);
        if !bytes.ends_with(b"\n") {
            self.push(b"\n");
        }
    }

    /// All that is kept.
    pub fn bytes(&self) -> Vec<u8> {
        self.tail().bytes.iter().copied().collect()
    }

    /// The last `max` bytes as text, from the start of a line where that leaves something.
    pub fn text(&self, max: usize) -> String {
        let bytes = self.bytes();
        let tail = &bytes[bytes.len().saturating_sub(max)..];
        let text = String::from_utf8_lossy(tail);
        let cut = tail.len() < bytes.len();
        let from = if cut { text.find('\n').map_or(0, |end| end + 1) } else { 0 };
        text[from..].trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept() {
        let log = Log::new(8);
        for word in ["one ", "two ", "three"] {
            log.push(word.as_bytes());
        }
        assert_eq!(log.bytes(), b"wo three");
        log.push(&[b'x'; 100]);
        assert_eq!(log.bytes(), [b'x'; 8]);
        Log::new(0).push(b"nothing");
    }

    #[test]
    fn text_begins_with_a_line() {
        let log = Log::new(100);
        log.line(b"first line");
        log.line(b"second");
        assert_eq!(log.text(10), "second");
        assert_eq!(log.text(100), "first line\nsecond");
    }
}
