//! Where `split` puts the units that it makes.

use std::marker::PhantomData;

use crate::{IntoOutput, Result, backend};

/// Takes the inputs of the job's units, in order. They leave the task's memory at once.
#[derive(Debug)]
pub struct Emitter<T> {
    count: u64,
    kind: PhantomData<fn(T)>,
}

impl<T: IntoOutput> Emitter<T> {
    pub(crate) fn new() -> Self {
        Self { count: 0, kind: PhantomData }
    }

    /// The next unit's input.
    pub fn emit(&mut self, input: T) -> Result<()> {
        backend::unit(&input.into_output()?);
        self.count += 1;
        Ok(())
    }

    /// Units emitted so far.
    pub fn count(&self) -> u64 {
        self.count
    }
}
