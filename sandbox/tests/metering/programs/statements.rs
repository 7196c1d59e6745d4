//! Statements: code that leaves nothing on the stack.

use super::operations::Type;
use super::{COUNTERS, Program};

/// Rounds of a loop at most.
const ROUNDS: u64 = 5;

impl Program {
    /// Write a few statements.
    pub(super) fn statements(&mut self, about: u64) {
        for _ in 0..self.below(about * 2 + 1) {
            if self.spend() {
                self.statement();
            }
        }
    }

    fn statement(&mut self) {
        match self.below(20) {
            0..=3 => {
                let ty = self.any_type();
                self.expression(ty);
                let local = self.local(ty);
                self.line(&format!("local.set {local}"));
            }
            4 => {
                let ty = self.any_type();
                self.expression(ty);
                self.line(&format!("global.set $g_{ty}"));
            }
            5 | 6 => self.store(),
            7 => self.condition(),
            8 | 9 => self.rounds(),
            10 => {
                let name = self.open("block", "b", None, None);
                self.statements(3);
                self.close(&name);
            }
            11..=13 => self.branch(),
            14 => self.table(),
            15 => self.bulk(),
            16 => self.rare(),
            _ => self.call_and_forget(),
        }
    }

    fn store(&mut self) {
        let ty = self.any_type();
        self.address();
        self.expression(ty);
        let line = match (ty, self.below(3)) {
            (Type::I32, 0) => "i32.store8 offset=1".into(),
            (Type::I64, 0) => "i64.store16".into(),
            (Type::V128, 0) => "v128.store32_lane 1".into(),
            _ => format!("{ty}.store"),
        };
        self.line(&line);
    }

    fn condition(&mut self) {
        self.expression(Type::I32);
        let name = self.open("if", "i", None, None);
        self.statements(2);
        if self.chance(1, 2) {
            self.line("else");
            self.statements(2);
        }
        self.close(&name);
    }

    /// A loop that counts down at its beginning, so that any branch to it is one more round.
    fn rounds(&mut self) {
        let used = self.labels.iter().filter(|label| label.name.starts_with("$l")).count();
        if used == COUNTERS {
            return;
        }
        let rounds = 1 + self.below(ROUNDS);
        self.line(&format!("i32.const {rounds} local.set $n{used}"));
        let exit = self.open("block", "x", None, None);
        let again = self.open("loop", "l", None, None);
        self.line(&format!("local.get $n{used} i32.eqz br_if {exit}"));
        self.line(&format!("local.get $n{used} i32.const 1 i32.sub local.set $n{used}"));
        self.statements(3);
        if self.chance(3, 4) {
            self.line(&format!("br {again}"));
            // Never reached.
            self.statements(1);
        }
        self.close(&again);
        self.close(&exit);
    }

    /// Go to a label, with what it carries: always, on a condition, or one of several.
    fn branch(&mut self) {
        if self.labels.is_empty() {
            return;
        }
        let at = self.below(self.labels.len() as u64) as usize;
        let (name, carries) = (self.labels[at].name.clone(), self.labels[at].carries);
        if let Some(ty) = carries {
            self.expression(ty);
        }
        if self.chance(1, 4) {
            return self.line(&format!("br {name}"));
        }
        if self.chance(1, 3) {
            let same = self.labels.iter().filter(|label| label.carries == carries).map(|label| label.name.clone());
            let same: Vec<String> = same.collect();
            let names: Vec<String> = (0..3).map(|_| same[self.below(same.len() as u64) as usize].clone()).collect();
            self.expression(Type::I32);
            // Most of the time it is taken for one of many that go nowhere.
            let here = self.open("block", "h", None, None);
            if carries.is_none() {
                self.line(&format!("local.get $n0 i32.const 3 i32.and br_table {} {here}", names.join(" ")));
                self.close(&here);
                return self.line("drop");
            }
            self.close(&here);
            return self.line(&format!("br_table {}", names.join(" ")));
        }
        self.expression(Type::I32);
        self.line(&format!("br_if {name}"));
        if carries.is_some() {
            self.line("drop");
        }
    }

    fn table(&mut self) {
        let slot = self.below(9);
        match self.below(4) {
            0 => self.line(&format!("i32.const {slot} i32.const {} table.get $t table.set $t", 8 - slot)),
            1 => self.line(&format!("i32.const {slot} i32.const 1 i32.const 2 table.copy $t $t")),
            2 => self.line("ref.null func i32.const 1 table.grow $t drop"),
            _ => self.line(&format!("i32.const 0 table.get $t ref.is_null i32.const {slot} i32.add global.set $g_i32")),
        }
    }

    fn bulk(&mut self) {
        self.address();
        match self.below(4) {
            0 => {
                self.expression(Type::I32);
                self.line("i32.const 77 memory.fill");
            }
            1 => {
                self.address();
                self.expression(Type::I32);
                self.line("i32.const 0x3ff i32.and memory.copy");
            }
            2 => self.line("i32.const 3 i32.const 9 memory.init $d"),
            _ => self.line("i32.const 12 i32.shr_u memory.grow drop"),
        }
    }

    fn rare(&mut self) {
        self.expression(Type::I32);
        self.line("i32.const 0xff i32.and i32.const 0x5a i32.eq if");
        let line =
            ["unreachable", "data.drop $d", "nop", "i32.const 0 i32.const 0 i32.div_u drop"][self.below(4) as usize];
        self.line(line);
        self.line("end");
        if self.chance(1, 4) {
            self.leave_function();
        }
    }

    fn leave_function(&mut self) {
        self.expression(Type::I32);
        self.line("i32.const 3 i32.and i32.eqz if");
        if let Some(ty) = self.functions[self.index].result {
            self.expression(ty);
        }
        self.line("return");
        self.line("end");
    }

    fn call_and_forget(&mut self) {
        let callees: Vec<usize> = (0..self.functions.len()).filter(|index| self.may_call(*index)).collect();
        if callees.is_empty() {
            return;
        }
        let callee = callees[self.below(callees.len() as u64) as usize];
        self.call_of(callee);
        if self.functions[callee].result.is_some() {
            self.line("drop");
        }
    }
}
