//! Names that people choose: short, visible, and in one line.

use fallow_protocol::limits::NAME_BYTES_MAX;

use super::ApiError;

/// Refuse names that are empty, long, or hold control or direction characters.
pub fn check(field: &str, name: &str) -> Result<(), ApiError> {
    if name.trim().is_empty() {
        return Err(ApiError::invalid(field, "the name is empty"));
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(ApiError::invalid(field, format!("the name has {} bytes, at most {NAME_BYTES_MAX}", name.len())));
    }
    if name.chars().any(is_hidden) {
        return Err(ApiError::invalid(field, "the name holds control or direction characters"));
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
