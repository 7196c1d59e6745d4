//! Lengths of time: `90s`, `15m`, `2h`, `3d`, `1h30m`, `250ms`.

use std::time::Duration;

/// Longest that anybody may mean.
const DAYS_MAX: u64 = 3_650;

/// Parse a length of time.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("expected a time like 90s, 15m, 2h, 3d or 1h30m, not {text:?}");
    let (mut rest, mut total_ms) = (text.trim(), 0u64);
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let letters = rest[digits..].find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len() - digits);
        let (unit, after) = rest[digits..].split_at(letters);
        let part = number.checked_mul(unit_ms(unit.trim()).ok_or_else(wrong)?).ok_or_else(wrong)?;
        total_ms = total_ms.checked_add(part).ok_or_else(wrong)?;
        rest = after.trim_start();
    }
    if total_ms == 0 || total_ms > DAYS_MAX * 86_400_000 {
        return Err(format!("expected a time above 0 and up to {DAYS_MAX}d, not {text:?}"));
    }
    Ok(Duration::from_millis(total_ms))
}

fn unit_ms(unit: &str) -> Option<u64> {
    Some(match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, wanted_ms: Option<u64>) {
        assert_eq!(duration(text).ok(), wanted_ms.map(Duration::from_millis), "{text:?}");
    }

    #[test]
    fn times() {
        check("90s", Some(90_000));
        check("250ms", Some(250));
        check("1h30m", Some(5_400_000));
        check("1 h 30 min", Some(5_400_000));
        check("3d", Some(259_200_000));
        for wrong in
            ["", "5", "s", "0s", "-1s", "1.5h", "1w", "99999999999999999999s", "18446744073709551615d", "4000d"]
        {
            check(wrong, None);
        }
    }
}
