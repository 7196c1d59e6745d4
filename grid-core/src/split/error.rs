//! What can be wrong with a split: each message says what, where, and what to do.

use fallow_protocol::limits::{INLINE_BYTES_MAX, JOB_FILES_MAX, JOB_UNITS_MAX};

use super::{LINE_BYTES_MAX, UNIT_INPUT_BYTES_MAX};

/// A split that cannot be done. Shown to the author as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// Cutting files without files.
    #[error("the job has no input files, and a split by {by} cuts files: give at least one with --input")]
    NoInputs {
        /// Kind of split.
        by: &'static str,
    },
    /// Files where none are read.
    #[error("the job has {files} input files, but a split by {by} reads none: pass them as shared files or drop them")]
    UnusedInputs {
        /// Kind of split.
        by: &'static str,
        /// Number of files.
        files: usize,
    },
    /// Too many files.
    #[error("the job has {files} input files, over the limit of {JOB_FILES_MAX}: pack several into one file")]
    TooManyFiles {
        /// Number of files.
        files: usize,
    },
    /// A zero where only a positive number makes sense.
    #[error("split.{field} is 0: give at least 1")]
    Zero {
        /// Field of the split.
        field: &'static str,
    },
    /// No unit comes out.
    #[error("the split gives no units: {why}")]
    NoUnits {
        /// What is empty.
        why: String,
    },
    /// More units than a job may have.
    #[error("the split gives {units} units, over the limit of {JOB_UNITS_MAX} a job: {help}")]
    TooManyUnits {
        /// How many, as far as they were counted.
        units: u128,
        /// What to change.
        help: &'static str,
    },
    /// A file that does not hold whole records.
    #[error(
        "input file {file:?} has {len} bytes, which is no multiple of the record size of {record} bytes: \
         the last {rest} bytes would be cut off"
    )]
    PartRecord {
        /// The file.
        file: String,
        /// Its length.
        len: u64,
        /// Record size.
        record: u64,
        /// Bytes over.
        rest: u64,
    },
    /// One line or row without an end in sight.
    #[error(
        "line {line} of input file {file:?} is longer than {LINE_BYTES_MAX} bytes: \
         split by records or by file, or check that the file has line ends"
    )]
    LineTooLong {
        /// The file.
        file: String,
        /// Line number, from 1.
        line: u64,
    },
    /// A quoted field that never ends.
    #[error("the quoted field that begins in line {line} of CSV file {file:?} never ends: add the closing quote")]
    OpenQuote {
        /// The file.
        file: String,
        /// Line number, from 1.
        line: u64,
    },
    /// A unit's input that no guest can hold.
    #[error("a unit of input file {file:?} would get {bytes} bytes, over the limit of {UNIT_INPUT_BYTES_MAX}: {help}")]
    UnitTooLong {
        /// The file.
        file: String,
        /// Bytes that the unit would get.
        bytes: u64,
        /// What to change.
        help: &'static str,
    },
    /// A range that ends before it begins.
    #[error("split.from is {from} and split.to is {to}: the range is empty, give a larger `to`")]
    EmptyRange {
        /// First number.
        from: i64,
        /// One past the last.
        to: i64,
    },
    /// A name within a grid.
    #[error("split.params: {0}")]
    Param(String),
    /// A grid's unit that does not fit into a row.
    #[error(
        "a unit's parameters would take up to {bytes} bytes, over the limit of {INLINE_BYTES_MAX}: \
         put large values into a shared file and vary its index"
    )]
    ParamsTooLong {
        /// Bytes of the longest unit.
        bytes: usize,
    },
    /// The output of the guest's split does not add up.
    #[error("the output of the task's split is not a list of units: {0}; build the task with the same SDK version")]
    Emitted(String),
}
