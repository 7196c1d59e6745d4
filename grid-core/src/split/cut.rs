//! Runs of bytes within files, where a cutter stands, and the one cutter that the shell drives.

use serde::{Deserialize, Serialize};

use super::{CsvCutter, LineCutter, SplitError, UNIT_INPUT_BYTES_MAX};

/// A run of bytes within one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub len: u64,
}

impl Span {
    /// One past its last byte.
    pub fn end(self) -> u64 {
        self.offset + self.len
    }
}

/// A run of bytes within one of the job's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSpan {
    /// Index of the file in the job's inputs.
    pub file: usize,
    /// The bytes.
    pub span: Span,
}

/// One unit's input as a cutter found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Header row that stands before the body; CSV only.
    pub header: Option<Span>,
    /// The unit's own lines or rows.
    pub body: Span,
    /// Number of lines or rows in the body.
    pub items: u64,
}

impl Cut {
    /// Its ranges in order.
    pub fn spans(&self) -> impl Iterator<Item = Span> {
        self.header.into_iter().chain([self.body])
    }

    /// Bytes of the unit's input.
    pub fn input_len(&self) -> u64 {
        self.spans().map(|span| span.len).sum()
    }
}

/// Where a cutter stands after the last cut that it gave. Kept with the units, so that splitting goes on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// First byte that is in no cut yet: read the file from here.
    pub offset: u64,
    /// Number of the line that begins there, from 1.
    pub line: u64,
    /// The header row, once it is known; CSV only.
    pub header: Option<Span>,
}

impl Default for Mark {
    fn default() -> Self {
        Self { offset: 0, line: 1, header: None }
    }
}

/// Cuts one file, whatever it is cut by.
#[derive(Clone, Debug)]
pub enum FileCutter {
    /// By lines.
    Lines(LineCutter),
    /// By CSV rows.
    Csv(CsvCutter),
}

impl FileCutter {
    /// Take the next bytes of the file; cuts that are complete are appended to `out`.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<Cut>) -> Result<(), SplitError> {
        match self {
            FileCutter::Lines(cutter) => cutter.push(chunk, out),
            FileCutter::Csv(cutter) => cutter.push(chunk, out),
        }
    }

    /// The file has ended; the last cut is appended to `out` where there is one.
    pub fn finish(&mut self, out: &mut Vec<Cut>) -> Result<(), SplitError> {
        match self {
            FileCutter::Lines(cutter) => cutter.finish(out),
            FileCutter::Csv(cutter) => cutter.finish(out),
        }
    }

    /// Where it stands after the last cut.
    pub fn mark(&self) -> Mark {
        match self {
            FileCutter::Lines(cutter) => cutter.mark(),
            FileCutter::Csv(cutter) => cutter.mark(),
        }
    }
}

/// What both cutters share: the cut that grows, its limits and the mark.
#[derive(Clone, Debug)]
pub(super) struct Growing {
    file: String,
    per_unit: u64,
    mark: Mark,
    /// Bytes of the body so far, up to the last complete item.
    len: u64,
    items: u64,
    /// Bytes of the item that is not complete yet.
    pub(super) open: u64,
    /// Line on which that item began, and the line that is read now.
    item_line: u64,
    pub(super) line: u64,
}

impl Growing {
    pub(super) fn new(file: &str, per_unit: u64, mark: Mark) -> Self {
        Self {
            file: file.to_owned(),
            per_unit: per_unit.max(1),
            mark,
            len: 0,
            items: 0,
            open: 0,
            item_line: mark.line,
            line: mark.line,
        }
    }

    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// Bytes of an item that has not ended.
    pub(super) fn grow(&mut self, bytes: u64) -> Result<(), SplitError> {
        self.open += bytes;
        if self.open > super::LINE_BYTES_MAX {
            return Err(SplitError::LineTooLong { file: self.file.clone(), line: self.item_line });
        }
        Ok(())
    }

    /// The open item ends here.
    pub(super) fn end_item(&mut self, out: &mut Vec<Cut>) -> Result<(), SplitError> {
        self.len += self.open;
        self.open = 0;
        self.items += 1;
        self.item_line = self.line;
        if self.items == self.per_unit { self.cut(out) } else { self.check() }
    }

    /// The open item is the header.
    pub(super) fn end_header(&mut self) {
        let span = Span { offset: self.mark.offset, len: self.open };
        self.mark = Mark { offset: span.end(), line: self.line, header: Some(span) };
        self.open = 0;
        self.item_line = self.line;
    }

    /// Give what there is as a cut.
    pub(super) fn cut(&mut self, out: &mut Vec<Cut>) -> Result<(), SplitError> {
        if self.items == 0 {
            return Ok(());
        }
        self.check()?;
        let body = Span { offset: self.mark.offset, len: self.len };
        out.push(Cut { header: self.mark.header, body, items: self.items });
        self.mark = Mark { offset: body.end(), line: self.line, header: self.mark.header };
        (self.len, self.items) = (0, 0);
        Ok(())
    }

    fn check(&self) -> Result<(), SplitError> {
        let bytes = self.len + self.mark.header.map_or(0, |span| span.len);
        if bytes > UNIT_INPUT_BYTES_MAX {
            let help = "lower split.per_unit";
            return Err(SplitError::UnitTooLong { file: self.file.clone(), bytes, help });
        }
        Ok(())
    }
}
