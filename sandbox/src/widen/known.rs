//! What is known of the stack and of products in memory, while control goes straight on.

use wasmparser::Operator;

/// A value on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    /// An address: that in a local, and so much more.
    Place(Place),
    /// A number that is not negative.
    Number(u32),
}

/// So many bytes behind where a local points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    local: u32,
    offset: u32,
}

/// Half of a product, 8 bytes in memory, whose value is also in a local.
#[derive(Clone, Copy, Debug)]
struct Half {
    place: Place,
    holds: u32,
}

/// All that is known at one point.
#[derive(Debug, Default)]
pub struct Known {
    /// Topmost values, last one on top; below the first, nothing is known.
    stack: Vec<Option<Value>>,
    halves: Vec<Half>,
}

impl Known {
    /// The local that holds what this operation would load.
    pub fn loaded(&self, operator: &Operator<'_>) -> Option<u32> {
        let Operator::I64Load { memarg } = operator else { return None };
        let Some(Some(Value::Place(place))) = self.stack.last() else { return None };
        let place = place.and(u32::try_from(memarg.offset).ok()?).filter(|_| memarg.memory == 0)?;
        self.halves.iter().find(|half| half.place == place).map(|half| half.holds)
    }

    /// A product was written to where the fifth value from above points; its halves are in these locals, which held
    /// something else before.
    pub fn product(&mut self, holds: [u32; 2]) {
        for _ in 0..4 {
            self.pop();
        }
        let low = match self.pop() {
            Some(Value::Place(place)) => Some(place),
            _ => None,
        };
        self.halves.retain(|half| !holds.contains(&half.holds) && low.is_some_and(|low| half.is_apart(low)));
        let Some((low, high)) = low.and_then(|low| Some((low, low.and(8)?))) else { return };
        self.halves.extend([Half { place: low, holds: holds[0] }, Half { place: high, holds: holds[1] }]);
    }

    /// Any other operation was executed.
    pub fn step(&mut self, operator: &Operator<'_>) {
        use Operator as O;
        match operator {
            O::LocalGet { local_index } => {
                self.stack.push(Some(Value::Place(Place { local: *local_index, offset: 0 })));
            }
            O::I32Const { value } => self.stack.push(u32::try_from(*value).ok().map(Value::Number)),
            O::I32Add => {
                let sum = sum(self.pop(), self.pop());
                self.stack.push(sum);
            }
            O::LocalSet { local_index } => {
                self.pop();
                self.forget(*local_index);
            }
            O::LocalTee { local_index } => self.forget(*local_index),
            _ => match quiet(operator) {
                Some((pops, pushes)) => {
                    let left = self.stack.len().saturating_sub(pops);
                    self.stack.truncate(left);
                    self.stack.extend(std::iter::repeat_n(None, pushes));
                }
                None => *self = Self::default(),
            },
        }
    }

    fn pop(&mut self) -> Option<Value> {
        self.stack.pop().flatten()
    }

    /// The local gets another value.
    fn forget(&mut self, local: u32) {
        for value in &mut self.stack {
            if matches!(value, Some(Value::Place(place)) if place.local == local) {
                *value = None;
            }
        }
        self.halves.retain(|half| half.place.local != local);
    }
}

impl Place {
    fn and(self, more: u32) -> Option<Self> {
        // Places that are so far apart could meet behind the end of memory.
        let offset = self.offset.checked_add(more).filter(|offset| *offset <= i32::MAX as u32)?;
        Some(Self { offset, ..self })
    }
}

impl Half {
    /// Whether the 16 bytes at a place are others than these: behind different locals, nobody knows.
    fn is_apart(&self, low: Place) -> bool {
        let (own, other) = (u64::from(self.place.offset), u64::from(low.offset));
        self.place.local == low.local && (own + 8 <= other || other + 16 <= own)
    }
}

fn sum(one: Option<Value>, other: Option<Value>) -> Option<Value> {
    match (one?, other?) {
        (Value::Place(place), Value::Number(more)) | (Value::Number(more), Value::Place(place)) => {
            place.and(more).map(Value::Place)
        }
        _ => None,
    }
}

/// How many values an operation takes and gives that neither writes to memory nor goes elsewhere.
fn quiet(operator: &Operator<'_>) -> Option<(usize, usize)> {
    use Operator as O;
    Some(match operator {
        O::Nop => (0, 0),
        O::I64Const { .. } | O::F32Const { .. } | O::F64Const { .. } | O::GlobalGet { .. } => (0, 1),
        O::Drop | O::GlobalSet { .. } => (1, 0),
        O::I32Load { .. } | O::I32Load8S { .. } | O::I32Load8U { .. } | O::I32Load16S { .. } => (1, 1),
        O::I32Load16U { .. } | O::I64Load { .. } | O::I64Load8S { .. } | O::I64Load8U { .. } => (1, 1),
        O::I64Load16S { .. } | O::I64Load16U { .. } | O::I64Load32S { .. } | O::I64Load32U { .. } => (1, 1),
        O::I32Eqz | O::I32Clz | O::I32Ctz | O::I32Popcnt | O::I32WrapI64 | O::I32Extend8S | O::I32Extend16S => (1, 1),
        O::I64Eqz | O::I64Clz | O::I64Ctz | O::I64Popcnt | O::I64ExtendI32S | O::I64ExtendI32U => (1, 1),
        O::I64Extend8S | O::I64Extend16S | O::I64Extend32S => (1, 1),
        O::F64ConvertI64U | O::F64ConvertI64S | O::F64ReinterpretI64 | O::F32ConvertI64U | O::F32ConvertI64S => (1, 1),
        O::I32Sub | O::I32Mul | O::I32And | O::I32Or | O::I32Xor | O::I32Shl | O::I32ShrS | O::I32ShrU => (2, 1),
        O::I32Rotl | O::I32Rotr | O::I32Eq | O::I32Ne | O::I32LtS | O::I32LtU | O::I32GtS | O::I32GtU => (2, 1),
        O::I32LeS | O::I32LeU | O::I32GeS | O::I32GeU => (2, 1),
        O::I64Add | O::I64Sub | O::I64Mul | O::I64And | O::I64Or | O::I64Xor | O::I64Shl | O::I64ShrS => (2, 1),
        O::I64ShrU | O::I64Rotl | O::I64Rotr | O::I64Eq | O::I64Ne | O::I64LtS | O::I64LtU | O::I64GtS => (2, 1),
        O::I64GtU | O::I64LeS | O::I64LeU | O::I64GeS | O::I64GeU => (2, 1),
        O::F64Add | O::F64Sub | O::F64Mul | O::F64Div | O::F32Add | O::F32Sub | O::F32Mul | O::F32Div => (2, 1),
        O::Select => (3, 1),
        _ => return None,
    })
}
