//! Why a job's units wait: the matcher's own reasons over the present snapshot.

use fallow_protocol::JobId;
use fallow_protocol::api::{Explanation, Reason};
use grid_core::JobNo;
use grid_core::matching;

use super::JobError;
use crate::app::App;
use crate::store::jobs as rows;
use crate::workers::{self, snapshot};

/// Why its units wait.
pub async fn explain(app: &App, account: i64, id: &JobId) -> Result<Explanation, JobError> {
    let Some(job) = app.active.find(id).filter(|job| job.account == account) else {
        return ended(app, account, id).await;
    };
    let snapshot = snapshot(app, &app.active.all());
    let view = snapshot.jobs.iter().find(|view| view.id == JobNo(job.id));
    let view = view.cloned().unwrap_or_else(|| workers::view(app, &job, &|node| app.trust.about(node)));
    let nodes_working = app.nodes.all().iter().filter(|node| node.units_of(job.id) > 0).count() as u64;
    let reasons = matching::explain(&snapshot, &view);
    let state = job.lock();
    let counts = state.stage().counts;
    Ok(Explanation {
        job: id.clone(),
        phase: state.phase.0,
        waiting: counts.waiting + counts.again,
        reasons,
        nodes_online: snapshot.nodes.len() as u64,
        nodes_working,
    })
}

async fn ended(app: &App, account: i64, id: &JobId) -> Result<Explanation, JobError> {
    let row = rows::by_public_id(app.store.reader(), account, id).await?;
    let row = row.ok_or_else(|| JobError::NotFound(id.clone()))?;
    let text = row.error.unwrap_or_else(|| "the job is done; its result can be fetched".into());
    Ok(Explanation {
        job: id.clone(),
        phase: row.phase,
        waiting: 0,
        reasons: vec![Reason { code: "ended".into(), count: 0, text, help: None }],
        nodes_online: app.nodes.online() as u64,
        nodes_working: 0,
    })
}
