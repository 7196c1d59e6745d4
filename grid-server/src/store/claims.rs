//! How a unit's claims lie in its row: MessagePack of short tuples. Nearly all rows have none.

use fallow_protocol::manifest::Floats;
use fallow_protocol::{Digest, wire};
use grid_core::life::Claim;
use grid_core::{AccountNo, NodeNo};

/// Claims are few: see `executors_max` of `grid_core::trust::Policy`.
const BYTES_MAX: usize = 4 * 1024;

/// Node, owner, attempt; what is compared; the maker of the checkpoint that it went on from.
type Tuple = (i64, i64, u32, (Digest, Digest, u64, u8, Floats), Option<i64>);

/// As bytes.
pub(super) fn pack(claims: &[Claim]) -> Vec<u8> {
    let tuples: Vec<Tuple> = claims
        .iter()
        .map(|claim| {
            let compared = (claim.digest, claim.essence, claim.fuel, claim.class, claim.floats);
            (claim.node.0, claim.owner.0, claim.attempt, compared, claim.resumed_from.map(|node| node.0))
        })
        .collect();
    wire::encode(&tuples)
}

/// From bytes.
pub(super) fn unpack(bytes: &[u8]) -> Option<Vec<Claim>> {
    let tuples: Vec<Tuple> = wire::decode(bytes, BYTES_MAX).ok()?;
    Some(tuples.into_iter().map(claim).collect())
}

fn claim((node, owner, attempt, compared, resumed_from): Tuple) -> Claim {
    let (digest, essence, fuel, class, floats) = compared;
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
        };
        assert_eq!(unpack(&pack(&[claim, claim])), Some(vec![claim, claim]));
        assert_eq!(unpack(b"\xc1"), None);
    }
}
