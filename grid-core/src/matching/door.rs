//! Who of the new nodes works: those that do already, then those that came first, as many as the door lets in.

use super::view::NodeView;
use crate::trust::{Door, Policy};

/// Mark the new nodes that wait. `anchor` says whether the server's own worker can check them.
pub fn mind_the_door(nodes: &mut [NodeView], policy: &Policy, door: Door, anchor: bool) {
    let vouchers = nodes.iter().filter(|node| node.worth.standing.vouches() && node.takes_strangers).count();
    let vouchers = u32::try_from(vouchers).unwrap_or(u32::MAX).saturating_add(u32::from(anchor));
    let mut new: Vec<usize> = (0..nodes.len()).filter(|at| nodes[*at].worth.new).collect();
    new.sort_unstable_by_key(|at| (nodes[*at].units_held() == 0, nodes[*at].id));
    for (ahead, at) in new.into_iter().enumerate() {
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        nodes[at].worth.at_door = !door.admits(policy, ahead, vouchers);
    }
}
