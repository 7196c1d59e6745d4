//! Lists for operators: users, nodes, jobs, modules. One statement a page, whatever is shown of a row.

use fallow_protocol::api::{AccountRef, AdminUser, JobPhase, Report, Suspended};
use fallow_protocol::link::Machine;
use fallow_protocol::{AccountId, Digest, JobId, NodeId};
use grid_core::AccountNo;
use grid_core::ledger::Account as LedgerAccount;
use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::StoreError;
use super::jobs::phase_of;
use super::sql::{self, signed};

/// Which part of a list.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Rows with this in a name, or with exactly this id; all where it is empty.
    pub query: &'a str,
    /// Internal id of the row before; none for the first page.
    pub after: Option<i64>,
    /// At most so many rows.
    pub limit: u64,
}

impl Part<'_> {
    /// What is looked for: as it is, and as a pattern of `LIKE … ESCAPE '!'`.
    fn texts(&self) -> [Value; 2] {
        let mut pattern = String::from("%");
        for letter in self.query.to_lowercase().chars() {
            if matches!(letter, '%' | '_' | '!') {
                pattern.push('!');
            }
            pattern.push(letter);
        }
        pattern.push('%');
        [self.query.into(), pattern.into()]
    }
}

/// A row with its internal id.
type Row<T> = (i64, T);

fn owner(row: &QueryResult) -> Result<AccountRef, StoreError> {
    Ok(AccountRef { id: sql::parsed::<AccountId>(row, "owner_id")?, name: sql::get(row, "owner_name")? })
}

/// Users, oldest first. `jobs` is not filled in.
pub async fn users<C: ConnectionTrait>(connection: &C, part: Part<'_>) -> Result<Vec<Row<AdminUser>>, StoreError> {
    let text = "SELECT a.id, a.public_id, a.name, a.email, a.role, a.created_at_ms, a.suspended_reason, a.fuel_quota, \
        a.fuel_used, a.jobs_max, \
        CAST(COALESCE(l.credits_posted - l.debits_posted - l.debits_pending, 0) AS BIGINT) AS available, \
        (SELECT COUNT(*) FROM nodes n WHERE n.account_id = a.id AND n.revoked_at_ms IS NULL) AS nodes \
        FROM accounts a LEFT JOIN ledger_accounts l ON l.id = a.id * 4096 + $5 \
        WHERE a.deleted_at_ms IS NULL AND a.id > $3 AND ($1 = '' OR a.public_id = $1 \
            OR LOWER(a.name) LIKE $2 ESCAPE '!' OR LOWER(a.email) LIKE $2 ESCAPE '!') ORDER BY a.id LIMIT $4";
    let [query, pattern] = part.texts();
    let offset = LedgerAccount::user(AccountNo(0)).id().unwrap_or_default();
    let values = vec![query, pattern, part.after.unwrap_or(0).into(), signed(part.limit).into(), offset.into()];
    let read = |row: &QueryResult| {
        let jobs_max: Option<i64> = sql::get(row, "jobs_max")?;
        let user = AdminUser {
            id: sql::parsed(row, "public_id")?,
            name: sql::get(row, "name")?,
            email: sql::get(row, "email")?,
            role: sql::get(row, "role")?,
            created_at_ms: sql::unsigned(row, "created_at_ms")?,
            suspended: sql::get::<Option<String>>(row, "suspended_reason")?.map(|reason| Suspended { reason }),
            fuel_quota: sql::unsigned(row, "fuel_quota")?,
            fuel_used: sql::unsigned(row, "fuel_used")?,
            jobs_max: jobs_max.map(i64::unsigned_abs),
            available: sql::unsigned(row, "available")?,
            nodes: sql::unsigned(row, "nodes")?,
            jobs: 0,
        };
        Ok((sql::get(row, "id")?, user))
    };
    sql::all(connection, text, values).await?.iter().map(read).collect()
}

/// A node with its owner.
#[derive(Clone, Debug)]
pub struct NodeOfGrid {
    /// Id within the database.
    pub id: i64,
    /// Public id.
    pub public_id: NodeId,
    /// Internal id of its owner's account.
    pub account: i64,
    /// Whose it is.
    pub owner: AccountRef,
    /// Its name.
    pub name: String,
    /// What it was at its last login.
    pub machine: Machine,
    /// Results accepted in all.
    pub units_done: u64,
    /// Fuel of these.
    pub fuel: u64,
    /// When it joined.
    pub joined_at_ms: u64,
    /// Last heard of.
    pub seen_at_ms: u64,
}

/// Nodes, oldest first.
pub async fn nodes<C: ConnectionTrait>(connection: &C, part: Part<'_>) -> Result<Vec<NodeOfGrid>, StoreError> {
    let text = "SELECT n.id, n.public_id, n.account_id, n.name, n.machine, n.units_done, n.fuel, n.joined_at_ms, \
        n.seen_at_ms, a.public_id AS owner_id, a.name AS owner_name FROM nodes n JOIN accounts a ON a.id = n.account_id \
        WHERE n.revoked_at_ms IS NULL AND n.id > $3 AND ($1 = '' OR n.public_id = $1 OR a.public_id = $1 \
            OR LOWER(n.name) LIKE $2 ESCAPE '!' OR LOWER(a.name) LIKE $2 ESCAPE '!') ORDER BY n.id LIMIT $4";
    let [query, pattern] = part.texts();
    let values = vec![query, pattern, part.after.unwrap_or(0).into(), signed(part.limit).into()];
    let read = |row: &QueryResult| {
        Ok(NodeOfGrid {
            id: sql::get(row, "id")?,
            public_id: sql::parsed(row, "public_id")?,
            account: sql::get(row, "account_id")?,
            owner: owner(row)?,
            name: sql::get(row, "name")?,
            machine: serde_json::from_str(&sql::get::<String>(row, "machine")?).unwrap_or_default(),
            units_done: sql::unsigned(row, "units_done")?,
            fuel: sql::unsigned(row, "fuel")?,
            joined_at_ms: sql::unsigned(row, "joined_at_ms")?,
            seen_at_ms: sql::unsigned(row, "seen_at_ms")?,
        })
    };
    sql::all(connection, text, values).await?.iter().map(read).collect()
}

/// A job with its owner.
#[derive(Clone, Debug)]
pub struct JobOfGrid {
    /// Id within the database.
    pub id: i64,
    /// Public id.
    pub public_id: JobId,
    /// Internal id of its author's account.
    pub account: i64,
    /// Whose it is.
    pub owner: AccountRef,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub phase: JobPhase,
    /// Its module's manifest.
    pub module: Digest,
    /// Its module's component; none where the module is gone.
    pub component: Option<Digest>,
    /// Units of the work: all, done, failed or left out.
    pub units: (u64, u64, u64),
    /// Fuel of accepted runs.
    pub fuel: u64,
    /// Submission.
    pub created_at_ms: u64,
    /// End.
    pub ended_at_ms: Option<u64>,
    /// Why there is no result.
    pub error: Option<String>,
}

/// Jobs, newest first.
pub async fn jobs<C: ConnectionTrait>(connection: &C, part: Part<'_>) -> Result<Vec<JobOfGrid>, StoreError> {
    let text = "SELECT j.id, j.public_id, j.account, j.name, j.phase, j.module, m.component, j.fuel, j.created_at_ms, \
        j.ended_at_ms, j.error, a.public_id AS owner_id, a.name AS owner_name, \
        COALESCE(s.total, 0) AS total, COALESCE(s.done, 0) AS done, COALESCE(s.failed + s.left_out, 0) AS failed \
        FROM jobs j JOIN accounts a ON a.id = j.account \
        LEFT JOIN stages s ON s.job = j.id AND s.stage = 1 \
        LEFT JOIN modules m ON m.account_id = j.account AND m.digest = j.module \
        WHERE j.id < $3 AND ($1 = '' OR j.public_id = $1 OR a.public_id = $1 \
            OR LOWER(j.name) LIKE $2 ESCAPE '!' OR LOWER(a.name) LIKE $2 ESCAPE '!') ORDER BY j.id DESC LIMIT $4";
    let [query, pattern] = part.texts();
    let values = vec![query, pattern, part.after.unwrap_or(i64::MAX).into(), signed(part.limit).into()];
    let read = |row: &QueryResult| {
        let ended_at_ms: Option<i64> = sql::get(row, "ended_at_ms")?;
        let component: Option<Vec<u8>> = sql::get(row, "component")?;
        Ok(JobOfGrid {
            id: sql::get(row, "id")?,
            public_id: sql::parsed(row, "public_id")?,
            account: sql::get(row, "account")?,
            owner: owner(row)?,
            name: sql::get(row, "name")?,
            phase: phase_of(sql::get(row, "phase")?)?,
            module: sql::digest(row, "module")?,
            component: component.and_then(|bytes| Digest::from_slice(&bytes)),
            units: (sql::unsigned(row, "total")?, sql::unsigned(row, "done")?, sql::unsigned(row, "failed")?),
            fuel: sql::unsigned(row, "fuel")?,
            created_at_ms: sql::unsigned(row, "created_at_ms")?,
            ended_at_ms: ended_at_ms.map(i64::unsigned_abs),
            error: sql::get(row, "error")?,
        })
    };
    sql::all(connection, text, values).await?.iter().map(read).collect()
}

/// A module with its owner.
#[derive(Clone, Debug)]
pub struct ModuleOfGrid {
    /// Id within the database.
    pub id: i64,
    /// Whose it is.
    pub owner: AccountRef,
    /// Digest of the manifest's bytes.
    pub digest: Digest,
    /// The component.
    pub component: Digest,
    /// Its length, bytes.
    pub bytes: u64,
    /// When it was registered.
    pub created_at_ms: u64,
    /// When its manifest ends.
    pub expires_at_ms: u64,
    /// Jobs of its owner that run it.
    pub jobs: u64,
}

/// Modules, newest first. `digest` is what the query is where that is one: of a manifest or of a component.
pub async fn modules<C: ConnectionTrait>(
    connection: &C,
    part: Part<'_>,
    digest: Option<Digest>,
) -> Result<Vec<ModuleOfGrid>, StoreError> {
    let text = "SELECT m.id, m.digest, m.component, m.bytes, m.created_at_ms, m.expires_at_ms, \
        a.public_id AS owner_id, a.name AS owner_name, \
        (SELECT COUNT(*) FROM jobs j WHERE j.account = m.account_id AND j.module = m.digest) AS jobs \
        FROM modules m JOIN accounts a ON a.id = m.account_id \
        WHERE m.id < $3 AND ($1 = '' OR a.public_id = $1 OR LOWER(a.name) LIKE $2 ESCAPE '!' \
            OR m.digest = $5 OR m.component = $5) ORDER BY m.id DESC LIMIT $4";
    let [query, pattern] = part.texts();
    let digest = digest.map(|digest| digest.0.to_vec()).unwrap_or_default();
    let values = vec![query, pattern, part.after.unwrap_or(i64::MAX).into(), signed(part.limit).into(), digest.into()];
    let read = |row: &QueryResult| {
        Ok(ModuleOfGrid {
            id: sql::get(row, "id")?,
            owner: owner(row)?,
            digest: sql::digest(row, "digest")?,
            component: sql::digest(row, "component")?,
            bytes: sql::unsigned(row, "bytes")?,
            created_at_ms: sql::unsigned(row, "created_at_ms")?,
            expires_at_ms: sql::unsigned(row, "expires_at_ms")?,
            jobs: sql::unsigned(row, "jobs")?,
        })
    };
    sql::all(connection, text, values).await?.iter().map(read).collect()
}

/// What was said of programs, newest first.
pub async fn reports<C: ConnectionTrait>(
    connection: &C,
    part: Part<'_>,
    digest: Option<Digest>,
) -> Result<Vec<Report>, StoreError> {
    let text = "SELECT r.id, r.made_at_ms, r.module, r.job, r.note, a.name AS by_name FROM reports r \
        JOIN accounts a ON a.id = r.account WHERE r.id < $3 AND ($1 = '' OR r.job = $1 OR r.module = $5 \
            OR LOWER(a.name) LIKE $2 ESCAPE '!' OR LOWER(r.note) LIKE $2 ESCAPE '!') ORDER BY r.id DESC LIMIT $4";
    let [query, pattern] = part.texts();
    let digest = digest.map(|digest| digest.0.to_vec()).unwrap_or_default();
    let values = vec![query, pattern, part.after.unwrap_or(i64::MAX).into(), signed(part.limit).into(), digest.into()];
    let read = |row: &QueryResult| {
        let (module, job): (Option<Vec<u8>>, Option<String>) = (sql::get(row, "module")?, sql::get(row, "job")?);
        Ok(Report {
            id: sql::unsigned(row, "id")?,
            at_ms: sql::unsigned(row, "made_at_ms")?,
            by: sql::get(row, "by_name")?,
            module: module.and_then(|bytes| Digest::from_slice(&bytes)),
            job: job.and_then(|job| job.parse().ok()),
            text: sql::get(row, "note")?,
        })
    };
    sql::all(connection, text, values).await?.iter().map(read).collect()
}
