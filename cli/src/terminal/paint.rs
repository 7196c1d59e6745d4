//! The few colours, and when they are used.

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Also into files and pipes.
    Always,
    /// Not at all.
    Never,
}

impl ColorChoice {
    /// `auto` is what to do where the user did not say.
    pub fn paint(self, auto: bool) -> Paint {
        Paint { on: self == ColorChoice::Always || (self == ColorChoice::Auto && auto) }
    }
}

/// Colours words, or leaves them as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// Leaves everything as it is.
    pub fn off() -> Self {
        Self { on: false }
    }

    /// Done, good.
    pub fn good(self, text: &str) -> String {
        self.code("32", text)
    }

    /// Wrong, lost.
    pub fn bad(self, text: &str) -> String {
        self.code("1;31", text)
    }

    /// To be looked at.
    pub fn warn(self, text: &str) -> String {
        self.code("33", text)
    }

    /// Labels.
    pub fn dim(self, text: &str) -> String {
        self.code("2", text)
    }

    /// Names.
    pub fn bold(self, text: &str) -> String {
        self.code("1", text)
    }

    fn code(self, code: &str, text: &str) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_used_where_they_are_wanted() {
        assert_eq!(ColorChoice::Auto.paint(false).bad("x"), "x");
        assert_eq!(ColorChoice::Never.paint(true).bad("x"), "x");
        assert_eq!(ColorChoice::Always.paint(false).good("x"), "\u{1b}[32mx\u{1b}[0m");
        assert_eq!(ColorChoice::Auto.paint(true).good("x"), "\u{1b}[32mx\u{1b}[0m");
    }
}
