//! From the author's `split` and the input files to a plan, or to a clear refusal.

use fallow_protocol::job::Split;
use fallow_protocol::limits::{JOB_FILES_MAX, JOB_UNITS_MAX};

use super::{
    CsvCutter, FileCutter, GridPlan, LineCutter, Mark, RangePlan, RecordPlan, SplitError, UNIT_INPUT_BYTES_MAX,
};

/// How units are made. Checked: what is in it can be carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum SplitPlan {
    /// Unit `n` is all of file `n`.
    Files {
        /// Number of files and units.
        units: u64,
    },
    /// Read every file with [`SplitPlan::cutter`].
    Lines {
        /// Lines a unit.
        per_unit: u64,
    },
    /// Read every file with [`SplitPlan::cutter`].
    CsvRows {
        /// Rows a unit.
        per_unit: u64,
    },
    /// By arithmetic.
    Records(RecordPlan),
    /// By arithmetic.
    Range(RangePlan),
    /// By arithmetic.
    Grid(GridPlan),
    /// One unit of stage 0 reads all files, one after the other; its output makes the units, see [`super::guest_spans`].
    Guest,
}

impl SplitPlan {
    /// Number of units, where it is known before reading.
    pub fn units(&self) -> Option<u64> {
        match self {
            SplitPlan::Files { units } => Some(*units),
            SplitPlan::Records(plan) => Some(plan.units()),
            SplitPlan::Range(plan) => Some(plan.units()),
            SplitPlan::Grid(plan) => Some(plan.units()),
            SplitPlan::Lines { .. } | SplitPlan::CsvRows { .. } | SplitPlan::Guest => None,
        }
    }

    /// A cutter for one file from `mark` on (`Mark::default()` at its beginning); none where nothing is read.
    pub fn cutter(&self, file: &str, mark: Mark) -> Option<FileCutter> {
        match self {
            SplitPlan::Lines { per_unit } => Some(FileCutter::Lines(LineCutter::new(file, *per_unit, mark))),
            SplitPlan::CsvRows { per_unit } => Some(FileCutter::Csv(CsvCutter::new(file, *per_unit, mark))),
            _ => None,
        }
    }
}

/// Check `split` against the input files, given as `(name, length in bytes)` in the job's order.
pub fn plan_split<N: AsRef<str>>(split: &Split, files: &[(N, u64)]) -> Result<SplitPlan, SplitError> {
    check_files(split, files)?;
    let plan = match split {
        Split::File => files_plan(files, "split by lines, records or the task's own split"),
        Split::Lines { per_unit } => {
            positive("per_unit", *per_unit)?;
            some_bytes(files).map(|()| SplitPlan::Lines { per_unit: *per_unit })
        }
        Split::CsvRows { per_unit } => {
            positive("per_unit", *per_unit)?;
            some_bytes(files).map(|()| SplitPlan::CsvRows { per_unit: *per_unit })
        }
        Split::Records { bytes, per_unit } => {
            positive("bytes", *bytes)?;
            positive("per_unit", *per_unit)?;
            some_bytes(files)?;
            RecordPlan::new(*bytes, *per_unit, files).map(SplitPlan::Records)
        }
        Split::Range { from, to, per_unit } => {
            positive("per_unit", *per_unit)?;
            RangePlan::new(*from, *to, *per_unit).map(SplitPlan::Range)
        }
        Split::Grid { params } => GridPlan::new(params, JOB_UNITS_MAX).map(SplitPlan::Grid),
        Split::Guest => guest_plan(files),
    }?;
    if let Some(units) = plan.units() {
        check_total(units, "raise split.per_unit")?;
    }
    Ok(plan)
}

/// Check the number of units once it is known, or as it grows (a growing one is checked when it is not 0).
pub fn check_total(units: u64, help: &'static str) -> Result<(), SplitError> {
    match units {
        0 => Err(SplitError::NoUnits { why: "the input holds nothing to cut".into() }),
        units if units > JOB_UNITS_MAX => Err(SplitError::TooManyUnits { units: units.into(), help }),
        _ => Ok(()),
    }
}

fn kind(split: &Split) -> &'static str {
    match split {
        Split::File => "file",
        Split::Lines { .. } => "lines",
        Split::Records { .. } => "records",
        Split::CsvRows { .. } => "csv_rows",
        Split::Range { .. } => "range",
        Split::Grid { .. } => "grid",
        Split::Guest => "guest",
    }
}

fn check_files<N>(split: &Split, files: &[(N, u64)]) -> Result<(), SplitError> {
    let by = kind(split);
    match split {
        Split::Range { .. } | Split::Grid { .. } if !files.is_empty() => {
            Err(SplitError::UnusedInputs { by, files: files.len() })
        }
        // A guest may make its units out of nothing.
        Split::Range { .. } | Split::Grid { .. } | Split::Guest if files.is_empty() => Ok(()),
        _ if files.is_empty() => Err(SplitError::NoInputs { by }),
        _ if files.len() > JOB_FILES_MAX => Err(SplitError::TooManyFiles { files: files.len() }),
        _ => Ok(()),
    }
}

fn positive(field: &'static str, number: u64) -> Result<(), SplitError> {
    if number == 0 { Err(SplitError::Zero { field }) } else { Ok(()) }
}

fn some_bytes<N>(files: &[(N, u64)]) -> Result<(), SplitError> {
    if files.iter().all(|(_, len)| *len == 0) {
        return Err(SplitError::NoUnits { why: "all input files are empty".into() });
    }
    Ok(())
}

fn files_plan<N: AsRef<str>>(files: &[(N, u64)], help: &'static str) -> Result<SplitPlan, SplitError> {
    match files.iter().find(|(_, len)| *len > UNIT_INPUT_BYTES_MAX) {
        Some((name, len)) => Err(SplitError::UnitTooLong { file: name.as_ref().to_owned(), bytes: *len, help }),
        None => Ok(SplitPlan::Files { units: files.len() as u64 }),
    }
}

fn guest_plan<N: AsRef<str>>(files: &[(N, u64)]) -> Result<SplitPlan, SplitError> {
    let bytes = files.iter().fold(0u64, |sum, (_, len)| sum.saturating_add(*len));
    if bytes > UNIT_INPUT_BYTES_MAX {
        let file = files.first().map_or("", |(name, _)| name.as_ref()).to_owned();
        let help = "the task's split reads all files at once; split by file, lines or records, or submit several jobs";
        return Err(SplitError::UnitTooLong { file, bytes, help });
    }
    Ok(SplitPlan::Guest)
}
