//! How a job's input becomes units: what is refused, how many there are, and which bytes each of them gets.
//!
//! Files, records, ranges and grids are arithmetic: unit `n` is known without looking at the units before it. Lines
//! and CSV rows are found by reading the files once, chunk by chunk, with a cutter that can go on from a [`Mark`]. Each
//! file is cut on its own: no unit holds bytes of two files, and a line ends where its file ends. Reading the bytes
//! is the shell's.

mod csv;
mod cut;
mod error;
mod guest;
mod lines;
mod params;
mod plan;
mod records;

#[cfg(test)]
mod properties;

pub use csv::CsvCutter;
pub use cut::{Cut, FileCutter, FileSpan, Mark, Span};
pub use error::SplitError;
pub use guest::{guest_spans, read_lens};
pub use lines::LineCutter;
pub use params::{GridPlan, RangePlan};
pub use plan::{SplitPlan, check_total, plan_split};
pub use records::RecordPlan;

/// Longest line or CSV row. A longer one is nearly always a file that has no lines.
pub const LINE_BYTES_MAX: u64 = 64 << 20;
/// Longest input of one unit: it must fit twice into a 32-bit memory, once as the host's copy and once as the guest's.
pub const UNIT_INPUT_BYTES_MAX: u64 = 2 << 30;
