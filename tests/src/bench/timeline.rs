//! Where the wall time of one job went: spans from the nodes' logs, and every instant given to one of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use fallow_protocol::unit::{STAGE_RUN, STAGE_SPLIT};

/// What a node's program is told to log, so that its log can be read here.
pub const NODE_LOG: &str = "info,fallow_node=debug";

const DAY_S: f64 = 86_400.0;

/// What is done in a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doing {
    /// The guest's split.
    Split,
    /// The guest's run.
    Run,
    /// The guest's merge.
    Merge,
    /// The module is compiled, or a worker started.
    Compile,
    /// Inputs come to a node.
    TransferIn,
    /// Outputs go to the server.
    TransferOut,
    /// Nothing, while another node runs a unit: too few units are left for all.
    Tail,
    /// None of these.
    Other,
}

/// A stretch of time on one node, seconds since the clock that it was read with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    node: usize,
    doing: Doing,
    from_s: f64,
    to_s: f64,
}

/// A clock that log lines are read against.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began_of_day_s: f64,
}

impl Clock {
    /// One that begins now.
    pub fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        Self { began_of_day_s: unix % DAY_S }
    }

    /// Seconds since its start at which a line was written: lines begin as `2026-01-31T12:34:56.789012Z`.
    fn read(&self, line: &str) -> Option<f64> {
        let time = line.split_once('T')?.1.split_once('Z')?.0;
        let mut seconds = 0.0;
        for part in time.split(':') {
            seconds = seconds * 60.0 + part.parse::<f64>().ok()?;
        }
        let since = seconds - self.began_of_day_s;
        // Over midnight it begins again.
        Some(if since < -DAY_S / 2.0 { since + DAY_S } else { since })
    }
}

/// Spans of one node, from its log.
pub fn spans(node: usize, log: &Path, clock: Clock) -> Result<Vec<Span>> {
    let text = std::fs::read_to_string(log).with_context(|| format!("failed to read {}", log.display()))?;
    Ok(read_spans(node, &text, clock))
}

fn read_spans(node: usize, log: &str, clock: Clock) -> Vec<Span> {
    let (mut spans, mut began, mut stages) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for line in log.lines() {
        let Some(at_s) = clock.read(line) else { continue };
        let (tag, took_s) = (field(line, "tag"), field(line, "took_us").unwrap_or_default() / 1e6);
        let mut ended = |doing| spans.push(Span { node, doing, from_s: at_s - took_s, to_s: at_s });
        if line.contains(": module fetched ") || line.contains(": parts fetched ") {
            ended(Doing::TransferIn);
        } else if line.contains(": module compiled ") || line.contains(": worker started ") {
            ended(Doing::Compile);
        } else if line.contains(": input fetched ") {
            ended(Doing::TransferIn);
            stages.insert(tag.unwrap_or_default() as u64, field(line, "stage").unwrap_or_default() as u16);
        } else if line.contains(": output kept ") || line.contains(": output uploaded ") {
            ended(Doing::TransferOut);
        } else if line.contains(": unit began ") {
            began.insert(tag.unwrap_or_default() as u64, at_s);
        } else if line.contains(": unit ended ") {
            let tag = tag.unwrap_or_default() as u64;
            let from_s = began.remove(&tag).unwrap_or(at_s - took_s);
            let doing = match stages.get(&tag) {
                Some(&STAGE_SPLIT) => Doing::Split,
                Some(&STAGE_RUN) | None => Doing::Run,
                Some(_) => Doing::Merge,
            };
            spans.push(Span { node, doing, from_s, to_s: from_s + took_s });
        }
    }
    spans
}

/// A number in a log line, written as `key=12`.
fn field(line: &str, key: &str) -> Option<f64> {
    let mut words = line.split_whitespace();
    words.find_map(|word| word.strip_prefix(key)?.strip_prefix('=')?.parse().ok())
}

/// Seconds from `from_s` to `to_s` by what was done. Each node has its part of every instant; a split or a merge, which
/// nothing can be done beside, has the whole of it. They add up to the time between.
pub fn attribute(spans: &[Span], nodes: usize, from_s: f64, to_s: f64) -> BTreeMap<Doing, f64> {
    let mut cuts: Vec<f64> = spans.iter().flat_map(|span| [span.from_s, span.to_s]).chain([from_s, to_s]).collect();
    cuts.retain(|cut| (from_s..=to_s).contains(cut));
    cuts.sort_by(f64::total_cmp);
    let mut sums = BTreeMap::new();
    for pair in cuts.windows(2) {
        let (len, middle) = (pair[1] - pair[0], (pair[0] + pair[1]) / 2.0);
        let now: Vec<&Span> = spans.iter().filter(|span| (span.from_s..span.to_s).contains(&middle)).collect();
        for node in 0..nodes {
            *sums.entry(doing(&now, node)).or_insert(0.0) += len / nodes as f64;
        }
    }
    sums
}

/// What a node's part of an instant is for. The order of [`Doing`] is that of what outweighs what.
fn doing(now: &[&Span], node: usize) -> Doing {
    let first = |of_all: bool| now.iter().filter(|span| of_all || span.node == node).map(|span| span.doing).min();
    match (first(false), first(true)) {
        (_, Some(alone @ (Doing::Split | Doing::Merge))) => alone,
        (Some(own), _) => own,
        (None, Some(Doing::Run)) => Doing::Tail,
        (None, Some(others)) => others,
        (None, None) => Doing::Other,
    }
}

/// When the last span ended, seconds.
pub fn last_end(spans: &[Span]) -> f64 {
    spans.iter().map(|span| span.to_s).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_gives_spans() {
        let clock = Clock { began_of_day_s: 86_399.0 };
        let log = "2026-01-31T23:59:59.500000Z DEBUG fallow_node::prepare: module compiled job=job-1 took_us=250000\n\
            2026-02-01T00:00:00.000000Z DEBUG fallow_node::runner::life: input fetched tag=7 stage=1 seq=0 took_us=100000\n\
            2026-02-01T00:00:01.000000Z DEBUG fallow_node::runner::life: unit began tag=7\n\
            2026-02-01T00:00:04.000000Z DEBUG fallow_node::runner::life: unit ended tag=7 took_us=2000000\n\
            no line of the log\n";
        let span = |doing, from_s, to_s| Span { node: 0, doing, from_s, to_s };
        let expected = [span(Doing::Compile, 0.25, 0.5), span(Doing::TransferIn, 0.9, 1.0), span(Doing::Run, 2.0, 4.0)];
        assert_eq!(read_spans(0, log, clock), expected);
    }

    #[test]
    fn every_instant_is_given_once() {
        let span = |node, doing, from_s, to_s| Span { node, doing, from_s, to_s };
        let spans = [
            span(0, Doing::Split, 1.0, 2.0),
            span(1, Doing::Compile, 1.0, 3.0),
            span(0, Doing::Run, 3.0, 5.0),
            span(1, Doing::Run, 3.0, 6.0),
            span(0, Doing::TransferIn, 4.0, 5.5),
            span(0, Doing::Merge, 7.0, 8.0),
        ];
        let sums = attribute(&spans, 2, 0.0, 9.0);
        let expected = [
            (Doing::Split, 1.0),
            (Doing::Run, 2.5),
            (Doing::Merge, 1.0),
            (Doing::Compile, 1.0),
            (Doing::TransferIn, 0.25),
            (Doing::Tail, 0.25),
            (Doing::Other, 3.0),
        ];
        assert_eq!(sums, BTreeMap::from(expected));
        assert_eq!(sums.values().sum::<f64>(), 9.0);
    }
}
