//! The fuel that an account may use, before there is a ledger.

/// An account's quota and what its jobs have used, in fuel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// May be used in all.
    pub fuel_quota: u64,
    /// Is used: the fuel of every accepted run.
    pub fuel_used: u64,
}

/// A quota that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the account has used {used} of its {quota} fuel: ask the grid's operator for more")]
pub struct QuotaExhausted {
    /// Fuel used.
    pub used: u64,
    /// Fuel allowed.
    pub quota: u64,
}

impl Quota {
    /// What is left.
    pub fn left(&self) -> u64 {
        self.fuel_quota.saturating_sub(self.fuel_used)
    }

    /// Whether work may begin.
    pub fn check(&self) -> Result<(), QuotaExhausted> {
        match self.left() {
            0 => Err(QuotaExhausted { used: self.fuel_used, quota: self.fuel_quota }),
            _ => Ok(()),
        }
    }

    /// After an accepted run. Units that were running when the quota ended are still charged.
    #[must_use]
    pub fn charged(self, fuel: u64) -> Self {
        Self { fuel_used: self.fuel_used.saturating_add(fuel), ..self }
    }
}

/// Units that pay `price` fuel each which may still be handed out, where `left` is left of an account's quota and `out`
/// is what the units that nodes hold, of all its jobs, will use of it. At least one while anything is left and nothing is
/// out: prices are what a unit may use until one has ended and told, most use far less, and one has to be the first.
pub fn affordable(left: u64, out: u64, price: u64) -> u64 {
    match (left, out) {
        (0, _) => 0,
        (left, 0) => (left / price.max(1)).max(1),
        (left, out) => left.saturating_sub(out) / price.max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_stops_at_its_quota() {
        let quota = Quota { fuel_quota: 10, fuel_used: 0 }.charged(9);
        assert_eq!((quota.left(), quota.check()), (1, Ok(())));
        let over = quota.charged(5);
        assert_eq!(over.check(), Err(QuotaExhausted { used: 14, quota: 10 }));
        assert_eq!(over.charged(u64::MAX).left(), 0);
    }

    #[test]
    fn few_units_are_handed_out_near_the_end_of_a_quota() {
        assert_eq!(affordable(0, 0, 5), 0);
        assert_eq!(affordable(100, 0, 30), 3);
        assert_eq!(affordable(1, 0, 30), 1);
        assert_eq!(affordable(u64::MAX, 0, 0), u64::MAX);
        assert_eq!(affordable(100, 0, 4_000_000_000_000), 1);
    }

    #[test]
    fn what_is_out_is_not_left() {
        assert_eq!(affordable(100, 30, 30), 2);
        assert_eq!(affordable(100, 90, 30), 0, "the first is out already");
        assert_eq!(affordable(100, 4_000_000_000_000, 1), 0);
        assert_eq!(affordable(0, 30, 30), 0);
    }
}
