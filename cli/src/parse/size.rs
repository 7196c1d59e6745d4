//! Sizes in bytes (`64MiB`, `2GB`, `4096`) and amounts of fuel (`2T`, `500G`, `1000`).

/// Parse a number of bytes. `KB`, `MB`, `GB`, `TB` are powers of 1,000; `KiB` and so on, and `K`, `M`, `G`, `T` alone, of 1,024.
pub fn size(text: &str) -> Result<u64, String> {
    scaled(text, |unit| {
        Some(match unit.to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            "t" | "tib" => 1 << 40,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => return None,
        })
    })
    .ok_or_else(|| format!("expected a size like 64MiB, 2GB or 4096, not {text:?}"))
}

/// Parse an amount of fuel: `k`, `M`, `G`, `T`, `P` are powers of 1,000.
pub fn fuel(text: &str) -> Result<u64, String> {
    scaled(text, |unit| {
        Some(match unit.to_ascii_lowercase().as_str() {
            "" => 1,
            "k" => 1_000,
            "m" => 1_000_000,
            "g" => 1_000_000_000,
            "t" => 1_000_000_000_000,
            "p" => 1_000_000_000_000_000,
            _ => return None,
        })
    })
    .ok_or_else(|| format!("expected an amount of fuel like 500G, 2T or 1000000, not {text:?}"))
}

/// A decimal number with a unit, without losing digits: `1.5G`.
fn scaled(text: &str, unit: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let text = text.trim().replace('_', "");
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let factor = u128::from(unit(text[end..].trim())?);
    let (whole, fraction) = text[..end].split_once('.').unwrap_or((&text[..end], ""));
    let right = !whole.is_empty() && fraction.len() <= 9 && !fraction.contains('.') && !text[..end].ends_with('.');
    if !right {
        return None;
    }
    let part = if fraction.is_empty() { 0 } else { fraction.parse::<u128>().ok()? };
    let part = part * factor / 10u128.pow(u32::try_from(fraction.len()).ok()?);
    let total = whole.parse::<u64>().map(u128::from).ok()?.checked_mul(factor)?.checked_add(part)?;
    u64::try_from(total).ok().filter(|total| *total > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("1.5g"), Ok(3 << 29));
        assert_eq!(size("2 GB"), Ok(2_000_000_000));
        assert_eq!(size("4_096"), Ok(4096));
        for wrong in ["", "0", "MiB", "-1", "1.2.3", "1.", "99999999999TB", "12 bananas"] {
            assert!(size(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn fuels() {
        assert_eq!(fuel("2T"), Ok(2_000_000_000_000));
        assert_eq!(fuel("1.9G"), Ok(1_900_000_000));
        assert!(fuel("2GiB").is_err());
    }
}
