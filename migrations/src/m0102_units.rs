//! Units with their newest attempt inline, earlier attempts, leases, checkpoints and logs.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // A unit is on a node as long as it has a lease. `troubles` and `claims` are packed by the rules.
    // State: 0 waiting, 1 running, 2 checking, 3 done, 4 again, 5 failed, 6 left out. Class: the outcome's byte, 0 for
    // none. `input` is MessagePack of the protocol's input; an output is inline or a blob with its length.
    "CREATE TABLE units (
        job BIGINT NOT NULL,
        stage BIGINT NOT NULL,
        seq BIGINT NOT NULL,
        state BIGINT NOT NULL,
        attempt BIGINT NOT NULL,
        troubles BIGINT NOT NULL,
        lease BIGINT,
        node BIGINT,
        class BIGINT NOT NULL,
        fuel BIGINT NOT NULL,
        wall_us BIGINT NOT NULL,
        memory_bytes BIGINT NOT NULL,
        output_len BIGINT NOT NULL,
        input {blob} NOT NULL,
        output {blob},
        output_blob {blob},
        message TEXT,
        claims {blob},
        PRIMARY KEY (job, stage, seq)
    ) {clustered}",
    // Only units that need another attempt: what the dispatcher loads besides its cursor.
    "CREATE INDEX units_again ON units (job, stage, seq) WHERE state = 4 OR state = 2",
    "CREATE INDEX units_failed ON units (job, stage, seq) WHERE state = 5 OR state = 6",
    "CREATE INDEX units_blob ON units (output_blob) WHERE output_blob IS NOT NULL",
    "CREATE TABLE attempts (
        job BIGINT NOT NULL,
        stage BIGINT NOT NULL,
        seq BIGINT NOT NULL,
        attempt BIGINT NOT NULL,
        node BIGINT NOT NULL,
        class BIGINT NOT NULL,
        fuel BIGINT NOT NULL,
        wall_us BIGINT NOT NULL,
        memory_bytes BIGINT NOT NULL,
        root {blob},
        resumed BOOLEAN NOT NULL,
        message TEXT,
        ended_at_ms BIGINT NOT NULL,
        PRIMARY KEY (job, stage, seq, attempt)
    ) {clustered}",
    "CREATE TABLE leases (
        id BIGINT PRIMARY KEY,
        node BIGINT NOT NULL,
        job BIGINT NOT NULL,
        stage BIGINT NOT NULL,
        first_seq BIGINT NOT NULL,
        last_seq BIGINT NOT NULL,
        expires_at_ms BIGINT NOT NULL
    )",
    "CREATE INDEX leases_of_job ON leases (job)",
    "CREATE TABLE checkpoints (
        job BIGINT NOT NULL,
        stage BIGINT NOT NULL,
        seq BIGINT NOT NULL,
        attempt BIGINT NOT NULL,
        node BIGINT NOT NULL,
        blob {blob} NOT NULL,
        len BIGINT NOT NULL,
        fuel BIGINT NOT NULL,
        PRIMARY KEY (job, stage, seq)
    ) {clustered}",
    "CREATE TABLE logs (
        job BIGINT NOT NULL,
        stage BIGINT NOT NULL,
        seq BIGINT NOT NULL,
        attempt BIGINT NOT NULL,
        class BIGINT NOT NULL,
        message TEXT,
        log {blob} NOT NULL,
        PRIMARY KEY (job, stage, seq, attempt)
    ) {clustered}",
];

const DOWN: &[&str] =
    &["DROP TABLE logs", "DROP TABLE checkpoints", "DROP TABLE leases", "DROP TABLE attempts", "DROP TABLE units"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}
