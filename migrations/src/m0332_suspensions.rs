//! What operators stopped and why: nodes and modules (accounts have theirs); and how many jobs an account may have.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE nodes ADD COLUMN suspended_reason TEXT",
    // Jobs that have not ended; the grid's own limit where there is none.
    "ALTER TABLE accounts ADD COLUMN jobs_max BIGINT",
    // The same component under another manifest is the same program.
    "CREATE TABLE suspended_modules (
        digest {blob} NOT NULL PRIMARY KEY,
        component {blob} NOT NULL,
        reason TEXT NOT NULL,
        made_at_ms BIGINT NOT NULL) {clustered}",
];

const DOWN: &[&str] = &[
    "DROP TABLE suspended_modules",
    "ALTER TABLE accounts DROP COLUMN jobs_max",
    "ALTER TABLE nodes DROP COLUMN suspended_reason",
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
