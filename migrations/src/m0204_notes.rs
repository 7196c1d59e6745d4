//! What operators write about grants, and how a job's refunds are found.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // `by_account` is the operator.
    "CREATE TABLE ledger_notes (
        transfer {blob} NOT NULL PRIMARY KEY REFERENCES transfers(id),
        by_account BIGINT NOT NULL,
        note TEXT NOT NULL)",
    // Code 3 is a refund: a few of a job's many transfers.
    "CREATE INDEX transfers_refunds ON transfers (debit) WHERE code = 3",
];

const DOWN: &[&str] = &["DROP INDEX transfers_refunds", "DROP TABLE ledger_notes"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}
