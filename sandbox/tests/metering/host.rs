//! What both sides get from outside: the same imports, and values that depend on nothing but their place.

use crate::interp::{FuncRef, Value};

/// Types of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    I32,
    I64,
    F32,
    F64,
    V128,
    Func,
}

impl From<wasmparser::ValType> for Kind {
    fn from(ty: wasmparser::ValType) -> Self {
        match ty {
            wasmparser::ValType::I32 => Kind::I32,
            wasmparser::ValType::I64 => Kind::I64,
            wasmparser::ValType::F32 => Kind::F32,
            wasmparser::ValType::F64 => Kind::F64,
            wasmparser::ValType::V128 => Kind::V128,
            wasmparser::ValType::Ref(ty) => {
                assert!(ty.is_func_ref(), "references are to functions: {ty}");
                Kind::Func
            }
        }
    }
}

impl Kind {
    pub fn zero(self) -> Value {
        match self {
            Kind::I32 => Value::I32(0),
            Kind::I64 => Value::I64(0),
            Kind::F32 => Value::F32(0),
            Kind::F64 => Value::F64(0),
            Kind::V128 => Value::V128(0),
            Kind::Func => Value::Func(None),
        }
    }
}

/// How a run is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Fuel on the counter at the start.
    pub fuel: u64,
    /// Fuel above which calls of imports trap.
    pub limit: u64,
    /// Pages that a memory can grow to, whatever it declares.
    pub pages_max: u64,
    /// Elements that a table can grow to.
    pub elements_max: u64,
    /// Operations that the interpreter executes before it gives up.
    pub steps: u64,
    /// Seed of arguments and of what the host returns.
    pub seed: u64,
    /// The host returns nothing but zeros.
    pub quiet: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self { fuel: 0, limit: u64::MAX, pages_max: 40, elements_max: 2_000, steps: 50_000, seed: 1, quiet: false }
    }
}

/// Whom a module called outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// By the import's place among all imports.
    Import(usize),
    /// By its place in [`FOREIGN`].
    Foreign(usize),
}

/// One call of the host, as the host saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCall {
    pub callee: Callee,
    pub args: Vec<Value>,
    /// The shared counter at the call.
    pub fuel: u64,
}

/// The host's side of a run.
#[derive(Debug)]
pub struct Host {
    seed: u64,
    quiet: bool,
    pub calls: Vec<HostCall>,
}

impl Host {
    pub fn new(setup: &Setup) -> Self {
        Self { seed: setup.seed, quiet: setup.quiet, calls: Vec::new() }
    }

    /// Take a call down and make up its results.
    pub fn call(&mut self, callee: Callee, args: Vec<Value>, fuel: u64, results: &[Kind]) -> Vec<Value> {
        let salt = self.seed ^ (self.calls.len() as u64 * 1_000 + 7);
        self.calls.push(HostCall { callee, args: args.into_iter().map(Value::erased).collect(), fuel });
        let result = |(place, kind): (usize, &Kind)| match self.quiet {
            true => kind.zero(),
            false => value(*kind, salt + place as u64),
        };
        results.iter().enumerate().map(result).collect()
    }

    /// Value of an imported global.
    pub fn global(&self, import: usize, kind: Kind) -> Value {
        value(kind, self.seed ^ (0x61_0000 + import as u64))
    }

    /// Argument of an exported function.
    pub fn argument(&self, call: usize, place: usize, kind: Kind) -> Value {
        value(kind, self.seed ^ (0xa0_0000 + call as u64 * 100 + place as u64))
    }
}

/// Functions that stand in imported tables, from slot 0 on: foreign code that no import of a function names.
pub const FOREIGN: &[(&[Kind], &[Kind])] =
    &[(&[], &[]), (&[Kind::I32], &[Kind::I32]), (&[Kind::F64], &[Kind::F64]), (&[], &[Kind::I32])];

/// What slot `slot` of an imported table holds.
pub fn foreign(slot: usize) -> Option<FuncRef> {
    (slot < FOREIGN.len()).then_some(FuncRef::Foreign(slot))
}

/// A value of this type: often an edge, NaNs with a payload among them.
fn value(kind: Kind, salt: u64) -> Value {
    let random = mix(salt);
    let pick = (random >> 48) as usize;
    match kind {
        Kind::I32 if pick.is_multiple_of(3) => Value::I32(random as u32),
        Kind::I32 => Value::I32(EDGES_32[pick % EDGES_32.len()]),
        Kind::I64 if pick.is_multiple_of(3) => Value::I64(random),
        Kind::I64 => Value::I64(EDGES_64[pick % EDGES_64.len()]),
        Kind::F32 if pick.is_multiple_of(3) => Value::F32(random as u32),
        Kind::F32 => Value::F32(FLOATS_32[pick % FLOATS_32.len()]),
        Kind::F64 if pick.is_multiple_of(3) => Value::F64(random),
        Kind::F64 => Value::F64(FLOATS_64[pick % FLOATS_64.len()]),
        Kind::V128 => {
            let lane = |salt| u128::from(FLOATS_32[mix(salt) as usize % FLOATS_32.len()]);
            Value::V128(lane(salt + 1) | lane(salt + 2) << 32 | u128::from(mix(salt + 3)) << 64)
        }
        Kind::Func => Value::Func(None),
    }
}

const EDGES_32: &[u32] = &[0, 1, 2, 3, 7, 31, 64, 255, 65_536, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fffe];
const EDGES_64: &[u64] = &[0, 1, 2, 5, 63, 1 << 31, 1 << 32, i64::MAX as u64, 1 << 63, u64::MAX, u64::MAX - 1];
/// Zeros, ones, infinities, the largest, the smallest, and NaNs: canonical, negative, signalling, with payload.
const FLOATS_32: &[u32] = &[
    0,
    0x8000_0000,
    0x3f80_0000,
    0xbf80_0000,
    0x7f80_0000,
    0xff80_0000,
    0x7f7f_ffff,
    1,
    0x7fc0_0000,
    0xffc0_0000,
    0x7fa1_2345,
    0x7fd5_4321,
    0x4f00_0000,
    0x4020_0000,
];
const FLOATS_64: &[u64] = &[
    0,
    0x8000_0000_0000_0000,
    0x3ff0_0000_0000_0000,
    0xbff0_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x7fef_ffff_ffff_ffff,
    1,
    0x7ff8_0000_0000_0000,
    0xfff8_0000_0000_0000,
    0x7ff4_0000_1234_5678,
    0xfffc_dead_beef_0001,
    0x41e0_0000_0000_0000,
    0x4004_0000_0000_0000,
];

/// The finaliser of splitmix64.
pub fn mix(salt: u64) -> u64 {
    let mut word = salt.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
