//! An amount of credits: whole micro-credits, never negative.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Micro-credits in a credit.
const MICRO: i64 = 1_000_000;
/// Digits after the point.
const DECIMALS: usize = 6;

/// Micro-credits, from 0 to `i64::MAX` (the database's integers). People see credits with six decimals, JSON has the
/// integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Amount(i64);

/// What is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Below zero.
    #[error("an amount of credits cannot be negative: {0}")]
    Negative(String),
    /// More than fits.
    #[error("an amount of credits is at most {max}: {0}", max = Amount::MAX)]
    TooLarge(String),
    /// Not a number with at most six decimals.
    #[error("an amount of credits is a number with at most six decimals, as 12.5: {0:?}")]
    Form(String),
}

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(0);
    /// One credit.
    pub const CREDIT: Amount = Amount(MICRO);
    /// The largest: about nine million million credits.
    pub const MAX: Amount = Amount(i64::MAX);

    /// From micro-credits.
    pub fn from_micro(micro: i64) -> Result<Self, AmountError> {
        if micro < 0 { Err(AmountError::Negative(format!("{micro} micro-credits"))) } else { Ok(Self(micro)) }
    }

    /// From micro-credits; the largest amount where they are more than that.
    pub const fn saturating(micro: u128) -> Self {
        if micro > i64::MAX as u128 { Self::MAX } else { Self(micro as i64) }
    }

    /// Micro-credits, never negative.
    pub fn micro(self) -> i64 {
        self.0
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, where it fits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, where it is not negative.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).filter(|micro| *micro >= 0).map(Self)
    }

    /// The sum, or the largest amount.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or nothing.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self((self.0 - other.0).max(0))
    }
}

impl TryFrom<i64> for Amount {
    type Error = AmountError;

    fn try_from(micro: i64) -> Result<Self, AmountError> {
        Self::from_micro(micro)
    }
}

impl From<Amount> for i64 {
    fn from(amount: Amount) -> i64 {
        amount.0
    }
}

/// Credits with six decimals, as `12.500000`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{:06}", self.0 / MICRO, self.0 % MICRO))
    }
}

/// Credits with at most six decimals, as `12`, `12.5` or `0.000001`.
impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let shown = || text.chars().take(40).collect::<String>();
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        if let Some(rest) = whole.strip_prefix('-') {
            let number = is_digits(rest) && is_digits(part);
            return Err(if number { AmountError::Negative(shown()) } else { AmountError::Form(shown()) });
        }
        if !is_digits(whole) || !is_digits(part) || part.len() > DECIMALS {
            return Err(AmountError::Form(shown()));
        }
        let micro: i64 = format!("{part:0<DECIMALS$}").parse().map_err(|_| AmountError::Form(shown()))?;
        let credits: i64 = whole.parse().map_err(|_| AmountError::TooLarge(shown()))?;
        let sum = credits.checked_mul(MICRO).and_then(|sum| sum.checked_add(micro));
        sum.map(Self).ok_or_else(|| AmountError::TooLarge(shown()))
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_told_and_read_as_credits() {
        for (text, micro) in
            [("0", 0), ("12", 12_000_000), ("12.5", 12_500_000), ("0.000001", 1), ("007.10", 7_100_000)]
        {
            assert_eq!(text.parse(), Amount::from_micro(micro), "{text}");
        }
        assert_eq!(Amount(12_500_000).to_string(), "12.500000");
        assert_eq!(format!("{:>12}", Amount(1)), "    0.000001");
        assert_eq!(Amount::MAX.to_string().parse(), Ok(Amount::MAX));
    }

    #[test]
    fn what_is_no_amount_says_why() {
        for text in ["", ".", "1.", ".5", "1,5", "+1", "1e3", "1.0000001", "0x1", "1.-5", "--1", " 1", "١"] {
            assert!(matches!(text.parse::<Amount>(), Err(AmountError::Form(_))), "{text:?}");
        }
        assert!(matches!("-0.5".parse::<Amount>(), Err(AmountError::Negative(_))));
        for text in ["9223372036854.775808", "99999999999999999999"] {
            assert!(matches!(text.parse::<Amount>(), Err(AmountError::TooLarge(_))), "{text}");
        }
        assert!(matches!(Amount::from_micro(-1), Err(AmountError::Negative(_))));
    }

    #[test]
    fn json_has_the_integer_and_refuses_negative_ones() {
        assert_eq!(serde_json::to_string(&Amount::CREDIT).unwrap(), "1000000");
        assert_eq!(serde_json::from_str::<Amount>("7").unwrap(), Amount(7));
        for text in ["-1", "1.5", "9223372036854775808", "\"1\""] {
            assert!(serde_json::from_str::<Amount>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sums_stay_in_their_range() {
        assert_eq!(Amount::MAX.checked_add(Amount(1)), None);
        assert_eq!(Amount(1).checked_sub(Amount(2)), None);
        assert_eq!(Amount(2).checked_sub(Amount(2)), Some(Amount::ZERO));
        assert_eq!(Amount(1).saturating_sub(Amount(2)), Amount::ZERO);
        assert_eq!(Amount::saturating(u128::MAX), Amount::MAX);
    }
}
