//! When units of a job ended, in buckets, and what else happened to it.

use fallow_protocol::JobId;
use fallow_protocol::api::{JobPhase, Timeline, TimelineEvent};

use super::JobError;
use crate::app::{App, now_ms};
use crate::store::jobs::{self as rows, JobRow};
use crate::store::paces::{self, Pace};

/// Buckets of an answer at most.
const BUCKETS_MAX: u64 = 240;
/// Buckets that are read: those of ten years.
const READ_MAX: u64 = 100_000;
/// A job up to this age has buckets of this length, milliseconds.
const STEPS: [(u64, u64); 4] = [(600_000, 5_000), (7_200_000, 60_000), (86_400_000, 600_000), (u64::MAX, 3_600_000)];

/// Where the bucket begins that `now_ms` is in, of a job that began at `from_ms`.
pub fn bucket(from_ms: u64, now_ms: u64) -> u64 {
    let age = now_ms.saturating_sub(from_ms);
    let length = STEPS.iter().find(|(until, _)| age < *until).map_or(3_600_000, |(_, length)| *length);
    from_ms + age / length * length
}

/// When its units ended.
pub async fn timeline(app: &App, account: i64, id: &JobId) -> Result<Timeline, JobError> {
    let row = rows::by_public_id(app.store.reader(), account, id).await?;
    let row = row.ok_or_else(|| JobError::NotFound(id.clone()))?;
    let paces = paces::of_job(app.store.reader(), row.id, READ_MAX).await?;
    let end = row.ended_at_ms.unwrap_or_else(now_ms).max(row.created_at_ms);
    let mut timeline = spread(row.created_at_ms, end, &paces);
    timeline.events = events(&row, &paces);
    Ok(timeline)
}

/// Buckets of one length over all of a job's time. A stored bucket counts where it begins.
fn spread(from_ms: u64, to_ms: u64, paces: &[Pace]) -> Timeline {
    let span = to_ms.saturating_sub(from_ms) + 1;
    let length = |length: u64| span.div_ceil(length) <= BUCKETS_MAX;
    let fixed = STEPS.iter().map(|(_, length)| *length).find(|bucket| length(*bucket));
    let bucket_ms = fixed.unwrap_or_else(|| span.div_ceil(BUCKETS_MAX).next_multiple_of(3_600_000));
    let buckets = span.div_ceil(bucket_ms) as usize;
    let mut timeline =
        Timeline { bucket_ms, from_ms, done: vec![0; buckets], failed: vec![0; buckets], events: vec![] };
    for pace in paces {
        let at = (pace.at_ms.saturating_sub(from_ms) / bucket_ms) as usize;
        // Clocks go back, and results may be checked after the end: the last bucket has what is beyond it.
        let at = at.min(buckets - 1);
        timeline.done[at] += pace.done;
        timeline.failed[at] += pace.failed;
    }
    timeline
}

fn events(row: &JobRow, paces: &[Pace]) -> Vec<TimelineEvent> {
    let event = |at_ms, text: String| TimelineEvent { at_ms, text };
    let mut events = vec![event(row.created_at_ms, "submitted".into())];
    let first = |has: fn(&Pace) -> bool| paces.iter().find(|pace| has(pace)).map(|pace| pace.at_ms);
    events.extend(first(|pace| pace.done > 0).map(|at| event(at, "first unit done".into())));
    events.extend(first(|pace| pace.failed > 0).map(|at| event(at, "first unit failed".into())));
    if let Some(at) = row.ended_at_ms {
        let text = match (row.phase, &row.error) {
            (JobPhase::Done, _) if row.corrections > 0 => "done, with a corrected result".into(),
            (JobPhase::Done, _) => "done".into(),
            (JobPhase::Cancelled, Some(why)) => format!("cancelled: {why}"),
            (_, Some(why)) => format!("failed: {why}"),
            (_, None) => "ended".into(),
        };
        events.push(event(at, text));
    }
    events.sort_by_key(|event| event.at_ms);
    events
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_get_longer_with_age() {
        assert_eq!(bucket(1_000, 1_000), 1_000);
        assert_eq!(bucket(1_000, 6_999), 6_000);
        assert_eq!(bucket(0, 599_999), 595_000);
        assert_eq!(bucket(0, 661_000), 660_000);
        assert_eq!(bucket(0, 90_000_000), 90_000_000);
        assert_eq!(bucket(5_000, 0), 5_000, "the clock went back");
        let month = 30 * 86_400_000u64;
        let buckets: std::collections::BTreeSet<u64> = (0..month).step_by(2_500).map(|now| bucket(0, now)).collect();
        assert!(buckets.len() < 1_100, "{}", buckets.len());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_however_long_it_took(
            span in 0u64..400_000_000_000, ends in proptest::collection::vec((0u64..400_000_000_000, 0u64..9), 0..50)
        ) {
            let paces: Vec<Pace> = ends.iter().map(|(at, done)| Pace { at_ms: 7 + at, done: *done, failed: 1 }).collect();
            let timeline = spread(7, 7 + span, &paces);
            prop_assert!(timeline.done.len() as u64 <= BUCKETS_MAX && !timeline.done.is_empty());
            prop_assert!(timeline.bucket_ms * timeline.done.len() as u64 > span);
            prop_assert_eq!(timeline.done.iter().sum::<u64>(), ends.iter().map(|(_, done)| done).sum::<u64>());
            prop_assert_eq!(timeline.failed.iter().sum::<u64>(), ends.len() as u64);
        }
    }
}
