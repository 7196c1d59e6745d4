//! Results that are not checked yet, by the frame that brought them, and the pay that is held for them.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // `position` is the number of unchecked results of the node after these; `units` is packed by the store.
    // State: 0 held, 1 posted, 2 void, 3 unpaid. Amount and fee are micro-credits.
    "CREATE TABLE holdings (
        id {id},
        job BIGINT NOT NULL,
        stage BIGINT NOT NULL,
        node BIGINT NOT NULL,
        owner BIGINT NOT NULL,
        frame BIGINT NOT NULL,
        position BIGINT NOT NULL,
        units {blob} NOT NULL,
        count BIGINT NOT NULL CHECK (count > 0),
        fuel BIGINT NOT NULL CHECK (fuel >= 0),
        amount BIGINT NOT NULL CHECK (amount >= 0),
        fee BIGINT NOT NULL CHECK (fee >= 0),
        made_at_ms BIGINT NOT NULL,
        state BIGINT NOT NULL CHECK (state BETWEEN 0 AND 3),
        UNIQUE (node, frame, job, stage))",
    "CREATE INDEX holdings_of_node ON holdings (node, position) WHERE state = 0",
    "CREATE INDEX holdings_to_review ON holdings (node, position) WHERE (state = 0 OR state = 3)",
    "CREATE INDEX holdings_of_job ON holdings (job, id)",
    "CREATE INDEX holdings_by_age ON holdings (made_at_ms) WHERE state = 0",
];

const DOWN: &[&str] = &["DROP TABLE holdings"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}
