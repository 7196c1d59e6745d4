//! Modules and jobs: submit, look, wait, stop, and the result.

use std::time::Duration;

use data_encoding::HEXLOWER;
use fallow_protocol::JobId;
use fallow_protocol::api::{Explanation, JobInfo, ModuleInfo, NewModule, Page, UnitInfo, UnitLog, UnitState};
use fallow_protocol::job::JobSubmission;
use fallow_protocol::manifest::AuthoredManifest;
use reqwest::header::{HeaderName, HeaderValue};

use super::call::Call;
use super::download::Download;
use super::{Client, ClientError};

/// Longest wait of one long poll, milliseconds.
const WAIT_MS_MAX: u64 = 30_000;

/// Longest that a component may wait for its turn and be looked at.
const VALIDATION: Duration = Duration::from_secs(120);

/// Which units or logs of a job are wanted.
#[derive(Clone, Debug, Default)]
pub struct UnitFilter {
    /// Only units in this state (not for logs).
    pub state: Option<UnitState>,
    /// Only this stage: 0 split, 1 work, 2 and on merge (not for logs).
    pub stage: Option<u16>,
    /// Only the unit with this number (only for logs).
    pub seq: Option<u64>,
    /// Only units that failed (only for logs).
    pub failed: bool,
}

/// A fresh random `Idempotency-Key`, 32 hexadecimal letters.
pub fn idempotency_key() -> String {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    HEXLOWER.encode(&bytes)
}

impl Client {
    /// `POST /modules`: a component whose blob was uploaded before, with its signed manifest.
    pub async fn create_module(&self, manifest: &AuthoredManifest) -> Result<ModuleInfo, ClientError> {
        let body = NewModule {
            manifest: data_encoding::BASE64.encode(&manifest.bytes),
            author_signature: manifest.author_signature,
            name: None,
        };
        self.json(Call::post(&["api", "v1", "modules"]).json(&body).repeatable().waits(VALIDATION)).await
    }

    /// `POST /jobs`. With the same `key` (see [`idempotency_key`]) a repeat gives the job that exists; repeats after a
    /// broken connection are made here.
    pub async fn submit(&self, job: &JobSubmission, key: &str) -> Result<JobInfo, ClientError> {
        let key = HeaderValue::from_str(key).map_err(|_| ClientError::Token)?;
        let name = HeaderName::from_static("idempotency-key");
        self.json(Call::post(&["api", "v1", "jobs"]).json(job).header(name, key).repeatable()).await
    }

    /// `GET /jobs`: own jobs, newest first, one page.
    pub async fn jobs(&self, cursor: Option<&str>, limit: u32) -> Result<Page<JobInfo>, ClientError> {
        self.page(&["api", "v1", "jobs"], cursor, limit).await
    }

    /// `GET /jobs?project=`: own jobs of a project, newest first, one page.
    pub async fn jobs_of(
        &self,
        project: Option<&str>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<JobInfo>, ClientError> {
        let call = Call::get(&["api", "v1", "jobs"]).query_some("cursor", cursor).query("limit", limit);
        self.json(call.query_some("project", project)).await
    }

    /// `GET /jobs/{id}` as it is now.
    pub async fn job(&self, job: &JobId) -> Result<JobInfo, ClientError> {
        self.json(job_call(job, &[])).await
    }

    /// `GET /jobs/{id}?after=&wait_ms=`: as soon as its version is above `after`, or as it is after `wait` (at most
    /// 30 s).
    pub async fn job_after(&self, job: &JobId, after: u64, wait: Duration) -> Result<JobInfo, ClientError> {
        let wait_ms = wait_ms(wait);
        let call = job_call(job, &[]).query("after", after).query("wait_ms", wait_ms);
        self.json(call.waits(Duration::from_millis(wait_ms))).await
    }

    /// Long polls until the job has ended.
    pub async fn wait_ended(&self, job: &JobId) -> Result<JobInfo, ClientError> {
        let mut info = self.job(job).await?;
        while !info.phase.is_final() {
            info = self.job_after(job, info.version, Duration::from_millis(WAIT_MS_MAX)).await?;
        }
        Ok(info)
    }

    /// `GET /jobs/{id}/units`, one page. Uses `state` and `stage` of the filter.
    pub async fn units(
        &self,
        job: &JobId,
        filter: &UnitFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<UnitInfo>, ClientError> {
        let state = filter.state.map(state_word);
        let call = job_call(job, &["units"]).query_some("state", state).query_some("stage", filter.stage);
        self.json(call.query_some("cursor", cursor).query("limit", limit)).await
    }

    /// `GET /jobs/{id}/logs`, one page. Uses `failed` and `seq` of the filter.
    pub async fn logs(
        &self,
        job: &JobId,
        filter: &UnitFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<UnitLog>, ClientError> {
        let failed = filter.failed.then_some(true);
        let call = job_call(job, &["logs"]).query_some("failed", failed).query_some("seq", filter.seq);
        self.json(call.query_some("cursor", cursor).query("limit", limit)).await
    }

    /// `GET /jobs/{id}/explain`: why its units wait.
    pub async fn explain(&self, job: &JobId) -> Result<Explanation, ClientError> {
        self.json(job_call(job, &["explain"])).await
    }

    /// `GET /jobs/{id}/result` from byte `offset` on, waiting up to `wait` (at most 30 s) for it to be there.
    /// Problems: `no-result-yet`, `no-result`. To keep it in a file, see [`Client::save`].
    pub async fn result(&self, job: &JobId, offset: u64, wait: Duration) -> Result<Download, ClientError> {
        let wait_ms = wait_ms(wait);
        let call = job_call(job, &["result"]).query_some("wait_ms", (wait_ms > 0).then_some(wait_ms));
        self.download(call.waits(Duration::from_millis(wait_ms)), offset, None).await
    }

    /// `POST /jobs/{id}/cancel`. A job that has ended stays as it is.
    pub async fn cancel(&self, job: &JobId) -> Result<JobInfo, ClientError> {
        self.json(Call::post(&["api", "v1", "jobs", job.as_str(), "cancel"]).repeatable()).await
    }

    /// `POST /jobs/{id}/retry`: failed and left-out units get fresh attempts.
    pub async fn retry(&self, job: &JobId) -> Result<JobInfo, ClientError> {
        self.json(Call::post(&["api", "v1", "jobs", job.as_str(), "retry"]).repeatable()).await
    }
}

fn job_call(job: &JobId, rest: &[&str]) -> Call {
    let mut segments = vec!["api", "v1", "jobs", job.as_str()];
    segments.extend(rest);
    Call::get(&segments)
}

fn wait_ms(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).min(WAIT_MS_MAX)
}

/// A unit state's word in queries: the same as in JSON.
fn state_word(state: UnitState) -> &'static str {
    match state {
        UnitState::Waiting => "waiting",
        UnitState::Running => "running",
        UnitState::Checking => "checking",
        UnitState::Done => "done",
        UnitState::Again => "again",
        UnitState::Failed => "failed",
        UnitState::LeftOut => "left_out",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_the_same_word_in_queries_and_in_json() {
        use UnitState::*;
        for state in [Waiting, Running, Checking, Done, Again, Failed, LeftOut] {
            assert_eq!(serde_json::to_value(state).unwrap(), state_word(state));
        }
    }

    #[test]
    fn keys_differ_and_waits_are_limited() {
        assert_ne!(idempotency_key(), idempotency_key());
        assert_eq!(idempotency_key().len(), 32);
        assert_eq!(wait_ms(Duration::from_secs(3_600)), WAIT_MS_MAX);
    }
}
