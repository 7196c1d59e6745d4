//! What kind of grid it is, what work costs on it, and by which constants results are trusted.

use grid_core::ledger::{Amount, TRANSFER_MAX};
use grid_core::pricing::Price;
use grid_core::trust::{GridKind, PPM, Policy, RECENT};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use anyhow::bail;

/// Who may be on the grid, and whether work costs credits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grid {
    /// Who may be on it.
    #[serde(with = "Kind")]
    pub kind: GridKind,
    /// Whether work costs credits; where missing, on all grids but one's own.
    pub credits: Option<bool>,
    /// Credits that a new account gets once.
    #[serde(deserialize_with = "amount")]
    pub allowance: Amount,
}

impl Default for Grid {
    fn default() -> Self {
        Self { kind: GridKind::Own, credits: None, allowance: Amount::ZERO }
    }
}

impl Grid {
    /// Whether work costs credits.
    pub fn takes_credits(&self) -> bool {
        self.credits.unwrap_or(self.kind != GridKind::Own)
    }
}

#[derive(Deserialize)]
#[serde(remote = "GridKind", rename_all = "snake_case")]
enum Kind {
    Own,
    Members,
    Open,
}

/// What work costs, in credits; see [`Price`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Prices {
    #[serde(deserialize_with = "amount")]
    per_tera_fuel: Amount,
    memory_permille: u32,
    #[serde(deserialize_with = "amount")]
    per_gib_day: Amount,
    fee_permille: u32,
}

impl Default for Prices {
    fn default() -> Self {
        let Price { per_tera_fuel, memory_permille, per_gib_day, fee_permille, rush_permille: _ } = Price::default();
        Self { per_tera_fuel, memory_permille, per_gib_day, fee_permille }
    }
}

/// The section `[price]`. What an author offers on top is the job's and not a setting.
pub(super) fn price<'de, D: Deserializer<'de>>(from: D) -> Result<Price, D::Error> {
    let Prices { per_tera_fuel, memory_permille, per_gib_day, fee_permille } = Prices::deserialize(from)?;
    Ok(Price { per_tera_fuel, memory_permille, per_gib_day, fee_permille, ..Price::default() })
}

/// Credits, as 12, 12.5 or "12.5".
fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<Amount, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Credits {
        Whole(i64),
        // The shortest decimals that mean this number are those that were written, up to 15 digits.
        Part(f64),
        Text(String),
    }
    let text = match Credits::deserialize(from).map_err(|_| D::Error::custom("expected credits, as \"12.5\""))? {
        Credits::Whole(credits) => credits.to_string(),
        Credits::Part(credits) => credits.to_string(),
        Credits::Text(text) => text,
    };
    let amount: Amount = text.parse().map_err(D::Error::custom)?;
    if amount > TRANSFER_MAX {
        return Err(D::Error::custom(format!("at most {TRANSFER_MAX} credits: {text}")));
    }
    Ok(amount)
}

macro_rules! overrides {
    ($($(#[$doc:meta])* $name:ident: $kind:ty,)*) => {
        /// Constants of verification that are not the usual ones of the grid's kind; see [`Policy`].
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Trust {
            $($(#[$doc])* pub $name: Option<$kind>,)*
        }

        impl Trust {
            /// The constants for a kind of grid, with these instead.
            pub fn over(&self, usual: Policy) -> Policy {
                Policy { grid: usual.grid, $($name: self.$name.unwrap_or(usual.$name),)* }
            }
        }
    };
}

overrides! {
    /// Checks that a node must pass before any of its results is believed unchecked.
    probation_passes: u32,
    /// A node with k passed checks has a share of this through k of its results checked.
    check_scale: u32,
    /// The share is never below this, parts per million.
    check_min_ppm: u32,
    /// Share of the checked results that take three equal copies, parts per million.
    third_ppm: u32,
    /// Results of a node for which an unchecked one is held before it can be final.
    window: u64,
    /// Passed checks that a node should have among its recent results when a job ends.
    sweep: u32,
    /// Results that are recent.
    sweep_window: u64,
    /// Nodes that run one unit at most.
    executors_max: u8,
    /// A second strike within this time bans, milliseconds.
    strike_memory_ms: i64,
    /// How long an owner must have been here before his nodes check others, milliseconds.
    seasoned_after_ms: i64,
    /// Passed checks from which a node checks others.
    checker_passes: u32,
    /// Passed checks from which a node is no longer new: preferred as a checker, and not for the door.
    established_passes: u32,
    /// What a node left is looked at after this time of silence, milliseconds.
    stale_after_ms: i64,
    /// Of what it left so many are checked.
    stale_sample: u32,
    /// A node whose share of wrong results is at most this breaks at random, parts per million.
    flaky_ppm_max: u32,
    /// How long such a node stays away after its second strike, milliseconds.
    quarantine_ms: i64,
    /// Banned nodes after which their owner is banned.
    owner_banned_nodes_max: u32,
    /// Units that a node in probation may hold at once where others could take them.
    newcomer_units_max: u32,
    /// New nodes that may always work at once.
    newcomers_min: u32,
    /// A strike closes the door for new nodes by one part in so many.
    door_share: u32,
}

/// What serde cannot see.
pub(super) fn check(price: &Price, policy: &Policy) -> anyhow::Result<()> {
    if price.fee_permille > 1_000 {
        bail!("price.fee_permille must be at most 1000: the fee is a part of what an author pays");
    }
    let shares = [policy.check_min_ppm, policy.third_ppm, policy.flaky_ppm_max];
    if shares.iter().any(|share| *share > PPM) {
        bail!("trust.check_min_ppm, trust.third_ppm and trust.flaky_ppm_max must be at most {PPM}");
    }
    if u64::from(policy.sweep) > policy.sweep_window || policy.sweep_window == 0 || policy.window == 0 {
        bail!("trust.window and trust.sweep_window must be at least 1, and trust.sweep at most trust.sweep_window");
    }
    if usize::try_from(policy.sweep).is_ok_and(|sweep| sweep > RECENT) {
        bail!("trust.sweep must be at most {RECENT}: no more recent checks are remembered");
    }
    if policy.executors_max < 3 || policy.newcomer_units_max == 0 {
        bail!(
            "trust.executors_max must be at least 3, so that two can be outvoted, trust.newcomer_units_max at least 1"
        );
    }
    let times = [policy.strike_memory_ms, policy.seasoned_after_ms, policy.stale_after_ms, policy.quarantine_ms];
    if times.iter().any(|time| *time < 0) {
        bail!("trust: times (keys that end with _ms) cannot be negative");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn config(text: &str) -> anyhow::Result<Config> {
        Config::merge(text, std::iter::empty(), Vec::new())
    }

    fn error(text: &str) -> String {
        format!("{:#}", config(text).expect_err(text))
    }

    #[test]
    fn credits_are_for_grids_of_more_than_one_person() {
        for (text, credits, passes) in [
            ("", false, 5),
            ("[grid]\nkind = 'members'", true, 5),
            ("[grid]\nkind = 'open'", true, 20),
            ("[grid]\nkind = 'open'\ncredits = false", false, 20),
            ("[grid]\ncredits = true\n[trust]\nprobation_passes = 2", true, 2),
        ] {
            let config = config(text).unwrap();
            assert_eq!((config.grid.takes_credits(), config.policy().probation_passes), (credits, passes), "{text}");
        }
        assert_eq!(config("[trust]\nwindow = 7").unwrap().policy(), Policy { window: 7, ..Policy::of(GridKind::Own) });
    }

    #[test]
    fn credits_are_decimals_of_any_form() {
        for text in ["12.5", "\"12.5\"", "\"12.500000\""] {
            assert_eq!(config(&format!("[grid]\nallowance = {text}")).unwrap().grid.allowance.micro(), 12_500_000);
        }
        let config = config("[price]\nper_tera_fuel = 0.000001\nper_gib_day = 3").unwrap();
        assert_eq!((config.price.per_tera_fuel.micro(), config.price.per_gib_day.micro()), (1, 3_000_000));
        assert_eq!(config.price.fee_permille, 50, "what is not said stays");
    }

    #[test]
    fn what_is_no_price_or_constant_is_refused() {
        for (text, word) in [
            ("[grid]\nkind = 'mine'", "mine"),
            ("[grid]\nallowance = -1", "negative"),
            ("[grid]\nallowance = 0.0000001", "six decimals"),
            ("[grid]\nallowance = nan", "six decimals"),
            ("[grid]\nallowance = true", "expected credits"),
            ("[grid]\nallowance = 1000000001", "at most"),
            ("[price]\nrush_permille = 2000", "rush_permille"),
            ("[price]\nfee_permille = 1001", "fee_permille"),
            ("[trust]\ncheck_min_ppm = 1000001", "check_min_ppm"),
            ("[trust]\nsweep = 201", "trust.sweep"),
            ("[trust]\nexecutors_max = 2", "executors_max"),
            ("[trust]\nquarantine_ms = -1", "negative"),
            ("[trust]\ngrid = 'own'", "grid"),
        ] {
            assert!(error(text).contains(word), "{text}: {}", error(text));
        }
    }
}
