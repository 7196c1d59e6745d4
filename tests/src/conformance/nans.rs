//! Programs that make NaNs, or pass them on, and show their bits. Each is a core module of its own, so that a quiet one
//! is not run again because of a loud neighbour.

use anyhow::{Context, Result};

use super::{Corpus, vectors};

/// A width of floats.
pub(super) struct Width {
    pub float: &'static str,
    pub int: &'static str,
    /// Bytes of a value.
    pub bytes: usize,
    /// Constants in the order of [`NAMES`].
    pub values: [&'static str; 9],
}

/// What the operands are called: two quiet NaNs with payloads, and a signalling one, besides numbers.
pub(super) const NAMES: [&str; 9] = ["zero", "one", "minus", "inf", "ninf", "huge", "quiet", "other", "loud"];

pub(super) const WIDTHS: [Width; 2] = [
    Width {
        float: "f64",
        int: "i64",
        bytes: 8,
        values: ["0", "1", "-1", "inf", "-inf", "-1e300", "nan:0x800000000abcd", "-nan:0x8000000012345", "nan:0x1234"],
    },
    Width {
        float: "f32",
        int: "i32",
        bytes: 4,
        values: ["0", "1", "-1", "inf", "-inf", "-1e30", "nan:0x40abcd", "-nan:0x412345", "nan:0x1234"],
    },
];

/// Pairs of operands.
pub(super) const PAIRS: [(&str, &str); 14] = [
    ("zero", "zero"),
    ("inf", "inf"),
    ("inf", "ninf"),
    ("zero", "inf"),
    ("one", "minus"),
    ("quiet", "one"),
    ("one", "quiet"),
    ("quiet", "other"),
    ("other", "quiet"),
    ("other", "inf"),
    ("loud", "one"),
    ("one", "loud"),
    ("quiet", "loud"),
    ("loud", "quiet"),
];

const BINARY: [&str; 7] = ["add", "sub", "mul", "div", "min", "max", "copysign"];
const UNARY: [&str; 7] = ["sqrt", "ceil", "floor", "trunc", "nearest", "neg", "abs"];
const COMPARE: [&str; 6] = ["eq", "ne", "lt", "gt", "le", "ge"];
/// Where the operands come from, `m`emory or `c`onstants.
const SOURCES: [&str; 4] = ["mm", "mc", "cm", "cc"];

impl Width {
    fn index(&self, name: &str) -> usize {
        NAMES.iter().position(|known| *known == name).expect("an operand has a known name")
    }

    /// An operand as an expression.
    pub fn operand(&self, name: &str, source: char) -> String {
        let index = self.index(name);
        match source {
            'm' => format!("({}.load (i32.const {}))", self.float, index * self.bytes),
            _ => format!("({}.const {})", self.float, self.values[index]),
        }
    }

    /// A memory with the operands at its beginning.
    pub fn prelude(&self) -> String {
        let fields: Vec<String> = (0..NAMES.len())
            .map(|index| {
                let (float, value) = (self.float, self.values[index]);
                format!("({float}.store (i32.const {}) ({float}.const {value}))", index * self.bytes)
            })
            .collect();
        format!("(memory (export \"memory\") 1) (func $init {}) (start $init)", fields.concat())
    }

    /// A module that gives a result which is no float, and passes a quiet NaN on besides. No flag tells of that: it shows
    /// whether the result's making set the flag, which then matters.
    pub fn mixed(&self, ty: &str, expression: &str) -> Result<Vec<u8>> {
        let (float, int, prelude) = (self.float, self.int, self.prelude());
        let quiet = format!("({float}.add {} {})", self.operand("quiet", 'm'), self.operand("one", 'm'));
        encode(&format!(
            "(module {prelude} (func (export \"result\") (result {ty}) {expression})
             (func (export \"quiet\") (result {int}) ({int}.reinterpret_{float} {quiet})))"
        ))
    }

    /// A module that shows the bits of an expression in many ways.
    fn module(&self, expression: &str) -> Result<Vec<u8>> {
        let (float, int) = (self.float, self.int);
        let text = format!(
            "(module {prelude}
             (global $g (export \"global\") (mut {float}) ({float}.const 0))
             (func $same (param {float}) (result {float}) (local.get 0))
             (func (export \"result\") (result {float}) {expression})
             (func (export \"stored\") (result {int}) ({float}.store (i32.const 1024) {expression}) ({int}.load (i32.const 1024)))
             (func (export \"bits\") (result {int}) ({int}.reinterpret_{float} {expression}))
             (func (export \"to-global\") (global.set $g {expression}))
             (func (export \"negated\") (result {int}) ({int}.reinterpret_{float} ({float}.neg {expression})))
             (func (export \"branch\") (result {float}) (block (result {float}) (br 0 {expression})))
             (func (export \"call\") (result {float}) (call $same {expression}))
             (func (export \"sum\") (result {float}) ({float}.add {expression} ({float}.const 0)))
             (func (export \"local\") (param $n i32) (result {int}) (local $x {float})
                (local.set $x {expression})
                (loop $more
                    (local.set $x (select (local.get $x) ({float}.mul (local.get $x) ({float}.const 1)) (local.get $n)))
                    (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                    (br_if $more (i32.gt_s (local.get $n) (i32.const 0))))
                ({int}.reinterpret_{float} (local.get $x))))",
            prelude = self.prelude()
        );
        encode(&text)
    }

    /// A module whose expression gives an integer of the given type.
    fn observed(&self, ty: &str, expression: &str) -> Result<Vec<u8>> {
        encode(&format!("(module {} (func (export \"result\") (result {ty}) {expression}))", self.prelude()))
    }
}

pub(super) fn encode(text: &str) -> Result<Vec<u8>> {
    wat::parse_str(text).with_context(|| format!("in {text}"))
}

/// Add all of them.
pub fn add(corpus: &mut Corpus) -> Result<()> {
    for width in &WIDTHS {
        for op in BINARY {
            for (first, second) in PAIRS {
                for source in SOURCES {
                    let (expression, source) = binary(width, op, (first, second), source);
                    let name = format!("nan-{}-{op}-{first}-{second}-{source}", width.float);
                    corpus.add_module(&name, width.module(&expression)?);
                }
            }
        }
        for name in NAMES {
            for source in ["m", "c"] {
                one(corpus, width, name, source)?;
            }
        }
        for (op, (first, second)) in COMPARE.iter().flat_map(|op| PAIRS.map(|pair| (op, pair))) {
            let (expression, _) = binary(width, op, (first, second), "mm");
            let name = format!("{}-{op}-{first}-{second}", width.float);
            corpus.add_module(&format!("nan-{name}"), width.observed("i32", &expression)?);
            corpus.add_module(&format!("mixed-{name}"), width.mixed("i32", &expression)?);
        }
    }
    vectors::add(corpus)
}

fn binary<'a>(width: &Width, op: &str, pair: (&str, &str), source: &'a str) -> (String, &'a str) {
    let mut sources = source.chars();
    let mut operand = |name| width.operand(name, sources.next().unwrap_or('m'));
    (format!("({}.{op} {} {})", width.float, operand(pair.0), operand(pair.1)), source)
}

/// Operations on one value: arithmetic, changes of width, conversions to integers.
fn one(corpus: &mut Corpus, width: &Width, name: &str, source: &str) -> Result<()> {
    let operand = width.operand(name, if source == "m" { 'm' } else { 'c' });
    let float = width.float;
    let end = format!("{name}-{source}");
    corpus.add_module(&format!("nan-{float}-same-{end}"), width.module(&operand)?);
    for op in UNARY {
        corpus.add_module(&format!("nan-{float}-{op}-{end}"), width.module(&format!("({float}.{op} {operand})"))?);
    }
    let [to_other, back] = match float {
        "f64" => ["f32.demote_f64", "f64.promote_f32"],
        _ => ["f64.promote_f32", "f32.demote_f64"],
    };
    corpus.add_module(&format!("nan-{float}-there-{end}"), width.module(&format!("({back} ({to_other} {operand}))"))?);
    for int in ["i32", "i64"] {
        for op in ["trunc_FLOAT_s", "trunc_FLOAT_u", "trunc_sat_FLOAT_s", "trunc_sat_FLOAT_u"] {
            let op = format!("{int}.{}", op.replace("FLOAT", float));
            let expression = format!("({op} {operand})");
            corpus.add_module(&format!("nan-{op}-{end}"), width.observed(int, &expression)?);
            corpus.add_module(&format!("mixed-{op}-{end}"), width.mixed(int, &expression)?);
        }
    }
    Ok(())
}
