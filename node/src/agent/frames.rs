//! Results on their way into frames: one open frame a job, closed when it is full or old enough.

use std::collections::BTreeMap;

use fallow_protocol::JobId;
use fallow_protocol::limits::{FRAME_BYTES_AIM, RESULTS_PER_FRAME_MAX};
use fallow_protocol::unit::{Output, UnitResult};

/// A frame is sent at the latest so long after its first result: a few signatures and commits more, no wait that
/// a person notices.
pub const FRAME_AGE_MS: u64 = 8;

/// Bytes of a result besides its variable parts, in MessagePack with named fields; measured, rounded up.
const RESULT_BYTES: usize = 190;

/// One open frame.
#[derive(Debug, Default)]
pub struct Open {
    /// Results in it.
    pub results: Vec<UnitResult>,
    /// Leases that they came with, and how many of each.
    pub leases: BTreeMap<u64, u32>,
    bytes: usize,
    opened_ms: u64,
}

/// The open frames of all jobs.
#[derive(Debug, Default)]
pub struct Frames {
    open: BTreeMap<JobId, Open>,
}

impl Frames {
    /// Add a result. Gives the frame to send first, where this result would make it too large, or after, when full.
    pub fn push(&mut self, now_ms: u64, job: &JobId, lease: u64, result: UnitResult) -> Option<Open> {
        let bytes = bytes_of(&result);
        let full = self.open.get(job).is_some_and(|open| open.bytes + bytes > FRAME_BYTES_AIM);
        let closed = if full { self.open.remove(job) } else { None };
        if !self.open.contains_key(job) {
            self.open.insert(job.clone(), Open { opened_ms: now_ms, ..Open::default() });
        }
        let open = self.open.get_mut(job)?;
        open.bytes += bytes;
        open.results.push(result);
        *open.leases.entry(lease).or_default() += 1;
        let count = open.results.len();
        closed.or_else(|| if count >= RESULTS_PER_FRAME_MAX { self.open.remove(job) } else { None })
    }

    /// Close the frame of one job.
    pub fn take(&mut self, job: &JobId) -> Option<Open> {
        self.open.remove(job)
    }

    /// Close one frame that is old enough.
    pub fn take_aged(&mut self, now_ms: u64) -> Option<(JobId, Open)> {
        let job = self.open.iter().find(|(_, open)| open.opened_ms + FRAME_AGE_MS <= now_ms)?.0.clone();
        let open = self.open.remove(&job)?;
        Some((job, open))
    }

    /// Jobs with an open frame.
    pub fn jobs(&self) -> impl Iterator<Item = &JobId> {
        self.open.keys()
    }

    /// When the oldest frame is due.
    pub fn due_ms(&self) -> Option<u64> {
        self.open.values().map(|open| open.opened_ms + FRAME_AGE_MS).min()
    }
}

fn bytes_of(result: &UnitResult) -> usize {
    let output = match &result.output {
        Some(Output::Inline(bytes)) => bytes.len(),
        Some(Output::Blob { .. }) => 64,
        None => 0,
    };
    RESULT_BYTES + output + result.log.len() + result.outcome.message().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::samples;

    #[test]
    fn a_frame_closes_at_its_count() {
        let (mut frames, job) = (Frames::default(), JobId::random());
        for seq in 0..RESULTS_PER_FRAME_MAX as u64 - 1 {
            assert!(frames.push(0, &job, 1, samples::result(seq, 1)).is_none());
        }
        let full = frames.push(0, &job, 2, samples::result(9_999, 1)).unwrap();
        assert_eq!(full.results.len(), RESULTS_PER_FRAME_MAX);
        assert_eq!(full.leases, BTreeMap::from([(1, RESULTS_PER_FRAME_MAX as u32 - 1), (2, 1)]));
        assert_eq!(frames.due_ms(), None);
    }

    #[test]
    fn a_frame_closes_before_it_is_too_large() {
        let (mut frames, job) = (Frames::default(), JobId::random());
        let mut large = samples::result(0, 1);
        large.log = vec![b'x'; 16 * 1024];
        let closed = (0..100).find_map(|_| frames.push(0, &job, 1, large.clone())).unwrap();
        let bytes = fallow_protocol::wire::encode(&closed.results).len();
        assert!(bytes <= FRAME_BYTES_AIM, "{bytes}");
        assert!(bytes > FRAME_BYTES_AIM / 2, "{bytes}");
        assert!(frames.due_ms().is_some(), "the result that did not fit waits for the next frame");
    }

    #[test]
    fn the_estimate_is_an_upper_bound() {
        let result = samples::result(u64::MAX, u32::MAX);
        assert!(fallow_protocol::wire::encode(&result).len() <= bytes_of(&result));
    }

    #[test]
    fn frames_age() {
        let (mut frames, job) = (Frames::default(), JobId::random());
        assert!(frames.push(100, &job, 1, samples::result(0, 1)).is_none());
        assert_eq!(frames.due_ms(), Some(100 + FRAME_AGE_MS));
        assert!(frames.take_aged(100 + FRAME_AGE_MS - 1).is_none());
        assert_eq!(frames.take_aged(100 + FRAME_AGE_MS).unwrap().0, job);
    }
}
