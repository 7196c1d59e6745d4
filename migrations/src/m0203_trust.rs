//! What is remembered of nodes and their owners, disputes with their evidence, and what units need for it.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // Attempts are numbered from 1, but nodes see them shifted by a secret of the job, so that a check looks like any
    // other unit. `price` is JSON of the price at submission; none where the job costs nothing.
    "ALTER TABLE jobs ADD COLUMN mask BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE jobs ADD COLUMN price TEXT",
    // How often the result was corrected after delivery, and what its author is told of it.
    "ALTER TABLE jobs ADD COLUMN corrections BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE jobs ADD COLUMN notice TEXT",
    // The newest attempt's build (0 plain, 1 canonical), and who made the checkpoint that it went on from.
    "ALTER TABLE units ADD COLUMN floats BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE units ADD COLUMN resumed_from BIGINT",
    "ALTER TABLE attempts ADD COLUMN floats BIGINT NOT NULL DEFAULT 0",
    // The first maker in a line of checkpoints.
    "ALTER TABLE checkpoints ADD COLUMN origin BIGINT",
    // `record` is MessagePack of the rules' record. A node with `review_from` was caught: its held results from that
    // position on are still to be voided and run again.
    "CREATE TABLE node_trust (node BIGINT PRIMARY KEY, record {blob} NOT NULL, review_from BIGINT,
        version BIGINT NOT NULL)",
    "CREATE INDEX node_trust_review ON node_trust (node) WHERE review_from IS NOT NULL",
    "CREATE TABLE owner_trust (account BIGINT PRIMARY KEY, record {blob} NOT NULL)",
    // How far the door for new nodes is open; one row.
    "CREATE TABLE grid_trust (id BIGINT PRIMARY KEY CHECK (id = 1), door BIGINT NOT NULL)",
    // `evidence` is JSON for the operator.
    "CREATE TABLE disputes (
        id {id},
        job BIGINT NOT NULL,
        stage BIGINT NOT NULL,
        seq BIGINT NOT NULL,
        made_at_ms BIGINT NOT NULL,
        evidence TEXT NOT NULL)",
    // Kinds of computers whose results differ from the others': `arch` or `engine`, and the number that stands for it.
    "CREATE TABLE frozen (
        kind TEXT NOT NULL,
        value BIGINT NOT NULL,
        made_at_ms BIGINT NOT NULL,
        PRIMARY KEY (kind, value)) {clustered}",
    "CREATE INDEX disputes_of_job ON disputes (job)",
];

const DOWN: &[&str] = &[
    "DROP TABLE frozen",
    "DROP TABLE disputes",
    "DROP TABLE grid_trust",
    "DROP TABLE owner_trust",
    "DROP TABLE node_trust",
    "ALTER TABLE checkpoints DROP COLUMN origin",
    "ALTER TABLE attempts DROP COLUMN floats",
    "ALTER TABLE units DROP COLUMN resumed_from",
    "ALTER TABLE units DROP COLUMN floats",
    "ALTER TABLE jobs DROP COLUMN notice",
    "ALTER TABLE jobs DROP COLUMN corrections",
    "ALTER TABLE jobs DROP COLUMN price",
    "ALTER TABLE jobs DROP COLUMN mask",
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
