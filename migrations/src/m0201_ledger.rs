//! The ledger: accounts with their four sums, and transfers that can neither be changed nor deleted.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // An id is owner * 4096 + currency * 16 + kind. Kinds: 1 issuance, 2 fees, 3 verification, 4 forfeit, 5 an
    // account's own, 6 a job's escrow. Issuance alone may owe. All sums are micro-credits.
    "CREATE TABLE ledger_accounts (
        id BIGINT NOT NULL PRIMARY KEY,
        kind BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 6),
        currency BIGINT NOT NULL CHECK (currency BETWEEN 0 AND 255),
        owner BIGINT NOT NULL CHECK (owner >= 0),
        debits_pending BIGINT NOT NULL DEFAULT 0 CHECK (debits_pending >= 0),
        debits_posted BIGINT NOT NULL DEFAULT 0 CHECK (debits_posted >= 0),
        credits_pending BIGINT NOT NULL DEFAULT 0 CHECK (credits_pending >= 0),
        credits_posted BIGINT NOT NULL DEFAULT 0 CHECK (credits_posted >= 0),
        CHECK (id = owner * 4096 + currency * 16 + kind),
        CHECK (kind = 1 OR debits_pending <= credits_posted - debits_posted)
    ) {clustered}",
    // `id` is derived from the cause, `cause` is MessagePack. Kinds: 1 single, 2 pending, 3 post, 4 void. A pending
    // transfer is resolved at most once: `pending` is unique.
    "CREATE TABLE transfers (
        seq {id},
        id {blob} NOT NULL UNIQUE,
        kind BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 4),
        code BIGINT NOT NULL,
        debit BIGINT NOT NULL REFERENCES ledger_accounts(id),
        credit BIGINT NOT NULL REFERENCES ledger_accounts(id),
        amount BIGINT NOT NULL CHECK (amount > 0 AND amount <= 1000000000000000),
        pending {blob} UNIQUE REFERENCES transfers(id),
        timeout_ms BIGINT CHECK (timeout_ms >= 0),
        made_at_ms BIGINT NOT NULL,
        cause {blob} NOT NULL,
        CHECK (debit <> credit),
        CHECK ((kind IN (3, 4)) = (pending IS NOT NULL)),
        CHECK (kind = 2 OR timeout_ms IS NULL))",
    "CREATE INDEX transfers_of_debit ON transfers (debit, made_at_ms, seq)",
    "CREATE INDEX transfers_of_credit ON transfers (credit, made_at_ms, seq)",
    // Pending transfers with a time, until they are resolved: what there is to look through for those that expire.
    "CREATE TABLE ledger_expiring (
        id {blob} NOT NULL PRIMARY KEY REFERENCES transfers(id),
        expires_at_ms BIGINT NOT NULL)",
    "CREATE INDEX ledger_expiring_next ON ledger_expiring (expires_at_ms)",
    // The grid's own accounts, and one for everybody who has an account already.
    "INSERT INTO ledger_accounts (id, kind, currency, owner)
        VALUES (17, 1, 1, 0), (18, 2, 1, 0), (19, 3, 1, 0), (20, 4, 1, 0)",
    "INSERT INTO ledger_accounts (id, kind, currency, owner)
        SELECT id * 4096 + 16 + 5, 5, 1, id FROM accounts WHERE id > 0",
];

/// What refuses to rewrite the past.
const SQLITE: &[&str] = &[
    // REPLACE deletes without asking the trigger for deletes.
    "CREATE TRIGGER transfers_once BEFORE INSERT ON transfers
        WHEN EXISTS (SELECT 1 FROM transfers WHERE id = new.id OR seq = new.seq OR pending = new.pending)
        BEGIN SELECT RAISE(ABORT, 'transfers are never changed'); END",
    "CREATE TRIGGER transfers_stay BEFORE UPDATE ON transfers
        BEGIN SELECT RAISE(ABORT, 'transfers are never changed'); END",
    "CREATE TRIGGER transfers_remain BEFORE DELETE ON transfers
        BEGIN SELECT RAISE(ABORT, 'transfers are never deleted'); END",
    "CREATE TRIGGER ledger_accounts_remain BEFORE DELETE ON ledger_accounts
        BEGIN SELECT RAISE(ABORT, 'accounts of the ledger are never deleted'); END",
    "CREATE TRIGGER ledger_accounts_stay BEFORE UPDATE ON ledger_accounts
        WHEN new.id <> old.id OR new.kind <> old.kind OR new.currency <> old.currency OR new.owner <> old.owner
            OR new.debits_posted < old.debits_posted OR new.credits_posted < old.credits_posted
        BEGIN SELECT RAISE(ABORT, 'posted sums of the ledger only grow'); END",
];

const POSTGRES: &[&str] = &[
    "CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '% is never changed or deleted', TG_TABLE_NAME; END $$",
    "CREATE TRIGGER transfers_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()",
    "CREATE TRIGGER ledger_accounts_remain BEFORE DELETE OR TRUNCATE ON ledger_accounts
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()",
    "CREATE TRIGGER ledger_accounts_stay BEFORE UPDATE ON ledger_accounts FOR EACH ROW
        WHEN (new.id <> old.id OR new.kind <> old.kind OR new.currency <> old.currency OR new.owner <> old.owner
            OR new.debits_posted < old.debits_posted OR new.credits_posted < old.credits_posted)
        EXECUTE FUNCTION ledger_refuse()",
];

const DOWN: &[&str] = &["DROP TABLE ledger_expiring", "DROP TABLE transfers", "DROP TABLE ledger_accounts"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await?;
        dialect::run(manager, if is_sqlite(manager) { SQLITE } else { POSTGRES }).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await?;
        dialect::run(manager, if is_sqlite(manager) { &[] } else { &["DROP FUNCTION ledger_refuse()"] }).await
    }
}

fn is_sqlite(manager: &SchemaManager<'_>) -> bool {
    manager.get_connection().get_database_backend() == DbBackend::Sqlite
}
