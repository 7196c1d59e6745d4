//! The claims of a unit: who says that it came out how.

use fallow_protocol::Digest;

use super::standing::Standing;
use crate::ids::{AccountNo, NodeNo};

/// One node's word on a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimView {
    /// Who says it.
    pub node: NodeNo,
    /// Whose node that is.
    pub owner: AccountNo,
    /// Where it is: the address' first 24 or 48 bits, or anything that stands for them.
    pub network: u64,
    /// What the node is worth now.
    pub standing: Standing,
    /// The processor's family, any number that stands for it.
    pub arch: u32,
    /// The engine's version, any number that stands for it.
    pub engine: u32,
    /// Over everything that a result says: class, fuel and output.
    pub digest: Digest,
    /// Over its class and output alone.
    pub output: Digest,
    /// The run went on from a checkpoint: its fuel cannot be compared.
    pub resumed: bool,
    /// It was handed in before its node's last fault was found (its position is at most
    /// [`Record::fault_position`](super::Record::fault_position)): it no longer counts.
    pub void: bool,
    /// It is of the job's author's own node: right about his job, but no help in earning trust.
    pub own: bool,
}

impl ClaimView {
    /// Whether both say the same.
    pub fn agrees(&self, other: &ClaimView) -> bool {
        match self.resumed || other.resumed {
            true => self.output == other.output,
            false => self.digest == other.digest,
        }
    }
}

/// Some of a unit's claims, by their index (at most 8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(pub u8);

impl Marks {
    /// Those of the first eight claims for which `is_marked`.
    pub(super) fn of(claims: &[ClaimView], is_marked: impl Fn(&ClaimView) -> bool) -> Self {
        Self(claims.iter().take(8).enumerate().fold(0, |marks, (at, claim)| marks | u8::from(is_marked(claim)) << at))
    }

    /// Whether the claim at `index` is one of them.
    pub fn has(self, index: usize) -> bool {
        index < 8 && self.0 & (1 << index) != 0
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their indices, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..8).filter(move |index| self.has(*index))
    }
}
