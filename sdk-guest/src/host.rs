//! What the host offers to every function of a task.

use crate::{FromInput, IntoOutput, Result, backend};

/// Tell how far this unit is: `done` of `total` in the task's own measure. Free to call often.
pub fn progress(done: u64, total: u64) {
    backend::progress(done, total);
}

/// A line for the author's log; [`log!`](crate::log!) formats it. Beyond the unit's log limit it is dropped.
pub fn log_bytes(message: &[u8]) {
    backend::log(message);
}

/// A line for the author's log, formatted as `println!` does.
#[macro_export]
macro_rules! log {
    ($($arg:tt)*) => { $crate::log_bytes(::std::format!($($arg)*).as_bytes()) };
}

/// Keep `state`, so that the unit can go on from here on another computer. See [`restore`].
///
/// What the task computes must not depend on whether it was interrupted: results are compared between computers.
pub fn checkpoint(state: impl IntoOutput) -> Result<()> {
    backend::checkpoint(&state.into_output()?);
    Ok(())
}

/// The newest checkpoint of this unit, if it starts from one; then go on from there.
pub fn restore<T: FromInput>() -> Result<Option<T>> {
    backend::restore().map(|state| T::from_input(state).map_err(|error| error.at("checkpoint"))).transpose()
}

/// `len` bytes of the unit's own random stream: the same on every computer, different in every unit.
pub fn random(len: u32) -> Vec<u8> {
    backend::random(len)
}
