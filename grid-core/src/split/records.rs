//! Records of a fixed size, by arithmetic.

use super::{FileSpan, Span, SplitError, UNIT_INPUT_BYTES_MAX};

/// Which records each unit gets. The last unit of a file may have fewer than the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPlan {
    /// Bytes of a full unit.
    unit_bytes: u64,
    /// Length of each file, and number of units before it.
    files: Vec<(u64, u64)>,
    units: u64,
}

impl RecordPlan {
    pub(super) fn new<N: AsRef<str>>(bytes: u64, per_unit: u64, files: &[(N, u64)]) -> Result<Self, SplitError> {
        let longest = files.iter().map(|(_, len)| *len).max().unwrap_or(0);
        // A unit longer than the longest file is that file.
        let unit_bytes = bytes.saturating_mul(per_unit).min((longest / bytes).max(1) * bytes);
        let mut units = 0u64;
        let mut begins = Vec::with_capacity(files.len());
        for (name, len) in files {
            let rest = len % bytes;
            if rest != 0 {
                let file = name.as_ref().to_owned();
                return Err(SplitError::PartRecord { file, len: *len, record: bytes, rest });
            }
            let largest = unit_bytes.min(*len);
            if largest > UNIT_INPUT_BYTES_MAX {
                let (file, help) = (name.as_ref().to_owned(), "lower split.per_unit");
                return Err(SplitError::UnitTooLong { file, bytes: largest, help });
            }
            begins.push((*len, units));
            units = units.saturating_add(len.div_ceil(unit_bytes));
        }
        Ok(Self { unit_bytes, files: begins, units })
    }

    /// Number of units.
    pub fn units(&self) -> u64 {
        self.units
    }

    /// Bytes of unit `n`; none past the last.
    pub fn nth(&self, n: u64) -> Option<FileSpan> {
        if n >= self.units {
            return None;
        }
        // Files without records have no unit, so the last file that begins at or before `n` is the right one.
        let file = self.files.partition_point(|(_, begin)| *begin <= n) - 1;
        let (len, begin) = self.files[file];
        let offset = (n - begin) * self.unit_bytes;
        Some(FileSpan { file, span: Span { offset, len: self.unit_bytes.min(len - offset) } })
    }
}
