//! How a unit's claims lie in its row: MessagePack of short tuples. Nearly all rows have none.

use fallow_protocol::manifest::Floats;
use fallow_protocol::{Digest, wire};
use grid_core::life::Claim;
use grid_core::{AccountNo, NodeNo};

/// Claims are few: see `executors_max` of `grid_core::trust::Policy`.
const BYTES_MAX: usize = 4 * 1024;

/// Node, owner, attempt; what is compared; maker of the checkpoint, position, whether it is held, how many are needed.
type Tuple = (i64, i64, u32, (Digest, Digest, u64, u8, Floats), (Option<i64>, u64, bool, u8));

/// As bytes.
pub(super) fn pack(claims: &[Claim]) -> Vec<u8> {
    let tuples: Vec<Tuple> = claims
        .iter()
        .map(|claim| {
            let compared = (claim.digest, claim.essence, claim.fuel, claim.class, claim.floats);
            let kept = (claim.resumed_from.map(|node| node.0), claim.position, claim.held, claim.needed);
            (claim.node.0, claim.owner.0, claim.attempt, compared, kept)
        })
        .collect();
    wire::encode(&tuples)
}

/// From bytes.
pub(super) fn unpack(bytes: &[u8]) -> Option<Vec<Claim>> {
    let tuples: Vec<Tuple> = wire::decode(bytes, BYTES_MAX).ok()?;
    Some(tuples.into_iter().map(claim).collect())
}

fn claim((node, owner, attempt, compared, kept): Tuple) -> Claim {
    let (digest, essence, fuel, class, floats) = compared;
    let (resumed_from, position, held, needed) = kept;
    Claim {
        node: NodeNo(node),
        owner: AccountNo(owner),
        attempt,
        digest,
        essence,
        fuel,
        class,
        floats,
        resumed_from: resumed_from.map(NodeNo),
        position,
        held,
        needed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_come_back_as_they_were() {
        let claim = Claim {
            node: NodeNo(1),
            owner: AccountNo(-2),
            attempt: 3,
            digest: Digest([4; 32]),
            essence: Digest([5; 32]),
            fuel: u64::MAX,
            class: 1,
            floats: Floats::Canonical,
            resumed_from: Some(NodeNo(6)),
            position: 1 << 40,
            held: true,
            needed: 3,
        };
        assert_eq!(unpack(&pack(&[claim, claim])), Some(vec![claim, claim]));
        assert_eq!(unpack(b"\xc1"), None);
    }
}
