//! Foreign text, made harmless: what guests, servers and archives say never commands the author's terminal.

use std::fmt::Write;

/// Control characters, and the invisible ones that turn the direction of text.
fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{2028}' | '\u{2029}')
}

/// For use within one line: line ends are escaped too.
pub fn line(foreign: &str) -> String {
    foreign.chars().fold(String::with_capacity(foreign.len()), |mut safe, letter| {
        push(&mut safe, letter);
        safe
    })
}

/// For use as lines: line ends and tabs stay.
pub fn text(foreign: &str) -> String {
    let foreign = foreign.replace("\r\n", "\n");
    foreign.chars().fold(String::with_capacity(foreign.len()), |mut safe, letter| {
        if matches!(letter, '\n' | '\t') {
            safe.push(letter)
        } else {
            push(&mut safe, letter)
        }
        safe
    })
}

/// JSON stays JSON: what it leaves unescaped and a terminal might obey becomes `\u....`.
pub fn json(document: &str) -> String {
    document.chars().fold(String::with_capacity(document.len()), |mut safe, letter| {
        if letter != '\n' && is_harmful(letter) {
            let _ = write!(safe, "\\u{:04x}", u32::from(letter));
        } else {
            safe.push(letter);
        }
        safe
    })
}

fn push(safe: &mut String, letter: char) {
    if is_harmful(letter) {
        safe.extend(letter.escape_default());
    } else {
        safe.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_to_the_terminal_are_shown_not_obeyed() {
        assert_eq!(line("a\u{1b}]0;title\u{7}b\n"), "a\\u{1b}]0;title\\u{7}b\\n");
        assert_eq!(text("a\r\nb\tc\rd\u{7f}\u{85}"), "a\nb\tc\\rd\\u{7f}\\u{85}");
        assert_eq!(line("Käse · 日本 🦀"), "Käse · 日本 🦀");
        assert_eq!(line("abc\u{202e}fdp.exe"), "abc\\u{202e}fdp.exe");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({ "log": "\u{1b}[31m\u{9b}0m\u{7f}\u{202e}ü" });
        let shown = json(&value.to_string());
        assert!(!shown.chars().any(is_harmful), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
