//! Cuts a CSV file after every so many rows (RFC 4180: quoted fields may hold line ends, doubled quotes and commas).
//! The first row is the header, and stands before every unit's rows. Fields are not looked at.

use super::cut::Growing;
use super::{Cut, Mark, SplitError};

/// Where in a field the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before the field's first byte.
    Start,
    /// In a field without quotes; a quote within it is a letter like others.
    Plain,
    /// Between quotes.
    Quoted,
    /// After a quote within quotes: the end of the field, or the first of two.
    Quote,
}

/// The mark that some programs put before a file; it is part of the header, and a quote may follow it.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Finds rows in a CSV file that is read in chunks of any size.
#[derive(Clone, Debug)]
pub struct CsvCutter {
    grow: Growing,
    at: At,
    quote_line: u64,
}

impl CsvCutter {
    /// `file` is named in errors; `per_unit` at least 1; `mark` is where reading begins.
    pub fn new(file: &str, per_unit: u64, mark: Mark) -> Self {
        Self { grow: Growing::new(file, per_unit, mark), at: At::Start, quote_line: mark.line }
    }

    /// Take the next bytes of the file; cuts that are complete are appended to `out`.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<Cut>) -> Result<(), SplitError> {
        let mut begin = 0;
        for (index, byte) in chunk.iter().enumerate() {
            if self.step(*byte, index - begin) {
                self.grow.grow((index + 1 - begin) as u64)?;
                begin = index + 1;
                self.end_row(out)?;
            }
        }
        self.grow.grow((chunk.len() - begin) as u64)
    }

    /// The file has ended.
    pub fn finish(&mut self, out: &mut Vec<Cut>) -> Result<(), SplitError> {
        if self.at == At::Quoted {
            return Err(SplitError::OpenQuote { file: self.grow.file().to_owned(), line: self.quote_line });
        }
        if self.grow.open > 0 {
            self.end_row(out)?;
        }
        self.grow.cut(out)
    }

    /// Where it stands after the last cut.
    pub fn mark(&self) -> Mark {
        self.grow.mark()
    }

    /// Take one byte that stands `in_chunk` bytes after what was counted; whether a row ends with it.
    fn step(&mut self, byte: u8, in_chunk: usize) -> bool {
        self.grow.line += u64::from(byte == b'\n');
        self.at = match (self.at, byte) {
            (At::Start, b'"') => {
                self.quote_line = self.grow.line;
                At::Quoted
            }
            (At::Quoted, b'"') => At::Quote,
            (At::Quoted, _) | (At::Quote, b'"') => At::Quoted,
            (_, b'\n') => {
                self.at = At::Start;
                return true;
            }
            (_, b',') => At::Start,
            (At::Start, _) if self.in_byte_order_mark(byte, in_chunk) => At::Start,
            _ => At::Plain,
        };
        false
    }

    fn in_byte_order_mark(&self, byte: u8, in_chunk: usize) -> bool {
        let offset = self.grow.open as usize + in_chunk;
        self.mark() == Mark::default() && BYTE_ORDER_MARK.get(offset) == Some(&byte)
    }

    fn end_row(&mut self, out: &mut Vec<Cut>) -> Result<(), SplitError> {
        if self.mark().header.is_none() {
            self.grow.end_header();
            return Ok(());
        }
        self.grow.end_item(out)
    }
}
