//! Modules: manifests with both signatures, and what their components are.

use sea_orm_migration::prelude::*;

use crate::sql;

/// See the file's head.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE modules (
        id {id},
        account_id BIGINT NOT NULL REFERENCES accounts(id),
        digest {bytes} NOT NULL,
        component {bytes} NOT NULL,
        executed {bytes} NOT NULL,
        bytes BIGINT NOT NULL,
        exports TEXT NOT NULL,
        limits TEXT NOT NULL,
        signed {bytes} NOT NULL,
        expires_at_ms BIGINT NOT NULL,
        created_at_ms BIGINT NOT NULL,
        UNIQUE (account_id, digest))",
    "CREATE INDEX modules_by_digest ON modules (digest)",
];

const DOWN: &[&str] = &["DROP TABLE modules"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sql::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sql::run(manager, DOWN).await
    }
}
