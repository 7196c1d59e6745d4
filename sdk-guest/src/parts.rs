//! Where `merge` finds the outputs that it joins.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::Range;
use std::rc::Rc;

use crate::{Error, FromInput, backend};

/// The parts to join, in order, each read when it is asked for: `None` where a unit was left out.
///
/// A part that cannot be decoded ends the iteration, and the merge then fails with what was wrong, whatever it
/// returned.
#[derive(Debug)]
pub struct Parts<T> {
    left: Range<u32>,
    failed: Rc<RefCell<Option<Error>>>,
    kind: PhantomData<fn() -> T>,
}

impl<T: FromInput> Parts<T> {
    pub(crate) fn new(count: u32) -> (Self, Rc<RefCell<Option<Error>>>) {
        let failed = Rc::default();
        (Self { left: 0..count, failed: Rc::clone(&failed), kind: PhantomData }, failed)
    }

    fn decode(&self, index: u32, bytes: Vec<u8>) -> Option<T> {
        T::from_input(bytes).map_err(|error| *self.failed.borrow_mut() = Some(error.at(format!("part {index}")))).ok()
    }
}

impl<T: FromInput> Iterator for Parts<T> {
    type Item = Option<T>;

    fn next(&mut self) -> Option<Option<T>> {
        let index = self.left.next()?;
        let Some(bytes) = backend::part(index) else { return Some(None) };
        let part = self.decode(index, bytes);
        if part.is_none() {
            self.left = 0..0;
            return None;
        }
        Some(part)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}
