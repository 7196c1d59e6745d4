//! A reader of server-sent events, and the map of units that they keep current: what a page does.

use anyhow::{Context, Result, bail, ensure};
use fallow_protocol::api::MapChange;
use fallow_protocol::unit_map::decode;
use reqwest::Method;
use serde_json::Value;

use crate::JOB;
use crate::grid::Account;

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its id, where it has one.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Value,
}

/// An open stream.
pub struct Events {
    answer: reqwest::Response,
    text: Vec<u8>,
}

impl Events {
    /// Open one; `last` is the id of the last event that was seen.
    pub async fn open(account: &Account, path: &str, last: Option<u64>) -> Result<Self> {
        let mut request = account.request(Method::GET, path);
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let answer = request.send().await?.error_for_status()?;
        let kind = answer.headers().get("content-type").context("a content type")?;
        ensure!(kind == "text/event-stream", "expected events, found {kind:?}");
        Ok(Self { answer, text: Vec::new() })
    }

    /// The next event; none where the stream has ended.
    pub async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(end) = self.text.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.text.drain(..end + 2).collect();
                match parse(std::str::from_utf8(&block)?)? {
                    Some(event) => return Ok(Some(event)),
                    None => continue,
                }
            }
            match tokio::time::timeout(JOB, self.answer.chunk()).await.context("no sign of life")? {
                Ok(Some(bytes)) => self.text.extend(bytes),
                Ok(None) | Err(_) => return Ok(None),
            }
        }
    }

    /// The next event with this name; others are passed over.
    pub async fn named(&mut self, name: &str) -> Result<Event> {
        loop {
            let event = self.next().await?.with_context(|| format!("the stream ended before {name:?}"))?;
            if event.name == name {
                return Ok(event);
            }
        }
    }
}

/// None for comments and settings.
fn parse(block: &str) -> Result<Option<Event>> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let Some(name) = field("event") else { return Ok(None) };
    let data = field("data").with_context(|| format!("an event without data: {block:?}"))?;
    Ok(Some(Event { id: field("id").map(str::to_owned), name: name.to_owned(), data: serde_json::from_str(data)? }))
}

/// The map of a job's units as a page has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Its version.
    pub version: u64,
    /// A byte a unit.
    pub states: Vec<u8>,
}

impl Map {
    /// Fetch it.
    pub async fn fetch(account: &Account, job: &str) -> Result<Self> {
        let answer = account.request(Method::GET, &format!("/api/v1/jobs/{job}/map")).send().await?;
        let (version, states) = decode(&answer.error_for_status()?.bytes().await?)?;
        Ok(Self { version, states })
    }

    /// Bring in what an event says. False where it says that everything has to be fetched again.
    pub fn apply(&mut self, event: &Event) -> Result<bool> {
        if event.name != "map" {
            return Ok(event.name != "reset");
        }
        let change: MapChange = serde_json::from_value(event.data.clone())?;
        ensure!(event.id.as_deref() == Some(change.version.to_string().as_str()), "{event:?}");
        if change.version <= self.version {
            return Ok(true);
        }
        ensure!(change.version == self.version + 1, "a change is missing between {} and {event:?}", self.version);
        for (first, len, state) in change.runs {
            let past = usize::try_from(first + len)?;
            if past > self.states.len() {
                self.states.resize(past, 0);
            }
            self.states[usize::try_from(first)?..past].fill(state);
        }
        ensure!(self.states.len() as u64 == change.total, "{} units, told were {}", self.states.len(), change.total);
        self.version = change.version;
        Ok(true)
    }
}

/// A page that follows a job: fetches, applies, and comes again where the stream breaks.
pub struct Page<'a> {
    account: &'a Account,
    job: String,
    /// The map.
    pub map: Map,
    /// The job as it was last told.
    pub told: Value,
    /// How often everything had to be fetched again.
    pub resets: u32,
    stream: Option<Events>,
}

impl<'a> Page<'a> {
    /// Fetch the map, then follow.
    pub async fn open(account: &'a Account, job: &str) -> Result<Self> {
        let map = Map::fetch(account, job).await?;
        Ok(Self { account, job: job.to_owned(), map, told: Value::Null, resets: 0, stream: None })
    }

    /// Drop the connection; the next step makes another.
    pub fn hang_up(&mut self) {
        self.stream = None;
    }

    /// Take one event in.
    pub async fn step(&mut self) -> Result<()> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let path = format!("/api/v1/jobs/{}/events", self.job);
                self.stream.insert(Events::open(self.account, &path, Some(self.map.version)).await?)
            }
        };
        let Some(event) = stream.next().await? else {
            self.stream = None;
            return Ok(());
        };
        if event.name == "job" {
            self.told = event.data.clone();
        }
        if !self.map.apply(&event)? {
            self.resets += 1;
            self.map = Map::fetch(self.account, &self.job).await?;
        }
        Ok(())
    }

    /// Follow until the page `fits`.
    pub async fn until(&mut self, what: &str, fits: impl Fn(&Self) -> bool) -> Result<()> {
        let follow = async {
            while !fits(self) {
                self.step().await?;
            }
            anyhow::Ok(())
        };
        match tokio::time::timeout(JOB, follow).await {
            Ok(followed) => followed,
            Err(_) => bail!("the page did not come to be {what}: {} at {}", self.told, self.map.version),
        }
    }

    /// Follow until the map is the one that the server would give afresh, and compare.
    pub async fn compare(&mut self) -> Result<()> {
        for _ in 0..100 {
            let fresh = Map::fetch(self.account, &self.job).await?;
            self.until("as new as the server's", |page| page.map.version >= fresh.version).await?;
            if self.map.version == fresh.version {
                ensure!(self.map.states == fresh.states, "the map that was followed differs from the fresh one");
                return Ok(());
            }
        }
        bail!("the map never came to rest")
    }
}
