//! Counters for `GET /metrics`, in Prometheus' text format. Those who know raise them; nothing is computed here.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Labels of a request: the route's template (never a path that somebody chose), the method and the status.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// Template of the route.
    pub route: String,
    /// Method.
    pub method: Method,
    /// HTTP status.
    pub status: u16,
}

/// Methods of the API; anything else is `Other`, so that strangers cannot make labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET and HEAD.
    Get,
    /// POST.
    Post,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
    /// Any other.
    Other,
}

impl EncodeLabelValue for Method {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), fmt::Error> {
        let word = match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Other => "other",
        };
        EncodeLabelValue::encode(&word, encoder)
    }
}

/// Label of a finished attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabels {
    /// `Outcome::label`, as `done` or `guest error`.
    pub outcome: &'static str,
}

/// All counters. Cheap to raise from anywhere.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    /// Requests answered.
    pub requests: Family<RequestLabels, Counter>,
    /// Time to the head of the answer, seconds.
    pub request_seconds: Histogram,
    /// Nodes connected.
    pub nodes_online: Gauge,
    /// Attempts that ended, by outcome; workers raise it once a result is committed.
    pub units: Family<OutcomeLabels, Counter>,
    /// Units made.
    pub units_made: Counter,
    /// Units handed out.
    pub units_leased: Counter,
    /// Fuel of accepted runs.
    pub fuel: Counter,
    /// Units that the server's own worker ran, by outcome; `none` where it came to none.
    pub anchor_units: Family<OutcomeLabels, Counter>,
    /// Wall time that it took, seconds.
    pub anchor_seconds: Counter<f64, AtomicU64>,
    /// Leases that ended because their node was silent.
    pub leases_expired: Counter,
    /// Jobs accepted.
    pub jobs_submitted: Counter,
    /// Jobs that have not ended.
    pub jobs_active: Gauge,
    /// Results and frames that no honest node sends.
    pub node_faults: Counter,
    /// Progress of units that its node does not hold.
    pub progress_ignored: Counter,
    /// Bytes received into blobs.
    pub blob_bytes_in: Counter,
    /// Bytes of blobs asked for.
    pub blob_bytes_out: Counter,
    /// Modules accepted.
    pub modules_accepted: Counter,
    /// Modules refused.
    pub modules_refused: Counter,
    /// Requests turned away because somebody asked too often.
    pub rate_limited: Counter,
    /// Statements given to the database.
    pub store_statements: Gauge,
    /// Streams of events that are open.
    pub streams_open: Gauge,
    /// What did not add up when the ledger was last checked; below zero where that could not be told.
    pub ledger_findings: Gauge,
    /// Transfers that were checked then.
    pub ledger_transfers: Gauge,
    /// When that was, seconds since 1970; 0 before the first time.
    pub ledger_checked_at: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Mutex::new(Registry::with_prefix("fallow")),
            requests: Family::default(),
            request_seconds: Histogram::new(exponential_buckets(0.0005, 2.0, 16)),
            nodes_online: Gauge::default(),
            units: Family::default(),
            units_made: Counter::default(),
            units_leased: Counter::default(),
            fuel: Counter::default(),
            anchor_units: Family::default(),
            anchor_seconds: Counter::default(),
            leases_expired: Counter::default(),
            jobs_submitted: Counter::default(),
            jobs_active: Gauge::default(),
            node_faults: Counter::default(),
            progress_ignored: Counter::default(),
            blob_bytes_in: Counter::default(),
            blob_bytes_out: Counter::default(),
            modules_accepted: Counter::default(),
            modules_refused: Counter::default(),
            rate_limited: Counter::default(),
            store_statements: Gauge::default(),
            streams_open: Gauge::default(),
            ledger_findings: Gauge::default(),
            ledger_transfers: Gauge::default(),
            ledger_checked_at: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    /// The whole table as text.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        let registry = self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        text::encode(&mut out, &registry)?;
        Ok(out)
    }

    /// A result was committed.
    pub fn unit_ended(&self, outcome: &'static str) {
        self.units.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// The server's own worker is through with a unit.
    pub fn anchor_unit_ended(&self, outcome: &'static str) {
        self.anchor_units.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    fn register(&self) {
        let mut registry = self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut counter = |name: &str, help: &str, counter: &Counter| registry.register(name, help, counter.clone());
        counter("units_made", "units made by splitting", &self.units_made);
        counter("units_leased", "units handed out", &self.units_leased);
        counter("fuel", "fuel of accepted runs", &self.fuel);
        counter("leases_expired", "leases that ended because their node was silent", &self.leases_expired);
        counter("jobs_submitted", "jobs accepted", &self.jobs_submitted);
        counter("node_faults", "messages that no honest node sends", &self.node_faults);
        counter("progress_ignored", "progress of units that its node does not hold", &self.progress_ignored);
        counter("blob_in_bytes", "bytes received into blobs", &self.blob_bytes_in);
        counter("blob_out_bytes", "bytes of blobs asked for", &self.blob_bytes_out);
        counter("modules_accepted", "modules accepted", &self.modules_accepted);
        counter("modules_refused", "modules refused", &self.modules_refused);
        counter("rate_limited", "requests turned away because of their rate", &self.rate_limited);
        registry.register("requests", "requests answered", self.requests.clone());
        registry.register("request_seconds", "time to the head of the answer", self.request_seconds.clone());
        registry.register("nodes_online", "nodes connected", self.nodes_online.clone());
        registry.register("units", "attempts that ended, by outcome", self.units.clone());
        registry.register("anchor_units", "units run by the server's own worker", self.anchor_units.clone());
        registry.register("anchor_seconds", "wall time of the server's own worker", self.anchor_seconds.clone());
        registry.register("jobs_active", "jobs that have not ended", self.jobs_active.clone());
        registry.register("store_statements", "statements given to the database", self.store_statements.clone());
        registry.register("streams_open", "open streams of events", self.streams_open.clone());
        let help = "what did not add up when the ledger was last checked, below zero where that could not be told";
        registry.register("ledger_findings", help, self.ledger_findings.clone());
        registry.register("ledger_transfers", "transfers checked then", self.ledger_transfers.clone());
        let help = "when the ledger was last checked, seconds since 1970";
        registry.register("ledger_checked_at", help, self.ledger_checked_at.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_told() {
        let metrics = Metrics::default();
        metrics.unit_ended("guest error");
        metrics
            .requests
            .get_or_create(&RequestLabels { route: "/healthz".into(), method: Method::Get, status: 200 })
            .inc();
        let text = metrics.text().unwrap();
        assert!(text.contains("fallow_units_total{outcome=\"guest error\"} 1"), "{text}");
        assert!(text.contains("route=\"/healthz\",method=\"GET\",status=\"200\"} 1"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
