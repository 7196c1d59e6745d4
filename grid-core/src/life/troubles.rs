//! What went wrong with a unit without its own fault, and how often that may happen.

use fallow_protocol::outcome::Outcome;

/// Host faults after which a unit finally fails: five computers that cannot run it are no accident.
pub const FAULTS_MAX: u8 = 5;
/// Losses after which a unit finally fails. Computers go away all the time, also with units that they never began.
pub const LOSSES_MAX: u8 = 20;
/// Runs into the time limit after which a unit finally fails.
pub const TIMEOUTS_MAX: u8 = 2;
/// So many declined leases weigh as one loss, so that a unit that nobody takes ends as well.
pub const DECLINES_A_LOSS: u8 = 8;

/// Counts of a unit's attempts that decided nothing. All zero for nearly every unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    /// Host faults.
    pub faults: u8,
    /// Attempts that nobody answered for.
    pub losses: u8,
    /// Runs into the time limit.
    pub timeouts: u8,
    /// Leases given back unrun, since the last that counted as a loss.
    pub declines: u8,
}

impl Troubles {
    /// As one number for the unit's row; 0 when there were none.
    pub fn pack(self) -> u32 {
        u32::from_le_bytes([self.faults, self.losses, self.timeouts, self.declines])
    }

    /// From the unit's row.
    pub fn unpack(packed: u32) -> Self {
        let [faults, losses, timeouts, declines] = packed.to_le_bytes();
        Self { faults, losses, timeouts, declines }
    }

    /// Count an outcome that is no result of the unit's own.
    pub fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::HostFault { .. } => self.faults = self.faults.saturating_add(1),
            Outcome::Lost => self.losses = self.losses.saturating_add(1),
            Outcome::TimeLimit => self.timeouts = self.timeouts.saturating_add(1),
            Outcome::Done | Outcome::GuestError { .. } | Outcome::Trap { .. } | Outcome::Limit { .. } => {}
        }
    }

    /// Count a lease that was given back.
    pub fn count_decline(&mut self) {
        self.declines += 1;
        if self.declines >= DECLINES_A_LOSS {
            self.declines = 0;
            self.losses = self.losses.saturating_add(1);
        }
    }

    /// Whether the unit has had its share.
    pub fn are_too_many(&self) -> bool {
        self.faults >= FAULTS_MAX || self.losses >= LOSSES_MAX || self.timeouts >= TIMEOUTS_MAX
    }
}
