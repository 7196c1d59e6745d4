//! Numbers for people: every one with its unit.

/// Micro-credits in a credit.
const MICRO: u64 = 1_000_000;

/// Thousands in groups: `4,096`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 unit`, `2 units`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Bytes in powers of 1,024: `512 B`, `69 KiB`, `1.5 GiB`.
pub fn bytes(number: u64) -> String {
    scaled(number, 1024, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
}

/// Fuel in powers of 1,000: `950`, `1.9 G`.
pub fn fuel(number: u64) -> String {
    scaled(number, 1000, &["", "k", "M", "G", "T", "P", "E"]).trim_end().to_owned()
}

fn scaled(number: u64, step: u64, units: &[&str]) -> String {
    let (mut whole, mut rest, mut index) = (number, 0, 0);
    while whole >= step && index + 1 < units.len() {
        (whole, rest, index) = (whole / step, whole % step, index + 1);
    }
    let tenths = rest * 10 / step;
    if whole < 10 && tenths > 0 {
        format!("{whole}.{tenths} {}", units[index])
    } else {
        format!("{whole} {}", units[index])
    }
}

/// Micro-credits as credits, without zeros at the end: `12.5`, `1,204`, `0.000001`.
pub fn credits(micro: u64) -> String {
    let part = format!("{:06}", micro % MICRO);
    let part = part.trim_end_matches('0');
    if part.is_empty() { count(micro / MICRO) } else { format!("{}.{part}", count(micro / MICRO)) }
}

/// The same with a sign.
pub fn credits_signed(micro: i64) -> String {
    format!("{}{}", if micro < 0 { '-' } else { '+' }, credits(micro.unsigned_abs()))
}

/// Micro-credits as a guess is told, with about three digits: `37.4`, `1,204`, `0.0123`.
pub fn credits_about(micro: u64) -> String {
    let digits = micro.checked_ilog10().map_or(0, |log| log.saturating_sub(2));
    let step = 10u64.pow(digits.min(6));
    credits(micro.div_ceil(step).saturating_mul(step))
}

/// Seconds: `45 s`, `3 min 12 s`, `6 h 20 min`, `2 d 4 h`.
pub fn seconds(number: u64) -> String {
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    };
    match number {
        0..60 => format!("{number} s"),
        60..3_600 => two(number / 60, "min", number % 60, "s"),
        3_600..86_400 => two(number / 3_600, "h", number % 3_600 / 60, "min"),
        _ => two(number / 86_400, "d", number % 86_400 / 3_600, "h"),
    }
}

/// A range of seconds, rounded as such guesses are: `25–40 min`, `1–2 h`.
pub fn seconds_range(from: u64, to: u64) -> String {
    let (unit_s, unit) = match to {
        0..120 => (1, "s"),
        120..7_200 => (60, "min"),
        7_200..172_800 => (3_600, "h"),
        _ => (86_400, "d"),
    };
    let (low, high) = (from / unit_s, to.div_ceil(unit_s));
    if low == high { format!("{high} {unit}") } else { format!("{low}–{high} {unit}") }
}

/// How long ago something was, both in milliseconds since 1970.
pub fn ago(then_ms: u64, now_ms: u64) -> String {
    match now_ms.saturating_sub(then_ms) / 1000 {
        0..10 => "now".into(),
        secs @ 10..60 => format!("{secs} s ago"),
        secs @ 60..3_600 => format!("{} min ago", secs / 60),
        secs @ 3_600..172_800 => format!("{} h ago", secs / 3_600),
        secs => format!("{} d ago", secs / 86_400),
    }
}

/// Thousandths: `4.8`, `12`, `1,204`.
pub fn milli(number: u64) -> String {
    match number {
        0..10_000 => format!("{}.{}", number / 1000, number % 1000 / 100),
        _ => count(number / 1000),
    }
}

/// Now, milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_unit() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "unit", "units"), "1 unit");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(1_610_612_736), "1.5 GiB");
        assert_eq!(bytes(70_900), "69 KiB");
        assert_eq!(fuel(1_900_000_000), "1.9 G");
        assert_eq!(fuel(950), "950");
        assert_eq!(bytes(u64::MAX), "15 EiB");
    }

    #[test]
    fn credits_have_as_many_decimals_as_they_need() {
        assert_eq!(credits(0), "0");
        assert_eq!(credits(12_500_000), "12.5");
        assert_eq!(credits(1_204_000_001), "1,204.000001");
        assert_eq!(credits_signed(-60_000_000), "-60");
        assert_eq!(credits_signed(1), "+0.000001");
        assert_eq!(credits_about(37_412_345), "37.5");
        assert_eq!(credits_about(1_203_412_345), "1,204");
        assert_eq!(credits_about(12_345), "0.0124");
        assert_eq!((credits_about(0), credits_about(7)), ("0".into(), "0.000007".into()));
    }

    #[test]
    fn times_read_as_people_say_them() {
        assert_eq!(seconds(45), "45 s");
        assert_eq!(seconds(192), "3 min 12 s");
        assert_eq!(seconds(22_800), "6 h 20 min");
        assert_eq!(seconds(187_200), "2 d 4 h");
        assert_eq!(seconds_range(1_500, 2_400), "25–40 min");
        assert_eq!(seconds_range(3, 3), "3 s");
        assert_eq!(ago(0, 300_000), "5 min ago");
        assert_eq!(milli(4_800), "4.8");
        assert_eq!(milli(1_204_000), "1,204");
    }
}
