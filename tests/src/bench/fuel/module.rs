//! Makes one core module of all classes: for each a function whose steps wait for each other, one whose steps do not,
//! and the same with what is subtracted.

use anyhow::{Context, Result};

use super::classes::{CLASSES, Class};

/// Steps in one turn of a loop.
pub const STEPS: usize = 64;
/// Values that do not wait for each other.
const APART: usize = 8;

const TYPES: [&str; 5] = ["i32", "i64", "f32", "f64", "v128"];

/// Operations on whole ranges: a function of the module, called once in each turn of a loop.
pub const BULK: [(&str, &str); 8] = [
    ("fill 0", "(memory.fill (i32.const 65536) (i32.const 1) (i32.const 0))"),
    ("fill 4096", "(memory.fill (i32.const 65536) (i32.const 1) (i32.const 4096))"),
    ("fill 1048576", "(memory.fill (i32.const 65536) (i32.const 1) (i32.const 1048576))"),
    ("copy 0", "(memory.copy (i32.const 65536) (i32.const 1200000) (i32.const 0))"),
    ("copy 4096", "(memory.copy (i32.const 65536) (i32.const 1200000) (i32.const 4096))"),
    ("copy 1048576", "(memory.copy (i32.const 65536) (i32.const 1200000) (i32.const 1048576))"),
    ("table.fill 0", "(table.fill $table (i32.const 1) (ref.null func) (i32.const 0))"),
    ("table.fill 1000", "(table.fill $table (i32.const 1) (ref.null func) (i32.const 1000))"),
];

/// Growth by one page: bare, and with a write to every 4 KiB of it; the same of a table.
const GROWTH: &str = r#"
    (func (export "grow") (param $n i64)
        (loop $more (drop (memory.grow (i32.const 1)))
            (br_if $more (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0)))))
    (func (export "grow and touch") (param $n i64) (local $at i32) (local $end i32)
        (loop $more
            (local.set $at (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)))
            (local.set $end (i32.add (local.get $at) (i32.const 65536)))
            (loop $touch
                (i32.store (local.get $at) (i32.const 1))
                (local.set $at (i32.add (local.get $at) (i32.const 4096)))
                (br_if $touch (i32.lt_u (local.get $at) (local.get $end))))
            (br_if $more (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0)))))
    (func (export "table.grow") (param $n i64)
        (loop $more (drop (table.grow $table (ref.null func) (i32.const 1)))
            (br_if $more (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0)))))"#;

/// The module's bytes.
pub fn module() -> Result<Vec<u8>> {
    let mut text = String::from("(module (memory 64) (table $table 2000 funcref) (elem (i32.const 0) $f_i32)\n");
    for ty in TYPES {
        text += &format!("(global $sink_{ty} (mut {ty}) ({}))\n", zero(ty));
    }
    text += "(type $t_i32 (func (param i32) (result i32))) (func $f_i32 (type $t_i32) (local.get 0))\n";
    for (index, class) in CLASSES.iter().enumerate() {
        for (name, value) in ["x", "k", "l"].iter().zip(class.values) {
            text += &format!("(global ${name}{index} (mut {}) ({value}))\n", class.ty);
        }
        let base = class.base.as_slice();
        for (part, steps, count) in [("", class.steps, STEPS), (" base", base, STEPS), (" empty", &[][..], 0)] {
            text += &function(index, class, &format!("{} chain{part}", class.name), steps, count, 1);
            text += &function(index, class, &format!("{} apart{part}", class.name), steps, count, APART);
        }
    }
    for (name, statement) in BULK {
        text += &format!("(func (export \"{name}\") (param $n i64) (loop $more {statement} {AGAIN}))\n");
    }
    text += GROWTH;
    text += ")";
    wat::parse_str(&text).context("the text of the classes is right")
}

const AGAIN: &str = "(br_if $more (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0)))";

fn zero(ty: &str) -> &'static str {
    match ty {
        "i32" => "i32.const 0",
        "i64" => "i64.const 0",
        "f32" => "f32.const 0",
        "f64" => "f64.const 0",
        _ => "v128.const i64x2 0 0",
    }
}

fn function(index: usize, class: &Class, name: &str, steps: &[&str], count: usize, values: usize) -> String {
    let ty = class.ty;
    let mut text = format!("(func (export \"{name}\") (param $n i64) (local $k {ty}) (local $l {ty})");
    text += "(local $never i32) (local $zero i32)";
    for value in 0..values {
        text += &format!("(local $x{value} {ty})");
    }
    text += &format!("(local.set $k (global.get $k{index})) (local.set $l (global.get $l{index}))\n");
    // A value that the compiler cannot know to be zero.
    text += "(local.set $never (i32.load offset=8 (i32.const 0))) (local.set $zero (local.get $never))\n";
    for value in 0..values {
        text += &format!("(local.set $x{value} (global.get $x{index}))");
    }
    text += "(loop $more\n";
    for at in 0..if steps.is_empty() { 0 } else { count } {
        // All values do one step before any does the next, so that each goes through all steps in turn.
        text += &step(steps[at / values % steps.len()], at % values, at);
    }
    text += &format!("{AGAIN})\n");
    for value in 0..values {
        text += &format!("(global.set $sink_{ty} (local.get $x{value}))");
    }
    text + ")\n"
}

fn step(step: &str, value: usize, at: usize) -> String {
    let value = format!("$x{value}");
    let (statement, set) = match step.strip_prefix('!') {
        Some(statement) => (statement, false),
        None => (step, true),
    };
    let mut words = String::new();
    for word in statement.split_inclusive([' ', ')', '(']) {
        let (bare, end) = word.split_at(word.trim_end_matches([' ', ')', '(']).len());
        words += &match bare {
            "X" if words.ends_with("local.set ") || words.ends_with("local.tee ") => value.clone(),
            "X" => format!("(local.get {value})"),
            "K" => "(local.get $k)".into(),
            "L" => "(local.get $l)".into(),
            other => other.replace("=N", &format!("={}", 128 + at * 64)),
        };
        words += end;
    }
    if set { format!("(local.set {value} {words})\n") } else { format!("{words}\n") }
}
