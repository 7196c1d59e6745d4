//! The error that a task reports to its author. It crosses the boundary as a message, so it is nothing but one.

use std::fmt;

/// Result of a task's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A message for the author: what was wrong with this input. Made from any `std` error by `?`, or by [`Error::new`].
///
/// A unit that ends with it is not tried again elsewhere without end, because it would end the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// From a message.
    pub fn new(message: impl fmt::Display) -> Self {
        Self(message.to_string())
    }

    /// Put where it happened before the message, as in `"row 7: no such column"`.
    pub fn at(self, place: impl fmt::Display) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// `Error` is no `std::error::Error` itself, so that this may stand beside the reflexive `From`.
impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_mark_takes_any_error() {
        fn parse(text: &str) -> Result<i32> {
            Ok(text.parse::<i32>()?)
        }
        assert_eq!(parse("7"), Ok(7));
        let error = parse("x").unwrap_err().at("row 2");
        assert_eq!(error.to_string(), "row 2: invalid digit found in string");
    }
}
