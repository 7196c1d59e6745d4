//! Expressions: code that leaves one value.

use super::operations::{self, Type};
use super::{Label, Program};

impl Program {
    /// Write code that leaves a value of this type.
    pub(super) fn expression(&mut self, ty: Type) {
        if !self.spend() {
            return self.leaf(ty);
        }
        match self.below(22) {
            0..=3 => self.leaf(ty),
            4..=11 => self.operation(ty),
            12 => self.load(ty),
            13 => self.select(ty),
            14 => self.branches(ty),
            15 => self.block(ty),
            16 => self.looped(ty),
            17 => {
                self.expression(ty);
                let local = self.local(ty);
                self.line(&format!("local.tee {local}"));
            }
            18 => {
                self.expression(ty);
                self.leave_with(ty);
            }
            _ => self.call(ty),
        }
    }

    /// A value that is there already.
    fn leaf(&mut self, ty: Type) {
        let line = match self.below(5) {
            0 => self.constant(ty),
            1 => format!("global.get $g_{ty}"),
            _ => format!("local.get {}", self.local(ty)),
        };
        self.line(&line);
    }

    pub(super) fn constant(&mut self, ty: Type) -> String {
        let constants = operations::constants(ty);
        let value = constants[self.below(constants.len() as u64) as usize];
        format!("{ty}.const {value}")
    }

    /// Any local of this type.
    pub(super) fn local(&mut self, ty: Type) -> usize {
        let places: Vec<usize> = (0..self.locals.len()).filter(|place| self.locals[*place] == ty).collect();
        places[self.below(places.len() as u64) as usize]
    }

    fn operation(&mut self, ty: Type) {
        let all = operations::operations(ty);
        let (text, operands) = all[self.below(all.len() as u64) as usize];
        for operand in operands {
            self.expression(*operand);
        }
        self.line(text);
    }

    /// An address within the first page.
    pub(super) fn address(&mut self) {
        self.expression(Type::I32);
        self.line("i32.const 0xfff0 i32.and");
    }

    fn load(&mut self, ty: Type) {
        self.address();
        let line = match (ty, self.below(3)) {
            (Type::I32, 0) => "i32.load16_s offset=2",
            (Type::I64, 0) => "i64.load32_u",
            (Type::V128, 0) => "v128.load32_splat",
            (Type::V128, 1) => "v128.load16x4_u offset=4",
            _ => return self.line(&format!("{ty}.load")),
        };
        self.line(line);
    }

    fn select(&mut self, ty: Type) {
        self.expression(ty);
        self.expression(ty);
        self.expression(Type::I32);
        self.line("select");
    }

    fn branches(&mut self, ty: Type) {
        self.expression(Type::I32);
        let name = self.open("if", "i", Some(ty), Some(ty));
        self.statements(1);
        self.expression(ty);
        self.line("else");
        self.expression(ty);
        self.close(&name);
    }

    fn block(&mut self, ty: Type) {
        let name = self.open("block", "b", Some(ty), Some(ty));
        self.statements(2);
        self.expression(ty);
        self.close(&name);
    }

    fn looped(&mut self, ty: Type) {
        // A branch here would start over without end, so nobody knows the label.
        self.line(&format!("loop (result {ty})"));
        self.statements(1);
        self.expression(ty);
        self.line("end");
    }

    /// A value lies on the stack: perhaps go somewhere with it.
    fn leave_with(&mut self, ty: Type) {
        let fits = |label: &&Label| label.carries == Some(ty);
        let names: Vec<String> = self.labels.iter().filter(fits).map(|label| label.name.clone()).collect();
        if names.is_empty() {
            return;
        }
        let name = &names[self.below(names.len() as u64) as usize];
        self.expression(Type::I32);
        self.line(&format!("br_if {name}"));
    }

    fn call(&mut self, ty: Type) {
        let fits = |index: &usize| self.functions[*index].result == Some(ty) && self.may_call(*index);
        let callees: Vec<usize> = (0..self.functions.len()).filter(fits).collect();
        if callees.is_empty() {
            return self.operation(ty);
        }
        let callee = callees[self.below(callees.len() as u64) as usize];
        self.call_of(callee);
    }

    /// Imports, and functions that come later, so that nothing recurses.
    pub(super) fn may_call(&self, index: usize) -> bool {
        index < self.imported || index > self.index
    }

    /// Call it, by its index or through the table.
    pub(super) fn call_of(&mut self, callee: usize) {
        for ty in self.functions[callee].params.clone() {
            self.expression(ty);
        }
        if self.chance(1, 3) {
            // A slot of another type traps; one of an earlier function may recurse, until somebody gives up.
            let slot = callee as u64 + if self.chance(1, 8) { self.below(8) } else { 0 };
            let ty = self.signature(callee);
            self.line(&format!("i32.const {slot} call_indirect $t {ty}"));
        } else {
            self.line(&format!("call $f{callee}"));
        }
    }

    pub(super) fn open(&mut self, what: &str, name: &str, gives: Option<Type>, carries: Option<Type>) -> String {
        let name = self.name(name);
        let result = gives.map(|ty| format!("(result {ty})")).unwrap_or_default();
        self.line(&format!("{what} {name} {result}"));
        self.labels.push(Label { name: name.clone(), carries });
        name
    }

    pub(super) fn close(&mut self, name: &str) {
        let label = self.labels.pop();
        assert_eq!(label.map(|label| label.name).as_deref(), Some(name));
        self.line("end");
    }
}
