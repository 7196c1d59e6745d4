//! Modules: manifests with both signatures, and what their components are.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// See the file's head.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE modules (
        id {id},
        account_id BIGINT NOT NULL REFERENCES accounts(id),
        digest {blob} NOT NULL,
        component {blob} NOT NULL,
        executed {blob} NOT NULL,
        bytes BIGINT NOT NULL,
        exports TEXT NOT NULL,
        limits TEXT NOT NULL,
        signed {blob} NOT NULL,
        expires_at_ms BIGINT NOT NULL,
        created_at_ms BIGINT NOT NULL,
        UNIQUE (account_id, digest))",
    "CREATE INDEX modules_by_digest ON modules (digest)",
];

const DOWN: &[&str] = &["DROP TABLE modules"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}
