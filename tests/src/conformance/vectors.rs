//! The same with vectors.

use anyhow::Result;

use super::Corpus;
use super::nans::{NAMES, PAIRS, WIDTHS, Width, encode};

const BINARY: [&str; 8] = ["add", "sub", "mul", "div", "min", "max", "pmin", "pmax"];
const UNARY: [&str; 7] = ["sqrt", "ceil", "floor", "trunc", "nearest", "neg", "abs"];
const COMPARE: [&str; 6] = ["eq", "ne", "lt", "gt", "le", "ge"];
/// Changes of width and conversions, from vectors of 64-bit floats, and of 32-bit ones.
const FROM_64: [&str; 3] = ["f32x4.demote_f64x2_zero", "i32x4.trunc_sat_f64x2_s_zero", "i32x4.trunc_sat_f64x2_u_zero"];
const FROM_32: [&str; 3] = ["f64x2.promote_low_f32x4", "i32x4.trunc_sat_f32x4_s", "i32x4.trunc_sat_f32x4_u"];

/// Add all of them.
pub fn add(corpus: &mut Corpus) -> Result<()> {
    for (width, shape, special) in [(&WIDTHS[0], "f64x2", FROM_64), (&WIDTHS[1], "f32x4", FROM_32)] {
        for (op, (first, second)) in BINARY.iter().chain(&COMPARE).flat_map(|op| PAIRS.map(|pair| (op, pair))) {
            // In one lane only, and in all.
            let (first_lane, first_all) = (lane(width, shape, first), splat(width, shape, first));
            let second_all = splat(width, shape, second);
            let name = format!("nan-{shape}-{op}-{first}-{second}");
            corpus.add_module(&name, module(width, shape, &format!("({shape}.{op} {first_all} {second_all})"))?);
            if COMPARE.contains(op) {
                let expression = format!("({shape}.{op} {first_all} {second_all})");
                corpus.add_module(&name.replace("nan-", "mixed-"), width.mixed("v128", &expression)?);
            }
            let expression = format!("({shape}.{op} {first_lane} {second_all})");
            corpus.add_module(&format!("{name}-lane"), module(width, shape, &expression)?);
        }
        for name in NAMES {
            let operand = splat(width, shape, name);
            for op in UNARY {
                let expression = format!("({shape}.{op} {operand})");
                corpus.add_module(&format!("nan-{shape}-{op}-{name}"), module(width, shape, &expression)?);
            }
            for op in special {
                let expression = format!("({op} {operand})");
                corpus.add_module(&format!("nan-{op}-{name}"), module(width, shape, &expression)?);
                if op.starts_with('i') {
                    corpus.add_module(&format!("mixed-{op}-{name}"), width.mixed("v128", &expression)?);
                }
            }
        }
    }
    Ok(())
}

fn splat(width: &Width, shape: &str, name: &str) -> String {
    format!("({shape}.splat {})", width.operand(name, 'm'))
}

/// Ones, with the operand in the last lane.
fn lane(width: &Width, shape: &str, name: &str) -> String {
    let last = 16 / width.bytes - 1;
    format!("({shape}.replace_lane {last} {} {})", splat(width, shape, "one"), width.operand(name, 'm'))
}

/// A module that shows the bits of a vector in many ways.
fn module(width: &Width, shape: &str, expression: &str) -> Result<Vec<u8>> {
    let float = width.float;
    encode(&format!(
        "(module {prelude}
         (global $g (export \"global\") (mut v128) (v128.const i64x2 0 0))
         (func (export \"result\") (result v128) {expression})
         (func (export \"stored\") (result i64) (v128.store (i32.const 1024) {expression}) (i64.load (i32.const 1032)))
         (func (export \"lanes\") (result i64) (i64x2.extract_lane 1 {expression}))
         (func (export \"lane\") (result {float}) ({shape}.extract_lane 1 {expression}))
         (func (export \"masked\") (result v128) (v128.and {expression} (v128.const i64x2 -1 -1)))
         (func (export \"to-global\") (global.set $g {expression}))
         (func (export \"negated\") (result v128) ({shape}.neg {expression}))
         (func (export \"sum\") (result v128) ({shape}.add {expression} ({shape}.splat ({float}.const 0)))))",
        prelude = width.prelude()
    ))
}
