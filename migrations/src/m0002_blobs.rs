//! Blobs that are whole on disk, and the accounts that may read them.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// See the file's head.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE blobs (
        digest {blob} NOT NULL PRIMARY KEY,
        len BIGINT NOT NULL,
        created_at_ms BIGINT NOT NULL)",
    "CREATE TABLE blob_owners (
        digest {blob} NOT NULL REFERENCES blobs(digest),
        account_id BIGINT NOT NULL REFERENCES accounts(id),
        len BIGINT NOT NULL,
        created_at_ms BIGINT NOT NULL,
        PRIMARY KEY (digest, account_id))",
    "CREATE INDEX blob_owners_by_account ON blob_owners (account_id)",
];

const DOWN: &[&str] = &["DROP TABLE blob_owners", "DROP TABLE blobs"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}
