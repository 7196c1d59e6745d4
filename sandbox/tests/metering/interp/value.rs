//! Values and the operand stack. Floats are kept as bits, so that no move changes a NaN.

/// A value of WebAssembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    I32(u32),
    I64(u64),
    /// Bits.
    F32(u32),
    /// Bits.
    F64(u64),
    V128(u128),
    Func(Option<FuncRef>),
}

/// What a reference to a function points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FuncRef {
    /// A function of the module, by its index.
    Own(u32),
    /// One of the host's, by its place in [`crate::host::FOREIGN`].
    Foreign(usize),
}

impl Value {
    /// References are compared by whether they are null: the engine does not say what they point at.
    pub fn erased(self) -> Self {
        match self {
            Value::Func(Some(_)) => Value::Func(Some(FuncRef::Own(0))),
            other => other,
        }
    }
}

/// The operand stack.
#[derive(Debug, Default)]
pub struct Stack(pub Vec<Value>);

impl Stack {
    pub fn push<T: Word>(&mut self, word: T) {
        self.0.push(word.value());
    }

    pub fn pop<T: Word>(&mut self) -> T {
        T::of(self.take())
    }

    pub fn take(&mut self) -> Value {
        self.0.pop().expect("a valid module never pops an empty stack")
    }

    pub fn top(&self) -> Value {
        *self.0.last().expect("a valid module never reads an empty stack")
    }

    /// Keep `count` values on top of a stack cut to `height`.
    pub fn unwind(&mut self, height: usize, count: usize) {
        let kept = self.0.split_off(self.0.len() - count);
        self.0.truncate(height);
        self.0.extend(kept);
    }

    pub fn unary<A: Word, R: Word>(&mut self, f: impl Fn(A) -> R) {
        let a = self.pop();
        self.push(f(a));
    }

    pub fn binary<A: Word, R: Word>(&mut self, f: impl Fn(A, A) -> R) {
        let b = self.pop();
        let a = self.pop();
        self.push(f(a, b));
    }
}

/// A Rust type as a value on the stack.
pub trait Word {
    fn of(value: Value) -> Self;
    fn value(self) -> Value;
}

macro_rules! words {
    ($($rust:ty, $variant:ident, $of:expr, $value:expr;)*) => {$(
        impl Word for $rust {
            fn of(value: Value) -> Self {
                let Value::$variant(inner) = value else { panic!("wrong type on the stack: {value:?}") };
                #[allow(clippy::redundant_closure_call)]
                ($of)(inner)
            }

            fn value(self) -> Value {
                #[allow(clippy::redundant_closure_call)]
                Value::$variant(($value)(self))
            }
        }
    )*};
}

words! {
    u32, I32, |bits| bits, |word| word;
    i32, I32, |bits: u32| bits as i32, |word: i32| word as u32;
    bool, I32, |bits: u32| bits != 0, u32::from;
    u64, I64, |bits| bits, |word| word;
    i64, I64, |bits: u64| bits as i64, |word: i64| word as u64;
    f32, F32, f32::from_bits, f32::to_bits;
    f64, F64, f64::from_bits, f64::to_bits;
    u128, V128, |bits| bits, |word| word;
    Option<FuncRef>, Func, |inner| inner, |word| word;
}
