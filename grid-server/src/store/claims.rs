//! How a unit's claims lie in its row: MessagePack of short tuples. Nearly all rows have none.

use fallow_protocol::{Digest, wire};
use grid_core::life::Claim;
use grid_core::{AccountNo, NodeNo};

/// Claims are few: see `grid_core::life::CLAIMS_MAX`.
const BYTES_MAX: usize = 4 * 1024;

/// As bytes.
pub(super) fn pack(claims: &[Claim]) -> Vec<u8> {
    let tuples: Vec<(i64, i64, u32, Digest)> =
        claims.iter().map(|claim| (claim.node.0, claim.owner.0, claim.attempt, claim.digest)).collect();
    wire::encode(&tuples)
}

/// From bytes.
pub(super) fn unpack(bytes: &[u8]) -> Option<Vec<Claim>> {
    let tuples: Vec<(i64, i64, u32, Digest)> = wire::decode(bytes, BYTES_MAX).ok()?;
    let claim = |(node, owner, attempt, digest)| Claim { node: NodeNo(node), owner: AccountNo(owner), attempt, digest };
    Some(tuples.into_iter().map(claim).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_come_back_as_they_were() {
        let claim = Claim { node: NodeNo(1), owner: AccountNo(-2), attempt: 3, digest: Digest([4; 32]) };
        assert_eq!(unpack(&pack(&[claim, claim])), Some(vec![claim, claim]));
        assert_eq!(unpack(b"\xc1"), None);
    }
}
