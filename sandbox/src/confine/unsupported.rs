//! Systems whose walls are not built yet.

use super::{ConfineError, Confinement};

const MISSING: &str = "confinement that this program can use";

pub fn files(_: &Confinement) -> Result<(), ConfineError> {
    Err(ConfineError::Unsupported(MISSING))
}

pub fn calls(_: &Confinement) -> Result<(), ConfineError> {
    Err(ConfineError::Unsupported(MISSING))
}

pub fn compile(_: &Confinement) -> Result<(), ConfineError> {
    Err(ConfineError::Unsupported(MISSING))
}
