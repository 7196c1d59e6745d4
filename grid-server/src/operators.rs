//! What operators do: stop and restore users, nodes and modules, and change what accounts may. Each is written to the
//! audit log in the transaction that does it, then memory follows.

use std::sync::Arc;

use fallow_protocol::api::UserChange;
use fallow_protocol::{AccountId, Digest, NodeId};

use crate::app::{App, now_ms};
use crate::audit;
use crate::auth::Caller;
use crate::store::{StoreError, accounts, audit as log, suspensions as rows};
use crate::suspensions;

/// Jobs that an account may be allowed at most.
pub const JOBS_MAX: u64 = 1_000_000;

/// Why it is not done.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// There is none.
    #[error("{0}")]
    NotFound(String),
    /// Something that is asked for is wrong.
    #[error("{detail}")]
    Invalid {
        /// Field of the request.
        field: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// Nobody could take it back.
    #[error("this is the grid's only operator; make another one first")]
    LastOperator,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is stopped or restored.
#[derive(Clone, Debug)]
pub enum Target {
    /// An account: its tokens and sessions are refused, its jobs wait, its nodes get no work.
    User(AccountId),
    /// A node: it gets no work and no connection.
    Node(NodeId),
    /// A module, by the digest of its manifest or of its component: it runs nowhere.
    Module(Digest),
}

impl Target {
    fn word(&self) -> (&'static str, String) {
        match self {
            Target::User(id) => ("user", id.to_string()),
            Target::Node(id) => ("node", id.to_string()),
            Target::Module(digest) => ("module", digest.to_string()),
        }
    }
}

/// Stop something for a reason (a visible line) that those are told whom it concerns.
pub async fn suspend(app: &App, by: &Caller, target: Target, reason: &str) -> Result<(), OperatorError> {
    set(app, by, target, Some(reason.trim().to_owned())).await
}

/// Let it go on.
pub async fn restore(app: &App, by: &Caller, target: Target) -> Result<(), OperatorError> {
    set(app, by, target, None).await
}

enum Done {
    Yes,
    Nothing,
    LastOperator,
}

async fn set(app: &App, by: &Caller, target: Target, reason: Option<String>) -> Result<(), OperatorError> {
    let (kind, id) = target.word();
    let verb = if reason.is_some() { "suspended" } else { "restored" };
    let subject = match &target {
        Target::User(id) => accounts::by_public_id(app.store.reader(), id).await?.map(|account| account.id),
        Target::Node(_) | Target::Module(_) => None,
    };
    let details = reason.as_deref().unwrap_or_default();
    let event = audit::event(by, subject, &format!("{kind}.{verb}"), &id, details);
    let shared = Arc::new((target, reason, event));
    let work = app.store.write(move |db| {
        let shared = shared.clone();
        Box::pin(async move {
            let (target, reason, event) = &*shared;
            let done = write(db, target, subject, reason.as_deref()).await?;
            if matches!(done, Done::Yes) {
                log::insert(db, event).await?;
            }
            Ok(done)
        })
    });
    match work.await? {
        Done::Yes => {}
        Done::Nothing => return Err(OperatorError::NotFound(format!("{kind} {id}"))),
        Done::LastOperator => return Err(OperatorError::LastOperator),
    }
    tracing::info!(kind, id, verb, "an operator decided");
    Ok(suspensions::load(app).await?)
}

async fn write(
    db: &sea_orm::DatabaseTransaction,
    target: &Target,
    subject: Option<i64>,
    reason: Option<&str>,
) -> Result<Done, StoreError> {
    let done = match (target, reason) {
        (Target::User(_), _) => {
            let Some(account) = subject else { return Ok(Done::Nothing) };
            if reason.is_some() && !accounts::other_operators(db, account).await? {
                return Ok(Done::LastOperator);
            }
            accounts::suspend(db, account, reason).await?
        }
        (Target::Node(id), _) => rows::set_node(db, id, reason).await?,
        (Target::Module(digest), Some(reason)) => rows::stop_module(db, digest, reason, now_ms()).await?,
        (Target::Module(digest), None) => rows::restore_module(db, digest).await?,
    };
    Ok(if done { Done::Yes } else { Done::Nothing })
}

/// Change what an account may.
pub async fn change(app: &App, by: &Caller, id: &AccountId, change: UserChange) -> Result<(), OperatorError> {
    check(&change)?;
    let missing = || OperatorError::NotFound(format!("account {id}"));
    let account = accounts::by_public_id(app.store.reader(), id).await?.ok_or_else(missing)?;
    let details = serde_json::to_string(&change).unwrap_or_default();
    let event = audit::event(by, Some(account.id), "user.changed", id.as_str(), &details);
    let shared = Arc::new((id.clone(), change, event));
    let internal = account.id;
    let work = app.store.write(move |db| {
        let shared = shared.clone();
        Box::pin(async move {
            let (id, change, event) = &*shared;
            if change.role.as_deref() == Some("user") && !accounts::other_operators(db, internal).await? {
                return Ok(Done::LastOperator);
            }
            let done = rows::change_account(db, id, change.role.as_deref(), change.fuel_quota, change.jobs_max).await?;
            if done {
                log::insert(db, event).await?;
            }
            Ok(if done { Done::Yes } else { Done::Nothing })
        })
    });
    match work.await? {
        Done::Yes => Ok(()),
        Done::Nothing => Err(missing()),
        Done::LastOperator => Err(OperatorError::LastOperator),
    }
}

fn check(change: &UserChange) -> Result<(), OperatorError> {
    let invalid = |field, detail: String| Err(OperatorError::Invalid { field, detail });
    if change.fuel_quota.is_some_and(|quota| i64::try_from(quota).is_err()) {
        return invalid("fuel_quota", format!("at most {} fuel", i64::MAX));
    }
    if change.jobs_max.is_some_and(|jobs| jobs > JOBS_MAX) {
        return invalid("jobs_max", format!("at most {JOBS_MAX} jobs"));
    }
    match change.role.as_deref() {
        None | Some("user" | "operator") => Ok(()),
        Some(other) => {
            invalid("role", format!("user or operator, not {:?}", other.chars().take(40).collect::<String>()))
        }
    }
}
