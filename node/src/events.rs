//! What happens, for programs: one JSON object a line on stdout with `--json`.
//!
//! Owns the shape of these lines. Logs for people go to stderr through `tracing` and are not here.

use std::io::Write;

use fallow_protocol::outcome::Outcome;
use fallow_protocol::{JobId, NodeId};
use serde::Serialize;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The node belongs to a grid now.
    Joined {
        /// Its id there.
        node: NodeId,
        /// The grid's name.
        grid: String,
    },
    /// The grid welcomed it.
    Online,
    /// The connection is gone; the node tries again by itself.
    Offline {
        /// Why.
        reason: String,
    },
    /// A unit began.
    UnitStarted {
        /// Its job.
        job: JobId,
        /// Its stage.
        stage: u16,
        /// Its number.
        seq: u64,
    },
    /// A unit ended.
    UnitEnded {
        /// Its job.
        job: JobId,
        /// Its stage.
        stage: u16,
        /// Its number.
        seq: u64,
        /// How, as `done` or `guest error`.
        outcome: &'static str,
        /// The message that goes with it.
        message: String,
    },
    /// Units were given back unrun.
    Declined {
        /// Their job.
        job: JobId,
        /// How many.
        units: usize,
        /// Why.
        reason: String,
    },
    /// The owner paused the node.
    Paused {
        /// Why.
        reason: String,
    },
    /// The owner let it go on.
    Resumed,
    /// It gives back what it has not begun and leaves.
    Draining,
}

impl Event {
    /// A unit's end.
    pub fn unit_ended(job: JobId, key: fallow_protocol::unit::UnitKey, outcome: &Outcome) -> Self {
        let message = outcome.message().to_owned();
        Self::UnitEnded { job, stage: key.stage, seq: key.seq, outcome: outcome.label(), message }
    }
}

/// Where lines go; nowhere without `--json`.
#[derive(Clone, Copy, Debug)]
pub struct Teller {
    /// Whether lines are wanted.
    pub json: bool,
}

impl Teller {
    /// Print one line. A closed stdout is not the node's problem.
    pub fn tell(&self, event: &Event) {
        if !self.json {
            return;
        }
        let line = serde_json::to_string(event).expect("an event always encodes");
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_named_by_event() {
        let line = serde_json::to_value(Event::Offline { reason: "gone".into() }).unwrap();
        assert_eq!(line, serde_json::json!({"event": "offline", "reason": "gone"}));
        let job = JobId::random();
        let key = fallow_protocol::unit::UnitKey { stage: 1, seq: 4 };
        let line = serde_json::to_value(Event::unit_ended(job.clone(), key, &Outcome::Done)).unwrap();
        assert_eq!(line["event"], "unit_ended");
        assert_eq!(line["job"], job.as_str());
        assert_eq!(line["outcome"], "done");
    }
}
