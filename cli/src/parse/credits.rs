//! Credits (`40`, `12.5`), what an author offers (`1.5` times the price), and how results are checked (`copies=3`).

use fallow_protocol::job::Verify;
use grid_core::ledger::{Amount, TRANSFER_MAX};
use grid_core::pricing::RUSH_PERMILLE_MAX;
use serde::{Deserialize, Deserializer, de};

/// Copies that are worth asking for.
const COPIES_MAX: u32 = 16;

/// Parse an amount of credits that moves: more than nothing. In micro-credits.
pub fn credits(text: &str) -> Result<u64, String> {
    let amount: Amount = text.trim().parse().map_err(|error: grid_core::ledger::AmountError| error.to_string())?;
    match amount {
        Amount::ZERO => Err("expected more than 0 credits".into()),
        amount if amount > TRANSFER_MAX => Err(format!("expected at most {TRANSFER_MAX} credits, not {text:?}")),
        amount => Ok(amount.micro().unsigned_abs()),
    }
}

/// Parse an offer: the grid's price times 1 to 10. In thousandths.
pub fn offer(text: &str) -> Result<u32, String> {
    let wrong = || format!("expected the price times 1 to {}, like 1.5, not {text:?}", RUSH_PERMILLE_MAX / 1_000);
    let times: Amount = text.trim().parse().map_err(|_| wrong())?;
    let (permille, rest) = (times.micro() / 1_000, times.micro() % 1_000);
    let fits = (1_000..=i64::from(RUSH_PERMILLE_MAX)).contains(&permille) && rest == 0;
    u32::try_from(permille).ok().filter(|_| fits).ok_or_else(wrong)
}

/// Parse how results are checked: `adaptive`, `none` or `copies=N`.
pub fn verify(text: &str) -> Result<Verify, String> {
    let copies = |number: &str| number.parse().ok().filter(|copies| (2..=COPIES_MAX).contains(copies));
    match (text, text.split_once('=')) {
        ("adaptive", _) => Some(Verify::Adaptive),
        ("none", _) => Some(Verify::None),
        (_, Some(("copies", number))) => copies(number).map(Verify::Copies),
        _ => None,
    }
    .ok_or_else(|| format!("expected adaptive, none, or copies=2 to copies={COPIES_MAX}, not {text:?}"))
}

/// A number of `fallow.toml`, with or without quotes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(i64),
    // The shortest decimals that mean this number are those that were written.
    Part(f64),
    Text(String),
}

impl Number {
    fn read<'de, D: Deserializer<'de>, T>(
        from: D,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, D::Error> {
        let text = match Number::deserialize(from).map_err(|_| de::Error::custom("expected a number, like 12.5"))? {
            Number::Whole(number) => number.to_string(),
            Number::Part(number) => number.to_string(),
            Number::Text(text) => text,
        };
        parse(&text).map(Some).map_err(de::Error::custom)
    }
}

/// A key of `fallow.toml` that holds credits.
pub fn credits_key<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Number::read(from, credits)
}

/// A key of `fallow.toml` that holds an offer.
pub fn offer_key<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    Number::read(from, offer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_have_six_decimals_and_a_sign_of_nothing() {
        assert_eq!(credits("40"), Ok(40_000_000));
        assert_eq!(credits("0.000001"), Ok(1));
        for (wrong, word) in [
            ("0", "more than 0"),
            ("-1", "negative"),
            ("1000000001", "at most"),
            ("99999999999999999999", "at most"),
            ("1e3", "number"),
            ("forty", "number"),
            ("0.0000001", "six decimals"),
        ] {
            assert!(credits(wrong).unwrap_err().contains(word), "{wrong}: {:?}", credits(wrong));
        }
    }

    #[test]
    fn offers_are_the_price_or_more() {
        assert_eq!((offer("1"), offer("1.5"), offer("10")), (Ok(1_000), Ok(1_500), Ok(10_000)));
        for wrong in ["0.9", "10.001", "1.0005", "-2", "much"] {
            assert!(offer(wrong).unwrap_err().contains("like 1.5"), "{wrong}");
        }
    }

    #[test]
    fn checks_have_three_forms() {
        assert_eq!(verify("adaptive"), Ok(Verify::Adaptive));
        assert_eq!(verify("none"), Ok(Verify::None));
        assert_eq!(verify("copies=3"), Ok(Verify::Copies(3)));
        for wrong in ["copies", "copies=1", "copies=17", "copies=x", "all", ""] {
            assert!(verify(wrong).is_err(), "{wrong}");
        }
    }
}
