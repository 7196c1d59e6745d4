//! What work costs. All integers: prices are micro-credits and thousandths, products are taken in 128 bits. A sum of
//! fuel is rounded once, up to the next micro-credit, so that work is never free.

use serde::{Deserialize, Serialize};

use crate::ledger::Amount;

/// Fuel that one credit buys where nothing else is said: about a quarter of an hour of one core.
pub const FUEL_A_CREDIT: u64 = 1_000_000_000_000;
/// Most that an author can offer: ten times the price.
pub const RUSH_PERMILLE_MAX: u32 = 10_000;
/// Memory that is in the price of fuel, bytes.
pub const MEMORY_INCLUDED_BYTES: u64 = 1 << 30;

const MIB: u64 = 1 << 20;
/// Memory and surcharges above these, far beyond what a unit may ask for, count as these: so products fit.
const MEMORY_MIB_MAX: u64 = 1 << 24;
const PERMILLE_MAX: u32 = 100_000;

/// What a grid asks, and what an author offers on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Price {
    /// For 10^12 fuel.
    pub per_tera_fuel: Amount,
    /// Surcharge for each GiB of a unit's memory limit above the first, thousandths of the price of its fuel.
    pub memory_permille: u32,
    /// For keeping a GiB for a day.
    pub per_gib_day: Amount,
    /// The grid's share of what an author pays, thousandths, at most 1,000. It pays for checks.
    pub fee_permille: u32,
    /// What an author offers, thousandths of the price: 1,000 is the price itself. Between that and
    /// [`RUSH_PERMILLE_MAX`]; other values count as the nearer end.
    pub rush_permille: u32,
}

impl Default for Price {
    fn default() -> Self {
        Self {
            per_tera_fuel: Amount::CREDIT,
            memory_permille: 100,
            per_gib_day: Amount::saturating(10_000),
            fee_permille: 50,
            rush_permille: 1_000,
        }
    }
}

/// What 10^12 fuel cost for units with this memory limit, in bytes (counted in whole MiB): the price with surcharge
/// and offer, rounded up to the next micro-credit. It is the same for all units of a job.
pub fn rate(price: &Price, memory_bytes: u64) -> Amount {
    let over_mib = memory_bytes.saturating_sub(MEMORY_INCLUDED_BYTES).div_ceil(MIB).min(MEMORY_MIB_MAX);
    let memory = 1_000 * 1_024 + u128::from(price.memory_permille.min(PERMILLE_MAX)) * u128::from(over_mib);
    let rush = u128::from(price.rush_permille.clamp(1_000, RUSH_PERMILLE_MAX));
    // 63, 42 and 14 bits: the product fits into 128.
    let product = price.per_tera_fuel.micro() as u128 * memory * rush;
    Amount::saturating(product.div_ceil(1_000 * 1_024 * 1_000))
}

/// What an author pays for `fuel`, a sum over units with this memory limit, in bytes: fuel times [`rate`], rounded up
/// once. More fuel never costs less, and only none is free, unless the price is zero.
pub fn cost(fuel: u64, price: &Price, memory_bytes: u64) -> Amount {
    let product = u128::from(fuel) * rate(price, memory_bytes).micro() as u128;
    Amount::saturating(product.div_ceil(u128::from(FUEL_A_CREDIT)))
}

/// The most fuel whose [`cost`] is not above `credits`.
pub fn affordable(credits: Amount, price: &Price, memory_bytes: u64) -> u64 {
    let product = credits.micro() as u128 * u128::from(FUEL_A_CREDIT);
    let fuel = product.checked_div(rate(price, memory_bytes).micro() as u128);
    fuel.map_or(u64::MAX, |fuel| u64::try_from(fuel).unwrap_or(u64::MAX))
}

/// What keeping `bytes` for `hours` costs. Rounded up once.
pub fn storage(bytes: u64, hours: u32, price: &Price) -> Amount {
    // Whole MiB, so that 44, 32 and 63 bits, of which the last two are far from full, saturate instead of wrapping.
    let mib_hours = u128::from(bytes.div_ceil(MIB)) * u128::from(hours);
    let product = mib_hours.saturating_mul(price.per_gib_day.micro() as u128);
    Amount::saturating(product.div_ceil(1_024 * 24))
}

/// What of an author's payment goes to the lender, and what is the grid's fee. Together they are the payment; the fee
/// is rounded down.
pub fn split_fee(paid: Amount, price: &Price) -> (Amount, Amount) {
    let permille = u128::from(price.fee_permille.min(1_000));
    let fee = Amount::saturating(paid.micro() as u128 * permille / 1_000);
    (paid.saturating_sub(fee), fee)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIB: u64 = 1 << 30;

    fn micro(micro: i64) -> Amount {
        Amount::from_micro(micro).unwrap()
    }

    #[test]
    fn a_credit_buys_a_million_million_fuel() {
        let price = Price::default();
        assert_eq!(cost(FUEL_A_CREDIT, &price, 64 << 20), Amount::CREDIT);
        assert_eq!(cost(37 * FUEL_A_CREDIT, &price, GIB), micro(37_000_000));
        assert_eq!(cost(1, &price, GIB), micro(1), "rounded up");
        assert_eq!(cost(0, &price, GIB), Amount::ZERO);
    }

    #[test]
    fn memory_and_haste_cost_more() {
        let price = Price::default();
        assert_eq!(rate(&price, GIB), micro(1_000_000));
        assert_eq!(rate(&price, 4 * GIB), micro(1_300_000));
        assert_eq!(rate(&price, GIB + 1), micro(1_000_098), "one MiB, rounded up");
        let rush = Price { rush_permille: 2_500, ..price };
        assert_eq!(rate(&rush, 4 * GIB), micro(3_250_000));
        assert_eq!(rate(&Price { rush_permille: 0, ..price }, GIB), micro(1_000_000), "nobody offers less");
        assert_eq!(rate(&Price { rush_permille: u32::MAX, ..price }, GIB), micro(10_000_000));
    }

    #[test]
    fn kept_bytes_cost_by_the_hour() {
        let price = Price::default();
        assert_eq!(storage(GIB, 24, &price), micro(10_000));
        assert_eq!(storage(1, 1, &price), micro(1));
        assert_eq!(storage(0, 999, &price), Amount::ZERO);
        assert_eq!(storage(u64::MAX, u32::MAX, &Price { per_gib_day: Amount::MAX, ..price }), Amount::MAX);
    }

    #[test]
    fn the_fee_is_rounded_down() {
        let price = Price::default();
        assert_eq!(split_fee(micro(100), &price), (micro(95), micro(5)));
        assert_eq!(split_fee(micro(19), &price), (micro(19), micro(0)));
        assert_eq!(split_fee(micro(7), &Price { fee_permille: 5_000, ..price }), (micro(0), micro(7)));
    }

    fn prices() -> impl Strategy<Value = Price> {
        (0..=i64::MAX, any::<u32>(), 0..=i64::MAX, any::<u32>(), any::<u32>()).prop_map(
            |(fuel, memory_permille, gib, fee_permille, rush_permille)| Price {
                per_tera_fuel: micro(fuel),
                memory_permille,
                per_gib_day: micro(gib),
                fee_permille,
                rush_permille,
            },
        )
    }

    proptest! {
        #[test]
        fn no_price_overflows_and_shares_add_up(price in prices(), fuel in any::<u64>(), memory in any::<u64>()) {
            let paid = cost(fuel, &price, memory);
            let (lender, fee) = split_fee(paid, &price);
            prop_assert_eq!(lender.checked_add(fee), Some(paid));
            prop_assert!(cost(fuel.saturating_add(1), &price, memory) >= paid);
            prop_assert!(rate(&price, memory.saturating_add(MIB)) >= rate(&price, memory));
            storage(memory, fuel as u32, &price);
        }

        #[test]
        fn what_is_affordable_is_the_most(micros in 0..1_000_000_000_000i64, rush in 1_000..10_000u32, memory in 0..(8u64 << 30)) {
            let price = Price { rush_permille: rush, ..Price::default() };
            let fuel = affordable(micro(micros), &price, memory);
            prop_assert!(cost(fuel, &price, memory) <= micro(micros));
            prop_assert!(fuel == u64::MAX || cost(fuel + 1, &price, memory) > micro(micros));
        }

        #[test]
        fn parts_cost_at_most_a_micro_credit_each_more(parts in proptest::collection::vec(0..1u64 << 50, 1..40)) {
            let price = Price::default();
            let whole = cost(parts.iter().sum(), &price, GIB).micro();
            let sum: i64 = parts.iter().map(|part| cost(*part, &price, GIB).micro()).sum();
            prop_assert!(whole <= sum && sum < whole + parts.len() as i64);
        }
    }
}
