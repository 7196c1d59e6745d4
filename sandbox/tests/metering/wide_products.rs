//! Calls of the compilers' function for products, replaced by an operation: the same numbers, the same memory.

use std::fmt::Write;

use fallow_sandbox::widen;

use crate::compare::{Call, Sides};
use crate::host::{Setup, mix};
use crate::interp::Value;
use crate::seen::Seen;
use Value::{I32, I64};

/// Programs made at random.
const SEEDS: u64 = 100;
/// Where programs have their numbers.
const BASE: u32 = 1_024;
/// The operation that takes a call's place.
const WIDE: &str = "MulWideU";

/// As LLVM 22 compiles it.
const MULTI3: &str = "(func $multi3 (param i32 i64 i64 i64 i64) (local i64 i64 i64 i64 i64 i64)
    local.get 0
    local.get 3 i64.const 4294967295 i64.and local.tee 5
    local.get 1 i64.const 4294967295 i64.and local.tee 6 i64.mul local.tee 7
    local.get 3 i64.const 32 i64.shr_u local.tee 8 local.get 6 i64.mul local.tee 6
    local.get 5 local.get 1 i64.const 32 i64.shr_u local.tee 9 i64.mul i64.add local.tee 5
    i64.const 32 i64.shl i64.add local.tee 10 i64.store
    local.get 0
    local.get 8 local.get 9 i64.mul
    local.get 5 local.get 6 i64.lt_u i64.extend_i32_u i64.const 32 i64.shl
    local.get 5 i64.const 32 i64.shr_u i64.or i64.add
    local.get 10 local.get 7 i64.lt_u i64.extend_i32_u i64.add
    local.get 4 local.get 1 i64.mul local.get 3 local.get 2 i64.mul i64.add i64.add
    i64.store offset=8)";

fn program(multi3: &str, go: &str) -> String {
    format!(
        "(module (memory (export \"memory\") 1) {multi3}
          (func (export \"go\") (param $base i32) (param $a i64) (param $b i64) (result i64)
            (local $c i64) (local $near i32) {go}))"
    )
}

fn parse(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// How often operations of this name stand in a module.
fn count(core: &[u8], name: &str) -> usize {
    let module = crate::interp::Module::read(core);
    let ops = module.codes.iter().flat_map(|code| &code.ops);
    ops.filter(|op| format!("{op:?}").contains(name)).count()
}

fn go(core: &[u8], pairs: &[(u64, u64)]) -> Result<Vec<Seen>, String> {
    let sides = Sides::new(core)?;
    let args: Vec<[Value; 3]> = pairs.iter().map(|(a, b)| [I32(BASE), I64(*a), I64(*b)]).collect();
    let calls: Vec<Call> = args.iter().map(|args| Call::new(&sides.module, "go", args)).collect();
    sides.compare_calls(&Setup::default(), &calls)
}

/// All that can be seen but the fuel is the same with wide products. Returns what the program has become.
fn same(text: &str, pairs: &[(u64, u64)]) -> Vec<u8> {
    let core = parse(text);
    let wide = widen::module(&core).unwrap_or_else(|error| panic!("{text}\n{error}")).expect("products to replace");
    let [before, after] = [&core, &wide].map(|core| go(core, pairs).unwrap_or_else(|error| panic!("{text}\n{error}")));
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((&before.outcome, &before.exports), (&after.outcome, &after.exports), "{text}");
    }
    wide
}

fn numbers() -> Vec<(u64, u64)> {
    let corners = [0, 1, u64::MAX, 1 << 32, (1 << 32) - 1, 1 << 63, 0x9e37_79b9_7f4a_7c15];
    corners.iter().flat_map(|a| corners.map(|b| (*a, b))).collect()
}

#[test]
fn products_are_replaced_and_their_loads_too() {
    let wide = same(
        &program(
            MULTI3,
            "local.get $base i32.const 16 i32.add local.get $a i64.const 0 local.get $b i64.const 0 call $multi3
             local.get $base local.get $base i64.load offset=16 local.get $base i64.load offset=24 i64.xor i64.const 7
             local.get $b i64.const 3 call $multi3
             local.get $base i64.load offset=8 local.get $base i64.load i64.add",
        ),
        &numbers(),
    );
    assert_eq!((count(&wide, WIDE), count(&wide, "I64Load"), count(&wide, "Call {")), (2, 0, 0));
}

#[test]
fn what_may_have_changed_is_loaded() {
    let call = "local.get $base local.get $a i64.const 0 local.get $b i64.const 0 call $multi3";
    let load = "local.get $base i64.load";
    let between = [
        "local.get $base local.get $a i64.store",
        "local.get $base i32.const 4 i32.add local.get $b i64.store32",
        "local.get $base i32.const 8 i32.add local.set $base",
        "local.get $base i32.const 8 i32.add local.tee $base drop",
        "local.get $base i32.const 0 i32.const 5 memory.fill",
        "local.get $a i64.eqz if local.get $base local.get $b i64.store end",
        "local.get $base i32.const -8 i32.add local.get $b i64.const 1 local.get $a i64.const 2 call $multi3",
        "local.get $base local.set $near local.get $near local.get $b i64.const 1 local.get $a i64.const 2 call $multi3",
    ];
    for between in between {
        let wide = same(&program(MULTI3, &format!("{call} {between} {load}")), &numbers());
        assert_eq!(count(&wide, "I64Load"), 1, "{between}");
    }
}

#[test]
fn other_functions_stay() {
    let call = "local.get $base local.get $a i64.const 0 local.get $b i64.const 0 call $multi3 i64.const 0";
    let others = [
        MULTI3.replace("i64.store offset=8", "i64.store offset=16"),
        MULTI3.replace("local.get 10 local.get 7 i64.lt_u", "local.get 7 local.get 10 i64.lt_u"),
        MULTI3.replace("i64.add i64.add\n    i64.store offset=8", "i64.add drop\n    i64.store offset=8"),
        "(func $multi3 (param i32 i64 i64 i64 i64))".to_owned(),
        "(func $multi3 (param i32 i64 i64 i64 i64) loop br 0 end)".to_owned(),
        "(func $multi3 (param i32 i64 i64 i64 i64) local.get 0 local.get 1 local.get 3 i64.mul i64.store)".to_owned(),
    ];
    for other in others {
        let core = parse(&program(&other, call));
        assert_eq!(widen::module(&core).map_err(|error| error.to_string()), Ok(None), "{other}");
    }
    // One that nobody calls.
    assert!(matches!(widen::module(&parse(&program(MULTI3, "i64.const 0"))), Ok(None)));
}

#[test]
fn programs_compute_the_same_with_wide_products() {
    let mut replaced = 0;
    for seed in 0..SEEDS {
        let mut maker = Maker { state: mix(seed), text: String::new() };
        maker.call();
        maker.statements(12, 2);
        maker.value();
        let pairs: Vec<(u64, u64)> = (0..4).map(|round| (mix(seed * 8 + round), mix(seed * 8 + round + 4))).collect();
        let before = maker.text.matches("i64.load").count();
        let wide = same(&program(MULTI3, &maker.text), &pairs);
        replaced += before - count(&wide, "I64Load");
    }
    // Otherwise nothing much was compared.
    assert!(replaced as u64 > SEEDS / 2, "{replaced} loads replaced");
}

/// Writes statements whose addresses stay near each other.
struct Maker {
    state: u64,
    text: String,
}

impl Maker {
    fn below(&mut self, end: u64) -> u64 {
        self.state = mix(self.state);
        self.state % end
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("text grows");
        self.text.push('\n');
    }

    fn statements(&mut self, most: u64, deep: u32) {
        for _ in 0..=self.below(most) {
            match self.below(if deep > 0 { 9 } else { 8 }) {
                0..3 => self.call(),
                3 => {
                    self.address();
                    self.value();
                    let (size, offset) = (["", "8", "32"][self.below(3) as usize], self.below(5) * 8);
                    self.put(format_args!("i64.store{size} offset={offset}"));
                }
                4 => {
                    self.address();
                    let local = ["base", "near"][self.below(2) as usize];
                    // Not further than this from where the numbers are.
                    self.put(format_args!("i32.const 2040 i32.and i32.const {BASE} i32.or local.set ${local}"));
                }
                5..8 => {
                    self.value();
                    let local = ["a", "b", "c"][self.below(3) as usize];
                    self.put(format_args!("local.set ${local}"));
                }
                _ => {
                    self.value();
                    self.put(format_args!("i64.eqz if"));
                    self.statements(3, deep - 1);
                    self.put(format_args!("else"));
                    self.statements(3, deep - 1);
                    self.put(format_args!("end"));
                }
            }
        }
    }

    fn address(&mut self) {
        let (local, more) = (["base", "base", "near"][self.below(3) as usize], self.below(5) * 8);
        match self.below(3) {
            0 => self.put(format_args!("local.get ${local}")),
            1 => self.put(format_args!("local.get ${local} i32.const {more} i32.add")),
            _ => self.put(format_args!("i32.const {more} local.get ${local} i32.add")),
        }
    }

    fn call(&mut self) {
        self.address();
        for high in [false, true, false, true] {
            if high && self.below(4) > 0 {
                self.put(format_args!("i64.const 0"));
            } else {
                self.value();
            }
        }
        self.put(format_args!("call $multi3"));
    }

    fn value(&mut self) {
        match self.below(8) {
            0 => {
                let number = self.below(u64::MAX) as i64;
                self.put(format_args!("i64.const {number}"));
            }
            1 => {
                self.value();
                self.value();
                self.put(format_args!("i64.add"));
            }
            2..6 => {
                self.address();
                let offset = self.below(5) * 8;
                self.put(format_args!("i64.load offset={offset}"));
            }
            _ => {
                let local = ["a", "b", "c"][self.below(3) as usize];
                self.put(format_args!("local.get ${local}"));
            }
        }
    }
}
