//! Devices as their owners see them: what they chose, states as intervals, earnings, and reports of programs.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // What the owner chose on the portal, and what the device says that he chose at the computer: JSON.
    "ALTER TABLE nodes ADD COLUMN settings TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE nodes ADD COLUMN word TEXT NOT NULL DEFAULT '{}'",
    // Paid in all, micro-credits.
    "ALTER TABLE nodes ADD COLUMN earned BIGINT NOT NULL DEFAULT 0",
    // States: 1 idle, 2 working, 3 paused. What lies between is offline. `to_ms` grows while the state lasts.
    "CREATE TABLE node_intervals (
        node BIGINT NOT NULL,
        from_ms BIGINT NOT NULL,
        to_ms BIGINT NOT NULL CHECK (to_ms >= from_ms),
        state BIGINT NOT NULL CHECK (state BETWEEN 1 AND 3),
        reason TEXT,
        PRIMARY KEY (node, from_ms)
    ) {clustered}",
    "CREATE INDEX node_intervals_by_age ON node_intervals (from_ms)",
    // What a node was paid, by quarters of an hour, micro-credits.
    "CREATE TABLE node_earnings (
        node BIGINT NOT NULL,
        at_ms BIGINT NOT NULL,
        paid BIGINT NOT NULL CHECK (paid >= 0),
        checks BIGINT NOT NULL CHECK (checks >= 0),
        PRIMARY KEY (node, at_ms)
    ) {clustered}",
    "CREATE INDEX node_earnings_by_age ON node_earnings (at_ms)",
    "CREATE TABLE reports (
        id {id},
        account BIGINT NOT NULL REFERENCES accounts(id),
        module {blob},
        job TEXT,
        note TEXT NOT NULL,
        made_at_ms BIGINT NOT NULL)",
    "CREATE INDEX reports_of_account ON reports (account, made_at_ms)",
];

const DOWN: &[&str] = &[
    "DROP TABLE reports",
    "DROP TABLE node_earnings",
    "DROP TABLE node_intervals",
    "ALTER TABLE nodes DROP COLUMN earned",
    "ALTER TABLE nodes DROP COLUMN word",
    "ALTER TABLE nodes DROP COLUMN settings",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}
