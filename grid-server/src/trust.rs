//! What the grid remembers of nodes, in memory: for the matcher and for verdicts about those who claimed something. The
//! database is the truth; what is here was committed.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fallow_protocol::Digest;
use fallow_protocol::link::Machine;
use grid_core::NodeNo;
use grid_core::life::{About, UNKNOWN_ARCH};
use grid_core::matching::Worth;
use grid_core::trust::{
    Door, GridKind, Like, OwnerRecord, Policy, Record, Standing, is_seasoned, passes_needed, standing,
};

use crate::app::now_ms;
use crate::store::trust::{NodeRow, OwnerRow};

/// The number that stands for the server's own worker.
pub const SERVER: i64 = 0;

/// Where a node is and what it runs on, as numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Whose it is.
    pub owner: i64,
    /// The first bits of its address.
    pub network: u64,
    /// Its processor's family.
    pub arch: u32,
    /// Its engine's version.
    pub engine: u32,
}

#[derive(Debug, Default)]
struct Known {
    nodes: HashMap<i64, NodeRow>,
    owners: HashMap<i64, OwnerRecord>,
    places: HashMap<i64, Place>,
    frozen: HashSet<Frozen>,
    door: Door,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Frozen {
    Arch(u32),
    Engine(u32),
}

/// Everything that is remembered.
#[derive(Debug)]
pub struct Trust {
    policy: Policy,
    known: Mutex<Known>,
}

impl Trust {
    /// Nothing yet.
    pub fn new(policy: Policy) -> Self {
        Self { policy, known: Mutex::default() }
    }

    /// The grid's rules.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether results of `owner`'s nodes for a job of `author` are ever looked at.
    pub fn concerns(&self, author: i64, owner: i64) -> bool {
        self.policy.grid != GridKind::Own && author != owner
    }

    /// Whether what this node of `owner` says of a job of `author` is final, on a grid where that is not so of all.
    pub fn believes(&self, node: i64, owner: i64, author: i64) -> bool {
        let is_open = self.policy.grid != GridKind::Own;
        is_open && (author == owner || self.standing(node, owner) == Standing::Anchor)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bring in what the database has.
    pub fn load(&self, nodes: Vec<NodeRow>, owners: Vec<OwnerRow>, frozen: &[(String, i64)]) {
        let mut known = self.lock();
        known.nodes = nodes.into_iter().map(|row| (row.node, row)).collect();
        known.owners = owners.into_iter().map(|row| (row.account, row.record)).collect();
        known.frozen =
            frozen.iter().filter_map(|(kind, value)| Some(frozen_of(kind, u32::try_from(*value).ok()?)?)).collect();
    }

    /// How far the door for new nodes is open.
    pub fn door(&self) -> Door {
        self.lock().door
    }

    /// The door was moved.
    pub fn set_door(&self, door: Door) {
        self.lock().door = door;
    }

    /// A node came online.
    pub fn enter(&self, node: i64, place: Place) {
        self.lock().places.insert(node, place);
    }

    /// Bring in what was committed. Of two that were committed shortly after each other the later one stays.
    pub fn keep(&self, nodes: &[NodeRow], owners: &[OwnerRow]) {
        let mut known = self.lock();
        for row in nodes {
            let newest = known.nodes.entry(row.node).or_insert(*row);
            if row.version >= newest.version {
                *newest = *row;
            }
        }
        for row in owners {
            known.owners.insert(row.account, row.record);
        }
    }

    /// A kind of computers gets no more.
    pub fn freeze(&self, like: Like) {
        self.lock().frozen.insert(match like {
            Like::Arch(arch) => Frozen::Arch(arch),
            Like::Engine(engine) => Frozen::Engine(engine),
        });
    }

    /// What a node that claims something is worth.
    pub fn about(&self, node: NodeNo) -> About {
        if node.0 == SERVER {
            let arch = arch_of(std::env::consts::ARCH);
            return About { standing: Standing::Anchor, network: 0, arch, engine: 0, fault_position: 0 };
        }
        let known = self.lock();
        let place = known.places.get(&node.0).copied().unwrap_or_default();
        About {
            standing: known.standing(&self.policy, node.0, place.owner),
            network: place.network,
            arch: place.arch,
            engine: place.engine,
            fault_position: known.record(node.0).fault_position,
        }
    }

    /// The same for the matcher.
    pub fn worth(&self, node: i64, owner: i64) -> Worth {
        let known = self.lock();
        let record = known.record(node);
        let owner_record = known.owners.get(&owner).copied().unwrap_or_default();
        let place = known.places.get(&node).copied().unwrap_or_default();
        let is_frozen =
            known.frozen.contains(&Frozen::Arch(place.arch)) || known.frozen.contains(&Frozen::Engine(place.engine));
        Worth {
            standing: known.standing(&self.policy, node, owner),
            seasoned: is_seasoned(&self.policy, &record, &owner_record, now_i64()),
            passes: record.passes,
            network: place.network,
            arch: place.arch,
            engine: place.engine,
            frozen: is_frozen,
            new: Door::is_for(&self.policy, &record),
            at_door: false,
        }
    }

    /// What is remembered of a node.
    pub fn record(&self, node: i64) -> Record {
        self.lock().record(node)
    }

    /// Checks that end a probation of this owner's nodes.
    pub fn passes_needed(&self, owner: i64) -> u32 {
        let owner = self.lock().owners.get(&owner).copied().unwrap_or_default();
        passes_needed(&self.policy, &owner, now_i64())
    }

    /// What a node is worth now.
    pub fn standing(&self, node: i64, owner: i64) -> Standing {
        self.lock().standing(&self.policy, node, owner)
    }
}

impl Known {
    fn record(&self, node: i64) -> Record {
        self.nodes.get(&node).map(|row| row.record).unwrap_or_default()
    }

    fn standing(&self, policy: &Policy, node: i64, owner: i64) -> Standing {
        let owner = self.owners.get(&owner).copied().unwrap_or_default();
        standing(policy, &self.record(node), &owner, now_i64())
    }
}

fn frozen_of(kind: &str, value: u32) -> Option<Frozen> {
    match kind {
        "arch" => Some(Frozen::Arch(value)),
        "engine" => Some(Frozen::Engine(value)),
        _ => None,
    }
}

/// Milliseconds since 1970, as the rules of trust count them.
pub fn now_i64() -> i64 {
    i64::try_from(now_ms()).unwrap_or(i64::MAX)
}

/// Where a node is and what it runs on.
pub fn place_of(owner: i64, address: std::net::IpAddr, machine: &Machine) -> Place {
    Place { owner, network: network_of(address), arch: arch_of(&machine.arch), engine: number_of(&machine.engine) }
}

/// The first 24 bits of an IPv4 address, 48 of an IPv6 one.
fn network_of(address: std::net::IpAddr) -> u64 {
    match address.to_canonical() {
        std::net::IpAddr::V4(address) => u64::from(u32::from(address) >> 8),
        std::net::IpAddr::V6(address) => 1 << 63 | (u128::from(address) >> 80) as u64,
    }
}

/// Processors that nodes run on. What a node says of itself is only worth something where others can be like it.
const ARCHS: [&str; 6] = ["x86_64", "aarch64", "riscv64", "s390x", "x86", "arm"];

fn arch_of(arch: &str) -> u32 {
    let known = ARCHS.iter().position(|known| *known == arch);
    known.and_then(|at| u32::try_from(at + 1).ok()).unwrap_or(UNKNOWN_ARCH)
}

/// A number that stands for a text.
fn number_of(text: &str) -> u32 {
    let [a, b, c, d, ..] = Digest::of(text.as_bytes()).0;
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_the_first_bits_of_an_address() {
        let of = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(of("127.0.1.1"), of("127.0.1.200"));
        assert_ne!(of("127.0.1.1"), of("127.0.2.1"));
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:9::9"));
        assert_ne!(of("2001:db8:1::"), of("2001:db8:2::"));
        assert_eq!(of("::ffff:127.0.1.1"), of("127.0.1.1"), "the same address in the other form");
    }

    #[test]
    fn a_later_record_stays() {
        let trust = Trust::new(Policy::default());
        let row = |version, passes| NodeRow {
            node: 1,
            record: Record { position: 5, passes, ..Record::default() },
            review_from: None,
            version,
        };
        trust.keep(&[row(5, 20)], &[]);
        trust.keep(&[row(4, 9)], &[]);
        assert_eq!((trust.record(1).position, trust.record(1).passes), (5, 20));
        assert_eq!(trust.about(NodeNo(1)).standing, Standing::Trusted);
        assert_eq!(trust.about(NodeNo(SERVER)).standing, Standing::Anchor);
        assert_eq!(trust.about(NodeNo(9)).standing, Standing::Probation);
    }
}
