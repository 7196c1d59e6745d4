//! What the tool writes, and where: results on standard output, talk and live progress on standard error.

pub mod escape;
pub mod live;
pub mod paint;

use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::failure::Failure;
use paint::{ColorChoice, Paint};

/// How this call of the tool speaks.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// JSON for programs instead of lines for people.
    pub json: bool,
    /// Only what was asked for, no talk.
    pub quiet: bool,
    /// Colours on standard output.
    pub paint: Paint,
    /// Colours on standard error.
    pub paint_err: Paint,
    /// Whether progress may be redrawn in place.
    pub live: bool,
}

impl Terminal {
    /// From the tool's options; `no_color` where the user's environment says so.
    pub fn new(json: bool, quiet: bool, color: ColorChoice, no_color: bool) -> Self {
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        let paint = color.paint(out && !no_color);
        let paint_err = color.paint(err && !no_color);
        Self { json, quiet, paint, paint_err, live: err && !json && !quiet }
    }

    /// A line of the result for people; nothing for programs. Foreign text in it must have been escaped.
    pub fn line(&self, line: impl AsRef<str>) {
        if !self.json {
            write_out(line.as_ref());
        }
    }

    /// A line that only explains; nothing when quiet or for programs.
    pub fn talk(&self, line: impl AsRef<str>) {
        if !self.json && !self.quiet {
            write_out(line.as_ref());
        }
    }

    /// A remark on standard error; nothing when quiet or for programs.
    pub fn remark(&self, line: impl AsRef<str>) {
        if !self.json && !self.quiet {
            let _ = writeln!(std::io::stderr().lock(), "{}", line.as_ref());
        }
    }

    /// The result for programs: one document; nothing for people.
    pub fn document(&self, value: &impl Serialize) {
        if self.json {
            let text = serde_json::to_string_pretty(value).unwrap_or_default();
            write_out(&escape::json(&text));
        }
    }

    /// One line of a stream for programs; nothing for people.
    pub fn event(&self, value: &impl Serialize) {
        if self.json {
            let text = serde_json::to_string(value).unwrap_or_default();
            write_out(&escape::json(&text));
        }
    }

    /// An error, on standard error.
    pub fn failure(&self, failure: &Failure) {
        let text = if self.json {
            format!("{}\n", escape::json(&failure.json().to_string()))
        } else {
            failure.render(self.paint_err)
        };
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

/// Who reads may have gone away (`fallow jobs | head`); that is no error of ours.
fn write_out(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
