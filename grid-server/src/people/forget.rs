//! An account goes: its jobs are cancelled, its nodes removed, its tokens and sessions ended, its name and address
//! forgotten. What it moved in the ledger stays, without a name, since others' balances follow from it.

use axum::http::StatusCode;
use fallow_protocol::AccountId;
use fallow_protocol::ids::random_letters;

use super::register::FORGOTTEN;
use crate::api::ApiError;
use crate::app::{App, now_ms};
use crate::jobs;
use crate::store::{accounts, groups, people};

/// Forget an account. The last operator stays.
pub async fn forget(app: &App, id: i64, public_id: &AccountId, operator: bool) -> Result<(), ApiError> {
    if operator && !accounts::other_operators(app.store.reader(), id).await? {
        let detail = "this is the grid's only operator; make another one first";
        return Err(ApiError::new(StatusCode::CONFLICT, "last-operator", detail));
    }
    cancel_jobs(app, id).await?;
    let name = format!("{FORGOTTEN}{public_id} {}", random_letters(8));
    let work = app.store.write(move |db| {
        let name = name.clone();
        Box::pin(async move {
            groups::leave_all(db, id).await?;
            people::forget(db, id, &name, now_ms()).await
        })
    });
    for node in work.await? {
        app.nodes.remove(node);
    }
    crate::groups::load(app).await?;
    // A job that came in between was the last: there is no token any more.
    cancel_jobs(app, id).await
}

async fn cancel_jobs(app: &App, account: i64) -> Result<(), ApiError> {
    for job in app.active.all().into_iter().filter(|job| job.account == account) {
        jobs::cancel(app, account, &job.public_id).await?;
    }
    Ok(())
}
