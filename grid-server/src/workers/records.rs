//! What a transaction knows and changes of what is remembered of nodes and their owners.

use std::collections::{BTreeSet, HashMap};

use grid_core::NodeNo;
use grid_core::life::About;
use grid_core::trust::{Door, Fault, OwnerRecord, Policy, Record, Sanction, standing};
use sea_orm::ConnectionTrait;

use crate::store::StoreError;
use crate::store::trust::{self, NodeRow, OwnerRow};
use crate::trust::{SERVER, Trust, now_i64};

/// Records of some nodes and their owners, as this transaction sees them.
#[derive(Debug, Default)]
pub struct Records {
    nodes: HashMap<i64, NodeRow>,
    owners: HashMap<i64, OwnerRecord>,
    owner_of: HashMap<i64, i64>,
    changed: BTreeSet<i64>,
    changed_owners: BTreeSet<i64>,
    door: Option<Door>,
}

/// What was written.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    nodes: Vec<NodeRow>,
    owners: Vec<OwnerRow>,
    door: Option<Door>,
}

impl Kept {
    /// Bring it into memory, once it is committed.
    pub fn remember(&self, trust: &Trust) {
        trust.keep(&self.nodes, &self.owners);
        if let Some(door) = self.door {
            trust.set_door(door);
        }
    }

    /// Whether a node was caught.
    pub fn has_caught(&self) -> bool {
        self.nodes.iter().any(|row| row.review_from.is_some())
    }
}

impl Records {
    /// Load these nodes, unless they are here.
    pub async fn load(
        &mut self,
        db: &impl ConnectionTrait,
        wanted: impl IntoIterator<Item = (i64, i64)>,
    ) -> Result<(), StoreError> {
        let (mut ids, mut accounts) = (Vec::new(), Vec::new());
        for (node, owner) in wanted {
            if node == SERVER || self.nodes.contains_key(&node) {
                continue;
            }
            self.nodes.insert(node, NodeRow { node, record: Record::default(), review_from: None, version: 0 });
            self.owner_of.insert(node, owner);
            ids.push(node);
            if !self.owners.contains_key(&owner) {
                self.owners.insert(owner, OwnerRecord::default());
                accounts.push(owner);
            }
        }
        if !ids.is_empty() {
            let found = trust::nodes(db, &ids).await?;
            self.nodes.extend(found.into_iter().map(|row| (row.node, row)));
        }
        if !accounts.is_empty() {
            let found = trust::owners(db, &accounts).await?;
            self.owners.extend(found.into_iter().map(|row| (row.account, row.record)));
        }
        Ok(())
    }

    /// What a node is worth now, and where it is.
    pub fn about(&self, trust: &Trust, node: NodeNo) -> About {
        let place = trust.about(node);
        let Some(row) = self.nodes.get(&node.0) else { return place };
        let owner = self.owner(node.0);
        let standing = standing(trust.policy(), &row.record, &owner, now_i64());
        About { standing, fault_position: row.record.fault_position, ..place }
    }

    /// A node's record.
    pub fn record(&self, node: i64) -> Record {
        self.nodes.get(&node).map(|row| row.record).unwrap_or_default()
    }

    /// What is remembered of a node's owner.
    pub fn owner(&self, node: i64) -> OwnerRecord {
        let owner = self.owner_of.get(&node).and_then(|owner| self.owners.get(owner));
        owner.copied().unwrap_or_default()
    }

    /// A result of a node came in: its position.
    pub fn result(&mut self, node: i64) -> u64 {
        let now = now_i64();
        if let Some(owner) = self.owner_of.get(&node).copied()
            && let Some(record) = self.owners.get_mut(&owner)
            && record.first_ms == 0
        {
            record.result(now);
            self.changed_owners.insert(owner);
        }
        let Some(row) = self.nodes.get_mut(&node) else { return 0 };
        self.changed.insert(node);
        row.record.result(now)
    }

    /// How far the door is open, before checks are counted.
    pub async fn load_door(&mut self, db: &impl ConnectionTrait) -> Result<(), StoreError> {
        if self.door.is_none() {
            self.door = Some(trust::door(db).await?);
        }
        Ok(())
    }

    /// A result of a node passed a check.
    pub fn passed(&mut self, policy: &Policy, node: i64, position: u64) {
        if let Some(row) = self.nodes.get_mut(&node) {
            if Door::is_for(policy, &row.record) {
                self.door = self.door.map(Door::passed);
            }
            row.record.passed(position);
            self.changed.insert(node);
        }
    }

    /// A result of a node was wrong: what it held after some position is to be looked through.
    pub fn fault(&mut self, policy: &Policy, node: i64, position: u64) -> Option<Fault> {
        let now = now_i64();
        let row = self.nodes.get_mut(&node)?;
        let was_banned = row.record.banned;
        let fault = row.record.fault(policy, position, now);
        if fault.strike {
            self.door = self.door.map(|door| door.struck(policy));
        }
        row.review_from = row.review_from.into_iter().chain(fault.recheck_after).min();
        self.changed.insert(node);
        let owner = *self.owner_of.get(&node)?;
        let record = self.owners.get_mut(&owner)?;
        record.fault(policy, &fault, now);
        if fault.sanction == Sanction::Banned && !was_banned {
            record.node_banned(policy);
        }
        self.changed_owners.insert(owner);
        Some(fault)
    }

    /// A node that may be at fault: it earns its trust anew, and what is held of it is run again.
    pub fn suspect(&mut self, policy: &Policy, node: i64) {
        if let Some(row) = self.nodes.get_mut(&node) {
            row.record.passes = 0;
            let from = row.record.final_position(policy);
            row.review_from = Some(row.review_from.map_or(from, |before| before.min(from)));
            self.changed.insert(node);
        }
    }

    /// What was looked through of a node's earlier results is done.
    pub fn reviewed(&mut self, policy: &Policy, node: i64) {
        if let Some(row) = self.nodes.get_mut(&node) {
            row.review_from = None;
            row.record.review_ended(policy, now_i64());
            self.changed.insert(node);
        }
    }

    /// Write what changed; it comes back so that memory can be told once it is committed.
    pub async fn write(&self, db: &impl ConnectionTrait) -> Result<Kept, StoreError> {
        let next = |row: &NodeRow| NodeRow { version: row.version + 1, ..*row };
        let nodes: Vec<NodeRow> = self.changed.iter().filter_map(|node| self.nodes.get(node).map(next)).collect();
        let owner = |account: &i64| Some(OwnerRow { account: *account, record: *self.owners.get(account)? });
        let owners: Vec<OwnerRow> = self.changed_owners.iter().filter_map(owner).collect();
        trust::put_nodes(db, &nodes).await?;
        trust::put_owners(db, &owners).await?;
        if let Some(door) = self.door {
            trust::put_door(db, door).await?;
        }
        Ok(Kept { nodes, owners, door: self.door })
    }
}
