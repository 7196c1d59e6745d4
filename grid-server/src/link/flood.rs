//! How much one connection may say: a bucket of messages and one of bytes.

use std::time::Instant;

use fallow_protocol::link::RefusedReason;

use super::LinkError;

/// Messages a second, and at once. A node that returns a thousand small frames a second is at its limit.
const MESSAGES_PER_S: f64 = 1_000.0;
const MESSAGES_BURST: f64 = 5_000.0;
/// Bytes a second, and at once: 20 full frames a second.
const BYTES_PER_S: f64 = 40_000_000.0;
const BYTES_BURST: f64 = 200_000_000.0;

/// The two buckets.
#[derive(Debug)]
pub struct Flood {
    at: Instant,
    messages: f64,
    bytes: f64,
}

impl Default for Flood {
    fn default() -> Self {
        Self { at: Instant::now(), messages: MESSAGES_BURST, bytes: BYTES_BURST }
    }
}

impl Flood {
    /// Count a message of `bytes` bytes.
    pub fn count(&mut self, bytes: usize) -> Result<(), LinkError> {
        let now = Instant::now();
        self.count_at(now, bytes)
    }

    fn count_at(&mut self, now: Instant, bytes: usize) -> Result<(), LinkError> {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.messages = (self.messages + seconds * MESSAGES_PER_S).min(MESSAGES_BURST) - 1.0;
        self.bytes = (self.bytes + seconds * BYTES_PER_S).min(BYTES_BURST) - bytes as f64;
        if self.messages < 0.0 || self.bytes < 0.0 {
            let text = "too many messages; a node tells its results in frames of hundreds".to_owned();
            return Err(LinkError::Refuse(RefusedReason::Flood, text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_a_flood_does_not() {
        let mut flood = Flood::default();
        let start = flood.at;
        for _ in 0..MESSAGES_BURST as usize {
            flood.count_at(start, 10).unwrap();
        }
        assert!(flood.count_at(start, 10).is_err());
        assert!(flood.count_at(start + Duration::from_secs(1), 10).is_ok());
        assert!(flood.count_at(start + Duration::from_secs(2), BYTES_BURST as usize + 1).is_err());
    }
}
