//! Days (`2026-11-21`) and points in time, both in UTC, by the calendar that all computers share.

const DAY_MS: u64 = 86_400_000;

/// Parse a day from 1970 to 9999; its beginning, milliseconds since 1970.
pub fn day(text: &str) -> Result<u64, String> {
    let wrong = || format!("expected a day like 2026-11-21, not {text:?}");
    let digits = |part: &str, len: usize| {
        let right = part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit());
        right.then(|| part.parse::<u64>().ok()).flatten().ok_or_else(wrong)
    };
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return Err(wrong()) };
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Err(wrong());
    }
    let days = days_of(year, month, day);
    // 30 February is another day's name.
    if civil(days) == (year, month, day) { Ok(days * DAY_MS) } else { Err(wrong()) }
}

/// A point in time to the minute: `2026-11-21 14:10`.
pub fn minute(at_ms: u64) -> String {
    let (year, month, day) = civil(at_ms / DAY_MS);
    let minutes = at_ms % DAY_MS / 60_000;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minutes / 60, minutes % 60)
}

/// Days since 1970. Years begin in March here, so that the leap day is their last.
fn days_of(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let month = (month + 9) % 12;
    let of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

/// Year, month and day of a number of days since 1970.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_and_read() {
        assert_eq!(day("1970-01-01"), Ok(0));
        assert_eq!(day("2000-02-29"), Ok(951_782_400_000));
        assert_eq!(day("2026-11-21"), Ok(1_795_219_200_000));
        assert_eq!(minute(1_795_219_200_000 + 14 * 3_600_000 + 10 * 60_000 + 59_999), "2026-11-21 14:10");
        for days in (0..80_000).chain([2_932_896]) {
            let (year, month, day) = civil(days);
            assert_eq!(days_of(year, month, day), days, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for wrong in
            ["", "today", "2026-2-1", "2026-02-30", "2025-02-29", "2026-13-01", "1969-12-31", "2026-11-21 14:10"]
        {
            assert!(day(wrong).unwrap_err().contains("2026-11-21"), "{wrong}");
        }
    }
}
