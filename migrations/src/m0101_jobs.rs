//! Jobs, their stages with counters, and the keys that make submitting twice harmless.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // `submission` is JSON as the author sent it; `module` the digest of the manifest; phases and classes are bytes of
    // the protocol.
    "CREATE TABLE jobs (
        id {id},
        public_id TEXT NOT NULL UNIQUE,
        account BIGINT NOT NULL,
        name TEXT NOT NULL,
        submission TEXT NOT NULL,
        module {blob} NOT NULL,
        phase BIGINT NOT NULL,
        version BIGINT NOT NULL,
        seed BIGINT NOT NULL,
        epoch_ms BIGINT NOT NULL,
        deadline_ms BIGINT,
        fuel BIGINT NOT NULL,
        created_at_ms BIGINT NOT NULL,
        ended_at_ms BIGINT,
        result {blob},
        result_len BIGINT,
        error TEXT
    )",
    "CREATE INDEX jobs_of_account ON jobs (account, id)",
    "CREATE INDEX jobs_active ON jobs (id) WHERE phase < 3",
    "CREATE INDEX jobs_ended ON jobs (ended_at_ms) WHERE ended_at_ms IS NOT NULL",
    // `next_seq` is the dispatcher's cursor: units from there on have never been leased.
    // `split_state` says where the cutter goes on, as the workers encode it.
    "CREATE TABLE stages (
        job BIGINT NOT NULL,
        stage BIGINT NOT NULL,
        total BIGINT NOT NULL,
        split_done BOOLEAN NOT NULL,
        split_state {blob},
        next_seq BIGINT NOT NULL,
        waiting BIGINT NOT NULL,
        running BIGINT NOT NULL,
        checking BIGINT NOT NULL,
        done BIGINT NOT NULL,
        again BIGINT NOT NULL,
        failed BIGINT NOT NULL,
        left_out BIGINT NOT NULL,
        PRIMARY KEY (job, stage)
    ) {clustered}",
    "CREATE TABLE idempotency (
        account BIGINT NOT NULL,
        key TEXT NOT NULL,
        body {blob} NOT NULL,
        job BIGINT NOT NULL,
        created_at_ms BIGINT NOT NULL,
        PRIMARY KEY (account, key)
    ) {clustered}",
    "CREATE INDEX idempotency_of_job ON idempotency (job)",
];

const DOWN: &[&str] = &["DROP TABLE idempotency", "DROP TABLE stages", "DROP TABLE jobs"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}
