//! What to do with a unit's first result. Asked when it comes in, so that nobody knows before that it will be checked.

use super::policy::{GridKind, PPM, Policy};
use super::record::{OwnerRecord, Record};
use super::standing::{Standing, standing};

/// What the author asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// As this policy says.
    #[default]
    Adaptive,
    /// So many equal results of independent nodes for each unit.
    Copies(u8),
    /// No copies. What nodes are caught at elsewhere counts here too.
    None,
}

/// What else a treatment depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// The job's author owns the node.
    pub own: bool,
    /// What the author asked for.
    pub verify: Verify,
    /// Each unit of the job matters: none is believed unchecked.
    pub critical: bool,
    /// The run went on from a checkpoint that another node made: its result rests on both.
    pub resumed: bool,
}

/// What to do with a first result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It stands, and is paid at once.
    Final,
    /// It is believed for now: held with the node's other unchecked results until [`is_final`](super::is_final).
    Provisional,
    /// It is a claim until [`decide`](super::decide) says more.
    Check {
        /// Equal results of independent nodes that are needed, this one included: the `needed` of `decide`.
        copies: u8,
    },
    /// The node may not work: the unit is run again elsewhere as if nothing had come.
    Refused,
}

/// Share of a node's results that are checked, parts per million: all in probation, then c / k, at the least q. An
/// owner's strikes multiply it for all his nodes.
pub fn check_ppm(policy: &Policy, record: &Record, owner: &OwnerRecord, now_ms: i64) -> u32 {
    if !standing(policy, record, owner, now_ms).vouches() {
        return PPM;
    }
    let earned = u64::from(PPM) * u64::from(policy.check_scale) / u64::from(record.passes.max(1));
    let ppm = earned.max(u64::from(policy.check_min_ppm)) * (1 + u64::from(owner.strikes_now(policy, now_ms)));
    ppm.min(u64::from(PPM)) as u32
}

/// What to do with a unit's first result. `draw` is fresh from a generator that nobody outside can foresee.
pub fn treat(
    policy: &Policy,
    scene: &Scene,
    record: &Record,
    owner: &OwnerRecord,
    draw: u64,
    now_ms: i64,
) -> Treatment {
    let standing = standing(policy, record, owner, now_ms);
    if !standing.works() {
        return Treatment::Refused;
    }
    if scene.own || policy.grid == GridKind::Own || standing == Standing::Anchor {
        return Treatment::Final;
    }
    let (low, high) = (draw as u32, (draw >> 32) as u32);
    let copies = if hits(high, policy.third_ppm) { 3 } else { 2 };
    match scene.verify {
        Verify::None => Treatment::Provisional,
        Verify::Copies(copies) if copies > 1 => Treatment::Check { copies: copies.min(policy.executors_max) },
        Verify::Copies(_) | Verify::Adaptive => {
            let is_sure = scene.critical || scene.resumed;
            match is_sure || hits(low, check_ppm(policy, record, owner, now_ms)) {
                true if scene.critical && standing == Standing::Probation => Treatment::Check { copies: 3 },
                true => Treatment::Check { copies },
                false => Treatment::Provisional,
            }
        }
    }
}

/// Whether an even draw falls into the share.
fn hits(draw: u32, ppm: u32) -> bool {
    (u64::from(draw) * u64::from(PPM)) >> 32 < u64::from(ppm)
}

/// What to do with a check that no node is left to make, after the server's own worker was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alone {
    /// Hold it as if it had not been drawn, and say so.
    Hold,
    /// Wait: a stranger's word alone is worth nothing.
    Wait,
}

/// What to do with the only claim of a unit that nobody can check now.
pub fn alone(policy: &Policy, standing: Standing) -> Alone {
    match (policy.grid, standing) {
        (GridKind::Open, Standing::Probation) => Alone::Wait,
        (_, Standing::Quarantined { .. } | Standing::Banned { .. }) => Alone::Wait,
        _ => Alone::Hold,
    }
}
