//! Cuts a file after every so many lines. A line ends with `\n`; the last one may lack it.

use super::cut::Growing;
use super::{Cut, Mark, SplitError};

/// Finds lines in a file that is read in chunks of any size.
#[derive(Clone, Debug)]
pub struct LineCutter(Growing);

impl LineCutter {
    /// `file` is named in errors; `per_unit` at least 1; `mark` is where reading begins.
    pub fn new(file: &str, per_unit: u64, mark: Mark) -> Self {
        Self(Growing::new(file, per_unit, mark))
    }

    /// Take the next bytes of the file; cuts that are complete are appended to `out`.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<Cut>) -> Result<(), SplitError> {
        let mut rest = chunk;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            self.0.grow(at as u64 + 1)?;
            self.0.line += 1;
            self.0.end_item(out)?;
            rest = &rest[at + 1..];
        }
        self.0.grow(rest.len() as u64)
    }

    /// The file has ended.
    pub fn finish(&mut self, out: &mut Vec<Cut>) -> Result<(), SplitError> {
        if self.0.open > 0 {
            self.0.end_item(out)?;
        }
        self.0.cut(out)
    }

    /// Where it stands after the last cut.
    pub fn mark(&self) -> Mark {
        self.0.mark()
    }
}
