//! How much work a node holds: sized in seconds, so that tiny units come by the thousand and long ones one by one.

use super::view::{JobView, NodeView};

/// Work that each slot should have at hand, microseconds: long enough that no round trip is felt, short enough that
/// little is lost with the node.
pub const WINDOW_US: u64 = 2_000_000;
/// Units above this length are not fetched ahead: waiting behind one costs more than a round trip does.
const AHEAD_US: u64 = 30_000_000;
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

/// How much of a window one unit fills, in parts of [`WINDOW_US`]-microseconds; an unknown one fills half.
pub(super) fn weight_us(unit_us: Option<u64>) -> u64 {
    unit_us.unwrap_or(WINDOW_US / 2).clamp(1, WINDOW_US)
}

#[cfg(test)]
mod tests {
    use super::*;

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
