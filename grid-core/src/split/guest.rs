//! The guest's own split: its output is one blob with all inputs and an index at the end (see
//! `fallow_protocol::unit::EmittedUnits`). Here the index becomes ranges.

use fallow_protocol::unit::EmittedUnits;

use super::{Span, SplitError, UNIT_INPUT_BYTES_MAX, check_total};

/// The lengths in a piece of the index; its length is a multiple of 8.
pub fn read_lens(index: &[u8]) -> Result<Vec<u64>, SplitError> {
    let (words, rest) = index.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(SplitError::Emitted(format!("its index has {} bytes", index.len())));
    }
    Ok(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
}

/// Ranges of the units whose lengths are `lens`, all of them together. They must fill the blob up to its index.
pub fn guest_spans(emitted: &EmittedUnits, lens: &[u64]) -> Result<Vec<Span>, SplitError> {
    check_total(emitted.count, "make larger units in the task's split")?;
    if lens.len() as u64 != emitted.count {
        return Err(SplitError::Emitted(format!("its index has {} of {} lengths", lens.len(), emitted.count)));
    }
    let mut spans = Vec::with_capacity(lens.len());
    let mut offset = 0u64;
    for (unit, len) in lens.iter().enumerate() {
        if *len > UNIT_INPUT_BYTES_MAX {
            return Err(SplitError::Emitted(format!("unit {unit} has {len} bytes, over {UNIT_INPUT_BYTES_MAX}")));
        }
        spans.push(Span { offset, len: *len });
        offset = offset.checked_add(*len).ok_or_else(|| SplitError::Emitted("its lengths overflow".into()))?;
    }
    if offset != emitted.index_offset {
        let found = emitted.index_offset;
        return Err(SplitError::Emitted(format!("its units have {offset} bytes together, but it has {found}")));
    }
    Ok(spans)
}
