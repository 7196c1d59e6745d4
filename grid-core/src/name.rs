//! Names that people choose, and names of files that end up in archives and in other people's terminals.

use std::collections::HashSet;

use fallow_protocol::limits::NAME_BYTES_MAX;

/// A name that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or only spaces.
    #[error("{what} is empty: give it a name")]
    Empty {
        /// What is named.
        what: &'static str,
    },
    /// Too long.
    #[error("{what} has {len} bytes, over the limit of {NAME_BYTES_MAX}: shorten it")]
    TooLong {
        /// What is named.
        what: &'static str,
        /// Its length in bytes.
        len: usize,
    },
    /// A letter that is not shown as what it is.
    #[error("{what} {name:?} holds the control character {found:?}: remove it")]
    Control {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
        /// The first such letter.
        found: char,
    },
    /// A path that leads out of its folder, or means different things on different systems.
    #[error("{what} {name:?} {why}: give a plain name, or a path downwards as a/b.txt")]
    Path {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A group's name that would not read well in an address.
    #[error(
        "the group's name {name:?} has to be 1 to {GROUP_LETTERS_MAX} small letters, digits, `-`, `_` or `.`, and begin \
         with a letter or digit"
    )]
    Group {
        /// The name.
        name: String,
    },
    /// Two files of one name.
    #[error("two {what}s have the name {name:?}: rename one, because archives and shared reads go by name")]
    Twice {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
    },
}

/// Check the name of a job, node, account, token or key; `what` says which, for the error.
pub fn check_name(what: &'static str, name: &str) -> Result<(), NameError> {
    if name.trim().is_empty() {
        return Err(NameError::Empty { what });
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong { what, len: name.len() });
    }
    match name.chars().find(|letter| is_hidden(*letter)) {
        Some(found) => Err(NameError::Control { what, name: name.to_owned(), found }),
        None => Ok(()),
    }
}

/// Letters of a group's name at most.
const GROUP_LETTERS_MAX: usize = 64;

/// Check the name of a group: it stands in addresses and in `group:NAME`, so small letters, digits, `-`, `_` and `.`,
/// a letter or digit first.
pub fn check_group_name(name: &str) -> Result<(), NameError> {
    const WHAT: &str = "the group's name";
    check_name(WHAT, name)?;
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    match first && name.len() <= GROUP_LETTERS_MAX && name.bytes().all(plain) {
        true => Ok(()),
        false => Err(NameError::Group { name: name.to_owned() }),
    }
}

/// Check the name of an input or shared file: a path downwards with `/` between its parts.
pub fn check_file_name(what: &'static str, name: &str) -> Result<(), NameError> {
    check_name(what, name)?;
    let why = if name.contains('\\') || name.contains(':') {
        "holds a backslash or a colon"
    } else if name.starts_with('/') {
        "begins at the root"
    } else if name.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        "holds an empty part, `.` or `..`"
    } else {
        return Ok(());
    };
    Err(NameError::Path { what, name: name.to_owned(), why })
}

/// Check the names of all files of one kind together.
pub fn check_file_names<'a>(what: &'static str, names: impl IntoIterator<Item = &'a str>) -> Result<(), NameError> {
    let mut seen = HashSet::new();
    for name in names {
        check_file_name(what, name)?;
        if !seen.insert(name) {
            return Err(NameError::Twice { what, name: name.to_owned() });
        }
    }
    Ok(())
}

/// Control characters, and those that change the direction of what stands beside them or have no width.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_pass() {
        for name in ["slide.png", "müller/été 1.tif", "a/b/c", "...", "x..y", "名前"] {
            assert_eq!(check_file_name("input file", name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn groups_have_names_for_addresses() {
        for name in ["lab", "meier-lab_2", "0.x", "a"] {
            assert_eq!(check_group_name(name), Ok(()), "{name:?}");
        }
        for name in ["", "Lab", "a b", "a/b", ".", "-x", "l\u{e4}b", "a\u{202e}", &"x".repeat(65)] {
            assert!(check_group_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn tricks_are_refused() {
        for name in [
            "",
            "  ",
            "/etc/passwd",
            "../up",
            "a/../../b",
            "a//b",
            "a/",
            ".",
            "..",
            "C:x",
            "a\\b",
            "a\nb",
            "a\0b",
            "\u{1b}[2Jx",
            "txt.\u{202e}gpj",
            "\u{feff}x",
        ] {
            assert!(check_file_name("input file", name).is_err(), "{name:?}");
        }
        assert!(matches!(check_name("job", &"x".repeat(256)), Err(NameError::TooLong { what: "job", len: 256 })));
    }

    #[test]
    fn files_of_one_kind_have_different_names() {
        assert_eq!(check_file_names("input file", ["a", "b"]), Ok(()));
        assert!(matches!(check_file_names("input file", ["a", "b", "a"]), Err(NameError::Twice { .. })));
    }
}
