//! Groups of accounts, who is in them, and who was asked.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // GROUPS is a word of SQL.
    "CREATE TABLE account_groups (
        id {id},
        name TEXT NOT NULL UNIQUE,
        owner BIGINT NOT NULL REFERENCES accounts(id),
        created_at_ms BIGINT NOT NULL)",
    "CREATE INDEX account_groups_by_owner ON account_groups (owner)",
    // The owner is one of them.
    "CREATE TABLE group_members (
        group_id BIGINT NOT NULL REFERENCES account_groups(id),
        account_id BIGINT NOT NULL REFERENCES accounts(id),
        since_ms BIGINT NOT NULL,
        PRIMARY KEY (group_id, account_id)) {clustered}",
    "CREATE INDEX group_members_by_account ON group_members (account_id, group_id)",
    "CREATE TABLE group_invitations (
        group_id BIGINT NOT NULL REFERENCES account_groups(id),
        account_id BIGINT NOT NULL REFERENCES accounts(id),
        made_at_ms BIGINT NOT NULL,
        PRIMARY KEY (group_id, account_id)) {clustered}",
    "CREATE INDEX group_invitations_by_account ON group_invitations (account_id, group_id)",
];

const DOWN: &[&str] = &["DROP TABLE group_invitations", "DROP TABLE group_members", "DROP TABLE account_groups"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}
