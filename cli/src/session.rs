//! What a command works with: how to speak, which grid, and which job was meant.

use std::time::Duration;

use anyhow::Context;
use fallow_protocol::JobId;
use fallow_protocol::api::{JobInfo, Page};

use crate::client::{Client, ClientError, ClientOptions};
use crate::config::{Config, Stored};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::terminal::escape;

/// Rows asked for at a time.
const PAGE_ROWS: u32 = 200;
/// Newest jobs among which a name or the beginning of an id is looked for.
const JOBS_SEARCHED: usize = 2_000;

/// One call of the tool.
#[derive(Debug)]
pub struct Session {
    /// How to speak.
    pub terminal: Terminal,
    /// Grid and token.
    pub config: Config,
}

impl Session {
    /// A client of the grid that the user is logged in to.
    pub fn client(&self) -> anyhow::Result<Client> {
        let stored = &self.config.stored;
        let not_logged_in =
            |what: &str| Failure::new(what).help("fallow login URL").kind("not-logged-in").exit(Exit::NotAllowed);
        let url = stored.url.as_deref().ok_or_else(|| not_logged_in("not logged in to a grid"))?;
        if stored.token.is_none() {
            return Err(not_logged_in(&format!("there is no token for {}", escape::line(url))).into());
        }
        open(stored, url)
    }

    /// A client of the grid for what needs no token.
    pub fn client_without_token(&self) -> anyhow::Result<Client> {
        match self.config.stored.url.as_deref() {
            Some(url) => open(&self.config.stored, url),
            None => self.client(),
        }
    }

    /// The job that the user means: an id, the beginning of one, a name, or the newest where nothing is said.
    pub async fn job(&self, client: &Client, said: Option<&str>) -> anyhow::Result<JobId> {
        if let Some(Ok(id)) = said.map(str::parse) {
            return Ok(id);
        }
        let page_jobs = said.map_or(1, |_| JOBS_SEARCHED);
        let jobs = all(page_jobs, |cursor, rows| async move { client.jobs(cursor.as_deref(), rows).await }).await?;
        Ok(choose(&jobs, said)?)
    }
}

/// A client of `url` as `stored` says.
pub fn open(stored: &Stored, url: &str) -> anyhow::Result<Client> {
    let ca_pem = match &stored.ca {
        Some(file) => Some(std::fs::read(file).with_context(|| format!("failed to read {}", file.display()))?),
        None => None,
    };
    let (token, allow_plain_http) = (stored.token.clone(), stored.allow_plain_http);
    Ok(Client::new(url, ClientOptions { token, ca_pem, allow_plain_http, ..ClientOptions::default() })?)
}

/// All rows of a list, at most `max`.
pub async fn all<T, F, A>(max: usize, page: F) -> Result<Vec<T>, ClientError>
where
    F: Fn(Option<String>, u32) -> A,
    A: Future<Output = Result<Page<T>, ClientError>>,
{
    let (mut rows, mut cursor) = (Vec::new(), None);
    loop {
        let left = u32::try_from(max - rows.len()).unwrap_or(PAGE_ROWS);
        let Page { items, next } = page(cursor, left.min(PAGE_ROWS)).await?;
        let empty = items.is_empty();
        rows.extend(items);
        cursor = next;
        if rows.len() >= max || cursor.is_none() || empty {
            rows.truncate(max);
            return Ok(rows);
        }
    }
}

/// How long a watcher waits for one answer.
pub const POLL: Duration = Duration::from_secs(20);

fn choose(jobs: &[JobInfo], said: Option<&str>) -> Result<JobId, Failure> {
    let help = "fallow jobs lists yours";
    let Some(said) = said else {
        let newest = jobs.iter().max_by_key(|job| job.created_at_ms);
        let none = || Failure::new("you have no jobs").help("fallow submit").exit(Exit::Usage);
        return newest.map(|job| job.id.clone()).ok_or_else(none);
    };
    let begins = |job: &&JobInfo| job.id.as_str().starts_with(said) && said.len() > JobId::PREFIX.len();
    let mut matching: Vec<&JobInfo> = jobs.iter().filter(begins).collect();
    if matching.is_empty() {
        matching = jobs.iter().filter(|job| job.name == said).collect();
    }
    match matching.as_slice() {
        [job] => Ok(job.id.clone()),
        [] => Err(Failure::usage(format!("there is no job {said:?}"), help)),
        many => {
            let ids: Vec<&str> = many.iter().take(5).map(|job| job.id.as_str()).collect();
            Err(Failure::usage(
                format!("{said:?} is {} of your jobs", many.len()),
                format!("say one: {}", ids.join(", ")),
            ))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use fallow_protocol::api::{JobPhase, UnitCounts};

    use super::*;

    pub(crate) fn job(id: &str, name: &str, created_at_ms: u64) -> JobInfo {
        JobInfo {
            id: id.parse().unwrap(),
            name: name.into(),
            phase: JobPhase::Running,
            version: 1,
            counts: UnitCounts::default(),
            split_done: true,
            merge_counts: UnitCounts::default(),
            fuel: 0,
            rate_milli: 0,
            eta_s: None,
            progress_milli: 0,
            nodes: 0,
            created_at_ms,
            ended_at_ms: None,
            result: None,
            error: None,
            budget: None,
            spent: 0,
            held: 0,
            waiting_for: None,
            project: None,
            corrections: 0,
            notice: None,
            submission: None,
        }
    }

    #[test]
    fn a_job_is_meant_by_id_beginning_name_or_as_the_newest() {
        let jobs = [
            job("job-7f3b00000000", "cells", 1),
            job("job-7f3c00000000", "primes", 3),
            job("job-8f3b00000000", "cells", 2),
        ];
        let chosen = |said| choose(&jobs, said).map(|id| id.to_string()).map_err(|failure| failure.what);
        assert_eq!(chosen(None), Ok("job-7f3c00000000".into()));
        assert_eq!(chosen(Some("job-8")), Ok("job-8f3b00000000".into()));
        assert_eq!(chosen(Some("primes")), Ok("job-7f3c00000000".into()));
        assert_eq!(chosen(Some("job-7f3")), Err("\"job-7f3\" is 2 of your jobs".into()));
        assert_eq!(chosen(Some("cells")), Err("\"cells\" is 2 of your jobs".into()));
        assert_eq!(chosen(Some("job-")), Err("there is no job \"job-\"".into()));
    }

    #[tokio::test]
    async fn lists_are_read_to_their_end_but_no_further_than_asked() {
        let pages = |cursor: Option<String>, rows: u32| async move {
            let from: u32 = cursor.map_or(0, |cursor| cursor.parse().unwrap());
            let to = (from + rows).min(450);
            Ok(Page { items: (from..to).collect(), next: (to < 450).then(|| to.to_string()) })
        };
        assert_eq!(all(1_000, pages).await.unwrap().len(), 450);
        assert_eq!(all(7, pages).await.unwrap(), [0, 1, 2, 3, 4, 5, 6]);
    }
}
