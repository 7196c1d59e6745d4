//! Accounts, their API tokens (only hashes of them) and their authors' public keys.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// See the file's head.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE accounts (
        id {id},
        public_id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL UNIQUE,
        email TEXT,
        password TEXT,
        role TEXT NOT NULL,
        fuel_quota BIGINT NOT NULL,
        fuel_used BIGINT NOT NULL DEFAULT 0,
        blob_bytes BIGINT NOT NULL DEFAULT 0,
        created_at_ms BIGINT NOT NULL)",
    "CREATE TABLE tokens (
        id {id},
        account_id BIGINT NOT NULL REFERENCES accounts(id),
        public_id TEXT NOT NULL UNIQUE,
        hash {blob} NOT NULL UNIQUE,
        name TEXT NOT NULL,
        scopes TEXT NOT NULL,
        expires_at_ms BIGINT NOT NULL,
        created_at_ms BIGINT NOT NULL)",
    "CREATE INDEX tokens_by_account ON tokens (account_id, id)",
    "CREATE TABLE author_keys (
        id {id},
        account_id BIGINT NOT NULL REFERENCES accounts(id),
        key {blob} NOT NULL,
        name TEXT NOT NULL,
        created_at_ms BIGINT NOT NULL,
        UNIQUE (account_id, key))",
];

const DOWN: &[&str] = &["DROP TABLE author_keys", "DROP TABLE tokens", "DROP TABLE accounts"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}
