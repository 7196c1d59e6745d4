//! The server lends a unit less than its author may allow it: what that means for how the unit ended. Pure.

use fallow_protocol::manifest::Limits;
use fallow_protocol::outcome::{LimitKind, Outcome};

/// The unit's limits, none above the server's.
pub fn lowered(wished: &Limits, most: &Limits) -> Limits {
    Limits {
        memory_bytes: wished.memory_bytes.min(most.memory_bytes),
        fuel: wished.fuel.min(most.fuel),
        wall_ms: wished.wall_ms.min(most.wall_ms),
        output_bytes: wished.output_bytes.min(most.output_bytes),
        emit_bytes: wished.emit_bytes.min(most.emit_bytes),
        log_bytes: wished.log_bytes.min(most.log_bytes),
        scratch_bytes: wished.scratch_bytes.min(most.scratch_bytes),
        checkpoint_bytes: wished.checkpoint_bytes.min(most.checkpoint_bytes),
    }
}

/// Which lowered limit a unit ran into, if that is how it ended, and what it was lowered to: elsewhere it might have
/// gone on, so such an end says nothing about it. Below a limit, nothing of it can be seen by a guest.
pub fn hit(outcome: &Outcome, wished: &Limits, given: &Limits) -> Option<(&'static str, u64)> {
    let candidates: &[(&'static str, u64, u64)] = match outcome {
        Outcome::TimeLimit => &[("wall_ms", wished.wall_ms, given.wall_ms)],
        Outcome::Limit { limit: LimitKind::Memory, .. } => &[("memory_bytes", wished.memory_bytes, given.memory_bytes)],
        Outcome::Limit { limit: LimitKind::Fuel, .. } => &[("fuel", wished.fuel, given.fuel)],
        Outcome::Limit { limit: LimitKind::Scratch, .. } => {
            &[("scratch_bytes", wished.scratch_bytes, given.scratch_bytes)]
        }
        Outcome::Limit { limit: LimitKind::Output, .. } => &[
            ("output_bytes", wished.output_bytes, given.output_bytes),
            ("emit_bytes", wished.emit_bytes, given.emit_bytes),
            ("checkpoint_bytes", wished.checkpoint_bytes, given.checkpoint_bytes),
        ],
        _ => &[],
    };
    candidates.iter().find(|(_, wished, given)| given < wished).map(|(name, _, given)| (*name, *given))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(limit: LimitKind) -> Outcome {
        Outcome::Limit { limit, message: String::new() }
    }

    #[test]
    fn only_a_lowered_limit_leaves_the_end_open() {
        let wished = Limits { scratch_bytes: 1 << 20, ..Limits::default() };
        assert_eq!(lowered(&wished, &crate::config::Limits::default().unit), wished);
        let most = Limits { memory_bytes: 1 << 20, wall_ms: 5, emit_bytes: 7, ..wished };
        let given = lowered(&wished, &most);
        assert_eq!(hit(&limit(LimitKind::Memory), &wished, &given), Some(("memory_bytes", 1 << 20)));
        assert_eq!(hit(&Outcome::TimeLimit, &wished, &given), Some(("wall_ms", 5)));
        assert_eq!(hit(&limit(LimitKind::Output), &wished, &given), Some(("emit_bytes", 7)));
        for (outcome, lower) in [(limit(LimitKind::Fuel), most), (limit(LimitKind::Scratch), most)] {
            assert_eq!(hit(&outcome, &wished, &lowered(&wished, &lower)), None, "{outcome:?}");
        }
        let trap = Outcome::Trap { message: String::new() };
        for outcome in [Outcome::Done, trap, Outcome::HostFault { message: String::new() }] {
            assert_eq!(hit(&outcome, &wished, &given), None, "{outcome:?}");
        }
    }
}
