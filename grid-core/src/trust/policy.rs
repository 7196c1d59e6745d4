//! The constants of verification, each with its reason. Integers only: shares are parts per million.

/// Parts per million in one.
pub const PPM: u32 = 1_000_000;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Who may be on a grid, as its operator says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GridKind {
    /// One person's devices: nothing is checked.
    Own,
    /// People whom the operator knows: nobody gets a second identity for nothing.
    Members,
    /// Anybody: identities are free.
    #[default]
    Open,
}

/// All that verification depends on besides what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Who may be on the grid.
    pub grid: GridKind,
    /// Checks that a node must pass before any of its results is believed unchecked (K0). After k passed checks and no
    /// failed one, the share of wrong results among what such nodes give is at most f / ((1 - f) e k), whatever their
    /// rate: 20 keep it below 1e-3 with 5 % attackers.
    pub probation_passes: u32,
    /// A node with k passed checks has a share of c / k of its results checked (c), so that trust grows with the
    /// square root of the work; a newcomer's first 1,600 results then cost some 5 % more.
    pub check_scale: u32,
    /// The share is never below this (q), so that a node that turns bad is found within its window.
    /// Copies that it runs for others are compared too, and it cannot tell them apart: about 2 q of what it runs.
    pub check_min_ppm: u32,
    /// Of the results that are checked, the share for which two equal copies are not enough but three are needed:
    /// otherwise two nodes that conspire would never be found.
    pub third_ppm: u32,
    /// Results of a node for which an unchecked one is held before it can be final (B). A node that cheats at rate s is
    /// found before that with probability 1 - (1 - 2 s q)^B or so.
    pub window: u64,
    /// Passed checks that a node should have among its recent results when a job ends in which it has unchecked ones.
    /// At most [`RECENT`](super::RECENT).
    pub sweep: u32,
    /// What recent means: so many of the node's last results. At the least share of checks a good node passes
    /// about fifteen in so many, so it is seldom asked again, however small jobs are.
    pub sweep_window: u64,
    /// Nodes that run one unit at most. Two liars are outvoted by three.
    pub executors_max: u8,
    /// A second strike within this time bans. One alone may be an accident; two in a quarter are not.
    pub strike_memory_ms: i64,
    /// How long an owner must have been here before his nodes check others, as far as there are older ones.
    pub seasoned_after_ms: i64,
    /// Passed checks from which a node checks others.
    pub checker_passes: u32,
    /// Passed checks from which a node is no longer new: preferred as a checker, and not for the
    /// [`Door`](super::Door) any more.
    pub established_passes: u32,
    /// What a node left is looked at after this time of silence.
    pub stale_after_ms: i64,
    /// Of what it left so many are checked; when they are right, the rest is final.
    pub stale_sample: u32,
    /// A node whose share of wrong results is at most this breaks at random; above it means to.
    pub flaky_ppm_max: u32,
    /// How long a node that breaks at random stays away after its second strike.
    pub quarantine_ms: i64,
    /// Banned nodes after which their owner is banned.
    pub owner_banned_nodes_max: u32,
    /// Units that a node in probation may hold at once where others could take them: the most that a new identity can
    /// spoil before anybody looks.
    pub newcomer_units_max: u32,
    /// New nodes that may always work at once.
    pub newcomers_min: u32,
    /// A strike closes the door by one part in so many.
    pub door_share: u32,
}

impl Policy {
    /// The constants for a kind of grid.
    pub fn of(grid: GridKind) -> Self {
        let open = Self {
            grid,
            probation_passes: 20,
            check_scale: 2,
            check_min_ppm: 25_000,
            third_ppm: 30_000,
            window: 1_000,
            sweep: 5,
            sweep_window: 300,
            executors_max: 5,
            strike_memory_ms: 90 * DAY_MS,
            seasoned_after_ms: DAY_MS,
            checker_passes: 20,
            established_passes: 100,
            stale_after_ms: 7 * DAY_MS,
            stale_sample: 20,
            flaky_ppm_max: 20_000,
            quarantine_ms: 7 * DAY_MS,
            owner_banned_nodes_max: 3,
            newcomer_units_max: 2,
            newcomers_min: 4,
            door_share: 16,
        };
        match grid {
            GridKind::Open => open,
            // Nobody returns under a new name, so the first checks have less to find out.
            GridKind::Members | GridKind::Own => Self { probation_passes: 5, checker_passes: 5, ..open },
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::of(GridKind::Open)
    }
}
