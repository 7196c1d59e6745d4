//! The audit log: what people and operators did. Names are not in it, so that a deleted account's is forgotten.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// See the file's head.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // `actor` did it, `subject` is the account that it is about.
    "CREATE TABLE audit (
        id {id},
        at_ms BIGINT NOT NULL,
        actor BIGINT,
        subject BIGINT,
        action TEXT NOT NULL,
        object TEXT NOT NULL,
        address TEXT NOT NULL,
        details TEXT NOT NULL)",
    "CREATE INDEX audit_by_actor ON audit (actor, id)",
    "CREATE INDEX audit_by_subject ON audit (subject, id)",
    "CREATE INDEX audit_by_time ON audit (at_ms)",
];

const DOWN: &[&str] = &["DROP TABLE audit"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}
