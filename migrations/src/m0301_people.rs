//! How people log in: addresses and second factors of accounts, sessions, registrations that wait for their
//! confirmation, links in mails, recovery codes, and the codes of devices without a browser.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// See the file's head.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // `email` is as it was typed, `email_key` in the form in which addresses are compared.
    "ALTER TABLE accounts ADD COLUMN email_key TEXT",
    "ALTER TABLE accounts ADD COLUMN email_confirmed_at_ms BIGINT",
    // Secrets of the second factor, encrypted; `totp_next` is one that is not confirmed yet. `totp_step` is the newest
    // step of time whose code was used.
    "ALTER TABLE accounts ADD COLUMN totp {blob}",
    "ALTER TABLE accounts ADD COLUMN totp_next {blob}",
    "ALTER TABLE accounts ADD COLUMN totp_step BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE accounts ADD COLUMN suspended_reason TEXT",
    "ALTER TABLE accounts ADD COLUMN deleted_at_ms BIGINT",
    "CREATE UNIQUE INDEX accounts_by_email ON accounts (email_key)",
    "CREATE TABLE sessions (
        id {id},
        account_id BIGINT NOT NULL REFERENCES accounts(id),
        public_id TEXT NOT NULL UNIQUE,
        hash {blob} NOT NULL UNIQUE,
        address TEXT NOT NULL,
        agent TEXT NOT NULL,
        created_at_ms BIGINT NOT NULL,
        seen_at_ms BIGINT NOT NULL,
        expires_at_ms BIGINT NOT NULL)",
    "CREATE INDEX sessions_by_account ON sessions (account_id, id)",
    "CREATE TABLE registrations (
        id {id},
        hash {blob} NOT NULL UNIQUE,
        name TEXT NOT NULL,
        email TEXT NOT NULL,
        email_key TEXT NOT NULL,
        password TEXT NOT NULL,
        created_at_ms BIGINT NOT NULL,
        expires_at_ms BIGINT NOT NULL)",
    "CREATE INDEX registrations_by_email ON registrations (email_key)",
    "CREATE INDEX registrations_by_name ON registrations (name)",
    // Single-use links: `kind` is `reset`, `email` or `welcome`, `value` the new address of `email`.
    "CREATE TABLE links (
        id {id},
        account_id BIGINT NOT NULL REFERENCES accounts(id),
        kind TEXT NOT NULL,
        hash {blob} NOT NULL UNIQUE,
        value TEXT NOT NULL,
        expires_at_ms BIGINT NOT NULL)",
    "CREATE INDEX links_by_account ON links (account_id)",
    "CREATE TABLE recovery_codes (
        account_id BIGINT NOT NULL REFERENCES accounts(id),
        hash {blob} NOT NULL,
        PRIMARY KEY (account_id, hash)) {clustered}",
    // `state` is 0 waiting, 1 approved, 2 denied.
    "CREATE TABLE device_codes (
        id {id},
        hash {blob} NOT NULL UNIQUE,
        user_code TEXT NOT NULL UNIQUE,
        client TEXT NOT NULL,
        name TEXT NOT NULL,
        scopes TEXT NOT NULL,
        address TEXT NOT NULL,
        state BIGINT NOT NULL DEFAULT 0,
        account_id BIGINT REFERENCES accounts(id),
        expires_at_ms BIGINT NOT NULL)",
];

const DOWN: &[&str] = &[
    "DROP TABLE device_codes",
    "DROP TABLE recovery_codes",
    "DROP TABLE links",
    "DROP TABLE registrations",
    "DROP TABLE sessions",
    "DROP INDEX accounts_by_email",
    "ALTER TABLE accounts DROP COLUMN deleted_at_ms",
    "ALTER TABLE accounts DROP COLUMN suspended_reason",
    "ALTER TABLE accounts DROP COLUMN totp_step",
    "ALTER TABLE accounts DROP COLUMN totp_next",
    "ALTER TABLE accounts DROP COLUMN totp",
    "ALTER TABLE accounts DROP COLUMN email_confirmed_at_ms",
    "ALTER TABLE accounts DROP COLUMN email_key",
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
