//! The database's schema, step by step, up and down, with raw names: what a migration does never changes afterwards.
//!
//! `m00xx` are accounts, tokens, keys, modules, blobs and nodes; `m01xx` are jobs and everything about their units;
//! `m02xx` are credits and what results are trusted by; `m030x` are people: how they log in, and what they did; `m031x`
//! is what jobs are shown by; `m032x` are devices as their owners see them; `m033x` are groups, and what operators
//! stopped.
//! There are no live entities here.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

mod dialect;
mod m0001_accounts;
mod m0002_blobs;
mod m0003_modules;
mod m0004_nodes;
mod m0101_jobs;
mod m0102_units;
mod m0201_ledger;
mod m0202_holdings;
mod m0203_trust;
mod m0204_notes;
mod m0301_people;
mod m0302_audit;
mod m0311_live;
mod m0321_devices;
mod m0331_groups;
mod m0332_suspensions;

/// All migrations in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_accounts::Migration),
            Box::new(m0002_blobs::Migration),
            Box::new(m0003_modules::Migration),
            Box::new(m0004_nodes::Migration),
            Box::new(m0101_jobs::Migration),
            Box::new(m0102_units::Migration),
            Box::new(m0201_ledger::Migration),
            Box::new(m0202_holdings::Migration),
            Box::new(m0203_trust::Migration),
            Box::new(m0204_notes::Migration),
            Box::new(m0301_people::Migration),
            Box::new(m0302_audit::Migration),
            Box::new(m0311_live::Migration),
            Box::new(m0321_devices::Migration),
            Box::new(m0331_groups::Migration),
            Box::new(m0332_suspensions::Migration),
        ]
    }
}
