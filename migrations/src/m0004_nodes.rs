//! Nodes of volunteers, and the single-use tokens by which they join.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// See the file's head.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE nodes (
        id {id},
        public_id TEXT NOT NULL UNIQUE,
        account_id BIGINT NOT NULL REFERENCES accounts(id),
        name TEXT NOT NULL,
        key {blob} NOT NULL UNIQUE,
        machine TEXT NOT NULL,
        units_done BIGINT NOT NULL DEFAULT 0,
        fuel BIGINT NOT NULL DEFAULT 0,
        joined_at_ms BIGINT NOT NULL,
        seen_at_ms BIGINT NOT NULL,
        revoked_at_ms BIGINT)",
    "CREATE INDEX nodes_by_account ON nodes (account_id, id)",
    "CREATE TABLE join_tokens (
        id {id},
        account_id BIGINT NOT NULL REFERENCES accounts(id),
        hash {blob} NOT NULL UNIQUE,
        expires_at_ms BIGINT NOT NULL,
        used_at_ms BIGINT,
        created_at_ms BIGINT NOT NULL)",
];

const DOWN: &[&str] = &["DROP TABLE join_tokens", "DROP TABLE nodes"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}
