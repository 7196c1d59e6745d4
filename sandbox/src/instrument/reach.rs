//! Which functions may come to call one that somebody else made, and go on afterwards.

/// Calls of one function, without those that never return.
#[derive(Debug, Default)]
pub struct Calls {
    pub direct: Vec<u32>,
    pub indirect: bool,
}

/// The module's functions by what they may lead to.
#[derive(Debug, Default)]
pub struct Reach {
    /// Functions that stand in tables, or may be put there.
    referenced: Vec<u32>,
    /// What each function of the module's own calls.
    calls: Vec<Calls>,
    /// Functions that may call somebody else's and return, imported ones first; and whether an indirect call may.
    reaching: Vec<bool>,
    indirect: bool,
}

impl Reach {
    /// The next function of the module's own.
    pub fn add(&mut self, mut calls: Calls) {
        calls.direct.sort_unstable();
        calls.direct.dedup();
        self.calls.push(calls);
    }

    /// A reference to this function is made somewhere.
    pub fn refer(&mut self, function: u32) {
        self.referenced.push(function);
    }

    /// Once all are added: from imported functions to those that call them, and so on.
    pub fn find(&mut self, imported: u32, functions: usize, foreign_tables: bool) {
        self.referenced.sort_unstable();
        self.referenced.dedup();
        self.reaching = vec![false; functions];
        let mut callers = vec![Vec::new(); functions];
        for (caller, calls) in (imported as usize..).zip(&self.calls) {
            for callee in &calls.direct {
                if let Some(callers) = callers.get_mut(*callee as usize) {
                    callers.push(caller);
                }
            }
        }
        let mut found: Vec<usize> = (0..imported as usize).collect();
        if foreign_tables {
            found.extend(self.reached_indirectly(imported));
        }
        while let Some(function) = found.pop() {
            let Some(reaching) = self.reaching.get_mut(function) else { continue };
            if std::mem::replace(reaching, true) {
                continue;
            }
            found.append(&mut callers[function]);
            if !self.indirect && self.referenced.binary_search(&(function as u32)).is_ok() {
                found.extend(self.reached_indirectly(imported));
            }
        }
    }

    /// Indirect calls may reach somebody: so may all functions that have one.
    fn reached_indirectly(&mut self, imported: u32) -> Vec<usize> {
        self.indirect = true;
        let calls = (imported as usize..).zip(&self.calls);
        calls.filter(|(_, calls)| calls.indirect).map(|(index, _)| index).collect()
    }

    /// Whether a call of this function may.
    pub fn reaches(&self, function: u32) -> bool {
        self.reaching.get(function as usize).copied().unwrap_or_default()
    }

    /// Whether an indirect call may.
    pub fn indirectly(&self) -> bool {
        self.indirect
    }
}
