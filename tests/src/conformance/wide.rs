//! Arithmetic on integers of 128 bits: every operation on pairs of words whose carries, signs and halves matter.

use anyhow::{Context, Result};

use super::Corpus;

/// Halves that words are made of.
const HALVES: [&str; 7] =
    ["0", "1", "-1", "0x7fffffffffffffff", "0x8000000000000000", "0x00000000ffffffff", "0x9e3779b97f4a7c15"];

/// Where operands come from: `m`emory, which no compiler knows, or `c`onstants.
const SOURCES: [&str; 2] = ["m", "c"];

/// Add all of them, each module with a function for every pair of operands.
pub fn add(corpus: &mut Corpus) -> Result<()> {
    for source in SOURCES {
        for op in ["i64.mul_wide_s", "i64.mul_wide_u"] {
            let pairs = HALVES.iter().flat_map(|first| HALVES.map(|second| format!("{first} {second}")));
            corpus.add_module(&format!("wide-{op}-{source}"), module(op, source, pairs)?);
        }
        for op in ["i64.add128", "i64.sub128"] {
            let words: Vec<String> = HALVES.iter().flat_map(|low| HALVES.map(|high| format!("{low} {high}"))).collect();
            let pairs = words.iter().flat_map(|first| words.iter().map(move |second| format!("{first} {second}")));
            corpus.add_module(&format!("wide-{op}-{source}"), module(op, source, pairs)?);
        }
    }
    Ok(())
}

/// A function for each list of operands gives both halves.
fn module(op: &str, source: &str, operands: impl Iterator<Item = String>) -> Result<Vec<u8>> {
    let mut text = String::from("(module (memory 1)");
    let bytes: Vec<String> = HALVES.iter().map(|half| format!("i64 {half}")).collect();
    text += &format!("(data (i32.const 0) ({}))", bytes.join(") ("));
    for (index, operands) in operands.enumerate() {
        let operands: String = operands.split(' ').map(|half| operand(half, source)).collect();
        text += &format!("(func (export \"{index}\") (result i64 i64) ({op} {operands}))\n");
    }
    wat::parse_str(text + ")").context("the text of wide arithmetic is right")
}

fn operand(half: &str, source: &str) -> String {
    let place = HALVES.iter().position(|known| *known == half).unwrap_or_default();
    match source {
        "m" => format!("(i64.load (i32.const {}))", place * 8),
        _ => format!("(i64.const {half})"),
    }
}
