//! How liars lie.

/// Shares of results that liars falsify, parts per million.
const RATES_PPM: [u32; 7] = [2_000, 5_000, 10_000, 30_000, 100_000, 300_000, 1_000_000];
/// Passed checks that liars wait for before they begin.
const SLEEPS: [u32; 4] = [0, 20, 50, 100];

/// How liars lie. One that is caught returns at once as somebody else, at another address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attack {
    /// Share of its results that a liar falsifies, parts per million.
    pub rate_ppm: u32,
    /// It is honest until it has passed so many checks. It is assumed to know when.
    pub sleep: u32,
    /// All liars falsify the same units with the same bytes, and confirm each other's, also while they sleep.
    pub collude: bool,
    /// Who does what.
    pub mix: Mix,
}

/// Who does what among the liars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mix {
    /// All the same.
    #[default]
    Alike,
    /// Half of them never lie themselves, but confirm what the others say.
    Vouching,
}

impl Attack {
    /// Nobody lies.
    pub const NONE: Self = Self { rate_ppm: 0, sleep: 0, collude: false, mix: Mix::Alike };

    /// The 56 ways that are tried.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for collude in [false, true] {
            for sleep in SLEEPS {
                all.extend(RATES_PPM.map(|rate_ppm| Self { rate_ppm, sleep, collude, mix: Mix::Alike }));
            }
        }
        all
    }

    /// In words, for tables.
    pub fn label(&self) -> String {
        let together = if self.collude { ", together" } else { "" };
        let vouching = if self.mix == Mix::Vouching { ", half vouching" } else { "" };
        format!("rate {} after {}{together}{vouching}", f64::from(self.rate_ppm) / 1e6, self.sleep)
    }
}
