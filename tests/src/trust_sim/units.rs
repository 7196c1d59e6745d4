//! Units that are somewhere between handed out and final.

use fallow_protocol::Digest;

/// Claims of a unit, at most.
pub const CLAIMS_MAX: usize = 8;

/// A unit, as far as the world needs it.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// Even over all numbers: liars who conspire falsify those with a small one.
    pub draw: u32,
    /// Its job's number.
    pub job: u32,
}

/// Who said what.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    pub seat: u32,
    pub name: u32,
    pub position: u64,
    pub value: u32,
}

/// A unit with claims: it waits for copies, or rests on two.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub unit: Unit,
    pub claims: [Claim; CLAIMS_MAX],
    pub len: u8,
    pub needed: u8,
    pub referee: bool,
    /// The first claim is a first result that its node's limit counts.
    pub counted: bool,
    /// It waits for a copy.
    pub open: bool,
    /// Computers that keep it in their `pairs`.
    pub kept: u8,
    /// The value that was accepted.
    pub accepted: u32,
}

impl Case {
    pub fn new(unit: Unit, claim: Claim, needed: u8, counted: bool) -> Self {
        let (mut claims, len) = ([claim; CLAIMS_MAX], 1);
        claims[0] = claim;
        Self { unit, claims, len, needed, referee: false, counted, open: true, kept: 0, accepted: 0 }
    }

    pub fn claims(&self) -> &[Claim] {
        &self.claims[..usize::from(self.len)]
    }

    pub fn push(&mut self, claim: Claim) {
        self.claims[usize::from(self.len)] = claim;
        self.len += 1;
    }

    pub fn says(&self, value: u32) -> bool {
        self.claims().iter().any(|claim| claim.value == value)
    }
}

/// Cases by index; the places of those that ended are used again.
#[derive(Debug, Default)]
pub struct Cases {
    all: Vec<Case>,
    free: Vec<u32>,
}

impl Cases {
    pub fn add(&mut self, case: Case) -> u32 {
        match self.free.pop() {
            Some(index) => {
                self.all[index as usize] = case;
                index
            }
            None => {
                self.all.push(case);
                (self.all.len() - 1) as u32
            }
        }
    }

    pub fn at(&mut self, index: u32) -> &mut Case {
        &mut self.all[index as usize]
    }

    /// Its place is free when nobody keeps it.
    pub fn end(&mut self, index: u32) {
        let case = self.at(index);
        case.open = false;
        if case.kept == 0 {
            self.free.push(index);
        }
    }

    /// One computer less keeps it.
    pub fn let_go(&mut self, index: u32) {
        let case = self.at(index);
        case.kept -= 1;
        if case.kept == 0 && !case.open {
            self.free.push(index);
        }
    }
}

/// The digest that stands for a value.
pub fn digest(value: u32) -> Digest {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&value.to_le_bytes());
    Digest(bytes)
}
