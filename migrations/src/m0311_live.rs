//! What jobs are shown by: their project, how many units ended when, and names of modules.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE jobs ADD COLUMN project TEXT",
    "CREATE INDEX jobs_of_project ON jobs (account, project, id) WHERE project IS NOT NULL",
    "CREATE INDEX jobs_of_module ON jobs (account, module, id)",
    "ALTER TABLE modules ADD COLUMN name TEXT NOT NULL DEFAULT ''",
    // Units of the work that ended from `at_ms` on, to where the next bucket begins.
    "CREATE TABLE paces (
        job BIGINT NOT NULL,
        at_ms BIGINT NOT NULL,
        done BIGINT NOT NULL,
        failed BIGINT NOT NULL,
        PRIMARY KEY (job, at_ms)
    ) {clustered}",
];

const DOWN: &[&str] = &[
    "DROP TABLE paces",
    "ALTER TABLE modules DROP COLUMN name",
    "DROP INDEX jobs_of_module",
    "DROP INDEX jobs_of_project",
    "ALTER TABLE jobs DROP COLUMN project",
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
