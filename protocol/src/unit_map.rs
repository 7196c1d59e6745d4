//! The states of a job's units as bytes: a head, then runs. A million units of a few states are some bytes.
//!
//! `version: u64 LE, total: u64 LE`, then to the end for each run a LEB128 number, `len << 3 | state`.

use crate::api::UnitState;
use crate::limits::JOB_UNITS_MAX;

/// Bytes before the runs.
pub const HEAD_BYTES: usize = 16;
/// States that there are: bytes 0 to 6.
pub const STATES: u8 = 7;

/// Units in order that are in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Number of the first.
    pub first: u64,
    /// How many.
    pub len: u64,
    /// The byte that stands for their state: [`UnitState`] as a number.
    pub state: u8,
}

/// Why bytes are no map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitMapError {
    /// They end too early.
    #[error("the map of units breaks off")]
    Short,
    /// A number is no run, or the runs do not add up.
    #[error("the map of units is damaged")]
    Damaged,
}

/// The byte that stands for a state.
pub fn state_byte(state: UnitState) -> u8 {
    state as u8
}

/// The runs of `states`, whose first unit has the number `first`.
pub fn runs(first: u64, states: &[u8]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (seq, state) in (first..).zip(states) {
        match runs.last_mut() {
            Some(run) if run.state == *state => run.len += 1,
            _ => runs.push(Run { first: seq, len: 1, state: *state }),
        }
    }
    runs
}

/// All states of a stage in the order of its units, as bytes.
pub fn encode(version: u64, states: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + 64);
    bytes.extend(version.to_le_bytes());
    bytes.extend((states.len() as u64).to_le_bytes());
    let mut rest = states;
    while let Some(state) = rest.first() {
        let len = rest.iter().position(|other| other != state).unwrap_or(rest.len());
        put(&mut bytes, (len as u64) << 3 | u64::from(*state));
        rest = &rest[len..];
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Version and states of what [`encode`] gave. Never more than [`JOB_UNITS_MAX`] of them.
pub fn decode(bytes: &[u8]) -> Result<(u64, Vec<u8>), UnitMapError> {
    let (head, mut rest) = bytes.split_at_checked(HEAD_BYTES).ok_or(UnitMapError::Short)?;
    let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().expect("eight bytes"));
    let (version, total) = (number(0), number(8));
    if total > JOB_UNITS_MAX {
        return Err(UnitMapError::Damaged);
    }
    let mut states = Vec::new();
    while !rest.is_empty() {
        let run = take(&mut rest)?;
        let (len, state) = (run >> 3, (run & 7) as u8);
        if len == 0 || state >= STATES || len > total - states.len() as u64 {
            return Err(UnitMapError::Damaged);
        }
        states.resize(states.len() + len as usize, state);
    }
    if states.len() as u64 == total { Ok((version, states)) } else { Err(UnitMapError::Short) }
}

fn take(rest: &mut &[u8]) -> Result<u64, UnitMapError> {
    let mut number = 0u64;
    for (at, byte) in rest.iter().enumerate().take(9) {
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            *rest = &rest[at + 1..];
            return Ok(number);
        }
    }
    Err(if rest.len() < 9 { UnitMapError::Short } else { UnitMapError::Damaged })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_million_units_of_one_state_are_some_bytes() {
        let mut states = vec![3; 1_000_000];
        let bytes = encode(7, &states);
        assert_eq!(bytes.len(), HEAD_BYTES + 4);
        assert_eq!(decode(&bytes), Ok((7, states.clone())));
        // The worst case: no two neighbours are alike.
        states.iter_mut().enumerate().for_each(|(at, state)| *state = (at % 7) as u8);
        let bytes = encode(8, &states);
        assert_eq!(bytes.len(), HEAD_BYTES + 1_000_000);
        assert_eq!(decode(&bytes), Ok((8, states)));
    }

    #[test]
    fn damaged_maps_are_refused() {
        let good = encode(1, &[0, 0, 1]);
        for len in 0..good.len() {
            assert!(decode(&good[..len]).is_err(), "{len}");
        }
        let with = |tail: &[u8]| [&good[..HEAD_BYTES], tail].concat();
        for tail in [&[0x07][..], &[0x00], &[0x0f], &[0x21], &[0x10, 0x09, 0x09], &[0xff; 12]] {
            assert!(decode(&with(tail)).is_err(), "{tail:?}");
        }
        let mut huge = good.clone();
        huge[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(decode(&huge), Err(UnitMapError::Damaged));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(version: u64, states in proptest::collection::vec(0..STATES, 0..200)) {
            prop_assert_eq!(decode(&encode(version, &states)), Ok((version, states.clone())));
            let mut back = Vec::new();
            for run in runs(5, &states) {
                prop_assert_eq!(run.first, 5 + back.len() as u64);
                back.extend(vec![run.state; run.len as usize]);
            }
            prop_assert_eq!(back, states);
        }

        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode(&bytes);
        }
    }
}
