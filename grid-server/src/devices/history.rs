//! A device's past: states as intervals, their shares of the week, and what it earned.

use std::collections::BTreeMap;

use fallow_protocol::api::{Availability, EarningsDay, Interval, NodeEarnings};
use grid_core::presence;

use crate::app::{App, now_ms};
use crate::store::nodes::NodeRow;
use crate::store::{StoreError, earnings as rows, intervals as states};

const DAY_MS: u64 = 24 * 3_600_000;
const WEEK_MS: u64 = 7 * DAY_MS;
/// Intervals of one answer; of more, the newest.
const INTERVALS_MAX: u64 = 5_000;
/// Intervals that the shares of the week are made from.
const WEEKS_INTERVALS_MAX: u64 = 50_000;
/// Frames with held pay that are looked at: a node has at most some thousands.
const HELD_MAX: u64 = 20_000;

/// All of a time, `Offline` included, from when the device joined until now.
pub async fn intervals(app: &App, row: &NodeRow, from_ms: u64, to_ms: u64) -> Result<Vec<Interval>, StoreError> {
    let (from_ms, to_ms) = (from_ms.max(row.joined_at_ms), to_ms.min(now_ms()));
    let (known, from_ms) = known(app, row, from_ms, to_ms, INTERVALS_MAX).await?;
    Ok(presence::whole(known, from_ms, to_ms))
}

/// What is known of a time, and from when on.
async fn known(
    app: &App,
    row: &NodeRow,
    from_ms: u64,
    to_ms: u64,
    limit: u64,
) -> Result<(Vec<Interval>, u64), StoreError> {
    let kept = states::between(app.store.reader(), row.id, from_ms, to_ms, limit).await?;
    let cut = kept.len() as u64 == limit;
    let mut known: BTreeMap<u64, Interval> = kept.into_iter().map(|interval| (interval.from_ms, interval)).collect();
    let fresh = app.recorder.fresh(row.id).into_iter();
    known.extend(fresh.filter(|it| it.to_ms > from_ms && it.from_ms < to_ms).map(|it| (it.from_ms, it)));
    let from_ms = if cut { known.keys().next().map_or(from_ms, |first| from_ms.max(*first)) } else { from_ms };
    Ok((known.into_values().collect(), from_ms))
}

/// The shares of each hour of the week in the last weeks.
pub async fn availability(app: &App, row: &NodeRow, utc_offset_min: i32) -> Result<Availability, StoreError> {
    let now = now_ms();
    let from_ms = now.saturating_sub(presence::WEEKS * WEEK_MS).max(row.joined_at_ms);
    let (known, from_ms) = known(app, row, from_ms, now, WEEKS_INTERVALS_MAX).await?;
    let cells = presence::week(&known, from_ms, now, utc_offset_min);
    Ok(Availability { weeks_milli: now.saturating_sub(from_ms) * 1_000 / WEEK_MS, cells })
}

/// What a device earned today, in all, and what is held.
pub async fn totals(app: &App, row: &NodeRow, utc_offset_min: i32) -> Result<NodeEarnings, StoreError> {
    let (db, nodes) = (app.store.reader(), [row.id]);
    let today = rows::since(db, &nodes, presence::day_start(now_ms(), utc_offset_min)).await?;
    let pending = rows::pending(db, &nodes).await?;
    let of = |sums: &std::collections::HashMap<i64, u64>| sums.get(&row.id).copied().unwrap_or(0);
    Ok(NodeEarnings { today: of(&today), verified: row.earned, pending: of(&pending) })
}

/// What a device earned in each of the last `days` days, oldest first, today last.
pub async fn earnings(
    app: &App,
    row: &NodeRow,
    days: u64,
    utc_offset_min: i32,
) -> Result<Vec<EarningsDay>, StoreError> {
    let today = presence::day_start(now_ms(), utc_offset_min);
    let first = today.saturating_sub((days - 1) * DAY_MS);
    let empty = |n: u64| EarningsDay { day_ms: first + n * DAY_MS, ..EarningsDay::default() };
    let mut list: Vec<EarningsDay> = (0..days).map(empty).collect();
    let day = |at_ms: u64| ((at_ms.saturating_sub(first) / DAY_MS) as usize).min(days as usize - 1);
    for (at_ms, paid) in rows::quarters(app.store.reader(), row.id, first).await? {
        list[day(at_ms)].paid += paid.work;
        list[day(at_ms)].checks += paid.checks;
    }
    for (at_ms, amount) in rows::held(app.store.reader(), row.id, first, HELD_MAX).await? {
        list[day(at_ms)].held += amount;
    }
    Ok(list)
}
