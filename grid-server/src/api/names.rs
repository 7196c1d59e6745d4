//! Names that people choose: short, visible, and in one line.

use fallow_protocol::limits::NAME_BYTES_MAX;

use super::ApiError;

/// Refuse names that are empty, long, or hold control or direction characters.
pub fn check(field: &str, name: &str) -> Result<(), ApiError> {
    check_line(field, "name", name, NAME_BYTES_MAX)
}

/// The same of another line of text that people write, of up to `bytes_max` bytes.
pub fn check_line(field: &str, what: &str, text: &str, bytes_max: usize) -> Result<(), ApiError> {
    if text.trim().is_empty() {
        return Err(ApiError::invalid(field, format!("the {what} is empty")));
    }
    if text.len() > bytes_max {
        return Err(ApiError::invalid(field, format!("the {what} has {} bytes, at most {bytes_max}", text.len())));
    }
    if text.chars().any(is_hidden) {
        return Err(ApiError::invalid(field, format!("the {what} holds control or direction characters")));
    }
    Ok(())
}

/// Characters that change how the text around them looks (Unicode's bidirectional controls) or that are not seen.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_visible_lines() {
        for right in ["ann", "Ann's old laptop", "Δ-node 7", "<script>"] {
            assert!(check("name", right).is_ok(), "{right}");
        }
        for wrong in ["", "  ", "a\0b", "a\nb", "a\u{202E}b", &"x".repeat(256)] {
            assert!(check("name", wrong).is_err(), "{wrong:?}");
        }
    }
}
