//! Who runs a copy, and how claims look to the rules.

use grid_core::trust::{Candidate, ClaimView, Standing, Tier, is_seasoned, partner};
use grid_core::{AccountNo, NodeNo};

use super::units::{CLAIMS_MAX, Case, Claim, digest};
use super::world::World;

/// Computers that are looked at for one copy.
const LOOKS: usize = 12;

impl World {
    fn anchor(&self) -> Option<usize> {
        let anchor = self.seats.len() - 1;
        self.is_free(anchor).then_some(anchor)
    }

    /// The best of some computers for a copy, or any where the rule knows no ranks; the anchor where a referee is asked for, or nobody else will do.
    pub fn pick(&mut self, index: u32) -> Option<usize> {
        let case = *self.cases.at(index);
        if case.referee && self.anchor().is_some() {
            return self.anchor();
        }
        let (views, len) = self.views(&case);
        let mut best: Option<(Tier, usize)> = None;
        for _ in 0..LOOKS {
            let seat = self.rng.usize(..self.seats.len() - 1);
            if !self.is_free(seat) {
                continue;
            }
            let Ok(tier) = partner(&self.policy, &views[..len], &self.candidate(seat), case.referee) else { continue };
            if !self.setup.rule.looks_back() {
                return Some(seat);
            }
            if !tier.newcomer && !tier.same_owner && best.is_none_or(|(other, _)| tier < other) {
                best = Some((tier, seat));
            }
        }
        best.map(|(_, seat)| seat).or(self.anchor())
    }

    fn candidate(&self, seat: usize) -> Candidate {
        let (node, owner) = self.ids(seat as u32, self.seats[seat].name);
        let (record, of_owner) = (&self.seats[seat].record, &self.seats[seat].owner);
        Candidate {
            node,
            owner,
            network: owner.0 as u64,
            standing: self.standing(seat),
            seasoned: is_seasoned(&self.policy, record, of_owner, self.now_ms),
            passes: record.passes,
            arch: 0,
            engine: 0,
        }
    }

    /// Each name is another node, owner and network.
    fn ids(&self, seat: u32, name: u32) -> (NodeNo, AccountNo) {
        let id = i64::from(name) << 32 | i64::from(seat);
        (NodeNo(id), AccountNo(id))
    }

    /// The claims of a case as the rules see them.
    pub fn views(&self, case: &Case) -> ([ClaimView; CLAIMS_MAX], usize) {
        (std::array::from_fn(|at| self.view(&case.claims[at])), case.claims().len())
    }

    fn view(&self, claim: &Claim) -> ClaimView {
        let (node, owner) = self.ids(claim.seat, claim.name);
        let seat = &self.seats[claim.seat as usize];
        let is_gone = seat.name != claim.name;
        let digest = digest(claim.value);
        ClaimView {
            node,
            owner,
            network: owner.0 as u64,
            standing: if is_gone { Standing::Banned { owner: false } } else { self.standing(claim.seat as usize) },
            arch: 0,
            engine: 0,
            digest,
            output: digest,
            resumed: false,
            void: is_gone || claim.position <= seat.record.fault_position,
            own: false,
        }
    }
}
