//! What is counted, and when it is flushed to the shared counter. A trap loses what was not flushed.

use fallow_sandbox::instrument::costs::{self, Per};
use wasmparser::Operator as O;

use super::{Interp, Trap, Value};

impl Interp<'_> {
    /// Count an operation that is about to be executed, with what its length adds.
    pub(super) fn charge(&mut self, op: &O<'_>) {
        let cost = costs::of(op);
        let length = match cost.per {
            Per::Bytes | Per::Elements => costs::dynamic(cost.per, self.operand()),
            // Counted when it is known that it succeeded.
            Per::Pages | Per::TableElements | Per::None => 0,
        };
        self.count(cost.fixed.wrapping_add(length));
    }

    fn operand(&self) -> u32 {
        match self.stack.top() {
            Value::I32(operand) => operand,
            other => panic!("a length is an i32, not {other:?}"),
        }
    }

    /// The result of a growth, which costs by size only if it succeeded.
    pub(super) fn grown(&mut self, op: &O<'_>, delta: u32, old: Option<u32>) {
        if old.is_some() {
            self.count(costs::dynamic(costs::of(op).per, delta));
        }
        self.stack.push(old.unwrap_or(u32::MAX));
    }

    fn count(&mut self, fuel: u64) {
        let frame = self.frame();
        frame.count = frame.count.wrapping_add(fuel);
    }

    /// Add the frame's count to the shared one: at its end, before anybody outside can look, before `unreachable`.
    pub(super) fn flush(&mut self) {
        let count = std::mem::take(&mut self.frame().count);
        self.fuel = self.fuel.wrapping_add(count);
    }

    /// Above the limit nobody outside is called any more.
    pub(super) fn check_limit(&self) -> Result<(), Trap> {
        if self.fuel > self.limit { Err(Trap::UnreachableCodeReached) } else { Ok(()) }
    }
}
