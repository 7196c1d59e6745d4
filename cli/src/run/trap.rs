//! A trap's message for people: the cause on its own, and the author's function that it happened in.
//!
//! The message is the worker's: the cause, then a line `at SYMBOL` for each frame, innermost first. Symbols are as the
//! compiler wrote them; only Rust's older form is made readable here, which is the one that authors' crates have.

/// The start of symbols of std, core and the panic machinery, where the author has nothing to look for.
const NOT_THE_AUTHORS: [&str; 6] = ["std::", "core::", "alloc::", "rust_", "__rust", "fallow::"];

/// What broke, without frames and without advice that does not fit a sandbox.
pub fn cause(message: &str) -> String {
    let kept = |line: &&str| !line.trim_start().starts_with("at ") || line.contains("panicked at");
    let cause: Vec<&str> = message.lines().filter(kept).collect();
    let cause = cause.join("\n");
    let note = "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace";
    let cause = cause.replace(note, "").replace("wasm trap: wasm `unreachable` instruction executed", "");
    cause.trim().trim_end_matches("()").trim().to_owned()
}

/// The innermost function that may be the author's.
pub fn function(message: &str) -> Option<String> {
    message
        .lines()
        .filter_map(|line| readable(line.trim().strip_prefix("at ")?))
        .find(|name| name.contains("::") && !NOT_THE_AUTHORS.iter().any(|start| name.starts_with(start)))
}

/// `_ZN6faults3run17h…E` is `faults::run`; other symbols are not made readable.
fn readable(symbol: &str) -> Option<String> {
    let mut rest = symbol.strip_prefix("_ZN")?.strip_suffix('E')?;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let len: usize = rest[..digits].parse().ok()?;
        parts.push(rest.get(digits..digits + len)?);
        rest = rest.get(digits + len..)?;
    }
    // The last part is a hash.
    parts.pop_if(|last| last.len() == 17 && last.starts_with('h'));
    Some(parts.join("::").replace("$u7b$", "{").replace("$u7d$", "}").replace("..", "::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANIC: &str = "panicked at faults/src/lib.rs:39:20:\nthe input said so\nnote: run with `RUST_BACKTRACE=1` \
         environment variable to display a backtrace (wasm trap: wasm `unreachable` instruction executed)\n  at abort\n  \
         at _RNvNtCsk6DxXIiz9X2_3std7process5abort\n  at _ZN4core9panicking9panic_fmt17h0123456789abcdefE\n  \
         at _ZN6faults3run17hca3cf97e96b587c4E";

    #[test]
    fn a_panic_is_its_message_and_its_place() {
        assert_eq!(cause(PANIC), "panicked at faults/src/lib.rs:39:20:\nthe input said so");
        assert_eq!(function(PANIC).as_deref(), Some("faults::run"));
    }

    #[test]
    fn other_traps_keep_their_words() {
        let overflow = "wasm trap: call stack exhausted\n  at _ZN6faults8overflow17he2a9a0ae62626bd0E";
        assert_eq!(cause(overflow), "wasm trap: call stack exhausted");
        assert_eq!(function(overflow).as_deref(), Some("faults::overflow"));
        assert_eq!(function("wasm trap: integer divide by zero\n  at _ZN9"), None);
        assert_eq!(function("x\n  at _ZN99999999999999999999aE"), None);
    }
}
