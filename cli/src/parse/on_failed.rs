//! `--on-failed stop | leave-out:5%`.

use fallow_protocol::job::OnFailed;

/// Parse what a job does about failed units. A share is in percent, with up to one decimal place.
pub fn on_failed(text: &str) -> Result<OnFailed, String> {
    if text == "stop" {
        return Ok(OnFailed::Stop);
    }
    let wrong = || format!("expected stop, or leave-out:SHARE like leave-out:5% or leave-out:0.5%, not {text:?}");
    let share = text.strip_prefix("leave-out:").ok_or_else(wrong)?;
    let number = share.strip_suffix('%').ok_or_else(wrong)?.trim();
    let permille_max = permille(number).filter(|share| *share <= 1000).ok_or_else(wrong)?;
    Ok(OnFailed::LeaveOut { permille_max })
}

fn permille(number: &str) -> Option<u32> {
    let (whole, tenth) = number.split_once('.').unwrap_or((number, "0"));
    let digit = |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !digit(whole, 3) || !digit(tenth, 1) {
        return None;
    }
    Some(whole.parse::<u32>().ok()? * 10 + tenth.parse::<u32>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_thousandths() {
        assert_eq!(on_failed("stop"), Ok(OnFailed::Stop));
        assert_eq!(on_failed("leave-out:5%"), Ok(OnFailed::LeaveOut { permille_max: 50 }));
        assert_eq!(on_failed("leave-out:0.5%"), Ok(OnFailed::LeaveOut { permille_max: 5 }));
        assert_eq!(on_failed("leave-out:100%"), Ok(OnFailed::LeaveOut { permille_max: 1000 }));
        for wrong in ["", "go-on", "leave-out", "leave-out:5", "leave-out:-1%", "leave-out:100.1%", "leave-out:0.05%"] {
            assert!(on_failed(wrong).unwrap_err().contains("leave-out:5%"), "{wrong:?}");
        }
    }
}
