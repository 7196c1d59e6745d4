//! How much work a node holds: sized in seconds, so that tiny units come by the thousand and long ones one by one.

use super::view::{JobView, NodeView};

/// Work that each slot should have at hand, microseconds: long enough that no round trip is felt, short enough that
/// little is lost with the node.
pub const WINDOW_US: u64 = 2_000_000;
/// Units above this length are not fetched ahead: waiting behind one costs more than a round trip does.
const AHEAD_US: u64 = 30_000_000;
/// Work that hides the time from a result to the next lease, with the commit between.
const ROUND_TRIP_US: u64 = 50_000;
/// Units that one node holds at most, all jobs together.
pub const NODE_UNITS_HELD_MAX: u64 = 4_000;

/// Slots that units of `job` fill on `node`: fewer than it has where memory ends first.
pub fn slots_for(node: &NodeView, job: &JobView) -> u64 {
    let by_memory = node.memory_bytes / job.limits.memory_bytes.max(1);
    u64::from(node.slots).min(by_memory).max(1)
}

/// Units of `unit_us` microseconds (none where unknown) that `slots` slots should hold together.
pub fn window(slots: u64, unit_us: Option<u64>) -> u64 {
    match unit_us {
        None => slots + 1,
        Some(us) if us >= AHEAD_US => slots,
        Some(us) => (slots.saturating_mul(WINDOW_US) / us.max(1)).clamp(slots + 1, NODE_UNITS_HELD_MAX.max(slots + 1)),
    }
}

/// Units that `slots` of the grid's `grid_slots` should hold while only `ready` units of a job are left: half their part,
/// so that the other half goes to whoever is done first, but at least one a slot, and as much as hides a round trip.
pub(super) fn tail_window(slots: u64, unit_us: Option<u64>, ready: u64, grid_slots: u64) -> u64 {
    let part = u128::from(ready) * u128::from(slots) / (2 * u128::from(grid_slots.max(1)));
    let trip = unit_us.map_or(0, |us| slots.saturating_mul(ROUND_TRIP_US) / us.max(1));
    (part.min(u128::from(u64::MAX)) as u64).max(slots).max(trip)
}

/// How much faster or slower than the grid a computer is believed to be.
const SPEED_RATIO_MAX: u64 = 8;

/// Time of a job's units on one node: the node's own average, as far as the grid's bears it out (units of another
/// stage may have been much shorter); none while no unit of the stage has ended anywhere.
pub(super) fn node_us(own: Option<u64>, grid: Option<u64>) -> Option<u64> {
    let grid = grid?;
    Some(own.map_or(grid, |own| own.clamp(grid / SPEED_RATIO_MAX, grid.saturating_mul(SPEED_RATIO_MAX))))
}

/// How much of a slot's window one unit fills, microseconds; an unknown one fills half.
pub(super) fn weight_us(unit_us: Option<u64>) -> u64 {
    unit_us.unwrap_or(WINDOW_US / 2).clamp(1, WINDOW_US)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_units_are_spread_thin() {
        assert_eq!(tail_window(2, Some(1_000_000), 1_000, 10), 100);
        assert_eq!(tail_window(2, Some(1_000_000), 10, 10), 2);
        assert_eq!(tail_window(2, None, 0, 0), 2);
        assert_eq!(tail_window(1, Some(100), 10, 2), 500, "tiny units are not worth a round trip each");
    }

    #[test]
    fn a_node_is_believed_within_bounds() {
        assert_eq!(node_us(Some(3), None), None, "the stage is new");
        assert_eq!(node_us(None, Some(80)), Some(80));
        assert_eq!(node_us(Some(100), Some(80)), Some(100));
        assert_eq!(node_us(Some(1), Some(80)), Some(10));
        assert_eq!(node_us(Some(u64::MAX), Some(80)), Some(640));
    }

    #[test]
    fn windows_are_seconds_of_work() {
        assert_eq!(window(4, None), 5);
        assert_eq!(window(4, Some(3_600_000_000)), 4);
        assert_eq!(window(4, Some(5_000_000)), 5);
        assert_eq!(window(4, Some(100_000)), 80);
        assert_eq!(window(2, Some(30)), NODE_UNITS_HELD_MAX);
        assert_eq!(window(2, Some(0)), NODE_UNITS_HELD_MAX);
    }
}
