//! Programs made at random that compute much: loops that end, branches to any label, calls of every kind, and floats
//! that become NaNs and are looked at. The other generator knows every corner of the format, but its programs seldom
//! get far. `FALLOW_METERING_SEEDS` and `FALLOW_METERING_FIRST` apply here too.

mod expressions;
pub mod operations;
mod statements;

use std::fmt::Write;

use crate::compare::Sides;
use crate::generated::{fail, number};
use crate::host::{Setup, mix};
use operations::Type;

/// Seeds of an ordinary test run.
const SEEDS: u64 = 100;
/// Nodes of a function's tree, about.
const NODES: u32 = 70;

#[test]
fn programs_count_and_compute_the_same() {
    let from = number("FALLOW_METERING_FIRST").unwrap_or(0);
    let seeds = number("FALLOW_METERING_SEEDS").unwrap_or(SEEDS);
    let (mut steps, mut traps, mut host_calls, mut fuel) = (0, 0, 0, 0u64);
    for seed in from..from + seeds {
        let text = Program::make(seed);
        let core = wat::parse_str(&text).unwrap_or_else(|error| panic!("seed {seed}: {text}\n{error}"));
        let mut setup = Setup { seed: mix(seed), ..Setup::default() };
        let sides = Sides::new(&core).unwrap_or_else(|error| fail(seed, &core, &error));
        let seen = sides.compare(&setup).unwrap_or_else(|difference| fail(seed, &core, &difference));
        steps += seen.len();
        traps += seen.iter().filter(|seen| seen.outcome.is_err()).count();
        host_calls += seen.last().map_or(0, |seen| seen.calls.len());
        let spent = seen.last().map_or(0, |seen| seen.fuel);
        fuel += spent;
        // Once more with a limit that is reached on the way.
        setup.limit = mix(seed ^ 0x11) % (spent + 1);
        sides.compare(&setup).unwrap_or_else(|difference| fail(seed, &core, &difference));
    }
    println!("{seeds} programs: {steps} steps compared, {traps} traps, {host_calls} calls of the host, {fuel} fuel");
    // Otherwise nothing much was compared.
    assert!(steps as u64 > seeds * 4 && fuel > seeds * 500 && host_calls as u64 > seeds, "{steps} steps, {fuel} fuel");
}

/// A function's parameters and result.
#[derive(Clone)]
struct Signature {
    params: Vec<Type>,
    result: Option<Type>,
}

/// Somewhere a branch can go.
struct Label {
    name: String,
    /// Value that a branch carries.
    carries: Option<Type>,
}

/// A program that is being written.
struct Program {
    random: u64,
    /// Imported functions first.
    functions: Vec<Signature>,
    imported: usize,
    /// Whether indirect calls may leave the module.
    shared_table: bool,
    // Of the function that is being written:
    index: usize,
    locals: Vec<Type>,
    labels: Vec<Label>,
    names: usize,
    nodes: u32,
    text: String,
}

impl Program {
    /// A module in text.
    fn make(seed: u64) -> String {
        let mut program = Self {
            random: mix(seed ^ 0x5eed),
            functions: Vec::new(),
            imported: 0,
            shared_table: seed.is_multiple_of(3),
            index: 0,
            locals: Vec::new(),
            labels: Vec::new(),
            names: 0,
            nodes: 0,
            text: String::new(),
        };
        program.module();
        program.text
    }

    fn module(&mut self) {
        self.imported = self.below(4) as usize;
        let count = self.imported + 3 + self.below(5) as usize;
        for _ in 0..count {
            let params = (0..self.below(4)).map(|_| self.any_type()).collect();
            let result = if self.chance(4, 5) { Some(self.any_type()) } else { None };
            self.functions.push(Signature { params, result });
        }
        self.text.push_str("(module\n");
        for index in 0..self.imported {
            let ty = self.signature(index);
            self.line(&format!("(import \"env\" \"i{index}\" (func $f{index} {ty}))"));
        }
        self.line("(memory (export \"memory\") 1 3)");
        self.line("(data $d \"\\01\\02\\03\\ff\\ff\\f4\\7f\\00\\00\\c0\\ff\\7f\\01\\00\\a0\\7f\")");
        let table = if self.shared_table { "(export \"table\") " } else { "" };
        self.line(&format!("(table $t {table}8 funcref)"));
        let first = if self.chance(1, 3) { 0 } else { self.imported };
        let elements = (first..count).map(|index| format!("$f{index}")).collect::<Vec<_>>().join(" ");
        self.line(&format!("(elem (i32.const 0) func {})", elements.split(' ').take(8).collect::<Vec<_>>().join(" ")));
        for ty in Type::ALL {
            let value = self.constant(ty);
            self.line(&format!("(global $g_{ty} (export \"g_{ty}\") (mut {ty}) ({value}))"));
        }
        for index in self.imported..count {
            self.function(index);
        }
        self.text.push_str(")\n");
    }

    fn function(&mut self, index: usize) {
        self.index = index;
        self.nodes = NODES / 2 + self.below(u64::from(NODES)) as u32;
        let signature = self.functions[index].clone();
        self.locals = signature.params.clone();
        self.locals.extend(Type::ALL);
        self.locals.extend(Type::ALL);
        self.labels = vec![Label { name: "$out".into(), carries: signature.result }];
        let ty = self.signature(index);
        self.line(&format!("(func $f{index} (export \"f{index}\") {ty}"));
        // Counters of loops come behind the locals that statements write to.
        let types: Vec<String> = Type::ALL.iter().chain(&Type::ALL).map(Type::to_string).collect();
        let counters: Vec<String> = (0..COUNTERS).map(|at| format!("(local $n{at} i32)")).collect();
        self.line(&format!("(local {}) {}", types.join(" "), counters.join(" ")));
        // Branches by this name leave the function: `0` would do, seen from outside all blocks.
        let result = signature.result.map(|ty| format!("(result {ty})")).unwrap_or_default();
        let wrapped = self.chance(1, 2);
        if wrapped {
            self.line(&format!("block $out {result}"));
        }
        if !wrapped {
            self.labels.clear();
        }
        self.fill_locals();
        self.statements(3);
        self.show_locals();
        if let Some(ty) = signature.result {
            self.expression(ty);
        }
        if wrapped {
            self.line("end");
        }
        self.line(")");
    }

    /// Values other than zero, NaNs among them.
    fn fill_locals(&mut self) {
        for place in self.functions[self.index].params.len()..self.locals.len() {
            let value = self.constant(self.locals[place]);
            self.line(&format!("{value} local.set {place}"));
        }
    }

    /// Let everybody see what was computed.
    fn show_locals(&mut self) {
        for ty in Type::ALL {
            let local = self.local(ty);
            self.line(&format!("local.get {local} global.set $g_{ty}"));
        }
    }

    fn signature(&self, index: usize) -> String {
        let Signature { params, result } = &self.functions[index];
        let mut text = String::new();
        params.iter().for_each(|ty| write!(text, "(param {ty}) ").expect("text"));
        result.iter().for_each(|ty| write!(text, "(result {ty})").expect("text"));
        text
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn below(&mut self, end: u64) -> u64 {
        self.random = mix(self.random);
        self.random % end
    }

    fn chance(&mut self, share: u64, of: u64) -> bool {
        self.below(of) < share
    }

    fn any_type(&mut self) -> Type {
        // Floats twice as often.
        [Type::F32, Type::F64, Type::V128, Type::I32, Type::I64, Type::F32, Type::F64, Type::V128]
            [self.below(8) as usize]
    }

    /// Whether there is room for another node.
    fn spend(&mut self) -> bool {
        self.nodes = self.nodes.saturating_sub(1);
        self.nodes > 0
    }

    fn name(&mut self, what: &str) -> String {
        self.names += 1;
        format!("${what}{}", self.names)
    }
}

/// Locals that count rounds, one for each loop within loops.
const COUNTERS: usize = 8;
